"""Max-min fair rates of the flows in progress, at every instant.

Rates change when a flow joins or leaves, and when a capacity or a cap changes, and only then. Everything that
happens in one instant is taken together: rates are computed once, at the end of the instant, and only for the groups
of flows that a change can reach (``fedsim.system.groups``).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import simpy
from simpy.events import EventPriority

from fedsim.kernel import Simulation
from fedsim.system import few
from fedsim.system.fairness import fair_rates
from fedsim.system.flow import Flow
from fedsim.system.flow_table import FlowTable
from fedsim.system.groups import Group, Groups
from fedsim.system.link_series import LinkSeries
from fedsim.system.passage import Way
from fedsim.system.room import Room
from fedsim.system.solo import Solo, Solos
from fedsim.system.ties import Ties
from fedsim.system.tightness import Tightness
from fedsim.system.weighted_fairness import weighted_rates

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# After everything else of the instant: SimPy's own priorities are 0 (urgent) and 1 (normal).
_LAST = EventPriority(1_000_000)


class FairShares:
    """Flows, links, and the rates that follow; ``arrive(flow)`` is told of flows that have sent all."""

    def __init__(self, sim: Simulation, links: Tightness, arrive: Callable[[Flow], None]) -> None:
        """Who adds links to ``links`` need not say so; link 0 pads routes, and nothing may use it."""
        self._sim = sim
        self._arrive = arrive
        self._table = FlowTable(sim)
        self._groups = Groups()
        self._links = links
        self._ties = Ties(self._table, self._links, self._groups, self._touch, self._claim)
        self._solos = Solos(sim, self._links, lambda solo: arrive(solo.flow))
        self._alone: dict[Flow, Solo] = {}
        """Flows that go by themselves, those that came in this instant among them."""
        self._new: dict[Solo, None] = {}
        self._is_due = False
        self._touched: list[Group] = []
        self._unlimited: list[int] = []
        self._series: dict[int, LinkSeries] = {}
        self.room = Room(self._links)

    @property
    def links(self) -> int:
        """How many there are."""
        return len(self._links)

    def capacity_bps(self, link: int) -> float:
        """Present capacity."""
        return self._links.carries_bps(link)

    def set_capacity(self, link: int, capacity_bps: float) -> None:
        """Change a link under its flows."""
        self._links.set_capacity(link, capacity_bps)
        if not self.is_idle(link):
            self._claim([link])
            for solo in [solo for solo in self._new if link in solo.way.links]:
                self._enrol(solo)
            self._ties.change_capacity(link)
        self._note([link])

    def join(self, flow: Flow, way: Way) -> None:
        """The flow begins to move when everything of this instant has happened."""
        solo = Solo(self._sim, flow, way, self._links.lone_bps(way, flow.cap_bps))
        self.room.come(way, solo.lone_bps)
        self._links.come(way, solo.lone_bps)
        self._alone[flow] = solo
        self._new[solo] = None

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Those that came in this instant do not come yet, as long as this lasts."""
        new, is_due, touched = self._new, self._is_due, self._touched
        self._new, self._is_due, self._touched = {}, False, []
        try:
            yield
        finally:
            self._new, self._touched = new | self._new, touched + self._touched
            self._is_due = is_due or self._is_due

    def settle(self) -> None:
        """Let new flows move, when everything of this instant has happened; this is the last thing that it does."""
        if self._sim.loop.is_last_of_instant():
            self._share_all()
        else:
            self.settle_later()

    def leave(self, flow: Flow) -> float:
        """The flow moves no more; what it would have needed alone for what it has sent."""
        solo = self._alone.pop(flow, None)
        if solo is not None:
            self._new.pop(solo, None)
            self._solos.end(solo)
            self._links.go(solo.way, solo.lone_bps)
            self._note(solo.way.links)
            return solo.alone_s()
        alone_s = self._table.settle_one_alone(flow.slot)
        self._ties.go(flow.slot)
        self._table.remove(flow.slot)
        self._note(self._table.route(flow.slot))
        return alone_s

    def change_way(self, flow: Flow, way: Way) -> None:
        """The flow goes on over other links."""
        old = self._slot(flow)
        self._table.settle_one_alone(old)
        self._ties.go(old)
        lone_bps = self._links.lone_bps(way, flow.cap_bps)
        slot = self._table.transplant(old, way, lone_bps)
        self._links.come(way, lone_bps)
        self._ties.come(slot, way)
        self._note(self._table.route(old))

    def set_cap(self, flow: Flow, cap_bps: float) -> None:
        """From now on the flow never uses more than this."""
        slot = self._slot(flow)
        self._table.cap_bps[slot] = cap_bps
        self._ties.change_cap(slot)

    def idle(self, links: Sequence[int]) -> list[int]:
        """Those of the links on which no flow is."""
        return self._links.idle(links)

    def is_idle(self, link: int) -> bool:
        """Whether no flow is on a link."""
        return self._links.is_idle(link)

    def series(self, link: int) -> LinkSeries:
        """Load and capacity of a link from now on, or from when somebody asked first."""
        if link not in self._series:
            self.room.is_closed = True  # what is foreseen moves unseen
            self._series[link] = LinkSeries()
            self._note([link])
        return self._series[link]

    def load_bps(self, link: int) -> float:
        """What the flows on a link use of it now."""
        slots, uses = self._table.slots_on(link)
        by_themselves = [use * solo.bps for solo, use in self._solos.on(link).items()]
        return math.fsum([*(self._table.rates_bps[slots] * uses).tolist(), *by_themselves])

    def sent_bytes(self) -> float:
        """Bytes that the flows in progress have sent up to now."""
        in_slots = [self._table.sent_bytes(slot) for slot in np.flatnonzero(self._table.present).tolist()]
        return math.fsum([*in_slots, *(solo.sent_bytes(-1) for solo in self._alone.values())])

    def crossed_bytes(self, link: int) -> float:
        """Bytes of the flows on a link that have crossed it since they came to it."""
        slots, uses = self._table.slots_on(link)
        crossed = zip(slots.tolist(), uses.tolist(), strict=True)
        in_slots = [use * self._table.leg_bytes(slot) for slot, use in crossed]
        return math.fsum([*in_slots, *(use * solo.sent_bytes(-1) for solo, use in self._solos.on(link).items())])

    def leg_bytes(self, flow: Flow) -> float:
        """Bytes that the flow has sent over its present way."""
        return self._table.leg_bytes(self._slot(flow))

    def _slot(self, flow: Flow) -> int:
        """The slot of a flow; one that goes by itself gets one."""
        solo = self._alone.get(flow)
        if solo is not None:
            self._solos.end(solo)
            self._enrol(solo)
        return flow.slot

    def _claim(self, links: list[int]) -> None:
        """These links are tight: the flows on them that were free share from now on."""
        for solo in self._solos.take(links):
            self._enrol(solo)

    def _enrol(self, solo: Solo) -> None:
        """A flow that is free no more, or never was, gets a slot among those that share."""
        del self._alone[solo.flow]
        self._new.pop(solo, None)
        self._ties.come(self._table.adopt(solo), solo.way)

    def settle_later(self) -> None:
        """Let new flows move, and compute rates, when everything of this instant has happened."""
        if not self._is_due:
            self._is_due = True
            event = simpy.Event(self._sim.env)
            event._ok, event._value = True, None  # noqa: SLF001  # what simpy.Timeout does to be triggered at birth
            event.callbacks.append(self._share_all)
            self._sim.env.schedule(event, priority=_LAST)

    def _touch(self, group: Group) -> None:
        """Compute the rates of this group when everything of this instant has happened."""
        self.settle_later()
        if not group.is_touched:
            group.is_touched = True
            self._touched.append(group)

    def _share_all(self, _: simpy.Event | None = None) -> None:
        self._unlimited = []
        changed = self._begin_all()
        self._is_due = False
        touched, self._touched = self._touched, []
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

    def _begin_all(self) -> list[Flow]:
        """Let those that came in this instant move by themselves, or share; returns the observed ones of the former."""
        observed = []
        while self._new:
            solo = next(iter(self._new))
            if not self._solos.begin(solo):
                self._enrol(solo)
                continue
            del self._new[solo]
            self._note(solo.way.links)
            if solo.flow.observer is not None:
                observed.append(solo.flow)
        return observed

    def _arrive_all(self, slots: list[int]) -> None:
        for slot in slots:
            if self._table.present[slot]:  # an observer of another may have sent it elsewhere, or given it up
                self._arrive(self._table.flow(slot))

    def _parts(self, group: Group) -> list[Group]:
        ties = [link for link in self._ties.tight(int(group.members[0])) if not self._links.is_slack(link)]
        if not self._groups.is_due(group, ties):
            return [group]
        self._ties.loosen(group)
        routes = self._table.routes[:, group.members]
        return self._groups.split(group, np.where(self._links.tight[routes], routes, 0))

    def _share(self, group: Group) -> list[Flow]:
        """Give a group its rates; returns observed flows whose rate is new."""
        if len(group.members) <= few.MOST:
            return self._share_few(group)
        slots = group.members
        rates_bps = self._fair_rates(slots)
        unlimited = np.isinf(rates_bps)
        if unlimited.any():  # they are there in no time, and their infinite rate is nobody's business
            self._unlimited += self._table.oldest_first(slots[unlimited])
            slots, rates_bps = slots[~unlimited], rates_bps[~unlimited]
        changed = self._table.set_rates(slots, rates_bps)
        if self._series:
            self._note(np.unique(self._table.routes[:, slots]).tolist())
        self._set_alarm(group)
        return changed

    def _share_few(self, group: Group) -> list[Flow]:
        """The same for few."""
        table, slots = self._table, group.members.tolist()
        flows = [table.flow(slot) for slot in slots]
        found = [
            few.Contender(table.way(slot), flow.cap_bps, flow.weight) for slot, flow in zip(slots, flows, strict=True)
        ]
        few.share(found, self._links.binds_bps)
        changed = []
        for slot, flow, contender in zip(slots, flows, found, strict=True):
            if contender.rate_bps == math.inf:
                self._unlimited.append(slot)
            elif table.set_rate(slot, contender.rate_bps) and flow.observer is not None:
                changed.append(flow)
        if self._series:
            self._note(list(dict.fromkeys(link for contender in found for link in contender.way.links)))
        self._set_alarm(group)
        return changed

    def _fair_rates(self, slots: IntArray) -> Array:
        table, capacity_bps = self._table, self._links.binding_bps[: self.links]
        routes, cap_bps = table.routes.take(slots, axis=1), table.cap_bps[slots]
        if not table.are_unequal(slots):
            return fair_rates(routes, capacity_bps, cap_bps)
        return weighted_rates(routes, capacity_bps, cap_bps, table.uses.take(slots, axis=1), table.weights[slots])

    def _note(self, links: Sequence[int]) -> None:
        """Take down what links carry, where somebody wants to know."""
        for link in links if self._series else ():
            if link in self._series:
                self._series[link].note(self._sim.now, self.load_bps(link), self.capacity_bps(link))

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
