"""Devices that join later and devices that leave for good."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fedsim.errors import DeviceDepartedError
from fedsim.system.law import Law
from fedsim.system.presence import Reason
from fedsim.system.process import Array, Bools, Crowd, Process, Ranks


@dataclass(frozen=True, kw_only=True)
class Churn:
    """When a device arrives, and for how long it belongs to the fleet from then on.

    arrives_s: seconds after the start, None for there from the start    belongs_s: None for ever

    Raises:
        ValueError: neither, or a law that can be negative.
    """

    arrives_s: Law | None = None
    belongs_s: Law | None = None

    def __post_init__(self) -> None:
        laws = [law for law in (self.arrives_s, self.belongs_s) if law is not None]
        if not laws:
            raise ValueError("churn needs a law of arriving or of belonging")
        if not all(law.support[0] >= 0 for law in laws):
            raise ValueError(f"churn: no time may be negative, got {self.arrives_s!r}, {self.belongs_s!r}")

    def processes(self, crowd: Crowd) -> Sequence[tuple[Process, Reason]]:
        """One, off before the arrival and after the departure."""
        arrives_s, belongs_s = np.zeros(len(crowd)), np.full(len(crowd), math.inf)
        q = crowd.luck("churn").pairs(crowd.things, 0)
        if self.arrives_s is not None:
            arrives_s = self.arrives_s.isf(q[0])
        if self.belongs_s is not None:
            belongs_s = self.belongs_s.isf(q[1])
        return [(Membership(arrives_s, arrives_s + belongs_s), DeviceDepartedError)]


class Membership:
    """On from one time to another: each (n,)."""

    def __init__(self, arrives_s: Array, departs_s: Array) -> None:
        self._arrives_s = arrives_s
        self._departs_s = departs_s

    def at(self, ranks: Ranks, time_s: float) -> tuple[Bools, Array]:
        """Whether these belong to the fleet at ``time_s``, and until when; infinity after the departure."""
        arrives_s, departs_s = self._arrives_s[ranks], self._departs_s[ranks]
        has_come, has_gone = arrives_s <= time_s, departs_s <= time_s
        until_s = np.where(has_gone, math.inf, np.where(has_come, departs_s, arrives_s))
        return has_come & ~has_gone, until_s

    def one(self, rank: int, time_s: float) -> tuple[bool, float]:
        """The same for one."""
        is_on, until_s = self.at(np.array([rank]), time_s)
        return bool(is_on[0]), float(until_s[0])
