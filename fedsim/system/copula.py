"""Draws that go together: with a given rank correlation, and each by a law of its own."""

import math

import numpy as np
from scipy.special import ndtr, ndtri

from fedsim.system.process import Array


def correlated(q: Array, given: Array, spearman: float) -> Array:
    """Uniform numbers, (n,), made of independent ones ``q``, that have this rank correlation with ``given``: (n,) both.

    A Gaussian copula: ``Phi(r Phi^-1(given) + sqrt(1 - r^2) Phi^-1(q))`` with ``r = 2 sin(pi spearman / 6)``, for which
    Spearman's coefficient is exactly ``spearman`` (Kruskal 1958, Ordinal measures of association).

    Raises:
        ValueError: a coefficient outside -1 to 1.
    """
    if not -1 <= spearman <= 1:
        raise ValueError(f"a rank correlation must be from -1 to 1, got {spearman!r}")
    if spearman == 0:
        return q
    r = 2 * math.sin(math.pi * spearman / 6)
    mixed = r * ndtri(given) + math.sqrt(max(1 - r * r, 0.0)) * ndtri(q)
    return np.asarray(ndtr(mixed))
