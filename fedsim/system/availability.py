"""Why a device is available or not: its owner's habits, alone or as several conditions at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from fedsim.errors import DeviceLeftError
from fedsim.system.daily import Daily, DailyRenewal
from fedsim.system.law import Law, Lognormal, Weibull
from fedsim.system.presence import Reason, check_cycle
from fedsim.system.process import Array, Crowd, Process
from fedsim.system.renewal import Cycle, stationary

_LEAST_LEVEL: Final = 1e-4


@dataclass(frozen=True, kw_only=True)
class Leaning:
    """Stays and absences that depend on a measure of the device, from 0 to 1.

    A device of measure m stays ``stay ** m`` times as long and is away ``away ** m`` times as long. ``by`` is
    "slowness" (the share of the fleet's devices that are faster) or "labels" (the share of the device's own
    examples whose label is one of ``labels``).

    Raises:
        ValueError: a factor that is not > 0, or labels that do not go together with ``by``.
    """

    by: str
    stay: float = 1.0
    away: float = 1.0
    labels: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("stay", "away"):
            if not 0 < getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be > 0 and finite, got {getattr(self, name)!r}")
        if self.by not in {"slowness", "labels"}:
            raise ValueError(f"by must be 'slowness' or 'labels', got {self.by!r}")
        if (self.by == "labels") != bool(self.labels):
            raise ValueError(f"labels go together with by 'labels', got by {self.by!r} and labels {self.labels!r}")

    @property
    def measure(self) -> str:
        """Its name for a crowd: such as ``slowness`` or ``labels 7 8``."""
        return " ".join([self.by, *map(str, self.labels)])


@dataclass(frozen=True, kw_only=True)
class Availability:
    """How long a device stays and how long it is then away, in seconds.

    level: law of each device's own share of time there. Its stays are stretched and its absences shrunk by the same
    factor, so that its odds become those of its level; None leaves all alike.
    daily: the hours at which devices come back    leaning: who stays less or comes later

    Raises:
        ValueError: a law that can be negative, means that are both 0 or not finite, or a level without both.
    """

    stay_s: Law
    away_s: Law
    level: Law | None = None
    daily: Daily | None = None
    leaning: Leaning | None = None

    def __post_init__(self) -> None:
        check_cycle("availability", self.stay_s, self.away_s)
        if self.level is not None and not min(self.stay_s.mean, self.away_s.mean) > 0:
            raise ValueError("availability: a level needs stays and absences that take time")
        if self.daily is not None:
            self.daily.check_law(self.away_s)

    def processes(self, crowd: Crowd) -> Sequence[tuple[Process, Reason]]:
        """One, stationary at time 0."""
        return [(self.process(crowd, "availability"), DeviceLeftError)]

    def process(self, crowd: Crowd, name: str) -> Process:
        """The process under its own name of luck."""
        laws, luck = self._laws(crowd, name), crowd.luck(name)
        if self.daily is None:
            return stationary(laws, luck, crowd)
        zone_s = self.daily.zone_s.isf(crowd.luck("zone").uniforms(crowd.things, 0))
        return DailyRenewal(laws, luck, crowd.things, self.daily, zone_s)

    def _laws(self, crowd: Crowd, name: str) -> Cycle:
        stay: Array = np.ones(1)
        away: Array = np.ones(1)
        if self.level is not None:
            level = self.level.isf(crowd.luck(name, "level").uniforms(crowd.things, 0))
            level = np.clip(level, _LEAST_LEVEL, 1 - _LEAST_LEVEL)
            stay = np.sqrt(level / (1 - level) * self.away_s.mean / self.stay_s.mean)
            away = 1 / stay
        if self.leaning is not None:
            measure = crowd.measure(self.leaning.measure)
            stay, away = stay * self.leaning.stay**measure, away * self.leaning.away**measure
        n = len(crowd)
        return Cycle(
            on_s=self.stay_s,
            off_s=self.away_s,
            on_factor=np.broadcast_to(stay, (n,)),
            off_factor=np.broadcast_to(away, (n,)),
        )


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Eligible while idle *and* charging *and* on an unmetered network; None is a condition that always holds."""

    idle: Availability | None = None
    charging: Availability | None = None
    unmetered: Availability | None = None

    def processes(self, crowd: Crowd) -> Sequence[tuple[Process, Reason]]:
        """One for each condition that can fail, each with luck of its own."""
        rules = {"idle": self.idle, "charging": self.charging, "unmetered": self.unmetered}
        return [(rule.process(crowd, name), DeviceLeftError) for name, rule in rules.items() if rule is not None]


AVAILABILITIES: Final[Mapping[str, Availability]] = MappingProxyType(
    {
        "phones": Availability(
            stay_s=Lognormal(3017.0, 1.390),
            away_s=Weibull(16_005.0, 0.656),
        )
    }
)
"""Fitted availabilities by name; ``AVAILABILITY_SOURCES`` says from what."""

AVAILABILITY_SOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "phones": "D: sessions in which a phone is eligible for training (idle, charging, on WiFi), pooled over 300 "
        "phones and 6 days of Yang et al., WWW 2021, 60 s gaps merged; KS distance 0.032 (stay) and 0.039 (away)"
    }
)
