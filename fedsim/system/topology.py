"""The physical network: places, and links between them (``fedsim.system.topology_file`` reads it)."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import networkx as nx

from fedsim import units
from fedsim.problems import Mistakes, unknown
from fedsim.system.delay_rule import MEDIA
from fedsim.system.place import Geo, Place, Plane

KINDS = ("server", "edge-server", "router", "cell", "access-point")
DUPLEX = ("full", "half")

_ARC_DEFAULTS = {"loss": 0.0, "medium": "wire"}
_NOT_SAID = {"loss": "0 %", "medium": "wire", "duplex": "full"}  # what a file leaves out


@dataclass(frozen=True, eq=False)
class Topology:
    """A directed graph of places.

    Nodes have a ``kind`` and, if they are anywhere, a ``place``; arcs have ``capacity_bps``, ``delay_s``, ``duplex``,
    ``loss`` (share of packets, 0 if not given) and ``medium`` ("wire" if not given). ``attachments`` are named sets
    of nodes where groups of devices may attach. ``recipe`` is what made the graph, where
    that says it in fewer words than the graph itself: a generator, or an import of thousands of links.

    The graph is copied and frozen. One that is made in Python may be one-way or disconnected; one from a file is
    neither.

    Raises:
        ScenarioError: one line for each node or arc that lacks one of these or has a bad one.
    """

    name: str
    graph: "nx.DiGraph[str]"
    about: str = ""
    attachments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    recipe: Any = None

    def __post_init__(self) -> None:
        graph: nx.DiGraph[str] = nx.DiGraph(self.graph)
        for _, _, arc in graph.edges(data=True):
            arc.update({**_ARC_DEFAULTS, **arc})
        mistakes = Mistakes()
        for path, rule in (*_broken_nodes(graph), *_broken_arcs(graph), *_broken_sets(graph, self.attachments)):
            mistakes.add(f"topology {self.name}", path, rule)
        mistakes.raise_any()
        object.__setattr__(self, "graph", nx.freeze(graph))
        object.__setattr__(self, "attachments", dict(self.attachments))

    def words(self) -> dict[str, Any]:
        """The topology as a file would say it: ``parse_topology`` gives it back, number for number.

        Raises:
            ValueError: a link with one way only, which a file cannot say.
        """
        sets = {name: list(nodes) for name, nodes in self.attachments.items()}
        return {
            "name": self.name,
            **({"about": self.about} if self.about else {}),
            "nodes": {node: _node_words(attributes) for node, attributes in self.graph.nodes(data=True)},
            "links": [_link_words(self.graph, *pair) for pair in self.pairs()],
            **({"attachments": sets} if sets else {}),
        }

    def pairs(self) -> list[tuple[str, str]]:
        """Every link once, by the arc that stands first in the graph."""
        found: dict[frozenset[str], tuple[str, str]] = {}
        for arc in self.graph.edges:
            found.setdefault(frozenset(arc), arc)
        return list(found.values())


def place_words(place: Place) -> list[float] | list[str]:
    """``[48.14, 11.58]``, degrees north and east, or ``[120 m, 40 m]`` on a plan."""
    if isinstance(place, Plane):
        return [units.show(place.x_m, "m"), units.show(place.y_m, "m")]
    return [place.lat, place.lon]


def _node_words(attributes: Mapping[str, Any]) -> dict[str, Any]:
    place = attributes.get("place")
    return {"kind": attributes["kind"], **({} if place is None else {"place": place_words(place)})}


def _link_words(graph: "nx.DiGraph[str]", source: str, target: str) -> dict[str, Any]:
    there, back = graph.edges[source, target], graph.get_edge_data(target, source)
    if back is None:
        raise ValueError(f"a topology file has no words for a link that goes one way only: {source} -> {target}")
    words = {
        "capacity": _both_ways(*(units.show(arc["capacity_bps"], "bit/s") for arc in (there, back))),
        "delay": _both_ways(*(units.show(arc["delay_s"], "s") for arc in (there, back))),
        "loss": _both_ways(*(_share_words(arc["loss"]) for arc in (there, back))),
        "medium": there["medium"],
        "duplex": there["duplex"],
    }
    said = {key: value for key, value in words.items() if value != _NOT_SAID.get(key)}
    return {"from": source, "to": target, **said}


def _both_ways(there: str, back: str) -> str | dict[str, str]:
    return there if there == back else {"forward": there, "back": back}


def _share_words(share: float) -> str:
    return units.show(share, "1") if share else "0 %"


def _broken_nodes(graph: "nx.DiGraph[str]") -> Iterator[tuple[str, str]]:
    first: Place | None = None
    for node, attributes in graph.nodes(data=True):
        kind, place = attributes.get("kind"), attributes.get("place")
        if kind not in KINDS:
            yield str(node), unknown(kind, "kind", KINDS)
        if place is None:
            continue
        if not isinstance(place, (Geo, Plane)):
            yield str(node), f"place must be a Geo or a Plane, got {place!r}"
            continue
        first = first or place
        if type(place) is not type(first):
            yield str(node), "all places must be on the earth, in degrees, or all on a plan, in metres"


def _broken_arcs(graph: "nx.DiGraph[str]") -> Iterator[tuple[str, str]]:
    for source, target, arc in graph.edges(data=True):
        back = graph.get_edge_data(target, source, {})
        for rule in _broken_rules(arc, back, is_loop=source == target):
            yield f"{source} -> {target}", rule


def _broken_rules(arc: Mapping[str, Any], back: Mapping[str, Any], *, is_loop: bool) -> Iterator[str]:
    capacity_bps, delay_s, loss = arc.get("capacity_bps"), arc.get("delay_s"), arc["loss"]
    if not (isinstance(capacity_bps, (int, float)) and capacity_bps > 0):
        yield f"capacity_bps must be > 0, got {capacity_bps!r}"
    if not (isinstance(delay_s, (int, float)) and 0 <= delay_s < math.inf):
        yield f"delay_s must be >= 0 and finite, got {delay_s!r}"
    if not (isinstance(loss, (int, float)) and 0 <= loss < 1):
        yield f"loss must be at least 0 and below 1, got {loss!r}"
    if arc["medium"] not in MEDIA:
        yield unknown(arc["medium"], "medium", MEDIA)
    if back and back["medium"] != arc["medium"]:
        yield "a link must have one medium both ways"
    yield from _broken_duplex(arc.get("duplex"), back.get("duplex"))
    if is_loop:
        yield "a link must join two different nodes"


def _broken_duplex(duplex: Any, back: Any) -> Iterator[str]:
    if duplex not in DUPLEX:
        yield f"duplex must be one of {', '.join(DUPLEX)}, got {duplex!r}"
    if duplex == "half" and back != "half":
        yield "a half-duplex link must be half duplex both ways"


def _broken_sets(graph: "nx.DiGraph[str]", sets: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    for name, nodes in sets.items():
        path = f"attachments.{name}"
        if name in graph:
            yield path, f"{name!r} is the name of a node"
        if not nodes:
            yield path, "needs at least one node"
        for node in nodes:
            if node not in graph:
                yield path, unknown(node, "node", graph)
