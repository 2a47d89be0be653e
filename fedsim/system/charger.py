"""How fast a battery fills: constant power up to a knee, then a taper; with a constant load, in closed form.

Below the knee K the charge E grows by ``c - p``, with c the charger's power that arrives in the battery and p the
load. Above it the charger tapers linearly to nothing at capacity Q (device notes, section 3):

    dE/dt = c (Q - E) / (Q - K) - p      E(t) = E* + (E(0) - E*) exp(-t / tau)

with ``tau = (Q - K) / c`` and ``E* = Q - p tau``, where charger and load balance.
"""

import math
from dataclasses import dataclass

from fedsim import units


@dataclass(frozen=True, kw_only=True, slots=True)
class Charger:
    """A charger: ``power_w`` from the wall, of which ``efficiency`` arrives, full up to ``taper_from_share``.

    With a taper from 100 % there is none.

    Raises:
        ValueError: a power that is not > 0 and finite, or shares that are none.
    """

    power_w: float
    """Power from the wall, > 0; that of the device's profile if it has one."""
    efficiency: float = 0.87
    """Share of it that arrives in the battery; above 0 and at most 1."""
    taper_from_share: float = 0.8
    """Charge, as a share of the battery, from which on the power falls; 100 % for never."""

    def __post_init__(self) -> None:
        if not 0 < self.power_w < math.inf:
            raise ValueError(f"power must be > 0 and finite, got {self.power_w!r}")
        if not 0 < self.efficiency <= 1:
            raise ValueError(f"efficiency must be above 0 % and at most 100 %, got {units.per_cent(self.efficiency)}")
        if not 0 <= self.taper_from_share <= 1:
            raise ValueError(f"taper_from_share must be from 0 % to 100 %, got {units.per_cent(self.taper_from_share)}")

    @property
    def arriving_w(self) -> float:
        """What arrives in the battery before the taper."""
        return self.power_w * self.efficiency


@dataclass(frozen=True, slots=True)
class Filling:
    """A battery of ``capacity_j`` on a charger with a constant load; time counts from 0, charge in joules."""

    charger: Charger
    capacity_j: float
    load_w: float

    @property
    def knee_j(self) -> float:
        """The charge at which the taper begins."""
        return self.capacity_j * self.charger.taper_from_share

    @property
    def balance_j(self) -> float:
        """Where the taper meets the load: above the knee if the charger is the stronger."""
        return self.capacity_j - self.load_w * self._tau_s

    def charge_j(self, start_j: float, after_s: float) -> float:
        """The charge after so many seconds, never below 0 nor above capacity."""
        knee_s = self._until_knee_s(start_j)
        if after_s > knee_s:
            start_j, after_s = self.knee_j, after_s - knee_s
        if self._tapers(start_j):
            balance_j = self.balance_j
            level_j = balance_j + (start_j - balance_j) * math.exp(-after_s / self._tau_s)
        else:
            level_j = start_j + self._net_w * after_s
        return min(max(level_j, 0.0), self.capacity_j)

    def seconds_to(self, start_j: float, target_j: float) -> float:
        """When the charge will be at ``target_j``; infinity if never."""
        if target_j == start_j:
            return 0.0
        knee_s = self._until_knee_s(start_j)
        between = min(start_j, target_j) < self.knee_j < max(start_j, target_j)
        if between and knee_s < math.inf:
            return knee_s + self.seconds_to(self.knee_j, target_j)
        if between:
            return math.inf
        tapers = self._tapers(start_j) and target_j >= self.knee_j
        return self._seconds_tapering(start_j, target_j) if tapers else self._seconds_straight(start_j, target_j)

    @property
    def _net_w(self) -> float:
        return self.charger.arriving_w - self.load_w

    @property
    def _tau_s(self) -> float:
        return (self.capacity_j - self.knee_j) / self.charger.arriving_w

    def _tapers(self, start_j: float) -> bool:
        """Whether the charge moves in the taper from here on."""
        if start_j == self.knee_j:
            return self._net_w >= 0 and self._tau_s > 0
        return start_j > self.knee_j and self._tau_s > 0

    def _until_knee_s(self, start_j: float) -> float:
        """When it passes the knee; infinity if it stays on its side of it, or is there."""
        if start_j < self.knee_j:
            return (self.knee_j - start_j) / self._net_w if self._net_w > 0 else math.inf
        if start_j > self.knee_j and self.balance_j < self.knee_j:
            return self._seconds_tapering(start_j, self.knee_j)
        return math.inf

    def _seconds_tapering(self, start_j: float, target_j: float) -> float:
        ratio = (start_j - self.balance_j) / gap if (gap := target_j - self.balance_j) else 0.0
        return self._tau_s * math.log(ratio) if ratio >= 1 else math.inf

    def _seconds_straight(self, start_j: float, target_j: float) -> float:
        seconds = (target_j - start_j) / self._net_w if self._net_w else math.inf
        return seconds if seconds >= 0 else math.inf
