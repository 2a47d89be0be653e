"""What generators of topologies have in common: links of one kind, nodes with names in order, checks."""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import networkx as nx
import numpy as np

from fedsim.errors import ScenarioError
from fedsim.kernel.streams import Streams
from fedsim.system.delay_rule import Medium
from fedsim.system.topology import Topology

EVERYWHERE: Final = "all"
"""The set of all nodes, which every generated topology has."""

MOST_NODES: Final = 10_000
TRIES: Final = 100


class Generator(Protocol):
    """Draws a topology. One that leaves something to chance may have a ``seed`` of its own, or None."""

    def draw(self, rng: np.random.Generator) -> Topology:
        """A connected topology: the same from the same stream."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkKind:
    """What all links of a generated topology are like, each way."""

    capacity_bps: float = 1e9
    """Of each way of every link; > 0."""
    delay_s: float = 5e-3
    """Of every link, one way; >= 0."""
    loss: float = 0.0
    """Share of packets that never arrive; at least 0 and below 1."""
    medium: Medium = "wire"
    """What links are made of."""

    def __post_init__(self) -> None:
        check_all([
            ("capacity", self.capacity_bps > 0, "must be > 0", self.capacity_bps),
            ("delay", 0 <= self.delay_s < math.inf, "must be >= 0 and finite", self.delay_s),
            ("loss", 0 <= self.loss < 1, "must be at least 0 and below 1", self.loss),
        ])  # fmt: skip

    def arc(self, **changes: Any) -> dict[str, Any]:
        """The attributes of an arc; changes such as ``delay_s=0.01`` are for this one alone."""
        given = {
            "capacity_bps": self.capacity_bps,
            "delay_s": self.delay_s,
            "duplex": "full",
            "loss": self.loss,
            "medium": self.medium,
        }
        return {**given, **changes}


def generate(generator: Generator, seed: int) -> Topology:
    """The topology that a generator draws with its own seed or, where it has none, with this one (the scenario's).

    Raises:
        ScenarioError: no connected graph came of it.
    """
    own = getattr(generator, "seed", None)
    rng = Streams(seed if own is None else own).generator("topology")
    return replace(generator.draw(rng), recipe=generator)


def flat(name: str, plain: "nx.Graph[Any]", link: LinkKind, about: str) -> Topology:
    """A topology of routers in the shape of an undirected graph, its nodes named ``node-0`` and so on, in order."""
    nodes = sorted(plain)
    names = numbered("node", nodes)
    graph = with_nodes({names[node]: "router" for node in nodes})
    for a, b in sorted(tuple(sorted(edge)) for edge in plain.edges):
        join(graph, names[a], names[b], link.arc())
    return Topology(name, graph, about, {EVERYWHERE: tuple(graph)})


def numbered(stem: str, nodes: Sequence[Hashable]) -> dict[Any, str]:
    """Names such as ``node-07``, with as many digits as the last one needs."""
    width = len(str(max(len(nodes) - 1, 0)))
    return {node: f"{stem}-{index:0{width}d}" for index, node in enumerate(nodes)}


def with_nodes(kinds: Mapping[str, str]) -> "nx.DiGraph[str]":
    """A graph of nodes with their kinds."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for name, kind in kinds.items():
        graph.add_node(name, kind=kind)
    return graph


def join(graph: "nx.DiGraph[str]", a: str, b: str, arc: Mapping[str, Any]) -> None:
    """A link: both arcs alike."""
    graph.add_edge(a, b, **arc)
    graph.add_edge(b, a, **arc)


def connected(draw: Callable[[], "nx.Graph[Any]"], hint: str) -> "nx.Graph[Any]":
    """The first connected graph of a hundred.

    Raises:
        ScenarioError: none of them was.
    """
    for _ in range(TRIES):
        graph = draw()
        if nx.is_connected(graph):
            return graph
    raise ScenarioError(f"no connected graph came in {TRIES} tries: {hint}")


def check_whole(**ranges: tuple[int, int, int]) -> None:
    """Refuse a number that is out of its range: name=(value, least, most).

    Raises:
        ValueError: with the first such number.
    """
    for name, (value, least, most) in ranges.items():
        if not least <= value <= most:
            raise ValueError(f"{name} must be between {least:,} and {most:,}, got {value!r}")


def check_share(**shares: float) -> None:
    """Refuse a number that is not between 0 and 1.

    Raises:
        ValueError: with the first such number.
    """
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be between 0 and 1, got {value!r}")


def check_all(values: Iterable[tuple[str, bool, str, object]]) -> None:
    """Refuse the first value that breaks its rule: (name, holds, rule, value).

    Raises:
        ValueError: with that value.
    """
    for name, holds, rule, value in values:
        if not holds:
            raise ValueError(f"{name} {rule}, got {value!r}")
