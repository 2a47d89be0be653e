"""Runs and what they found out."""
