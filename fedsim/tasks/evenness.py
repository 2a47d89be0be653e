"""How alike devices are served."""

import math
from dataclasses import dataclass

import numpy as np

from fedsim.tasks.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class Evenness:
    """Of the devices' own accuracies a_t: how far apart they are.

    ``deviation`` is their standard deviation (over all m, not m - 1), as in Li et al. 2021, "Ditto", section 4.
    ``fairness`` is the index of Jain, Chiu and Hawe 1984, (sum a_t)^2 / (m sum a_t^2): 1 where all are alike, 1 / m
    where one has everything; 1 where all are 0, and NaN where one is negative, as R^2 may be.
    """

    deviation: float
    fairness: float


def evenness(shares: Array) -> Evenness:
    """Of accuracies (m,), at least one."""
    squares = float(np.square(shares).sum())
    fairness = float(shares.sum()) ** 2 / (len(shares) * squares) if squares else 1.0
    return Evenness(deviation=float(shares.std()), fairness=fairness if (shares >= 0).all() else math.nan)
