"""Overlays of plain shapes: who talks to whom, whatever the network underneath."""

from dataclasses import dataclass
from typing import Literal

import networkx as nx

from fedsim.system.peers import Graph, Peers
from fedsim.system.tour import christofides

RingOrder = Literal["fleet", "tour"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ring:
    """Every peer talks to the one before it and the one after it.

    In the ``order`` of the fleet, or of a short tour through the network (``fedsim.system.tour``). Where it is
    ``directed``, a peer only sends to the one after it.
    """

    order: RingOrder = "fleet"
    directed: bool = False

    def graph(self, peers: Peers) -> Graph:
        """A cycle; two peers are joined by one edge, one peer is alone."""
        order = christofides(peers) if self.order == "tour" else list(range(len(peers)))
        graph: Graph = nx.DiGraph() if self.directed else nx.Graph()
        graph.add_nodes_from(range(len(peers)))
        if len(peers) > 1:
            nx.add_cycle(graph, order)
        return graph


@dataclass(frozen=True, slots=True)
class Complete:
    """Everybody talks to everybody."""

    def graph(self, peers: Peers) -> "nx.Graph[int]":
        """The complete graph."""
        graph: nx.Graph[int] = nx.complete_graph(len(peers))
        return graph
