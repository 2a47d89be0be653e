"""Progress of all flows that are moving bytes, one slot each, in arrays.

Rates are constant between changes, so what a flow has left is settled only when its own rate changes: no polling,
and no error that grows with time.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fedsim.kernel import Simulation
from fedsim.system.flow import Flow

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_FIRST_SLOTS = 64


class FlowTable:
    """Slots with route, cap, rate, bytes left, and end; a slot is used again after ``release``."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self.routes: IntArray = np.zeros((1, _FIRST_SLOTS), dtype=np.int64)
        """Links of each slot, (longest, slots), padded with link 0."""
        self.present = np.zeros(_FIRST_SLOTS, dtype=np.bool_)
        self.cap_bps = np.zeros(_FIRST_SLOTS)
        self.rates_bps = np.zeros(_FIRST_SLOTS)
        self.left_bytes = np.zeros(_FIRST_SLOTS)
        self.since_s = np.zeros(_FIRST_SLOTS)
        """When ``left_bytes`` was true."""
        self.end_s = np.full(_FIRST_SLOTS, math.inf)
        self._observed = np.zeros(_FIRST_SLOTS, dtype=np.bool_)
        self._flows: dict[int, Flow] = {}
        self._free = list(reversed(range(_FIRST_SLOTS)))
        self._gone: list[int] = []

    def add(self, flow: Flow, route: Sequence[int]) -> int:
        """Give the flow a slot; it begins with rate 0."""
        self._make_room(len(route))
        slot = self._free.pop()
        self.routes[:, slot] = 0
        self.routes[: len(route), slot] = route
        self.present[slot] = True
        self.cap_bps[slot] = flow.cap_bps
        self.rates_bps[slot] = 0.0
        self.left_bytes[slot] = flow.size_bytes
        self.since_s[slot] = self._sim.now
        self.end_s[slot] = math.inf
        self._observed[slot] = flow.observer is not None
        self._flows[slot] = flow
        flow.start_moving(self, slot, self._sim.now)
        return slot

    def remove(self, slot: int) -> Flow:
        """Take the flow out of its slot, which is kept until ``release``."""
        self.present[slot] = False
        self._gone.append(slot)
        return self._flows.pop(slot)

    def release(self) -> None:
        """Nobody remembers the slots of removed flows any more."""
        self._free.extend(self._gone)
        self._gone.clear()

    def links_of(self, slots: IntArray) -> IntArray:
        """All links of these slots, with repetitions and link 0."""
        return self.routes[:, slots].ravel()

    def flow(self, slot: int) -> Flow:
        """The flow in a slot."""
        return self._flows[slot]

    def oldest_first(self, slots: IntArray) -> list[int]:
        """Slots in the order in which their flows were made."""
        return sorted(slots.tolist(), key=lambda slot: self.flow(slot).number)

    def set_rates(self, slots: IntArray, rates_bps: Array) -> list[Flow]:
        """Give new rates; returns flows whose rate is different from before and that somebody observes.

        A flow whose rate stays the same is not touched: it keeps its end to the last bit.
        """
        different = rates_bps != self.rates_bps[slots]
        slots, rates_bps = slots[different], rates_bps[different]
        now_s = self._sim.now
        sent_bytes = self.rates_bps[slots] * (now_s - self.since_s[slots]) / 8
        left_bytes = np.maximum(self.left_bytes[slots] - sent_bytes, 0.0)
        self.left_bytes[slots] = left_bytes
        self.since_s[slots] = now_s
        self.rates_bps[slots] = rates_bps
        self.end_s[slots] = math.inf
        moving = rates_bps > 0
        self.end_s[slots[moving]] = now_s + 8 * left_bytes[moving] / rates_bps[moving]
        return [self.flow(slot) for slot in slots[self._observed[slots]].tolist()]

    def rate_bps(self, slot: int) -> float:
        """Present rate of the flow in this slot."""
        return float(self.rates_bps[slot])

    def sent_bytes(self, slot: int) -> float:
        """What the flow in this slot has sent up to now."""
        moved_bytes = float(self.rates_bps[slot]) * (self._sim.now - float(self.since_s[slot])) / 8
        return self.flow(slot).size_bytes - max(0.0, float(self.left_bytes[slot]) - moved_bytes)

    def _make_room(self, route_length: int) -> None:
        longest, slots = self.routes.shape
        if route_length > longest:
            more = np.zeros((route_length - longest, slots), dtype=np.int64)
            self.routes = np.concatenate([self.routes, more])
        if self._free:
            return
        self.routes = np.concatenate([self.routes, np.zeros_like(self.routes)], axis=1)
        for name in ("present", "cap_bps", "rates_bps", "left_bytes", "since_s", "end_s", "_observed"):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros_like(column)]))
        self._free.extend(reversed(range(slots, 2 * slots)))
