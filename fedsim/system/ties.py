"""Flows that hang together, by the links that may be full, as flows and capacities come and go."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fedsim.system.flow_table import FlowTable
from fedsim.system.groups import Group, Groups
from fedsim.system.passage import Way
from fedsim.system.tightness import Tightness

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Ties:
    """Keeps groups true to which links are tight; ``touch`` is told of groups whose rates may change."""

    def __init__(
        self,
        table: FlowTable,
        links: Tightness,
        groups: Groups,
        touch: Callable[[Group], None],
        claim: Callable[[list[int]], None],
    ) -> None:
        """``claim`` brings the free flows on links that have become tight into the table, by ``come``."""
        self._table = table
        self._links = links
        self._groups = groups
        self._touch = touch
        self._claim = claim

    def come(self, slot: int, way: Way) -> None:
        """A flow that is in its slot, and counted on its links, is tied to others by those that are tight."""
        links, route = self._links, way.links
        ties = [link for link in route if links.is_tight(link)]
        later = links.overdue(route)
        if not (ties or later):
            later = [min(route, key=links.carries_bps)]
        fresh = list(later)
        if not ties:  # to be known by some link, alone on it for the moment, before others are tied to it
            first = later.pop(0)
            self._tighten(first, apart_from=slot)
            ties = [first]
        self._groups.join(slot, ties, self._table.links_of)
        for link in later:
            self._tighten(link)
        self.touch_link(ties[0])
        if fresh:
            self._claim(fresh)

    def go(self, slot: int) -> None:
        """A flow leaves its links."""
        way = self._table.way(slot)
        self._touch(self._groups.leave([link for link in way.links if self._links.is_tight(link)]))
        self._links.go(way, float(self._table.lone_bps[slot]))

    def change_capacity(self, link: int) -> None:
        """The capacity of a link in use has changed."""
        slots, uses = self._table.slots_on(link)
        lone_bps = self._settle(slots)
        self._links.recount(link, uses, lone_bps)
        self._tighten_overdue(slots)
        if self._links.is_tight(link):
            self.touch_link(link)

    def change_cap(self, slot: int) -> None:
        """The cap of a flow has changed."""
        slots = np.array([slot])
        self._settle(slots)
        self._tighten_overdue(slots)
        self.touch_link(self.tight(slot)[0])

    def _settle(self, slots: IntArray) -> Array:
        """Capacities or caps of these flows have changed; what they would have alone from now on."""
        before_bps, after_bps = self._table.settle_alone(slots, self._links.capacity_bps)
        routes = self._table.routes[:, slots]
        self._links.shift(routes, self._table.uses[:, slots], before_bps, after_bps)
        return after_bps

    def _tighten_overdue(self, slots: IntArray) -> None:
        """Links of these flows may have become tight."""
        overdue = self._links.overdue(np.unique(self._table.routes[:, slots]).tolist())
        for link in overdue:
            self._tighten(link)
            self.touch_link(link)
        self._claim(overdue)

    def _tighten(self, link: int, apart_from: int = -1) -> None:
        """From now on a link ties the flows on it together."""
        slots = self._table.slots_on(link)[0]
        anchors = [self.tight(slot)[0] for slot in slots.tolist() if slot != apart_from]
        self._links.set_tight(link, is_tight=True)
        for anchor in anchors:
            self._groups.tie(anchor, link, self._table.links_of)

    def loosen(self, group: Group) -> None:
        """Links of a group in order that cannot be full any more tie nobody, unless somebody is known by no other."""
        routes = self._table.routes[:, group.members]
        for link in np.unique(routes).tolist():
            if self._links.is_tight(link) and self._links.is_slack(link):
                here = routes[:, (routes == link).any(axis=0)]
                if (self._links.tight[here].sum(axis=0) > 1).all():
                    self._links.set_tight(link, is_tight=False)
                    self._groups.untie(link)

    def tight(self, slot: int) -> list[int]:
        """Links by which a flow is tied to others."""
        return [link for link in self._table.route(slot) if self._links.is_tight(link)]

    def touch_link(self, link: int) -> None:
        """The rates of those whom this link ties must be computed anew."""
        group = self._groups.of(link)
        if group is not None:
            self._touch(group)
