"""Overlays of chance. Each is drawn until it is connected; with a ``seed`` of its own it is the same in all runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

import networkx as nx

from fedsim.errors import FedsimError
from fedsim.system.generators.generator import check_share, connected
from fedsim.system.peers import Peers, chance, check_fit


@dataclass(frozen=True, kw_only=True, slots=True)
class RandomRegular:
    """Everybody talks to the same number of others, chosen at random among all such graphs.

    Steger and Wormald 1999, "Generating random regular graphs quickly".
    """

    neighbours: int = 10
    """Neighbours of each peer."""
    seed: int | None = None
    """Of the drawing; null for the run's own."""

    def __post_init__(self) -> None:
        if not self.neighbours >= 1:
            raise FedsimError(f"neighbours must be >= 1, got {self.neighbours!r}")

    def misfits(self, names: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Fewer neighbours than peers, and an even number of ends."""
        count = len(names)
        if self.neighbours >= count:
            yield "neighbours", f"must be less than the {count} peers there are, got {self.neighbours}"
        elif self.neighbours * count % 2:
            yield "neighbours", f"must be even where the number of peers is odd ({count}), got {self.neighbours}"
        elif self.neighbours == 1 and count > 2:
            yield "neighbours", f"must be at least 2 to join {count} peers, got 1"

    def graph(self, peers: Peers) -> "nx.Graph[int]":
        """A connected regular graph.

        Raises:
            FedsimError: there is none.
        """
        check_fit(self, peers)
        rng = chance(peers, self.seed)
        draw = lambda: nx.random_regular_graph(self.neighbours, len(peers), seed=rng)  # noqa: E731
        return _in_order(connected(draw, "neighbours should be more"), peers)


@dataclass(frozen=True, kw_only=True, slots=True)
class RandomPairs:
    """Every pair talks to each other with the same probability: Erdos and Renyi 1959, as in Gilbert 1959.

    By default the probability is 1.5 ln n / n, at which hardly any graph falls into pieces.
    """

    probability: float | None = None
    """Chance of an edge between two peers; null for 1.5 ln n / n."""
    seed: int | None = None
    """Of the drawing; null for the run's own."""

    def __post_init__(self) -> None:
        if self.probability is not None:
            check_share(probability=self.probability)

    def graph(self, peers: Peers) -> "nx.Graph[int]":
        """A connected graph.

        Raises:
            FedsimError: a hundred graphs in pieces.
        """
        enough = min(1.0, 1.5 * log(max(2, len(peers))) / max(2, len(peers)))
        share = enough if self.probability is None else self.probability
        rng = chance(peers, self.seed)
        hint = f"probability should be at least about 1.5 ln n / n = {enough:.3g}, got {share!r}"
        return _in_order(connected(lambda: nx.fast_gnp_random_graph(len(peers), share, seed=rng), hint), peers)


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallWorld:
    """A ring on which everybody talks to the nearest few, and some edges lead somewhere else at random.

    Watts and Strogatz 1998, "Collective dynamics of small-world networks".
    """

    neighbours: int = 4
    """Neighbours of each peer on the ring; even."""
    rewired: float = 0.2
    """Chance of an edge to lead somewhere else; from 0 to 1."""
    seed: int | None = None
    """Of the drawing; null for the run's own."""

    def __post_init__(self) -> None:
        check_share(rewired=self.rewired)
        if self.neighbours < 2 or self.neighbours % 2:
            raise FedsimError(f"neighbours must be even, half of them on each side, got {self.neighbours!r}")

    def misfits(self, names: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Fewer neighbours than peers."""
        if self.neighbours >= len(names):
            yield "neighbours", f"must be less than the {len(names)} peers there are, got {self.neighbours}"

    def graph(self, peers: Peers) -> "nx.Graph[int]":
        """A connected graph.

        Raises:
            FedsimError: there is none.
        """
        check_fit(self, peers)
        rng = chance(peers, self.seed)
        draw = lambda: nx.watts_strogatz_graph(len(peers), self.neighbours, self.rewired, seed=rng)  # noqa: E731
        return _in_order(connected(draw, "neighbours should be more, or rewired less"), peers)


def _in_order(drawn: "nx.Graph[int]", peers: Peers) -> "nx.Graph[int]":
    """The same graph with its nodes and edges in order."""
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(len(peers)))
    graph.add_edges_from(sorted((min(edge), max(edge)) for edge in drawn.edges))
    return graph
