"""How many examples each device has: the law that FedProx's and FedEM's generators share."""

import math
from dataclasses import dataclass

import numpy as np

from fedsim import limits
from fedsim.errors import FedsimError
from fedsim.tasks.arrays import IntArray
from fedsim.tasks.generators.draws import Draws

_ENDLESS = 1e15


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """``least`` and the whole part of a lognormal draw, at most ``most``.

    ``size_mean`` and ``size_sd`` are those of the draw's logarithm. With ``least`` equal to ``most`` all devices have
    so many.
    """

    size_mean: float = 4.0
    """Mean of the logarithm of the lognormal part."""
    size_sd: float = 2.0
    """Standard deviation of that logarithm; >= 0."""
    least: int = 50
    """What every device has at least; >= 2."""
    most: int | None = None
    """The most that a device has; null for no bound."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.size_mean) or not 0 <= self.size_sd < math.inf:
            raise FedsimError(f"size_mean and size_sd must be finite, got {self.size_mean!r} and {self.size_sd!r}")
        if not self.least >= 2:
            raise FedsimError(f"least must be >= 2, one to train and one to test, got {self.least!r}")
        if self.most is not None and not self.most >= self.least:
            raise FedsimError(f"most must be >= least, {self.least}, got {self.most!r}")

    def draw(self, devices: int, luck: Draws) -> IntArray:
        """Examples of each device, (devices,)."""
        drawn = (luck("size", one).lognormal(self.size_mean, self.size_sd) for one in range(devices))
        most = math.inf if self.most is None else self.most
        return np.array([int(min(value + self.least, most, _ENDLESS)) for value in drawn], dtype=np.int64)


def check_width(numbers: float) -> None:
    """Refuse what one device's parameters cannot be.

    Raises:
        FedsimError: if there are too many.
    """
    limits.WIDTH.check(numbers, "features, and what is drawn for each,")


def check_seed(seed: int | None) -> None:
    """Refuse what NumPy's legacy generator does not take for a seed.

    Raises:
        FedsimError: if it is not between 0 and 2^32 - 1.
    """
    if seed is not None and not 0 <= seed < 2**32:
        raise FedsimError(f"seed must be between 0 and 2^32 - 1, got {seed!r}")
