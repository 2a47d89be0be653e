"""What a link carries at each time, and following that while somebody uses the link."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fedsim.kernel import Simulation


class Capacity(Protocol):
    """A link's capacity over time, piecewise constant."""

    def at(self, time_s: float) -> tuple[float, float]:
        """Bit/s at ``time_s``, and the instant (later than ``time_s``, infinite for ever) until which that holds.

        A pure function of ``time_s``: asking more or less often, or not at all, changes nothing.
        """


@dataclass(frozen=True, slots=True)
class Constant:
    """The same capacity for ever; 0 for a link that is down, infinite for one that limits nobody.

    Raises:
        ValueError: a capacity that is not >= 0.
    """

    bps: float

    def __post_init__(self) -> None:
        checked_bps(self.bps)

    def at(self, time_s: float) -> tuple[float, float]:
        """Bit/s, and for ever."""
        del time_s
        return self.bps, math.inf


def checked_bps(capacity_bps: float) -> float:
    """The capacity, if it is one.

    Raises:
        ValueError: a capacity that is not >= 0.
    """
    if not capacity_bps >= 0:
        raise ValueError(f"capacity_bps must be >= 0, got {capacity_bps!r}")
    return capacity_bps


def read(capacity: Capacity, time_s: float) -> tuple[float, float]:
    """What ``capacity.at`` says, if that can be.

    Raises:
        ValueError: a capacity that is not >= 0, or one that holds until no later than now.
    """
    capacity_bps, until_s = capacity.at(time_s)
    if not until_s > time_s:
        raise ValueError(f"a capacity must hold until later than {time_s!r} s, got {until_s!r} s from {capacity!r}")
    return checked_bps(capacity_bps), until_s


class Followers:
    """Capacities that vary, by link: each is read when its link comes into use, and then whenever it changes.

    A link that nobody uses has no timer, however often its capacity changes meanwhile.
    """

    def __init__(self, sim: Simulation, changed: Callable[[int, float], None]) -> None:
        """``changed(link, capacity_bps)`` is told of what a link in use carries from now on."""
        self._sim = sim
        self._changed = changed
        self.capacities: dict[int, Capacity] = {}
        """Those that are followed; who asks whether there are any is not kept waiting by a method."""
        self._alarms: dict[int, asyncio.TimerHandle] = {}

    def __contains__(self, link: int) -> bool:
        return link in self.capacities

    def add(self, link: int, capacity: Capacity) -> None:
        """From now on this is the capacity of the link, which nobody uses until ``wake`` is called."""
        self.drop(link)
        self.capacities[link] = capacity

    def drop(self, link: int) -> None:
        """The link has no capacity that varies, not any more."""
        self.rest(link)
        self.capacities.pop(link, None)

    def now_bps(self, link: int) -> float:
        """What the link carries now, whether or not anybody uses it."""
        return read(self.capacities[link], self._sim.now)[0]

    def wake(self, link: int) -> None:
        """The link comes into use; nothing happens if it is in use."""
        if link in self.capacities and link not in self._alarms:
            self._read(link)

    def rest(self, link: int) -> None:
        """Nobody uses the link any more."""
        alarm = self._alarms.pop(link, None)
        if alarm is not None:
            alarm.cancel()

    def _read(self, link: int) -> None:
        capacity_bps, until_s = read(self.capacities[link], self._sim.now)
        self._alarms[link] = self._sim.loop.call_at(until_s, self._read, link)  # at infinity: never
        self._changed(link, capacity_bps)
