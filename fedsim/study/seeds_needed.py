"""How many seeds a difference may need."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from statistics import mean, stdev
from typing import Final

from scipy.special import nctdtr, stdtrit

MOST_SEEDS: Final = 1000


def seeds_needed(values: Sequence[float], *, level: float = 0.05, power: float = 0.8) -> int | None:
    """With how many seeds a paired t test tells these differences from 0, with a probability of ``power``.

    Taken that the differences seen are what they are on average and spread as they do: the power of the test is
    that of the noncentral t distribution, Cohen, "Statistical power analysis for the behavioral sciences", 1988,
    chapter 2. That is a guess from a few seeds, and no promise.

    Returns None for fewer than two values, for a mean of 0, and where ``MOST_SEEDS`` would not do.
    """
    if len(values) < 2 or not math.isfinite(sum(values)) or (centre := mean(values)) == 0:
        return None
    if (spread := stdev(values)) == 0:
        return len(values)
    effect, counts = abs(centre) / spread, range(2, MOST_SEEDS + 1)
    i = bisect_left(counts, power, key=lambda seeds: _power(seeds, effect, level))  # the more seeds, the more power
    return counts[i] if i < len(counts) else None


def _power(seeds: int, effect: float, level: float) -> float:
    """The probability that the test rejects on the right side; on the wrong one it hardly ever does."""
    return 1 - float(nctdtr(seeds - 1, effect * math.sqrt(seeds), stdtrit(seeds - 1, 1 - level / 2)))
