"""When a device is there: it leaves and returns, crashes and is repaired.

Each is an on/off process with laws for how long it is on and off. Its switching times are drawn when somebody
looks, never ticked, so that a device nobody asks costs nothing.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from fedsim.errors import DeviceCrashedError, DeviceDownError, DeviceLeftError
from fedsim.system.law import Law

WARM_UP_CYCLES: Final = 20
"""Mean on/off cycles that an availability process runs before time 0, so that the run starts in the middle of
ordinary life instead of with everybody just arrived."""


@dataclass(frozen=True, kw_only=True)
class Availability:
    """How long a device stays and how long it is then away, in seconds.

    Raises:
        ValueError: a law that can be negative, or means that are both 0 or not finite.
    """

    stay_s: Law
    away_s: Law

    def __post_init__(self) -> None:
        _check_cycle("availability", self.stay_s, self.away_s)


@dataclass(frozen=True, kw_only=True)
class Crashes:
    """Time from repair to the next crash, and from crash to repair, in seconds.

    Raises:
        ValueError: a law that can be negative, or means that are both 0 or not finite.
    """

    every_s: Law
    repair_s: Law

    def __post_init__(self) -> None:
        _check_cycle("crashes", self.every_s, self.repair_s)


class OnOff:
    """An alternating renewal process, looked at in order of time; it is on at ``start_s``."""

    def __init__(self, on_s: Law, off_s: Law, rng: np.random.Generator, *, start_s: float = 0.0) -> None:
        self._laws = (off_s, on_s)
        self._rng = rng
        self._is_on = True
        self._until_s = start_s + on_s.draw(rng)

    def at(self, time_s: float) -> tuple[bool, float]:
        """Whether it is on at ``time_s``, and until when that lasts (later than ``time_s``)."""
        while self._until_s <= time_s:
            self._is_on = not self._is_on
            self._until_s += self._laws[self._is_on].draw(self._rng)
        return self._is_on, self._until_s


class Presence:
    """The conjunction of a device's on/off processes: it is there when all are on."""

    def __init__(
        self,
        *,
        availability: Availability | None,
        crashes: Crashes | None,
        availability_rng: np.random.Generator,
        crashes_rng: np.random.Generator,
    ) -> None:
        self._processes: list[tuple[OnOff, type[DeviceDownError]]] = []
        if availability is not None:
            stay, away = availability.stay_s, availability.away_s
            start_s = -WARM_UP_CYCLES * (stay.mean + away.mean)
            self._processes.append((OnOff(stay, away, availability_rng, start_s=start_s), DeviceLeftError))
        if crashes is not None:
            process = OnOff(crashes.every_s, crashes.repair_s, crashes_rng)
            self._processes.append((process, DeviceCrashedError))

    def down(self, time_s: float) -> tuple[type[DeviceDownError], float] | None:
        """Why the device is not there at ``time_s`` and when that reason ends; None if it is there."""
        for process, reason in self._processes:
            is_on, until_s = process.at(time_s)
            if not is_on:
                return reason, until_s
        return None

    def goes_s(self, time_s: float) -> float:
        """When a device that is there at ``time_s`` will go; infinity if never."""
        return min((process.at(time_s)[1] for process, _ in self._processes), default=math.inf)


def _check_cycle(what: str, on_s: Law, off_s: Law) -> None:
    """A cycle that takes no time would be drawn for ever."""
    if not min(on_s.support[0], off_s.support[0]) >= 0:
        raise ValueError(f"{what}: no time may be negative, got {on_s!r}, {off_s!r}")
    if not 0 < on_s.mean + off_s.mean < math.inf:
        raise ValueError(f"{what}: the mean cycle must be > 0 s and finite, got {on_s!r}, {off_s!r}")
