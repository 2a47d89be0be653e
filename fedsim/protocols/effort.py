"""How much of a round's work a device is asked for: what makes its theta, beside the time it has."""

from dataclasses import dataclass
from typing import Protocol

from fedsim.protocols.node import DeviceNode
from fedsim.protocols.session import CentralSession


class Effort(Protocol):
    """A small value."""

    @property
    def is_whole(self) -> bool:
        """Whether everybody is asked for everything, always."""

    def share(self, session: CentralSession, device: DeviceNode, number: int) -> float:
        """The share of its local steps that a device is asked for in the round of this number, in [0, 1]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WholeEffort:
    """Everybody does all of the work."""

    @property
    def is_whole(self) -> bool:
        """Yes."""
        return True

    def share(self, session: CentralSession, device: DeviceNode, number: int) -> float:
        """All."""
        del session, device, number
        return 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnEffort:
    """Each device's share is drawn anew for every round, uniform on [low, high].

    Smith et al. 2017, section 5.3, stragglers from systems heterogeneity: high variability is 0.1 to 1, low 0.9 to 1.
    """

    low: float = 0.1
    """Least share of the work that may be drawn; from 0 to 1."""
    high: float = 1.0
    """Largest share that may be drawn; from low to 1."""

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 1:
            raise ValueError(f"low and high must be 0 <= low <= high <= 1, got {self.low!r} and {self.high!r}")

    @property
    def is_whole(self) -> bool:
        """Only if nothing is left to chance."""
        return self.low == 1

    def share(self, session: CentralSession, device: DeviceNode, number: int) -> float:
        """By the device's own luck."""
        return self.low + (self.high - self.low) * float(session.streams("effort", device.name, number).random())


@dataclass(frozen=True, kw_only=True, slots=True)
class EffortByCharge:
    """All of the work from a charge of ``full_above`` on, none at an empty battery, in proportion between."""

    full_above: float = 0.5
    """Charge, as a share of the battery, from which on all of the work is done; above 0 and at most 1."""

    def __post_init__(self) -> None:
        if not 0 < self.full_above <= 1:
            raise ValueError(f"full_above must be > 0 and <= 1, got {self.full_above!r}")

    @property
    def is_whole(self) -> bool:
        """No: batteries drain."""
        return False

    def share(self, session: CentralSession, device: DeviceNode, number: int) -> float:
        """By the charge of now; all of the work on the mains."""
        del session, number
        return min(1.0, device.charge_share / self.full_above)
