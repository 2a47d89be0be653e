"""Quantity skew: devices with unequally many rows of the same law."""

import math
from dataclasses import dataclass

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.partition import apportioned, by_sizes
from fedsim.tasks.partitions.partition import check_minimum
from fedsim.tasks.rows import Rows


@dataclass(frozen=True, kw_only=True)
class Lognormal:
    """Quantity skew: sizes in proportion to lognormal draws, rows as they come.

    Everybody gets ``min_examples`` first; the rest is shared out in proportion to exp(sigma z), z standard normal, to
    whole rows by largest remainders.
    """

    sigma: float = 1.0
    """Spread of the sizes; 0 for equal ones."""
    min_examples: int = 2
    """Examples that every device has at least."""

    def __post_init__(self) -> None:
        if not 0 <= self.sigma < math.inf:
            raise FedsimError(f"sigma must be >= 0 and finite, got {self.sigma!r}")
        check_minimum(self.min_examples)

    def assign(self, rows: Rows, devices: int, rng: np.random.Generator) -> IntArray:
        """See ``Partition``."""
        shares = lognormal_shares(devices, self.sigma, rng)
        return by_sizes(apportioned(shares, len(rows), minimum=self.min_examples), rng)


@dataclass(frozen=True, kw_only=True)
class Zipf:
    """Quantity skew: the device of rank r has a share in proportion to r^-exponent; ranks are drawn.

    Everybody gets ``min_examples`` first; the rest is shared out so, to whole rows by largest remainders.
    """

    exponent: float = 1.0
    """How fast shares fall with the rank: 0 for equal ones."""
    min_examples: int = 2
    """Examples that every device has at least."""

    def __post_init__(self) -> None:
        if not 0 <= self.exponent < math.inf:
            raise FedsimError(f"exponent must be >= 0 and finite, got {self.exponent!r}")
        check_minimum(self.min_examples)

    def assign(self, rows: Rows, devices: int, rng: np.random.Generator) -> IntArray:
        """See ``Partition``."""
        weights = np.arange(1.0, devices + 1) ** -self.exponent
        sizes = apportioned(weights / weights.sum(), len(rows), minimum=self.min_examples)
        return by_sizes(rng.permutation(sizes), rng)


def lognormal_shares(devices: int, sigma: float, rng: np.random.Generator) -> Array:
    """Shares in proportion to exp(sigma z), z standard normal: (devices,), summing to 1."""
    logs = sigma * rng.standard_normal(devices)
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())
