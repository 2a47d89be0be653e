"""Graphs of chance: Erdos-Renyi, Watts-Strogatz, Barabasi-Albert."""

from dataclasses import dataclass, field
from math import log

import networkx as nx
import numpy as np

from fedsim.system.generators.generator import (
    MOST_NODES,
    LinkKind,
    check_share,
    check_whole,
    connected,
    flat,
)
from fedsim.system.topology import Topology


@dataclass(frozen=True, kw_only=True, slots=True)
class ErdosRenyi:
    """Each pair of nodes is linked with the same probability.

    Erdos and Renyi 1959, in the form of Gilbert 1959. It is drawn again until it is connected, up to a hundred
    times; by default the probability is 1.5 ln n / n, at which hardly any graph is not.
    """

    nodes: int = 20
    """How many there are."""
    probability: float | None = None
    """Chance of a link between two nodes; null for 1.5 ln n / n."""
    link: LinkKind = field(default_factory=LinkKind)
    """What all links are like."""
    seed: int | None = None
    """Of the drawing; null for the run's own."""

    def __post_init__(self) -> None:
        check_whole(nodes=(self.nodes, 2, 2_000))
        if self.probability is not None:
            check_share(probability=self.probability)

    def draw(self, rng: np.random.Generator) -> Topology:
        """``node-0`` onwards.

        Raises:
            ScenarioError: a hundred graphs in pieces.
        """
        enough = min(1.0, 1.5 * log(self.nodes) / self.nodes)
        share = enough if self.probability is None else self.probability
        hint = f"probability should be at least about 1.5 ln(nodes) / nodes = {enough:.3g}, got {share!r}"
        plain = connected(lambda: nx.gnp_random_graph(self.nodes, share, seed=rng), hint)
        return flat("erdos-renyi", plain, self.link, "each pair linked with the same probability")


@dataclass(frozen=True, kw_only=True, slots=True)
class WattsStrogatz:
    """A ring on which each node knows some neighbours, and some links lead somewhere else at random.

    Watts and Strogatz 1998, "Collective dynamics of small-world networks". Drawn again until it is connected.
    """

    nodes: int = 20
    """How many there are."""
    neighbours: int = 4
    """Neighbours of each node on the ring; even."""
    rewired: float = 0.2
    """Chance of a link to lead somewhere else; from 0 to 1."""
    link: LinkKind = field(default_factory=LinkKind)
    """What all links are like."""
    seed: int | None = None
    """Of the drawing; null for the run's own."""

    def __post_init__(self) -> None:
        check_whole(nodes=(self.nodes, 3, MOST_NODES), neighbours=(self.neighbours, 2, self.nodes - 1))
        check_share(rewired=self.rewired)
        if self.neighbours % 2:
            raise ValueError(f"neighbours must be even, half of them on each side, got {self.neighbours!r}")

    def draw(self, rng: np.random.Generator) -> Topology:
        """``node-0`` onwards.

        Raises:
            ScenarioError: a hundred graphs in pieces.
        """
        hint = f"neighbours should be more than {self.neighbours}, or rewired less than {self.rewired!r}"
        plain = connected(lambda: nx.watts_strogatz_graph(self.nodes, self.neighbours, self.rewired, seed=rng), hint)
        return flat("watts-strogatz", plain, self.link, "a ring with neighbours, some links rewired")


@dataclass(frozen=True, kw_only=True, slots=True)
class BarabasiAlbert:
    """Nodes come one by one, and link with those that have many links already.

    Barabasi and Albert 1999, "Emergence of scaling in random networks"; always connected.
    """

    nodes: int = 20
    """How many there are."""
    links_per_node: int = 2
    """Links with which each node comes; >= 1."""
    link: LinkKind = field(default_factory=LinkKind)
    """What all links are like."""
    seed: int | None = None
    """Of the drawing; null for the run's own."""

    def __post_init__(self) -> None:
        check_whole(nodes=(self.nodes, 2, MOST_NODES), links_per_node=(self.links_per_node, 1, self.nodes - 1))

    def draw(self, rng: np.random.Generator) -> Topology:
        """``node-0`` onwards, the oldest first."""
        plain = nx.barabasi_albert_graph(self.nodes, self.links_per_node, seed=rng)
        return flat("barabasi-albert", plain, self.link, "grown by preferential attachment")
