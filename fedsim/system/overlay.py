"""Overlays of plain shapes: who talks to whom, whatever the network underneath."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import networkx as nx

from fedsim.errors import FedsimError
from fedsim.problems import unknown
from fedsim.system.peers import Graph, Peers, check_fit
from fedsim.system.tour import MOST, christofides

RingOrder = Literal["fleet", "tour"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ring:
    """Every peer talks to the one before it and the one after it.

    In the ``order`` of the fleet, or of a short tour through the network (Christofides 1976). Where it is
    ``directed``, a peer only sends to the one after it.
    """

    order: RingOrder = "fleet"
    """Of the fleet, or of a short tour through the network."""
    directed: bool = False
    """Whether a peer only sends to the one after it."""

    def misfits(self, names: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Not too many for a tour."""
        if self.order == "tour" and len(names) > MOST:
            yield "order", f"must be 'fleet' for more than {MOST:,} peers, got {len(names):,}"

    def graph(self, peers: Peers) -> Graph:
        """A cycle; two peers are joined by one edge, one peer is alone.

        Raises:
            FedsimError: a tour through a network of which nothing is known, or of too many peers.
        """
        check_fit(self, peers)
        graph: Graph = nx.DiGraph() if self.directed else nx.Graph()
        graph.add_nodes_from(range(len(peers)))
        if len(peers) > 1:
            nx.add_cycle(graph, christofides(peers) if self.order == "tour" else range(len(peers)))
        return graph


@dataclass(frozen=True, slots=True)
class Complete:
    """Everybody talks to everybody."""

    def graph(self, peers: Peers) -> "nx.Graph[int]":
        """The complete graph."""
        graph: nx.Graph[int] = nx.complete_graph(len(peers))
        return graph


@dataclass(frozen=True, slots=True)
class Path:
    """Every peer talks to the one before it and the one after it, in order of the fleet; the ends talk to one."""

    def graph(self, peers: Peers) -> "nx.Graph[int]":
        """A path."""
        graph: nx.Graph[int] = nx.path_graph(len(peers))
        return graph


@dataclass(frozen=True, kw_only=True, slots=True)
class Star:
    """Everybody talks to one peer in the middle, which learns, too.

    Where no ``hub`` is named, it is the peer on whose node the most shortest routes of the underlay pass (load
    centrality, Goh, Kahng and Kim 2001, by delay; among equals the first), or the first where nothing is known of
    the underlay.
    """

    hub: str | None = None
    """Name of the peer in the middle; null for the one that most shortest routes pass."""

    def misfits(self, names: Sequence[str]) -> Iterable[tuple[str, str]]:
        """The hub must be one of the peers."""
        if self.hub is not None and self.hub not in names:
            yield "hub", unknown(self.hub, "peer", names)

    def graph(self, peers: Peers) -> "nx.Graph[int]":
        """A star.

        Raises:
            FedsimError: there is no such hub.
        """
        check_fit(self, peers)
        hub = self._middle(peers) if self.hub is None else list(peers.names).index(self.hub)
        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(len(peers)))
        graph.add_edges_from((hub, peer) for peer in range(len(peers)) if peer != hub)
        return graph

    def _middle(self, peers: Peers) -> int:
        if peers.reach is None:
            return 0
        load: Any = nx.load_centrality(peers.reach.topology.graph, weight="delay_s")
        return max(range(len(peers)), key=lambda peer: (load[peers.known_reach("").places[peer]], -peer))


@dataclass(frozen=True, kw_only=True, slots=True)
class Torus:
    """A grid whose rows and columns are rings: everybody talks to four, in order of the fleet row by row.

    Where ``rows`` are not given, it is as square as the number of peers allows.
    """

    rows: int | None = None
    """Rows of the grid; null for one as square as can be."""

    def __post_init__(self) -> None:
        if self.rows is not None and not self.rows >= 1:
            raise FedsimError(f"rows must be >= 1, got {self.rows!r}")

    def misfits(self, names: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Rows must divide the peers, and a torus has at least three each way."""
        rows = self._rows(len(names))
        if len(names) % rows:
            yield "rows", f"must divide the {len(names)} peers there are, got {rows}"
        elif not 3 <= rows <= len(names) // 3:
            columns = len(names) // rows
            yield "rows", f"and columns must be at least 3 each, got {rows} and {columns} for {len(names)} peers"

    def graph(self, peers: Peers) -> "nx.Graph[int]":
        """A torus.

        Raises:
            FedsimError: the peers make no grid of at least three by three.
        """
        check_fit(self, peers)
        rows = self._rows(len(peers))
        columns = len(peers) // rows
        grid: nx.Graph[tuple[int, int]] = nx.grid_2d_graph(rows, columns, periodic=True)
        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(len(peers)))
        graph.add_edges_from((columns * a + b, columns * c + d) for (a, b), (c, d) in grid.edges)
        return graph

    def _rows(self, count: int) -> int:
        if self.rows is not None:
            return self.rows
        return next(rows for rows in range(max(1, math.isqrt(count)), 0, -1) if count % rows == 0)
