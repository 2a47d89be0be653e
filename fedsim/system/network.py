"""Sends messages through a topology: access link, route of least delay, access link."""

import math
from dataclasses import dataclass
from functools import reduce

from fedsim.kernel import Simulation
from fedsim.problems import unknown
from fedsim.system.access import Access
from fedsim.system.capacity import Capacity, Constant
from fedsim.system.flow import Flow, FlowObserver
from fedsim.system.ledger import LinkUse, Traffic
from fedsim.system.links import SharedLinks
from fedsim.system.medium import Larger
from fedsim.system.routing import Router
from fedsim.system.topology import Topology

__all__ = ["Access", "Flow", "FlowObserver", "LinkUse", "Network", "Traffic"]


_Arc = tuple[str, str]
_Links = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _End:
    """Where a message starts or ends: a node, and the private links up to it and down from it."""

    node: str
    up: _Links = ()
    down: _Links = ()
    delay_s: float = 0.0


class Network:
    """A topology in use. Messages in progress share its links max-min fairly, each direction on its own.

    A half-duplex link has a third capacity, the larger of the two, that both directions share. Names of links are
    pairs: two nodes, or an attached name and its node.
    """

    def __init__(self, sim: Simulation, topology: Topology) -> None:
        self._graph = topology.graph
        self._router = Router(topology)
        self._links = SharedLinks(sim)
        self._of_arc: dict[_Arc, _Links] = {}
        self._attached: dict[str, tuple[str, Access]] = {}
        self._ends = {node: _End(node) for node in topology.graph}
        self._routes: dict[_Arc, tuple[_Links, float]] = {}
        for source, target, arc in topology.graph.edges(data=True):
            if (source, target) not in self._of_arc:
                back = topology.graph.get_edge_data(target, source)
                capacities_bps = [way["capacity_bps"] for way in (arc, back) if way]
                self._add_links(source, target, capacities_bps, half_duplex=arc["duplex"] == "half")

    def attach(self, name: str, at: str, access: Access) -> None:
        """Hang ``name`` on a node. That costs a row: its links are made when it first sends or receives.

        Raises:
            ValueError: a name that is taken, or an unknown node.
        """
        if name in self._attached or name in self._graph:
            raise ValueError(f"the network has something called {name!r} already")
        if at not in self._graph:
            raise ValueError(unknown(at, "place in the topology", self._graph))
        self._attached[name] = (at, access)

    async def transfer(
        self,
        source: str,
        target: str,
        size_bytes: float,
        observer: FlowObserver | None = None,
        *,
        cap_bps: float = math.inf,
    ) -> Flow:
        """Return when the message is there: after the delay of its route, and with all bytes moved.

        source, target: nodes of the topology or attached names    cap_bps: the most that it ever uses

        A message to oneself uses no link. If the waiting task is cancelled, the flow gives back its shares at that
        instant; ``observer`` hears of it, and the bytes sent so far are counted as wasted.

        Raises:
            NoRouteError: no way leads from source to target.
            ValueError: an unknown name, a size that is not finite and >= 0, or a cap that is not > 0.
        """
        sender, receiver = self._end(source), self._end(target)
        flow = self._links.flow(size_bytes, source=source, target=target, cap_bps=cap_bps, observer=observer)
        if source == target:
            await self._links.move(flow, ())
            return flow
        core, delay_s = self._route(sender.node, receiver.node)
        await self._links.move(flow, (*sender.up, *core, *receiver.down), sender.delay_s + delay_s + receiver.delay_s)
        return flow

    def set_capacity(self, source: str, target: str, capacity_bps: float) -> None:
        """From now on the link from ``source`` to ``target`` has this capacity; 0 stops what is on it.

        A half-duplex medium goes on to carry as much as the larger of its directions.

        Raises:
            ValueError: no such link, or a capacity that is not >= 0.
        """
        way, *medium = self._links_of(source, target)
        self._links.set_capacity(way, capacity_bps)
        for link in medium:
            back, *_ = self._links_of(target, source)
            self._links.set_capacity(link, max(capacity_bps, self._links.use(back).capacity_bps))

    def use(self, source: str, target: str) -> LinkUse:
        """What the link from ``source`` to ``target`` did up to now, in this direction.

        Raises:
            ValueError: no such link.
        """
        return self._links.use(self._links_of(source, target)[0])

    def traffic(self) -> Traffic:
        """What became of the bytes of all messages up to now."""
        return self._links.traffic()

    def _end(self, name: str) -> _End:
        end = self._ends.get(name)
        if end is None:
            if name not in self._attached:
                raise ValueError(f"{name!r} is neither attached to the network nor a node of it")
            node, access = self._attached[name]
            self._add_links(name, node, [access.upwards, access.downwards], half_duplex=access.half_duplex)
            end = _End(node, self._of_arc[name, node], self._of_arc[node, name], access.delay_s)
            self._ends[name] = end
        return end

    def _add_links(self, name: str, node: str, capacities: list[float | Capacity], *, half_duplex: bool) -> None:
        """A link from ``name`` to ``node`` and, with two capacities, one back."""
        over_time = [Constant(one) if isinstance(one, (float, int)) else one for one in capacities]
        medium = (self._links.add_link(reduce(Larger, over_time)),) if half_duplex else ()
        for arc, capacity in zip(((name, node), (node, name)), capacities, strict=False):
            self._of_arc[arc] = (self._links.add_link(capacity), *medium)

    def _links_of(self, source: str, target: str) -> _Links:
        for name, other in ((source, target), (target, source)):
            if name in self._attached and other == self._attached[name][0]:
                self._end(name)
        links = self._of_arc.get((source, target))
        if links is None:
            raise ValueError(f"the network has no link from {source!r} to {target!r}")
        return links

    def _route(self, source: str, target: str) -> tuple[_Links, float]:
        """Links from node to node, and the sum of their delays."""
        found = self._routes.get((source, target))
        if found is None:
            route = self._router.route(source, target)
            links = tuple(link for arc in route.arcs for link in self._of_arc[arc])
            found = self._routes[source, target] = (links, route.delay_s)
        return found
