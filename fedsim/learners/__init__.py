"""Learners: what is computed and what is sent. Pure numerics, with no clock and no await."""
