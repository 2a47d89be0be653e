"""What takes machines down from outside: a power cut takes many along at once."""

import math
from collections.abc import Sequence
from typing import Protocol

from fedsim.errors import DeviceDownError

Reason = type[DeviceDownError]


class Cut(Protocol):
    """One thing on which many may depend, looked at in order of time."""

    def at(self, time_s: float) -> tuple[bool, float]:
        """Whether it is there at ``time_s``, and until when that holds (later than ``time_s``)."""


class Coming(Protocol):
    """When a machine is there."""

    def down(self, time_s: float) -> tuple[Reason, float] | None:
        """Why it is not there at ``time_s`` and when that reason ends; None if it is there."""

    def goes_s(self, time_s: float) -> float:
        """When a machine that is there at ``time_s`` may go, and not before; infinity if never."""


class Exposed:
    """A machine that is there when all that it depends on is; each with the reason if not."""

    def __init__(self, cuts: Sequence[tuple[Cut, Reason]]) -> None:
        self._cuts = tuple(cuts)

    def down(self, time_s: float) -> tuple[Reason, float] | None:
        """Why it is not there at ``time_s`` and when that reason ends; None if it is there."""
        for cut, reason in self._cuts:
            is_there, until_s = cut.at(time_s)
            if not is_there:
                return reason, until_s
        return None

    def goes_s(self, time_s: float) -> float:
        """When a machine that is there at ``time_s`` may go, and not before; infinity if never."""
        return min((cut.at(time_s)[1] for cut, _ in self._cuts), default=math.inf)
