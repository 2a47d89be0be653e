"""Random geometric graphs: who is near is linked."""

import math
from dataclasses import dataclass, field

import networkx as nx
import numpy as np
from scipy.spatial import KDTree

from fedsim.system.delay_rule import DelayRule, Medium
from fedsim.system.generators.generator import (
    EVERYWHERE,
    LinkKind,
    check_all,
    check_whole,
    connected,
    join,
    numbered,
    with_nodes,
)
from fedsim.system.place import Plane, distance_m
from fedsim.system.topology import Topology

_WIDEST_M = 1e9  # more than twice the way to the moon; places keep their centimetres


@dataclass(frozen=True, kw_only=True, slots=True)
class RandomGeometric:
    """Nodes somewhere in a square; those within reach are linked, and delays follow from distance.

    Gilbert 1961, "Random plane networks". Drawn again until it is connected, up to a hundred times; by default
    the reach is that at which pi n reach^2 = 1.5 ln n sides^2.
    """

    nodes: int = 20
    """How many there are."""
    side_m: float = 100e3
    """Side of the square; > 0."""
    reach_m: float | None = None
    """Distance up to which two nodes are linked; null for one at which hardly any graph falls into pieces."""
    capacity_bps: float = 1e9
    """Of each way of every link; > 0."""
    loss: float = 0.0
    """Share of packets that never arrive; at least 0 and below 1."""
    medium: Medium = "fibre"
    """What links are made of."""
    rule: DelayRule = field(default_factory=DelayRule)
    """From distance to delay."""
    seed: int | None = None
    """Of the drawing; null for the run's own."""

    def __post_init__(self) -> None:
        check_whole(nodes=(self.nodes, 2, 5_000))
        check_all([
            ("side", 0 < self.side_m <= _WIDEST_M, f"must be > 0 and at most {_WIDEST_M:g} m", self.side_m),
            ("reach", self.reach_m is None or self.reach_m > 0, "must be > 0", self.reach_m),
            ("capacity", self.capacity_bps > 0, "must be > 0", self.capacity_bps),
            ("loss", 0 <= self.loss < 1, "must be at least 0 % and below 100 %", self.loss),
        ])  # fmt: skip

    def draw(self, rng: np.random.Generator) -> Topology:
        """``node-0`` onwards, each with its place.

        Raises:
            ScenarioError: a hundred graphs in pieces.
        """
        enough_m = self.side_m * math.sqrt(1.5 * math.log(self.nodes) / (math.pi * self.nodes))
        reach_m = enough_m if self.reach_m is None else self.reach_m
        plain = connected(
            lambda: _near(rng.uniform(0.0, self.side_m, (self.nodes, 2)), reach_m),
            f"reach should be at least about {enough_m:.0f} m, got {reach_m!r}",
        )
        names = numbered("node", sorted(plain))
        graph = with_nodes(dict.fromkeys(names.values(), "router"))
        for node, attributes in plain.nodes(data=True):
            graph.nodes[names[node]]["place"] = attributes["place"]
        link = LinkKind(capacity_bps=self.capacity_bps, loss=self.loss, medium=self.medium)
        for a, b in plain.edges:
            here, there = (graph.nodes[names[node]]["place"] for node in (a, b))
            join(graph, names[a], names[b], link.arc(delay_s=self.rule.delay_s(distance_m(here, there), self.medium)))
        about = "nodes in a square, linked where they are near"
        return Topology("random-geometric", graph, about, {EVERYWHERE: tuple(graph)})


def _near(spots: np.ndarray, reach_m: float) -> "nx.Graph[int]":
    """The graph of spots, (n, 2) in metres to the centimetre, in which pairs within reach are linked."""
    spots = spots.round(2)
    graph: nx.Graph[int] = nx.Graph()
    for index, (x_m, y_m) in enumerate(spots.tolist()):
        graph.add_node(index, place=Plane(x_m, y_m))
    pairs = KDTree(spots).query_pairs(reach_m, output_type="ndarray")
    graph.add_edges_from(sorted(map(tuple, pairs.tolist())))
    return graph
