"""The mean of a few differences, and how sure one can be of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from scipy.special import stdtr, stdtrit


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A mean over ``pairs`` values, and the ends of its confidence interval; None where one value gives none.

    ``p`` is the probability, were the true mean 0, of a mean this far from 0 or farther.
    """

    mean: float
    low: float | None
    high: float | None
    pairs: int
    p: float | None = None


def t_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Student's interval for the mean: mean +- t * s / sqrt(n), with n - 1 degrees of freedom, and his test's p.

    Exact for normal values, and a fair approximation for means of others. Equal values give an interval of
    width 0, and a p of 0, or of 1 if they are 0.

    Raises:
        ValueError: without values, or with one that is not finite.
    """
    if not values or not all(math.isfinite(value) for value in values):
        raise ValueError(f"values must be finite, and at least one, got {values!r}")
    count = len(values)
    centre = mean(values)
    if count == 1:
        return Interval(mean=centre, low=None, high=None, pairs=1)
    error = stdev(values) / math.sqrt(count)
    half = float(stdtrit(count - 1, (1 + confidence) / 2)) * error
    return Interval(mean=centre, low=centre - half, high=centre + half, pairs=count, p=_p(centre, error, count - 1))


def _p(centre: float, error: float, freedom: int) -> float:
    if error == 0:
        return 1.0 if centre == 0 else 0.0
    return 2 * float(stdtr(freedom, -abs(centre) / error))
