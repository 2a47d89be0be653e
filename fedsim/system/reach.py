"""How far peers are from each other, as far as a network says that before anything is sent.

Marfoq, Xu, Neglia and Vidal, "Throughput-optimal topology design for cross-silo federated learning", NeurIPS 2020,
equation 3: see ``fedsim.system.equal_split``. These are predictions, for building overlays and saying how fast they
will be; what a message really takes is decided on its way.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt

from fedsim.system.routing import Metric, Router
from fedsim.system.topology import Topology

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Reach:
    """What lies between n peers.

    places: (n,) the node of the topology on which each hangs    up_bps, down_bps, access_s: (n,) rates and one-way
    delay of its access link    compute: (n,) seconds of each peer's local work in a round, asked for when somebody
    wants to know    message_bytes: of a model on its way    metric: by which routes are chosen
    """

    topology: Topology
    places: Sequence[str]
    up_bps: Array
    down_bps: Array
    access_s: Array
    compute: Callable[[], Array]
    message_bytes: float
    metric: Metric = "delay"

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def compute_s(self) -> Array:
        """Seconds of every peer's local work in a round: (n,)."""
        return self.compute()

    def latency_s(self, source: int, target: int) -> float:
        """One-way delay from peer to peer, both access links included.

        Raises:
            NoRouteError: no way leads there.
        """
        core_s, _ = self._way(self.places[source], self.places[target])
        return float(self.access_s[source] + core_s + self.access_s[target])

    def core_bps(self, source: int, target: int) -> float:
        """The least capacity of the route between their places, over its hops; infinite at one place."""
        return self._way(self.places[source], self.places[target])[1]

    def move_s(self, source: int, target: int, *, out: int = 1, into: int = 1) -> float:
        """From sending to having it, where the source sends to ``out`` peers and the target hears ``into`` of them."""
        rates_bps = (self.up_bps[source] / out, self.down_bps[target] / into, self.core_bps(source, target))
        return self.latency_s(source, target) + 8 * self.message_bytes / float(min(rates_bps))

    def delays(self, overlay: "nx.Graph[Any] | nx.DiGraph[Any]", *, overlaps: bool = False) -> "nx.DiGraph[int]":
        """For ``cycle_time``: ``delay_s`` from "i starts computing" to "j has i's model", loops of computing alone.

        Where sending and computing overlap, a message leaves at the start.
        """
        directed: nx.DiGraph[int] = nx.DiGraph(overlay)
        directed.remove_edges_from(list(nx.selfloop_edges(directed)))
        found: nx.DiGraph[int] = nx.DiGraph()
        for peer in directed:
            found.add_edge(peer, peer, delay_s=float(self.compute_s[peer]))
        for i, j in directed.edges:
            moved_s = self.move_s(i, j, out=directed.out_degree(i), into=directed.in_degree(j))
            found.add_edge(i, j, delay_s=moved_s if overlaps else float(self.compute_s[i]) + moved_s)
        return found

    def distances(self) -> "nx.Graph[int]":
        """Every pair with ``delay_s``: the mean of both ways, each with nobody else to send to or to hear."""
        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(len(self)))
        for i, j in combinations(range(len(self)), 2):
            there_s, back_s = (
                float(self.compute_s[source]) + self.move_s(source, target) for source, target in ((i, j), (j, i))
            )
            graph.add_edge(i, j, delay_s=(there_s + back_s) / 2)
        return graph

    @cached_property
    def _router(self) -> Router:
        return Router(self.topology, self.metric)

    @cached_property
    def _ways(self) -> dict[tuple[str, str], tuple[float, float]]:
        return {}

    def _way(self, source: str, target: str) -> tuple[float, float]:
        """Delay and capacity over hops of a route through the core."""
        if (source, target) not in self._ways:
            route = self._router.route(source, target)
            narrowest = min((self.topology.graph.edges[arc]["capacity_bps"] for arc in route.arcs), default=math.inf)
            self._ways[source, target] = route.delay_s, float(narrowest) / max(1, len(route.arcs))
        return self._ways[source, target]
