"""What protocols know of overlays: rules that say who talks to whom."""

from collections.abc import Sequence
from typing import Any, Protocol, Union, runtime_checkable

import networkx as nx

Graph = Union["nx.Graph[int]", "nx.DiGraph[int]"]
"""On 0 .. n - 1, each number a device. In a directed one, an arc i -> j says that i sends to j."""


class Peers(Protocol):
    """Those among whom an overlay chooses; it may know more of them, such as what network lies between them."""

    @property
    def names(self) -> Sequence[str]:
        """Of all peers, in order."""

    def __len__(self) -> int: ...


class Overlay(Protocol):
    """Who talks to whom, whatever the network underneath: an edge is a route through that."""

    def graph(self, peers: Any) -> Graph:
        """A connected graph (strongly connected, if it is directed): for the same peers the same on every call.

        Raises:
            FedsimError: there is none for these peers.
        """


@runtime_checkable
class ChangingOverlay(Overlay, Protocol):
    """An overlay in which every round has a graph of its own; ``graph`` is who ever talks to whom."""

    def graph_of(self, peers: Any, number: int) -> Graph:
        """The graph of round ``number``, from 1: the same on every call; it need not be connected."""


def hears(graph: Graph, peer: int) -> list[int]:
    """Whom a peer hears, in order; not itself."""
    found = graph.predecessors(peer) if isinstance(graph, nx.DiGraph) else graph.neighbors(peer)
    return sorted(other for other in found if other != peer)


def tells(graph: Graph, peer: int) -> list[int]:
    """To whom a peer sends, in order; not itself."""
    return sorted(other for other in graph.neighbors(peer) if other != peer)
