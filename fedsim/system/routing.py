"""Ways through a topology: least delay, then fewest hops, then the first in alphabetical order."""

import heapq
import math
from dataclasses import dataclass
from itertools import pairwise

from fedsim.errors import NoRouteError
from fedsim.system.topology import Topology

# Delays are compared in whole femtoseconds, so that equal sums are equal in whatever order they are added.
_FEMTOSECONDS = 1e15


@dataclass(frozen=True, slots=True)
class Route:
    """Nodes from source to target, both included, and the sum of one-way delays between them."""

    nodes: tuple[str, ...]
    delay_s: float

    @property
    def arcs(self) -> list[tuple[str, str]]:
        """Pairs of neighbours along the way; none where source and target are one node."""
        return list(pairwise(self.nodes))


class Router:
    """Finds routes, one search per source, when it is first asked for."""

    def __init__(self, topology: Topology) -> None:
        self._graph = topology.graph
        self._from: dict[str, dict[str, tuple[str, ...]]] = {}

    def route(self, source: str, target: str) -> Route:
        """The route from one node to another.

        Raises:
            NoRouteError: an unknown node, or no way from source to target.
        """
        for node in (source, target):
            if node not in self._graph:
                raise NoRouteError(f"{node!r} is not a node of the topology")
        if source not in self._from:
            self._from[source] = self._search(source)
        nodes = self._from[source].get(target)
        if nodes is None:
            raise NoRouteError(f"no route leads from {source!r} to {target!r}")
        return Route(nodes, math.fsum(self._graph.edges[arc]["delay_s"] for arc in pairwise(nodes)))

    def _search(self, source: str) -> dict[str, tuple[str, ...]]:
        """Dijkstra's algorithm on (delay, hops, nodes): the best way to every node that can be reached."""
        best: dict[str, tuple[str, ...]] = {}
        heap: list[tuple[int, int, tuple[str, ...]]] = [(0, 0, (source,))]
        while heap:
            delay, hops, nodes = heapq.heappop(heap)
            if nodes[-1] in best:
                continue
            best[nodes[-1]] = nodes
            for node, arc in self._graph.adj[nodes[-1]].items():
                if node not in best:
                    step = round(arc["delay_s"] * _FEMTOSECONDS)
                    heapq.heappush(heap, (delay + step, hops + 1, (*nodes, node)))
        return best
