"""Overlays: who talks to whom, whatever the network underneath. An edge is a route through the underlay."""

from dataclasses import dataclass

import networkx as nx


@dataclass(frozen=True, slots=True)
class Ring:
    """Every peer talks to the one before it and the one after it, in order of the fleet."""

    def graph(self, peers: int) -> "nx.Graph[int]":
        """A cycle on 0 .. peers - 1; two peers are joined by one edge, one peer is alone."""
        graph: nx.Graph[int] = nx.cycle_graph(peers) if peers > 2 else nx.path_graph(peers)
        return graph


@dataclass(frozen=True, slots=True)
class Complete:
    """Everybody talks to everybody."""

    def graph(self, peers: int) -> "nx.Graph[int]":
        """The complete graph on 0 .. peers - 1."""
        graph: nx.Graph[int] = nx.complete_graph(peers)
        return graph
