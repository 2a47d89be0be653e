"""Other apps on the device: they take a share of its processor, always or now and then."""

import math
from dataclasses import dataclass

import numpy as np

from fedsim import units
from fedsim.limits import SHORTEST_CYCLE_S
from fedsim.system.law import Law


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherApps:
    """Other apps take ``share`` of the processor: always, or for ``busy_s`` at a time with ``quiet_s`` between.

    The share is drawn once for each busy time, so once for all where they are always busy. What they draw from the
    battery is not the learner's and is left out.

    Raises:
        ValueError: a share outside 0 to 1, all of the processor for ever, or only one of the two times.
    """

    share: Law
    """Share of the processor that they take, drawn for each busy time; from 0 to 1."""
    busy_s: Law | None = None
    """How long they are busy at a time; null for always."""
    quiet_s: Law | None = None
    """How long they are quiet between; null for never."""

    def __post_init__(self) -> None:
        low, high = self.share.support
        if not (low >= 0 and high <= 1):
            bounds = f"{units.per_cent(low)} to {units.per_cent(high)}"
            raise ValueError(f"share must lie between 0 % and 100 %, got {bounds}")
        if (self.busy_s is None) != (self.quiet_s is None):
            raise ValueError("busy and quiet go together: give both, or neither for apps that are always busy")
        if self.busy_s is None and not low < 1:
            raise ValueError("apps that always take 100 % leave nothing: give a smaller share, or busy and quiet")
        for law in (self.busy_s, self.quiet_s):
            if law is not None and not (law.support[0] >= 0 and 0 < law.mean < math.inf):
                raise ValueError(
                    f"busy and quiet must be >= 0 with a mean that is > 0 and finite, "
                    f"got at least {law.support[0]:g} s, and a mean of {law.mean:g} s"
                )
        if self.busy_s is not None and self.quiet_s is not None:
            cycle_s = self.busy_s.mean + self.quiet_s.mean
            if not cycle_s >= SHORTEST_CYCLE_S:
                least = units.show(SHORTEST_CYCLE_S, "s")
                raise ValueError(f"busy and quiet must take at least {least} together, got {units.show(cycle_s, 's')}")


class AppTimes:
    """What the other apps of one device take, drawn when somebody looks, in order of time; quiet at the start."""

    def __init__(self, apps: OtherApps, rng: np.random.Generator) -> None:
        self._apps = apps
        self._rng = rng
        self._share = 0.0
        self._is_busy = False
        self._until_s = 0.0 if apps.quiet_s is None else apps.quiet_s.draw(rng)

    def at(self, time_s: float) -> tuple[float, float]:
        """The share that they take at ``time_s``, and until when (later than ``time_s``)."""
        while self._until_s <= time_s:
            self._switch()
        return self._share, self._until_s

    def _switch(self) -> None:
        self._is_busy = not self._is_busy
        self._share = self._apps.share.draw(self._rng) if self._is_busy else 0.0
        lasts_s = self._apps.busy_s if self._is_busy else self._apps.quiet_s
        self._until_s += math.inf if lasts_s is None else lasts_s.draw(self._rng)
