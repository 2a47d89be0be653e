"""When a device is plugged in: always, overnight, or now and then; drawn when somebody looks."""

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from fedsim import units
from fedsim.limits import SHORTEST_CYCLE_S
from fedsim.system.law import Exponential, Law
from fedsim.system.on_off import OnOff

_HOUR_S = 3600.0
_DAY_S = 86400.0
_WARM_UP_CYCLES = 20


class PlugTimes(Protocol):
    """The times of one device, looked at in order of time."""

    def at(self, time_s: float) -> tuple[bool, float]:
        """Whether it is plugged in at ``time_s``, and until when that lasts (later than ``time_s``)."""


class Plug(Protocol):
    """When devices are plugged in: a law, shared by those of a group."""

    def times(self, rng: np.random.Generator) -> PlugTimes:
        """The times of one device, drawn from its own stream."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Always:
    """Plugged in all the time."""

    def times(self, rng: np.random.Generator) -> PlugTimes:
        """For ever."""
        del rng
        return _Ever()


@dataclass(frozen=True, kw_only=True, slots=True)
class Overnight:
    """Plugged in every night from ``from_hour`` to ``to_hour``, each end up to ``spread_s`` earlier or later.

    Hours are local, 0 to 24; ``start_hour`` is the local hour at time 0. The ends of each night are uniform within
    their spread and independent.

    Raises:
        ValueError: hours that are none or alike, or a spread so large that nights could overlap.
    """

    from_hour: float = 22.0
    """Local hour at which it is plugged in; 0 to 24."""
    to_hour: float = 7.0
    """Local hour at which it is taken off; 0 to 24."""
    spread_s: float = _HOUR_S
    """How much earlier or later either may be, drawn for each night."""
    start_hour: float = 0.0
    """Local hour at time 0; 0 to 24."""

    def __post_init__(self) -> None:
        for name in ("from_hour", "to_hour", "start_hour"):
            if not 0 <= getattr(self, name) <= 24:
                raise ValueError(f"{name} must be from 0 to 24, got {getattr(self, name)!r}")
        shortest_s = min(self.length_s, _DAY_S - self.length_s)
        if not shortest_s > 0:
            raise ValueError(f"from_hour and to_hour must differ, got {self.from_hour!r} and {self.to_hour!r}")
        if not 0 <= 2 * self.spread_s < shortest_s:
            raise ValueError(f"spread must be >= 0 and below half of night and day, got {self.spread_s!r} s")

    @property
    def length_s(self) -> float:
        """How long a night is by the clock."""
        return (self.to_hour - self.from_hour) * _HOUR_S % _DAY_S

    def times(self, rng: np.random.Generator) -> PlugTimes:
        """Night after night."""
        return _Nights(self, rng)


@dataclass(frozen=True, kw_only=True, slots=True)
class Opportunistic:
    """Plugged in for ``plugged_s`` at a time, and then not for ``unplugged_s``: a renewal process.

    It has run for twenty mean cycles before time 0, as an availability has.

    Raises:
        ValueError: a law that can be negative, or means that are both 0 or not finite.
    """

    plugged_s: Law = field(default_factory=lambda: Exponential(2 * _HOUR_S))
    """How long it is plugged in at a time."""
    unplugged_s: Law = field(default_factory=lambda: Exponential(10 * _HOUR_S))
    """How long it is not, between."""

    def __post_init__(self) -> None:
        low_s = min(self.plugged_s.support[0], self.unplugged_s.support[0])
        mean_s = self.plugged_s.mean + self.unplugged_s.mean
        if not (low_s >= 0 and SHORTEST_CYCLE_S <= mean_s < math.inf):
            least = units.show(SHORTEST_CYCLE_S, "s")
            raise ValueError(
                f"plugged and unplugged must be >= 0 with a finite mean cycle of at least {least}, "
                f"got at least {low_s:g} s, and a mean of {mean_s:g} s"
            )

    def times(self, rng: np.random.Generator) -> PlugTimes:
        """In the middle of ordinary life."""
        start_s = -_WARM_UP_CYCLES * (self.plugged_s.mean + self.unplugged_s.mean)
        return OnOff(self.plugged_s, self.unplugged_s, rng, start_s=start_s)


class _Ever:
    def at(self, time_s: float) -> tuple[bool, float]:
        del time_s
        return True, math.inf


class _Nights:
    """The present or next night of one device."""

    def __init__(self, nights: Overnight, rng: np.random.Generator) -> None:
        self._nights = nights
        self._rng = rng
        self._next = -2  # two evenings before the day of time 0: sure to be over, or to cover time 0
        self._draw()

    def at(self, time_s: float) -> tuple[bool, float]:
        while self._off_s <= time_s:
            self._draw()
        is_on = self._on_s <= time_s
        return is_on, self._off_s if is_on else self._on_s

    def _draw(self) -> None:
        nights = self._nights
        evening_s = _DAY_S * self._next + (nights.from_hour - nights.start_hour) * _HOUR_S
        early_s, late_s = self._rng.uniform(-nights.spread_s, nights.spread_s, 2)
        self._on_s, self._off_s = evening_s + early_s, evening_s + nights.length_s + late_s
        self._next += 1
