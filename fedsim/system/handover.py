"""What a device has that changes its way into the network: ways, times, and what then becomes of its flows."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from fedsim.system.access import Access
from fedsim.system.law import Constant, Law
from fedsim.system.profiles import RadioProfile
from fedsim.system.timetable import Timetable, Wanderer

Streams = Callable[..., np.random.Generator]
Fate = Literal["continue", "restart", "fail"]
FATES: tuple[Fate, ...] = ("continue", "restart", "fail")


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """One way into the network: a technology with its radio, a place to attach, and a private link to there."""

    link: str
    place: str
    access: Access
    radio: RadioProfile
    paging_s: float


class AnyWay(Protocol):
    """What a ``Way`` says; a device's own row of the fleet says it of its usual one."""

    @property
    def link(self) -> str:
        """The technology."""

    @property
    def place(self) -> str:
        """Where it is attached."""

    @property
    def access(self) -> Access:
        """The private link to there."""

    @property
    def radio(self) -> RadioProfile:
        """What its radio is like."""

    @property
    def paging_s(self) -> float:
        """The longest that a message waits for the radio to listen."""


class Itinerary(Protocol):
    """Which of its ways a device takes, and when."""

    def at(self, time_s: float) -> tuple[int, float]:
        """Number of the way at ``time_s``, and until when it is taken (later than ``time_s``)."""


class Moves(Protocol):
    """From which every device gets an itinerary of its own."""

    def itinerary(self, ways: int, name: str, streams: Streams) -> Itinerary:
        """The itinerary of the device of this name, which has so many ways, its usual one first."""


@dataclass(frozen=True, kw_only=True)
class ByLaw:
    """It takes its usual way for ``stay_s``, then one of the others, each as likely, for ``away_s``, and so on.

    Raises:
        ValueError: a law that can be negative, or means that are both 0 or not finite.
    """

    stay_s: Law
    away_s: Law

    def __post_init__(self) -> None:
        if not min(self.stay_s.support[0], self.away_s.support[0]) >= 0:
            raise ValueError(f"no time may be negative, got {self.stay_s!r}, {self.away_s!r}")
        if not 0 < self.stay_s.mean + self.away_s.mean < math.inf:
            raise ValueError(f"the mean cycle must be > 0 s and finite, got {self.stay_s!r}, {self.away_s!r}")

    def itinerary(self, ways: int, name: str, streams: Streams) -> Wanderer:
        """Drawn from streams of the device's own."""
        return Wanderer(
            self.stay_s, self.away_s, ways - 1, streams("handover", name, "times"), streams("handover", name, "ways")
        )


@dataclass(frozen=True, kw_only=True)
class ByTimetable:
    """From each of ``starts_s`` on it takes the way of that number; see ``Timetable``.

    Each device of a group is late by a ``shift_s`` of its own.
    """

    starts_s: tuple[float, ...]
    ways: tuple[int, ...]
    repeat_s: float = math.inf
    shift_s: Law = field(default_factory=lambda: Constant(0.0))

    def itinerary(self, ways: int, name: str, streams: Streams) -> Timetable:
        """The table, shifted.

        Raises:
            ValueError: a way that there is not, or what ``Timetable`` refuses.
        """
        if not all(0 <= way < ways for way in self.ways):
            raise ValueError(f"ways must be numbers below {ways}, got {self.ways!r}")
        shift_s = self.shift_s.draw(streams("handover", name, "shift"))
        return Timetable(self.starts_s, self.ways, repeat_s=self.repeat_s, shift_s=shift_s)


@dataclass(frozen=True, kw_only=True, slots=True)
class Handover:
    """The ways that a device takes beside its usual one, when, and what then becomes of its flows.

    "continue": the rest of the bytes goes over the new way; "restart": all of them, from the first; "fail": the
    message fails.

    Raises:
        ValueError: no other way, or an unknown fate.
    """

    others: tuple[Way, ...]
    moves: Moves
    then: Fate = "continue"

    def __post_init__(self) -> None:
        if not self.others:
            raise ValueError("a handover needs another way to go")
        if self.then not in FATES:
            raise ValueError(f"then must be one of {', '.join(FATES)}, got {self.then!r}")
