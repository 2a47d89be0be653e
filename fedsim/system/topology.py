"""The physical network: places, and links between them (``fedsim.system.topology_file`` reads it)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx

from fedsim import units
from fedsim.problems import Mistakes

KINDS = ("server", "edge-server", "router", "cell", "access-point")
DUPLEX = ("full", "half")


@dataclass(frozen=True, eq=False)
class Topology:
    """A directed graph: nodes have a ``kind``, arcs ``capacity_bps``, ``delay_s`` and ``duplex``.

    The graph is copied and frozen. One that is made in Python may be one-way or disconnected; one from a file is
    neither.

    Raises:
        ScenarioError: one line for each node or arc that lacks one of these or has a bad one.
    """

    name: str
    graph: "nx.DiGraph[str]"
    about: str = ""

    def __post_init__(self) -> None:
        mistakes = Mistakes()
        for node, attributes in self.graph.nodes(data=True):
            kind = attributes.get("kind")
            if kind not in KINDS:
                mistakes.add_unknown(f"topology {self.name}", str(node), kind, "kind", KINDS)
        for source, target, arc in self.graph.edges(data=True):
            back = self.graph.get_edge_data(target, source, {})
            for rule in _broken_rules(arc, back, is_loop=source == target):
                mistakes.add(f"topology {self.name}", f"{source} -> {target}", rule)
        mistakes.raise_any()
        object.__setattr__(self, "graph", nx.freeze(nx.DiGraph(self.graph)))

    def words(self) -> dict[str, Any]:
        """The topology as a file would say it: ``parse_topology`` gives it back, number for number.

        Raises:
            ValueError: a link with one way only, or with two delays, which a file cannot say.
        """
        pairs: dict[frozenset[str], tuple[str, str]] = {}
        for arc in self.graph.edges:
            pairs.setdefault(frozenset(arc), arc)
        return {
            "name": self.name,
            **({"about": self.about} if self.about else {}),
            "nodes": {node: {"kind": kind} for node, kind in self.graph.nodes(data="kind")},
            "links": [self._link_words(*pair) for pair in pairs.values()],
        }

    def _link_words(self, source: str, target: str) -> dict[str, Any]:
        there, back = self.graph.edges[source, target], self.graph.get_edge_data(target, source)
        if back is None or back["delay_s"] != there["delay_s"]:
            raise ValueError(
                f"a topology file has no words for a link that differs in delay by direction: {source} -> {target}"
            )
        ways = [units.show(arc["capacity_bps"], "bit/s") for arc in (there, back)]
        return {
            "from": source,
            "to": target,
            "capacity": ways[0] if ways[0] == ways[1] else dict(zip(("forward", "back"), ways, strict=True)),
            "delay": units.show(there["delay_s"], "s"),
            **({"duplex": "half"} if there["duplex"] == "half" else {}),
        }


def _broken_rules(arc: Mapping[str, Any], back: Mapping[str, Any], *, is_loop: bool) -> list[str]:
    capacity_bps, delay_s, duplex = arc.get("capacity_bps"), arc.get("delay_s"), arc.get("duplex")
    broken = []
    if not (isinstance(capacity_bps, (int, float)) and capacity_bps > 0):
        broken.append(f"capacity_bps must be > 0, got {capacity_bps!r}")
    if not (isinstance(delay_s, (int, float)) and 0 <= delay_s < math.inf):
        broken.append(f"delay_s must be >= 0 and finite, got {delay_s!r}")
    if duplex not in DUPLEX:
        broken.append(f"duplex must be one of {', '.join(DUPLEX)}, got {duplex!r}")
    if duplex == "half" and back.get("duplex") != "half":
        broken.append("a half-duplex link must be half duplex both ways")
    if is_loop:
        broken.append("a link must join two different nodes")
    return broken
