"""Progress of all flows that are moving bytes, one slot each, in arrays.

Rates are constant between changes, so what a flow has left is settled only when its own rate changes: no polling,
and no error that grows with time.
"""

import math
from collections import defaultdict

import numpy as np
import numpy.typing as npt

from fedsim.kernel import Simulation
from fedsim.system.alone import AloneTimes
from fedsim.system.flow import Flow
from fedsim.system.passage import Way
from fedsim.system.solo import Solo

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_FIRST_SLOTS = 64
_COLUMNS = (
    *("present", "weights", "cap_bps", "lone_bps", "rates_bps", "left_bytes", "since_s", "end_s"),
    *("_is_unequal", "_observed", "_joined_bytes"),
)


class FlowTable:
    """Slots with route, cap, rate, bytes left, and end; a slot is used again after ``release``."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self.routes: IntArray = np.zeros((1, _FIRST_SLOTS), dtype=np.int64)
        """Links of each slot, (longest, slots), padded with link 0."""
        self.uses: Array = np.ones((1, _FIRST_SLOTS))
        """What the flow in a slot takes of each of its links, as a multiple of its rate, (longest, slots)."""
        self.present = np.zeros(_FIRST_SLOTS, dtype=np.bool_)
        self.weights = np.ones(_FIRST_SLOTS)
        self.cap_bps = np.zeros(_FIRST_SLOTS)
        self.lone_bps = np.zeros(_FIRST_SLOTS)
        """What the flow would have alone now: the least of its cap and its links."""
        self.rates_bps = np.zeros(_FIRST_SLOTS)
        self.left_bytes = np.zeros(_FIRST_SLOTS)
        self.since_s = np.zeros(_FIRST_SLOTS)
        """When ``left_bytes`` was true."""
        self.end_s = np.full(_FIRST_SLOTS, math.inf)
        self._unequal = 0
        self._is_unequal = np.zeros(_FIRST_SLOTS, dtype=np.bool_)
        self._observed = np.zeros(_FIRST_SLOTS, dtype=np.bool_)
        self._joined_bytes = np.zeros(_FIRST_SLOTS)
        """What the flow had left when it came into its slot."""
        self._alone = AloneTimes(_FIRST_SLOTS)
        self._flows: dict[int, Flow] = {}
        self._ways: dict[int, Way] = {}
        self._on: defaultdict[int, dict[int, float]] = defaultdict(dict)
        self._free = list(reversed(range(_FIRST_SLOTS)))
        self._gone: list[int] = []

    def adopt(self, solo: Solo) -> int:
        """Give a flow that went by itself a slot; it goes on with its present rate for the moment."""
        slot = self._take(solo.flow, solo.way, solo.lone_bps)
        self.rates_bps[slot] = solo.bps
        self.left_bytes[slot] = self._joined_bytes[slot] = solo.left_bytes
        self.since_s[slot] = solo.since_s
        self._alone.begin(slot, solo.left_bytes, solo.since_s)
        self.end_s[slot] = solo.end_s
        solo.flow.keep_moving(self, slot)
        return slot

    def transplant(self, old: int, way: Way, lone_bps: float) -> int:
        """The flow in a slot goes on, with its present rate for the moment, over another way in another slot."""
        flow = self.remove(old)
        slot = self._take(flow, way, lone_bps)
        for column in (self.rates_bps, self.left_bytes, self.since_s, self.end_s):
            column[slot] = column[old]
        self._alone.transplant(old, slot)
        self._joined_bytes[slot] = self.left_now_bytes(slot)
        flow.keep_moving(self, slot)
        return slot

    def remove(self, slot: int) -> Flow:
        """Take the flow out of its slot, which is kept until ``release``."""
        self.present[slot] = False
        self._gone.append(slot)
        for link in self._ways[slot].links:
            del self._on[link][slot]
        self._unequal -= bool(self._is_unequal[slot])
        return self._flows.pop(slot)

    def release(self) -> None:
        """Nobody remembers the slots of removed flows any more."""
        self._free.extend(self._gone)
        self._gone.clear()

    def are_unequal(self, slots: IntArray) -> bool:
        """Whether any of these flows has a weight, or takes more or less than its rate on some link."""
        return self._unequal > 0 and bool(self._is_unequal[slots].any())

    def links_of(self, slots: IntArray) -> IntArray:
        """All links of these slots, with repetitions and link 0."""
        return self.routes[:, slots].ravel()

    def route(self, slot: int) -> list[int]:
        """Links of a slot."""
        return list(self._ways[slot].links)

    def way(self, slot: int) -> Way:
        """Links of a slot, and what its flow takes of each, as a multiple of its rate."""
        return self._ways[slot]

    def slots_on(self, link: int) -> tuple[IntArray, Array]:
        """Slots of the flows on a link, (n,), and how many times its rate each takes of it, (n,)."""
        here = self._on[link]
        slots = np.fromiter(here, np.int64, len(here))
        return slots, np.fromiter(here.values(), np.float64, len(here))

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
        left_bytes = self._left_bytes(slots)
        now_s = self._sim.now
        self.left_bytes[slots] = left_bytes
        self.since_s[slots] = now_s
        self.rates_bps[slots] = rates_bps
        self.end_s[slots] = math.inf
        moving = rates_bps > 0
        self.end_s[slots[moving]] = now_s + 8 * left_bytes[moving] / rates_bps[moving]
        return [self.flow(slot) for slot in slots[self._observed[slots]].tolist()]

    def set_rate(self, slot: int, rate_bps: float) -> bool:
        """The same for one flow; whether its rate is different from before."""
        if rate_bps == self.rates_bps[slot]:
            return False
        now_s = self._sim.now
        left_bytes = self.left_now_bytes(slot)
        self.left_bytes[slot] = left_bytes
        self.since_s[slot] = now_s
        self.rates_bps[slot] = rate_bps
        self.end_s[slot] = now_s + 8 * left_bytes / rate_bps if rate_bps > 0 else math.inf
        return True

    def rate_bps(self, slot: int) -> float:
        """Present rate of the flow in this slot."""
        return float(self.rates_bps[slot])

    def sent_bytes(self, slot: int) -> float:
        """What the flow in this slot has sent up to now."""
        return self.flow(slot).size_bytes - self.left_now_bytes(slot)

    def left_now_bytes(self, slot: int) -> float:
        """What the flow in this slot has yet to send."""
        moved_bytes = float(self.rates_bps[slot]) * (self._sim.now - float(self.since_s[slot])) / 8
        return max(0.0, float(self.left_bytes[slot]) - moved_bytes)

    def leg_bytes(self, slot: int) -> float:
        """What the flow has sent since it came into this slot."""
        return float(self._joined_bytes[slot]) - self.left_now_bytes(slot)

    def settle_alone(self, slots: IntArray, capacity_bps: Array) -> tuple[Array, Array]:
        """Links carry ``capacity_bps``, (links,), and flows have their caps, from now on.

        Returns what each flow would have had alone up to now, (n,), and from now on, (n,).
        """
        before_bps = self.lone_bps[slots]
        self._alone.settle(slots, before_bps, self._left_bytes(slots), self._sim.now)
        limits_bps = capacity_bps[self.routes[:, slots]] / self.uses[:, slots]
        self.lone_bps[slots] = np.minimum(limits_bps.min(axis=0), self.cap_bps[slots])
        return before_bps, self.lone_bps[slots]

    def settle_one_alone(self, slot: int) -> float:
        """What a flow would have needed alone for what it has sent up to now."""
        return self._alone.settle_one(slot, float(self.lone_bps[slot]), self.left_now_bytes(slot), self._sim.now)

    def _left_bytes(self, slots: IntArray) -> Array:
        sent_bytes = self.rates_bps[slots] * (self._sim.now - self.since_s[slots]) / 8
        left: Array = np.maximum(self.left_bytes[slots] - sent_bytes, 0.0)
        return left

    def _take(self, flow: Flow, way: Way, lone_bps: float) -> int:
        """A slot with the way and the cap of a flow."""
        length = len(way.links)
        self._make_room(length)
        slot = self._free.pop()
        self.routes[:, slot] = 0
        self.routes[:length, slot] = way.links
        self.uses[:, slot] = 1.0
        self.uses[:length, slot] = way.uses
        self.present[slot] = True
        self.lone_bps[slot] = lone_bps
        self.weights[slot] = flow.weight
        self.cap_bps[slot] = flow.cap_bps
        self._observed[slot] = flow.observer is not None
        self._flows[slot] = flow
        self._ways[slot] = way
        for link, use in zip(way.links, way.uses, strict=True):
            self._on[link][slot] = use
        self._is_unequal[slot] = flow.weight != 1 or not way.is_plain
        self._unequal += bool(self._is_unequal[slot])
        return slot

    def _make_room(self, route_length: int) -> None:
        longest, slots = self.routes.shape
        if route_length > longest:
            more = (route_length - longest, slots)
            self.routes = np.concatenate([self.routes, np.zeros(more, dtype=np.int64)])
            self.uses = np.concatenate([self.uses, np.ones(more)])
        if self._free:
            return
        self.routes = np.concatenate([self.routes, np.zeros_like(self.routes)], axis=1)
        self.uses = np.concatenate([self.uses, np.ones_like(self.uses)], axis=1)
        for name in _COLUMNS:
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros_like(column)]))
        self._alone.grow()
        self._free.extend(reversed(range(slots, 2 * slots)))
