"""Tests that count pairs, and what becomes of p-values when there are many of them."""

from collections.abc import Sequence

from scipy.special import bdtr


def sign_test(better: int, worse: int) -> float:
    """The two-sided p-value of ``better`` against ``worse`` pairs, were both as likely. Ties are left out.

    The exact binomial test. Of the pairs in which one run reached a target and the other did not it is the exact
    form of McNemar's test ("Note on the sampling error of the difference between correlated proportions or
    percentages", 1947). Without any pair it is 1.
    """
    return min(1.0, 2 * float(bdtr(min(better, worse), better + worse, 0.5))) if better != worse else 1.0


def holm(values: Sequence[float]) -> list[float]:
    """P-values of several tests, raised so that each can be read as if it were alone.

    S. Holm, "A simple sequentially rejective multiple test procedure", 1979: the smallest of m is multiplied by m,
    the next by m - 1, and so on; none is smaller than one before it, or above 1. Whatever hangs together among the
    tests, the probability that any difference is wrongly called real stays below the level.
    """
    raised, so_far = [1.0] * len(values), 0.0
    for rank, i in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        so_far = max(so_far, min(1.0, (len(values) - rank) * values[i]))
        raised[i] = so_far
    return raised
