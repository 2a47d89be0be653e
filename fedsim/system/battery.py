"""The battery of one device: drains, empties, shuts the device down, fills, and lets it start again.

Its load is constant between events. When it will be empty, full enough to start, or plugged in or out follows from
that; nothing is ticked, and a device at which nobody looks costs nothing.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from fedsim.system.charger import Charger, Filling
from fedsim.system.plug import Plug, PlugTimes

DREGS_J: Final = 1e-3
"""So near to going or coming back, it is looked whether it would be there before the clock can move on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Charging:
    """A charger, and when it is plugged in."""

    charger: Charger
    """How fast it fills."""
    plug: Plug
    """When it is plugged in."""


class Piece(NamedTuple):
    """A stretch of time in which nothing about the battery changed but its charge; ``charge_j`` is that at its end."""

    from_s: float
    to_s: float
    is_on: bool
    is_plugged: bool
    charge_j: float


class Battery:
    """Charge, and whether it is enough to run: an empty battery shuts down until it has ``restart_share`` again."""

    __slots__ = ("_charger", "_restart_share", "_times", "capacity_j", "charge_j", "charged_j", "is_on")

    def __init__(
        self,
        *,
        capacity_j: float,
        charge_j: float,
        charger: Charger | None = None,
        times: PlugTimes | None = None,
        restart_share: float = 0.05,
    ) -> None:
        if not 0 <= capacity_j < math.inf:
            raise ValueError(f"capacity_j must be >= 0 and finite, got {capacity_j!r}")
        if not 0 <= charge_j <= capacity_j:
            raise ValueError(f"charge_j must be >= 0 and at most the capacity of {capacity_j!r}, got {charge_j!r}")
        if (charger is None) != (times is None):
            raise ValueError("a charger and its times go together")
        if charger is not None and not capacity_j > 0:
            raise ValueError(f"capacity_j must be > 0 to be charged, got {capacity_j!r}")
        self.capacity_j = capacity_j
        self.charge_j = charge_j
        self.charged_j = 0.0
        """What arrived from the charger up to now."""
        self.is_on = charge_j > 0
        self._charger = charger
        self._times = times
        self._restart_share = restart_share

    @property
    def share(self) -> float:
        """The charge, as a share of the capacity."""
        return self.charge_j / self.capacity_j if self.capacity_j else 0.0

    @property
    def _restart_j(self) -> float:
        """With so much it starts again."""
        return self._restart_share * self.capacity_j

    @property
    def may_switch_now(self) -> bool:
        """Whether so little is left, or missing, that it may go, or come back, before the clock can move on."""
        return self.charge_j < DREGS_J if self.is_on else self._restart_j - self.charge_j < DREGS_J

    @property
    def never_charges(self) -> bool:
        """Whether what is gone is gone for good."""
        return self._charger is None

    def is_plugged(self, at_s: float) -> bool:
        """Whether it is on its charger."""
        return self._plugged(at_s)[0]

    def spend(self, from_s: float, to_s: float, load_w: float) -> list[Piece]:
        """Live through a time with a constant load, which is drawn only while it is on."""
        pieces = []
        while from_s < to_s:
            is_plugged, until_s = self._plugged(from_s)
            switch_s = from_s + self._seconds_to_switch(load_w, is_plugged=is_plugged)
            end_s = min(to_s, until_s, switch_s)
            was_on = self.is_on
            if end_s == switch_s:
                self._switch(load_w, end_s - from_s)
            else:
                self._move(load_w, end_s - from_s, is_plugged=is_plugged)
            if end_s > from_s:
                pieces.append(Piece(from_s, end_s, was_on, is_plugged, self.charge_j))
            from_s = end_s
        return pieces

    def switch_if_now(self, at_s: float, load_w: float) -> None:
        """What would go, or come back, before the clock can move on does so now."""
        seconds = self._seconds_to_switch(load_w, is_plugged=self.is_plugged(at_s))
        if at_s + seconds <= at_s:
            self._switch(load_w, 0.0)

    def changes_s(self, from_s: float, load_w: float) -> float:
        """When it will next go empty, start again, or be plugged in or out, with such a load."""
        is_plugged, until_s = self._plugged(from_s)
        return min(until_s, from_s + self._seconds_to_switch(load_w, is_plugged=is_plugged))

    def reaches_s(self, share: float, from_s: float, load_w: float) -> float:
        """When it will have this share of its capacity or, if that is sooner, be plugged in or out."""
        is_plugged, until_s = self._plugged(from_s)
        seconds = self._seconds_to(share * self.capacity_j, load_w, is_plugged=is_plugged)
        return min(until_s, from_s + seconds)

    def _plugged(self, at_s: float) -> tuple[bool, float]:
        return (False, math.inf) if self._times is None else self._times.at(at_s)

    def _seconds_to_switch(self, load_w: float, *, is_plugged: bool) -> float:
        if self.is_on:
            return self._seconds_to(0.0, load_w, is_plugged=is_plugged)
        return self._seconds_to(self._restart_j, 0.0, is_plugged=True) if is_plugged else math.inf

    def _seconds_to(self, target_j: float, load_w: float, *, is_plugged: bool) -> float:
        load_w = load_w if self.is_on else 0.0
        if is_plugged and self._charger is not None:
            return Filling(self._charger, self.capacity_j, load_w).seconds_to(self.charge_j, target_j)
        drained_j = self.charge_j - target_j
        if drained_j <= 0:
            return 0.0 if drained_j == 0 else math.inf
        return drained_j / load_w if load_w > 0 else math.inf

    def _switch(self, load_w: float, after_s: float) -> None:
        """Exactly empty, or exactly enough to start again."""
        target_j = 0.0 if self.is_on else self._restart_j
        drawn_j = load_w * after_s if self.is_on else 0.0
        self.charged_j += max(target_j - self.charge_j + drawn_j, 0.0)
        self.charge_j, self.is_on = target_j, not self.is_on

    def _move(self, load_w: float, after_s: float, *, is_plugged: bool) -> None:
        load_w = load_w if self.is_on else 0.0
        if is_plugged and self._charger is not None:
            charge_j = Filling(self._charger, self.capacity_j, load_w).charge_j(self.charge_j, after_s)
            self.charged_j += max(charge_j - self.charge_j + load_w * after_s, 0.0)
            self.charge_j = charge_j
        else:
            self.charge_j = max(self.charge_j - load_w * after_s, 0.0)
