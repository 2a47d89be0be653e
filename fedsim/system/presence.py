"""When devices are there: they leave and return, crash and are repaired, arrive and depart for good.

A device is there when all of its processes are on. Their switching times are drawn when somebody looks, never
ticked, so that a device nobody asks costs nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fedsim import units
from fedsim.errors import DeviceCrashedError, DeviceDownError
from fedsim.limits import SHORTEST_CYCLE_S
from fedsim.system.law import Law
from fedsim.system.process import Array, Bools, Crowd, Process, Ranks
from fedsim.system.renewal import cycle, from_new

Reason = type[DeviceDownError]


class Comings(Protocol):
    """A rule of coming and going, for every device of a group."""

    def processes(self, crowd: Crowd) -> Sequence[tuple[Process, Reason]]:
        """Processes that must all be on, and why a device is not there when one is off."""


@dataclass(frozen=True, kw_only=True)
class Crashes:
    """Time from repair to the next crash, and from crash to repair, in seconds; in order at time 0.

    Raises:
        ValueError: a law that can be negative, or a mean cycle that is too short or not finite.
    """

    every_s: Law
    repair_s: Law

    def __post_init__(self) -> None:
        check_cycle("crashes", self.every_s, self.repair_s)

    def processes(self, crowd: Crowd) -> Sequence[tuple[Process, Reason]]:
        """One, that starts in order."""
        laws = cycle(self.every_s, self.repair_s, len(crowd))
        return [(from_new(laws, crowd.luck("crashes"), crowd), DeviceCrashedError)]


class GroupPresence:
    """When the devices of a group are there, by rank."""

    def __init__(self, crowd: Crowd, rules: Sequence[Comings]) -> None:
        self._processes = [pair for rule in rules for pair in rule.processes(crowd)]

    def at(self, ranks: Ranks, time_s: float) -> tuple[Bools, Array]:
        """Whether these are there at ``time_s``, and until when that is certain; infinity is for good."""
        up, until_s = np.ones(len(ranks), dtype=np.bool_), np.full(len(ranks), math.inf)
        back_s = np.full(len(ranks), -math.inf)
        for process, _ in self._processes:
            is_on, ends_s = process.at(ranks, time_s)
            np.minimum(until_s, ends_s, out=until_s, where=is_on)
            np.maximum(back_s, ends_s, out=back_s, where=~is_on)
            up &= is_on
        return up, np.where(up, until_s, back_s)

    def is_up(self, rank: int, time_s: float) -> bool:
        """Whether one device is there at ``time_s``."""
        return all(process.one(rank, time_s)[0] for process, _ in self._processes)

    def of(self, rank: int) -> "Presence":
        """The presence of one device."""
        return Presence(self._processes, rank)


class Presence:
    """One device's row of its group's processes."""

    __slots__ = ("_goes_s", "_processes", "_rank")

    def __init__(self, processes: Sequence[tuple[Process, Reason]] = (), rank: int = 0) -> None:
        self._processes = processes
        self._rank = rank
        self._goes_s = -math.inf  # it is there until then, as far as anybody has looked

    def down(self, time_s: float) -> tuple[Reason, float] | None:
        """Why the device is not there at ``time_s`` and when that reason ends; None if it is there."""
        if time_s < self._goes_s:
            return None
        goes_s = math.inf
        for process, reason in self._processes:
            is_on, until_s = process.one(self._rank, time_s)
            if not is_on:
                return reason, until_s
            goes_s = min(goes_s, until_s)
        self._goes_s = goes_s
        return None

    def goes_s(self, time_s: float) -> float:
        """When a device that is there at ``time_s`` may go, and not before; infinity if never."""
        if not time_s < self._goes_s:
            self.down(time_s)
        return self._goes_s


def check_cycle(what: str, on_s: Law, off_s: Law) -> None:
    """A cycle that takes no time would be drawn for ever.

    Raises:
        ValueError: a law that can be negative, or means that are both 0 or not finite.
    """
    if not min(on_s.support[0], off_s.support[0]) >= 0:
        raise ValueError(f"{what}: no time may be negative, got {on_s!r}, {off_s!r}")
    if not SHORTEST_CYCLE_S <= on_s.mean + off_s.mean < math.inf:
        least = units.show(SHORTEST_CYCLE_S, "s")
        raise ValueError(f"{what}: the mean cycle must be at least {least} and finite, got {on_s!r}, {off_s!r}")
