"""Step sizes that fall by the round."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray


class Decay(Protocol):
    """How much of the step size is left after so many rounds: a small frozen value."""

    def factors(self, versions: IntArray) -> Array:
        """(b,) in [0, 1], from how often the server had combined answers when each device was sent its model.

        A device that is behind, as under asynchronous protocols, steps as the server's version that it has says.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class Exponential:
    """The step size times ``per_round`` after every round (McMahan et al. 2017, Figure 4: 0.99)."""

    per_round: float = 0.99
    """What the step size is multiplied by after every round; above 0 and at most 1."""

    def __post_init__(self) -> None:
        _check("exponential", "per_round", self.per_round)

    def factors(self, versions: IntArray) -> Array:
        """per_round to the power of the version."""
        return np.power(self.per_round, np.asarray(versions, dtype=np.float64))


@dataclass(frozen=True, kw_only=True, slots=True)
class Milestones:
    """The step size times ``factor`` at each of these rounds (Marfoq et al. 2021: 0.1 after 100 and 150 of 200)."""

    at: tuple[int, ...] = (100, 150)
    """Rounds at which the step size is multiplied; each later than the one before."""
    factor: float = 0.1
    """What it is multiplied by; above 0 and at most 1."""

    def __post_init__(self) -> None:
        if not self.at or not self.at[0] >= 1 or not all(a < b for a, b in pairwise(self.at)):
            raise FedsimError(f"milestones: at must be rising numbers of rounds >= 1, got {list(self.at)!r}")
        _check("milestones", "factor", self.factor)

    def factors(self, versions: IntArray) -> Array:
        """``factor`` to the power of how many milestones the version has reached."""
        passed = np.searchsorted(np.array(self.at), versions, side="right")
        return np.power(self.factor, passed.astype(np.float64))


def _check(what: str, name: str, value: float) -> None:
    if not 0 < value <= 1:
        raise FedsimError(f"{what}: {name} must be > 0 and <= 1, got {value!r}")
