"""Ways through a topology: least delay or fewest hops, and among equals always the same one."""

import heapq
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from fedsim.errors import NoRouteError
from fedsim.problems import unknown
from fedsim.system.topology import Topology

Metric = Literal["delay", "hops"]
METRICS: tuple[Metric, ...] = ("delay", "hops")

_Arc = tuple[str, str]
_Cost = tuple[int, int]

# Delays are compared in whole femtoseconds, so that equal sums are equal in whatever order they are added.
_FEMTOSECONDS = 10**15


@dataclass(frozen=True, slots=True)
class Route:
    """Nodes from source to target, both included, and the sum of one-way delays between them."""

    nodes: tuple[str, ...]
    delay_s: float

    @property
    def arcs(self) -> list[tuple[str, str]]:
        """Pairs of neighbours along the way; none where source and target are one node."""
        return list(pairwise(self.nodes))


@dataclass(frozen=True, slots=True)
class _Way:
    """The best way to a node, and what it costs: least is best, on (delay, hops) or (hops, delay)."""

    cost: _Cost
    nodes: tuple[str, ...]


class Router:
    """Finds routes, one search per source, when it is first asked for, over all that is up.

    By ``"delay"``: the least delay, then the fewest hops. By ``"hops"``: the fewest hops, then the least delay. Ways
    that are equal in both: the first in alphabetical order of their nodes.

    Raises:
        ValueError: an unknown metric.
    """

    def __init__(self, topology: Topology, metric: Metric = "delay") -> None:
        if metric not in METRICS:
            raise ValueError(unknown(metric, "metric of routes", METRICS))
        self._graph = topology.graph
        self._metric = metric
        self._from: dict[str, dict[str, _Way]] = {}
        self._down: set[str | _Arc] = set()

    def route(self, source: str, target: str) -> Route:
        """The route from one node to another.

        Raises:
            NoRouteError: an unknown node, one that is down, or no way from source to target.
        """
        for node in (source, target):
            if node not in self._graph:
                raise NoRouteError(f"{node!r} is not a node of the topology")
            if node in self._down:
                raise NoRouteError(f"no route leads from {source!r} to {target!r}: {node!r} is down")
        if source not in self._from:
            self._from[source] = self._search(source)
        way = self._from[source].get(target)
        if way is None:
            raise NoRouteError(f"no route leads from {source!r} to {target!r}")
        return Route(way.nodes, math.fsum(self._graph.edges[arc]["delay_s"] for arc in pairwise(way.nodes)))

    def is_up(self, what: str | _Arc) -> bool:
        """Whether messages may pass a node, or an arc (then both of its ends are up, too)."""
        return self._is_open(*what) if isinstance(what, tuple) else what not in self._down

    def set_up(self, what: str | _Arc, up: bool) -> frozenset[str]:  # noqa: FBT001  # as in "set it up"
        """From now on a node, or an arc (one direction of a link), is up or down.

        Only sources whose best ways may change are searched again, when they are next asked for.

        Returns:
            These sources: what was known of their routes no longer holds.

        Raises:
            ValueError: no such node or arc.
        """
        arcs = self._arcs_of(what)
        if up != (what in self._down):
            return frozenset()
        before = {arc for arc in arcs if self._is_open(*arc)}
        (self._down.discard if up else self._down.add)(what)
        after = {arc for arc in arcs if self._is_open(*arc)}
        gone, new = before - after, after - before
        changed = {source for source, ways in self._from.items() if _loses(ways, gone) or self._gains(ways, new)}
        if isinstance(what, str) and what in self._from:
            changed.add(what)
        for source in changed:
            del self._from[source]
        return frozenset(changed)

    def _arcs_of(self, what: str | _Arc) -> list[_Arc]:
        if isinstance(what, tuple):
            if not self._graph.has_edge(*what):
                raise ValueError(f"the topology has no link from {what[0]!r} to {what[1]!r}")
            return [what]
        if what not in self._graph:
            raise ValueError(unknown(what, "node", self._graph))
        return [*self._graph.in_edges(what), *self._graph.out_edges(what)]

    def _is_open(self, source: str, target: str) -> bool:
        return not self._down or not {source, target, (source, target)} & self._down

    def _gains(self, ways: dict[str, _Way], arcs: set[_Arc]) -> bool:
        """Whether a way over one of these arcs is as good as the best one without it."""
        for source, target in arcs:
            if source in ways:
                known = ways.get(target)
                if known is None or self._farther(ways[source].cost, source, target) <= known.cost:
                    return True
        return False

    def _farther(self, cost: _Cost, source: str, target: str) -> _Cost:
        """What it costs to go on over an arc."""
        whole_s, rest_s = divmod(self._graph.edges[source, target]["delay_s"], 1)  # however long, it stays finite
        delay = int(whole_s) * _FEMTOSECONDS + round(rest_s * _FEMTOSECONDS)
        step = (delay, 1) if self._metric == "delay" else (1, delay)
        return cost[0] + step[0], cost[1] + step[1]

    def _search(self, source: str) -> dict[str, _Way]:
        """Dijkstra's algorithm on (cost, nodes): the best way to every node that can be reached."""
        best: dict[str, _Way] = {}
        heap: list[tuple[_Cost, tuple[str, ...]]] = [((0, 0), (source,))]
        while heap:
            cost, nodes = heapq.heappop(heap)
            here = nodes[-1]
            if here in best:
                continue
            best[here] = _Way(cost, nodes)
            for node in self._graph.adj[here]:
                if node not in best and self._is_open(here, node):
                    heapq.heappush(heap, (self._farther(cost, here, node), (*nodes, node)))
        return best


def _loses(ways: dict[str, _Way], arcs: set[_Arc]) -> bool:
    """Whether one of these arcs is part of a best way."""
    return any(target in ways and ways[target].nodes[-2:] == (source, target) for source, target in arcs)
