"""The underlay itself as an overlay: who is next to each other there talks to each other."""

from collections import deque
from dataclasses import dataclass

import networkx as nx

from fedsim.system.peers import Peers
from fedsim.system.topology import Topology


@dataclass(frozen=True, slots=True)
class AsUnderlay:
    """Peers talk to those at the next places of the underlay: linked to their own, or with nobody between them.

    Of several at one place, the first talks to the others there, and to the first of each next place.
    """

    def graph(self, peers: Peers) -> "nx.Graph[int]":
        """The neighbourhoods of the underlay.

        Raises:
            FedsimError: nothing is known of it.
        """
        reach = peers.known_reach("the underlay as overlay")
        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(len(peers)))
        first: dict[str, int] = {}
        for peer, place in enumerate(reach.places):
            if first.setdefault(place, peer) != peer:
                graph.add_edge(first[place], peer)
        for place, peer in first.items():
            graph.add_edges_from((peer, first[other]) for other in _next(reach.topology, place, first))
        return graph


def _next(topology: Topology, start: str, taken: dict[str, int]) -> list[str]:
    """Places with peers that a way leads to on which no other place has any."""
    seen, waiting = {start}, deque([start])
    found: list[str] = []
    while waiting:
        for node in topology.graph.successors(waiting.popleft()):
            if node not in seen:
                seen.add(node)
                (found if node in taken else waiting).append(node)
    return found
