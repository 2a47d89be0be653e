"""Reads topology files.

A topology file is YAML:

    name: village
    about: a school behind a thin line               # optional
    nodes:
      server: {kind: server}                         # server, edge-server, router, cell or access-point
      school: {kind: access-point}
    links:
      - from: server
        to: school
        capacity: 8 Mbit/s                           # each way; or {forward: 8 Mbit/s, back: 1 Mbit/s}
        delay: 20 ms                                 # one way, the same in both
        duplex: full                                 # the default; half: both ways share one medium

``forward`` is the way from ``from`` to ``to``. On a half-duplex link each way has its own capacity, and both
together have the larger of the two. Every two places must be connected.
"""

import math
from pathlib import Path
from typing import Any

import networkx as nx

from fedsim import units
from fedsim.errors import FedsimError
from fedsim.problems import Mistakes, shown
from fedsim.system.topology import DUPLEX, KINDS, Topology
from fedsim.yamlfile import read_yaml

_LINK_KEYS = ("from", "to", "capacity", "delay")
_WAYS = ("forward", "back")


def read_topology(path: str | Path) -> Topology:
    """The topology in a file.

    Raises:
        ScenarioError: one line for each mistake in it.
    """
    return parse_topology(read_yaml(Path(path)), str(path))


def parse_topology(value: Any, file: str, at: str = "") -> Topology:
    """A topology from what YAML made of its text; ``at`` is the key path under which ``file`` has it.

    Raises:
        ScenarioError: one line for each mistake: file, key path, value, rule, nearest valid name.
    """
    reader = _Reader(file, f"{at}." if at else "")
    top = reader.mapping("", value, required=("name", "nodes", "links"), optional=("about",))
    for key in ("name", "about"):
        if key in top and not (isinstance(top[key], str) and top[key].strip()):
            reader.refuse(key, f"must be a text, got {shown(top[key])}")
    graph: nx.DiGraph[str] = nx.DiGraph()
    if "nodes" in top:
        reader.add_nodes(graph, top["nodes"])
    if graph and "links" in top:
        reader.add_links(graph, top["links"])
    reader.mistakes.raise_any()
    return Topology(top["name"], graph, top.get("about", ""))


class _Reader:
    """Builds a graph from a file's value, and collects what is wrong with it."""

    def __init__(self, file: str, prefix: str) -> None:
        self.mistakes = Mistakes()
        self._file = file
        self._prefix = prefix

    def refuse(self, path: str, rule: str) -> None:
        self.mistakes.add(self._file, (self._prefix + path).rstrip("."), rule)

    def mapping(
        self, path: str, value: Any, *, required: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """The known keys of a mapping; the others, and what is missing, are refused."""
        known = (*required, *optional)
        if not isinstance(value, dict):
            self.refuse(path, f"must be a mapping with the keys {', '.join(known)}, got {shown(value)}")
            return {}
        inside = f"{path}." if path else ""
        for key in value:
            if key not in known:
                self.mistakes.add_unknown(self._file, f"{self._prefix}{inside}{key}", key, "key", known)
        for key in required:
            if key not in value:
                self.refuse(path, f"must have the key {key!r}")
        return {key: value[key] for key in known if key in value}

    def add_nodes(self, graph: "nx.DiGraph[str]", value: Any) -> None:
        if not isinstance(value, dict) or not value:
            self.refuse("nodes", f"must be a mapping with a name for each node, got {shown(value)}")
            return
        for name, attributes in value.items():
            if not (isinstance(name, str) and name.strip()):
                self.refuse("nodes", f"a node's name must be a text, got {shown(name)}")
                continue
            kind = self.mapping(f"nodes.{name}", attributes, required=("kind",)).get("kind", KINDS[0])
            if kind not in KINDS:
                self.mistakes.add_unknown(self._file, f"{self._prefix}nodes.{name}.kind", kind, "kind", KINDS)
            graph.add_node(name, kind=kind)

    def add_links(self, graph: "nx.DiGraph[str]", value: Any) -> None:
        if not isinstance(value, list):
            self.refuse("links", f"must be a list, got {shown(value)}")
            return
        for index, link in enumerate(value):
            self._add_link(graph, f"links[{index}]", link)
        first, *others = graph
        reached = nx.descendants(graph, first)
        for node in others:
            if node not in reached:
                self.refuse(f"nodes.{node}", f"must be connected with {first!r}, and no links lead there")

    def _add_link(self, graph: "nx.DiGraph[str]", path: str, value: Any) -> None:
        link = self.mapping(path, value, required=_LINK_KEYS, optional=("duplex",))
        capacities_bps = self._capacities(f"{path}.capacity", link.get("capacity", math.inf))
        delay_s = self._quantity(f"{path}.delay", link.get("delay", 0), "s")
        if not 0 <= delay_s < math.inf:
            self.refuse(f"{path}.delay", f"must be >= 0 and finite, got {shown(link['delay'])}")
        duplex = link.get("duplex", "full")
        if duplex not in DUPLEX:
            self.mistakes.add_unknown(self._file, f"{self._prefix}{path}.duplex", duplex, "duplex", DUPLEX)
        if self._has_good_ends(graph, path, link):
            ways = ((link["from"], link["to"]), (link["to"], link["from"]))
            for way, capacity_bps in zip(ways, capacities_bps, strict=True):
                graph.add_edge(*way, capacity_bps=capacity_bps, delay_s=delay_s, duplex=duplex)

    def _has_good_ends(self, graph: "nx.DiGraph[str]", path: str, link: dict[str, Any]) -> bool:
        if not {"from", "to"} <= link.keys():
            return False
        ends = (link["from"], link["to"])
        unknown = [end for end in ends if not isinstance(end, str) or end not in graph]
        for end in dict.fromkeys(map(shown, unknown)):
            self.mistakes.add_unknown(self._file, self._prefix + path, end.strip("'"), "node", graph.nodes)
        if unknown:
            return False
        if ends[0] == ends[1]:
            self.refuse(path, f"must join two different nodes, got {ends[0]!r} twice")
        elif graph.has_edge(*ends):
            self.refuse(path, f"{ends[0]!r} and {ends[1]!r} have a link already")
        return ends[0] != ends[1] and not graph.has_edge(*ends)

    def _capacities(self, path: str, value: Any) -> tuple[float, float]:
        """Capacity forward and back, in bit/s."""
        if isinstance(value, dict):
            ways = self.mapping(path, value, required=_WAYS)
            return self._capacity(f"{path}.forward", ways.get("forward", 1)), self._capacity(
                f"{path}.back", ways.get("back", 1)
            )
        capacity_bps = self._capacity(path, value)
        return capacity_bps, capacity_bps

    def _capacity(self, path: str, value: Any) -> float:
        capacity_bps = self._quantity(path, value, "bit/s")
        if not capacity_bps > 0:
            self.refuse(path, f"must be > 0, got {shown(value)}")
        return capacity_bps

    def _quantity(self, path: str, value: Any, unit: str) -> float:
        """A quantity in words; one that cannot be read is refused and taken as 1, which is always good."""
        try:
            return units.parse(value, unit)
        except FedsimError as error:
            self.refuse(path, str(error))
            return 1.0
