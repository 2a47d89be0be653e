"""An overlay whose matchings are used by luck, the important ones more often."""

from dataclasses import dataclass, field
from functools import lru_cache

import networkx as nx

from fedsim.errors import FedsimError
from fedsim.system.edge_colouring import Matching, matchings
from fedsim.system.matcha import Plan, plan
from fedsim.system.overlay import Complete
from fedsim.system.peers import BaseOverlay, Graph, Peers, chance, undirected


@dataclass(frozen=True, kw_only=True, slots=True)
class Matcha:
    """In every round each matching of the base overlay is used by luck, those that connect the peers more often.

    Wang et al. 2019, "MATCHA: speeding up decentralized SGD via matching decomposition sampling": the edges fall into
    matchings (Misra and Gries), whose chances, at most ``budget`` times their number together, make the mean graph as
    well connected as can be; see ``fedsim.system.matcha``. The edges have the best common ``weight`` for
    ``overlay-weights``.
    """

    base: BaseOverlay = field(default_factory=Complete)
    """Whose edges are used by luck."""
    budget: float = 0.5
    """Share of the matchings that are used in a round, in the mean; above 0 and at most 1."""
    seed: int | None = None
    """Of the drawing; null for the run's own."""

    def __post_init__(self) -> None:
        if not 0 < self.budget <= 1:
            raise FedsimError(f"matcha: budget must be > 0 and <= 1, got {self.budget!r}")

    def graph(self, peers: Peers) -> Graph:
        """The base.

        Raises:
            FedsimError: it is directed.
        """
        return undirected(self.base, peers, "matcha needs")

    def graph_of(self, peers: Peers, number: int) -> "nx.Graph[int]":
        """The matchings that the luck of this round chose."""
        found, best = self.plan(peers)
        lots = chance(peers, self.seed, "matcha", number).random(len(found))
        used: nx.Graph[int] = nx.Graph()
        used.add_nodes_from(range(len(peers)))
        for matching, lot, share in zip(found, lots, best.chances, strict=True):
            if lot < share:
                used.add_edges_from(matching, weight=best.weight)
        return used

    def plan(self, peers: Peers) -> tuple[tuple[Matching, ...], Plan]:
        """The matchings, how often each is used, and the weight of their edges."""
        pairs = sorted((min(edge), max(edge)) for edge in self.graph(peers).edges)
        return _planned(len(peers), tuple(pairs), self.budget)


@lru_cache(maxsize=8)
def _planned(count: int, edges: tuple[tuple[int, int], ...], budget: float) -> tuple[tuple[Matching, ...], Plan]:
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from(edges)
    if not edges:
        raise FedsimError("matcha needs two peers at least")
    found = tuple(matchings(graph))
    return found, plan(count, found, budget)
