"""Topologies drawn by rule and by chance, from a few parameters."""
