"""Step sizes that fall by the round."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray


class Decay(Protocol):
    """A small frozen value."""

    def factor(self, version: int) -> float:
        """What the step size is multiplied by after the server has combined answers so often."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Milestones:
    """Times ``by`` from each of these rounds on: by ten at rounds 100 and 150 in Marfoq et al. 2021."""

    at: tuple[int, ...] = (100, 150)
    by: float = 0.1

    def __post_init__(self) -> None:
        if not all(0 < one < two for one, two in zip(self.at, (*self.at[1:], np.inf), strict=True)):
            raise FedsimError(f"milestones: at must be rounds >= 1 that rise, got {list(self.at)}")
        if not 0 < self.by <= 1:
            raise FedsimError(f"milestones: by must be > 0 and <= 1, got {self.by!r}")

    def factor(self, version: int) -> float:
        """See ``Decay``."""
        return float(self.by ** sum(version >= one for one in self.at))


@dataclass(frozen=True, kw_only=True, slots=True)
class Exponential:
    """Times ``per_round`` with every round, as in the experiments of McMahan et al. 2017."""

    per_round: float = 0.99

    def __post_init__(self) -> None:
        if not 0 < self.per_round <= 1:
            raise FedsimError(f"exponential: per_round must be > 0 and <= 1, got {self.per_round!r}")

    def factor(self, version: int) -> float:
        """See ``Decay``."""
        return float(self.per_round**version)


def rates(step_size: float, decay: Decay | None, versions: IntArray) -> Array | None:
    """The step sizes of devices that work on what was sent at these versions, (b,); None where nothing decays."""
    if decay is None:
        return None
    factors = {version: decay.factor(version) for version in set(versions.tolist())}
    return step_size * np.array([factors[version] for version in versions.tolist()])
