"""Max-min fair rates of the flows in progress, at every instant.

Rates change when a flow joins or leaves, and when a capacity or a cap changes, and only then. Everything that
happens in one instant is taken together: rates are computed once, at the end of the instant, and only for the groups
of flows that a change can reach (``fedsim.system.groups``).
"""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import simpy
from simpy.events import EventPriority

from fedsim.kernel import Simulation
from fedsim.system.fairness import fair_rates
from fedsim.system.flow import Flow
from fedsim.system.flow_table import FlowTable
from fedsim.system.groups import Group, Groups
from fedsim.system.passage import Way
from fedsim.system.weighted_fairness import weighted_rates

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# After everything else of the instant: SimPy's own priorities are 0 (urgent) and 1 (normal).
_LAST = EventPriority(1_000_000)
_FIRST_LINKS = 64


class FairShares:
    """Flows, links, and the rates that follow; ``arrive(flow)`` is told of flows that have sent all."""

    def __init__(self, sim: Simulation, arrive: Callable[[Flow], None]) -> None:
        self._sim = sim
        self._arrive = arrive
        self._table = FlowTable(sim)
        self._groups = Groups()
        self._capacity_bps = np.empty(_FIRST_LINKS)
        self._touched: list[Group] = []
        self._unlimited: list[int] = []
        self.links = 0

    def add_link(self, capacity_bps: float) -> int:
        """Number of a new link; link 0 pads routes, and nothing may use it."""
        if self.links == len(self._capacity_bps):
            self._capacity_bps = np.concatenate([self._capacity_bps, np.empty(self.links)])
        self._capacity_bps[self.links] = capacity_bps
        self.links += 1
        return self.links - 1

    def capacity_bps(self, link: int) -> float:
        """Present capacity."""
        return float(self._capacity_bps[link])

    def set_capacity(self, link: int, capacity_bps: float) -> None:
        """Change a link under its flows."""
        group = self._groups.of(link)
        if group is not None:
            self._table.settle_alone(self._on(link)[0], self._capacity_bps)
            self._touch(group)
        self._capacity_bps[link] = capacity_bps

    def join(self, flow: Flow, way: Way) -> int:
        """The flow begins to move; its slot."""
        slot = self._table.add(flow, way)
        self._touch(self._groups.join(slot, way.links, self._table.links_of))
        return slot

    def leave(self, slot: int) -> float:
        """The flow in a slot moves no more; what it would have needed alone for what it has sent."""
        self._settle_alone(slot)
        self._table.remove(slot)
        self._touch(self._groups.leave(self._table.route(slot)))
        return self._table.alone_s(slot)

    def change_way(self, slot: int, way: Way) -> int:
        """The flow in a slot goes on over other links; its new slot."""
        self._settle_alone(slot)
        self._touch(self._groups.leave(self._table.route(slot)))
        slot = self._table.transplant(slot, way)
        self._touch(self._groups.join(slot, way.links, self._table.links_of))
        return slot

    def set_cap(self, slot: int, cap_bps: float) -> None:
        """From now on the flow in a slot never uses more than this."""
        self._settle_alone(slot)
        self._table.cap_bps[slot] = cap_bps
        group = self._groups.of(self._table.route(slot)[0])
        if group is not None:
            self._touch(group)

    def is_idle(self, link: int) -> bool:
        """Whether no flow is on a link."""
        return self._groups.of(link) is None

    def load_bps(self, link: int) -> float:
        """What the flows on a link use of it now."""
        slots, uses = self._on(link)
        return math.fsum(self._table.rates_bps[slots] * uses)

    def sent_bytes(self) -> float:
        """Bytes that the flows in progress have sent up to now."""
        return math.fsum(self._table.sent_bytes(slot) for slot in np.flatnonzero(self._table.present).tolist())

    def crossed_bytes(self, link: int) -> float:
        """Bytes of the flows on a link that have crossed it since they came to it."""
        slots, uses = self._on(link)
        crossed = zip(slots.tolist(), uses.tolist(), strict=True)
        return math.fsum(use * self._table.leg_bytes(slot) for slot, use in crossed)

    def leg_bytes(self, slot: int) -> float:
        """Bytes that the flow in a slot has sent over its present way."""
        return self._table.leg_bytes(slot)

    def _on(self, link: int) -> tuple[IntArray, Array]:
        """Slots of the flows on a link, (n,), and how many times their rate they take of it, (n,)."""
        group = self._groups.of(link)
        if group is None:
            return np.empty(0, dtype=np.int64), np.empty(0)
        return self._table.slots_on(link, self._groups.put_in_order(group, self._table.present))

    def _settle_alone(self, slot: int) -> None:
        self._table.settle_alone(np.array([slot]), self._capacity_bps)

    def _touch(self, group: Group) -> None:
        """Compute the rates of this group when everything of this instant has happened."""
        if not self._touched:
            event = simpy.Event(self._sim.env)
            event._ok, event._value = True, None  # noqa: SLF001  # what simpy.Timeout does to be triggered at birth
            event.callbacks.append(self._share_all)
            self._sim.env.schedule(event, priority=_LAST)
        if not group.is_touched:
            group.is_touched = True
            self._touched.append(group)

    def _share_all(self, _: simpy.Event) -> None:
        touched, self._touched = self._touched, []
        self._unlimited = []
        changed: list[Flow] = []
        for group in touched:
            group.is_touched = False
            if self._groups.put_in_order(group, self._table.present).size:
                for part in self._parts(group):
                    changed += self._share(part)
            else:
                group.silence()
        self._table.release()
        for flow in sorted(changed, key=lambda flow: flow.number):
            flow.notify()
        self._arrive_all(self._unlimited)

    def _arrive_all(self, slots: list[int]) -> None:
        for slot in slots:
            if self._table.present[slot]:  # an observer of another may have sent it elsewhere, or given it up
                self._arrive(self._table.flow(slot))

    def _parts(self, group: Group) -> list[Group]:
        if not self._groups.is_due(group, self._table.route(int(group.members[0]))):
            return [group]
        return self._groups.split(group, self._table.routes[:, group.members])

    def _share(self, group: Group) -> list[Flow]:
        """Give a group its rates; returns observed flows whose rate is new."""
        slots = group.members
        rates_bps = self._fair_rates(slots)
        unlimited = np.isinf(rates_bps)
        if unlimited.any():  # they are there in no time, and their infinite rate is nobody's business
            self._unlimited += self._table.oldest_first(slots[unlimited])
            slots, rates_bps = slots[~unlimited], rates_bps[~unlimited]
        changed = self._table.set_rates(slots, rates_bps)
        self._set_alarm(group)
        return changed

    def _fair_rates(self, slots: IntArray) -> Array:
        table, capacity_bps = self._table, self._capacity_bps[: self.links]
        routes, cap_bps = table.routes.take(slots, axis=1), table.cap_bps[slots]
        if not table.are_unequal(slots):
            return fair_rates(routes, capacity_bps, cap_bps)
        return weighted_rates(routes, capacity_bps, cap_bps, table.uses.take(slots, axis=1), table.weights[slots])

    def _set_alarm(self, group: Group) -> None:
        """Be there when the next flow is done. An alarm that rings too early stays: it costs less than a new one."""
        end_s = float(self._table.end_s[group.members].min())
        if group.alarm is not None and group.alarm.when() <= end_s:
            return
        group.silence()
        group.alarm = self._sim.loop.call_at(end_s, self._ring, group)  # at infinity: never

    def _ring(self, group: Group) -> None:
        group.alarm = None
        slots = group.members[self._table.present[group.members]]
        done = slots[self._table.end_s[slots] <= self._sim.now]
        self._arrive_all(self._table.oldest_first(done))
        if not group.is_touched:  # else it gets its alarm with its rates, when everything of this instant has happened
            self._set_alarm(group)
