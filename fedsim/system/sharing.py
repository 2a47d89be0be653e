"""Max-min fair rates of the flows in progress, at every instant.

Rates change when a flow joins or leaves and when a capacity changes, and only then. Everything that happens in one
instant is taken together: rates are computed once, at the end of the instant, and only for the groups of flows
that a change can reach (``fedsim.system.groups``).
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import simpy
from simpy.events import EventPriority

from fedsim.kernel import Simulation
from fedsim.system.fairness import fair_rates
from fedsim.system.flow import Flow
from fedsim.system.flow_table import FlowTable
from fedsim.system.groups import Group, Groups

# After everything else of the instant: SimPy's own priorities are 0 (urgent) and 1 (normal).
_LAST = EventPriority(1_000_000)
_FIRST_LINKS = 64


class FairShares:
    """Flows, links, and the rates that follow; ``arrive(flow, slot)`` is told of flows that have sent all."""

    def __init__(self, sim: Simulation, arrive: Callable[[Flow, int], None]) -> None:
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
        self._capacity_bps[link] = capacity_bps
        group = self._groups.of(link)
        if group is not None:
            self._touch(group)

    def join(self, flow: Flow, route: Sequence[int]) -> int:
        """The flow begins to move; its slot."""
        slot = self._table.add(flow, route)
        self._touch(self._groups.join(slot, route, self._table.links_of))
        return slot

    def leave(self, slot: int) -> tuple[Flow, list[int], list[int]]:
        """The flow in a slot moves no more; the flow, its route, and the links of it that are idle now."""
        flow = self._table.remove(slot)
        route = [link for link in self._table.routes[:, slot].tolist() if link]
        self._touch(self._groups.leave(route))
        return flow, route, [link for link in route if self._groups.of(link) is None]

    def sent_bytes(self, link: int | None = None) -> float:
        """Bytes that the flows in progress have sent up to now over this link, or at all."""
        slots = np.flatnonzero(self._table.present)
        if link is not None:
            slots = slots[(self._table.routes[:, slots] == link).any(axis=0)]
        return math.fsum(self._table.sent_bytes(slot) for slot in slots.tolist())

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
        for slot in self._unlimited:
            self._arrive(self._table.flow(slot), slot)

    def _parts(self, group: Group) -> list[Group]:
        if not self._groups.is_due(group, self._route(group.members[0])):
            return [group]
        return self._groups.split(group, self._table.routes[:, group.members])

    def _route(self, slot: int) -> list[int]:
        return [link for link in self._table.routes[:, slot].tolist() if link]

    def _share(self, group: Group) -> list[Flow]:
        """Give a group its rates; returns observed flows whose rate is new."""
        slots = group.members
        rates_bps = fair_rates(
            self._table.routes.take(slots, axis=1), self._capacity_bps[: self.links], self._table.cap_bps[slots]
        )
        unlimited = np.isinf(rates_bps)
        if unlimited.any():  # they are there in no time, and their infinite rate is nobody's business
            self._unlimited += self._table.oldest_first(slots[unlimited])
            slots, rates_bps = slots[~unlimited], rates_bps[~unlimited]
        changed = self._table.set_rates(slots, rates_bps)
        self._set_alarm(group)
        return changed

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
        for slot in self._table.oldest_first(done):
            self._arrive(self._table.flow(slot), slot)
        if not group.is_touched:  # else it gets its alarm with its rates, when everything of this instant has happened
            self._set_alarm(group)
