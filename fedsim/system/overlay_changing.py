"""Overlays in which every round has a graph of its own, and everybody one partner in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import networkx as nx
import numpy as np

from fedsim.system.overlay import Complete
from fedsim.system.peers import BaseOverlay, Choosy, Graph, Peers, chance, undirected


@dataclass(frozen=True, slots=True)
class OnePeerExponential:
    """In turn everybody sends to the peer 1, 2, 4, 8 ... places farther on, and hears one.

    Assran, Loizou, Ballas and Rabbat 2019, "Stochastic gradient push", Appendix A; Ying, Yuan, Chen, Hu, Pan and Yin
    2021, "Exponential graph is provably efficient for decentralized deep training": with a power of two of peers and
    weights of one half, all models are equal to their mean after log2 n rounds of nothing but averaging.
    """

    @property
    def is_pairwise(self) -> bool:
        """Nobody sends to two in a round, or hears two."""
        return True

    @property
    def directed(self) -> bool:
        """Whom a peer sends to is not whom it hears."""
        return True

    def graph(self, peers: Peers) -> Graph:
        """The exponential graph: i sends to i + 1, i + 2, i + 4 ..."""
        return _steps(len(peers), [2**power for power in range(_turns(len(peers)))])

    def graph_of(self, peers: Peers, number: int) -> Graph:
        """A permutation: i sends to i + 2**k, and k goes on by one with every round."""
        turns = _turns(len(peers))
        return _steps(len(peers), [2 ** ((number - 1) % turns)] if turns else [])


@dataclass(frozen=True, kw_only=True, slots=True)
class RandomMatchings:
    """In every round pairs are formed at random among neighbours of a base overlay, until no two are left over.

    Boyd, Ghosh, Prabhakar and Shah 2006, "Randomized gossip algorithms", in the synchronous form of section V. Edges
    are taken in a random order, each if both of its ends are free.
    """

    base: BaseOverlay = field(default_factory=Complete)
    """Who may be paired with whom."""
    seed: int | None = None
    """Of the drawing; null for the run's own."""

    @property
    def is_pairwise(self) -> bool:
        """Nobody sends to two in a round, or hears two."""
        return True

    def misfits(self, names: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Those of the base."""
        if isinstance(self.base, Choosy):
            yield from ((f"base.{key}", rule) for key, rule in self.base.misfits(names))

    def graph(self, peers: Peers) -> Graph:
        """The base.

        Raises:
            FedsimError: it is directed.
        """
        return undirected(self.base, peers, "random-matchings need")

    def graph_of(self, peers: Peers, number: int) -> Graph:
        """A maximal matching of the base, with luck that belongs to the round."""
        rng = chance(peers, self.seed, "matching", number)
        matching: nx.Graph[int] = nx.Graph()
        matching.add_nodes_from(range(len(peers)))
        if isinstance(self.base, Complete):
            order = rng.permutation(len(peers))[: len(peers) // 2 * 2].reshape(-1, 2)
            matching.add_edges_from(sorted((min(pair), max(pair)) for pair in order.tolist()))
            return matching
        edges = np.array(sorted(self.base.graph(peers).edges), dtype=np.int64).reshape(-1, 2)
        free = np.ones(len(peers), dtype=np.bool_)
        for i, j in edges[rng.permutation(len(edges))].tolist():
            if free[i] and free[j] and i != j:
                free[i] = free[j] = False
                matching.add_edge(i, j)
        return matching


def _turns(count: int) -> int:
    """How many powers of two are less than ``count``: the rounds until everybody has heard of everybody."""
    return max(0, count - 1).bit_length()


def _steps(count: int, steps: list[int]) -> Graph:
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from((peer, (peer + step) % count) for step in steps for peer in range(count))
    return graph
