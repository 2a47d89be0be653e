"""How much an answer counts that was computed from an older model.

Xie, Koyejo and Gupta, "Asynchronous federated optimization", 2019, section 5.1; Nguyen et al., "Federated learning
with buffered asynchronous aggregation", AISTATS 2022, section 5.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray


class Staleness(Protocol):
    """A weight in [0, 1] for how often the server has combined answers since."""

    def weights(self, staleness: IntArray) -> Array:
        """1 for a fresh answer, and never more for an older one: (k,) to (k,)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConstantStaleness:
    """Every answer counts in full."""

    def weights(self, staleness: IntArray) -> Array:
        """1."""
        return np.ones(len(staleness))


@dataclass(frozen=True, kw_only=True, slots=True)
class PolynomialStaleness:
    """(1 + staleness) to the power of -``power``."""

    power: float = 0.5
    """The weight is (1 + versions behind) to the power of minus this; >= 0."""

    def __post_init__(self) -> None:
        if not 0 <= self.power < np.inf:
            raise FedsimError(f"staleness: power must be >= 0 and finite, got {self.power!r}")

    def weights(self, staleness: IntArray) -> Array:
        """(1 + s)^(-power)."""
        return np.asarray((1.0 + staleness) ** -self.power)


@dataclass(frozen=True, kw_only=True, slots=True)
class HingeStaleness:
    """1 up to a staleness of ``free``, then 1 / (``slope`` * (staleness - free) + 1)."""

    free: int = 4  # the paper's b
    """Versions behind up to which an answer counts in full; >= 0."""
    slope: float = 10.0  # the paper's a
    """How fast its weight falls beyond; >= 0."""

    def __post_init__(self) -> None:
        if not self.free >= 0:
            raise FedsimError(f"staleness: free must be >= 0, got {self.free!r}")
        if not 0 <= self.slope < np.inf:
            raise FedsimError(f"staleness: slope must be >= 0 and finite, got {self.slope!r}")

    def weights(self, staleness: IntArray) -> Array:
        """1 / (slope * max(s - free, 0) + 1)."""
        return np.asarray(1.0 / (self.slope * np.maximum(staleness - self.free, 0) + 1.0))
