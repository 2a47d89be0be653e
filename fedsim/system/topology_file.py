"""Reads topology files.

A topology file is YAML:

    name: village
    about: a school behind a thin line               # optional
    delay_rule: typical                              # optional; or measured, or {route_factor: 1.6, site: 1 ms}
    nodes:
      server: {kind: server, place: [48.14, 11.58]}  # server, edge-server, router, cell or access-point
      mast: {kind: cell, place: [47.68, 11.57]}      # places are optional: degrees north and east,
      school: {kind: access-point}                   # or [120 m, 40 m], to the right and upwards on a plan
    links:
      - {from: server, to: mast, capacity: 1 Gbit/s, medium: fibre}
      - from: mast
        to: school
        capacity: {forward: 8 Mbit/s, back: 1 Mbit/s}    # or one for each way: 8 Mbit/s
        delay: 20 ms                                     # one way; may differ by direction, too
        loss: 0.1 %                                      # of packets; 0 by default; may differ by direction
        medium: radio                                    # wire (the default), fibre, radio or satellite
        duplex: full                                     # the default; half: both ways share one medium
    attachments:                                     # optional: names for sets of nodes, for a group's `at`
      phones: [mast, school]

``forward`` is the way from ``from`` to ``to``. On a half-duplex link each way has its own capacity, and both
together have the larger of the two. A link without ``delay`` has that of its ``length: 12 km``, or of the distance
of its two places, by the rule of delays. Every two places must be connected.
"""

from typing import Any

import networkx as nx

from fedsim import units
from fedsim.errors import FedsimError
from fedsim.problems import shown
from fedsim.system.delay_rule import DELAY_RULES, DelayRule
from fedsim.system.link_words import LinkReader
from fedsim.system.place import Geo, Place, Plane
from fedsim.system.topology import KINDS, Topology
from fedsim.system.words import Words


def parse_topology(value: Any, file: str, at: str = "") -> Topology:
    """A topology from what YAML made of its text; ``at`` is the key path under which ``file`` has it.

    Raises:
        ScenarioError: one line for each mistake: file, key path, value, rule, nearest valid name.
    """
    words = Words(file, f"{at}." if at else "")
    optional = ("about", "delay_rule", "attachments")
    top = words.mapping("", value, required=("name", "nodes", "links"), optional=optional)
    for key in ("name", "about"):
        if key in top and not (isinstance(top[key], str) and top[key].strip()):
            words.refuse(key, f"must be a text, got {shown(top[key])}")
    rule = _read_rule(words, top.get("delay_rule", "typical"))
    graph: nx.DiGraph[str] = nx.DiGraph()
    if "nodes" in top:
        _add_nodes(words, graph, top["nodes"])
    if graph and "links" in top:
        _add_links(words, LinkReader(words, graph, rule), top["links"])
    sets = _read_sets(words, graph, top.get("attachments", {}))
    words.mistakes.raise_any()
    return Topology(top["name"], graph, top.get("about", ""), sets)


def _read_rule(words: Words, value: Any) -> DelayRule:
    if not isinstance(value, dict):
        return DELAY_RULES[words.one_of("delay_rule", value, "rule of delays", tuple(DELAY_RULES))]
    given = words.mapping("delay_rule", value, required=(), optional=("route_factor", "site"))
    usual = DelayRule()
    try:
        factor = units.parse(given.get("route_factor", usual.route_factor), "1")
        return DelayRule(route_factor=factor, site_s=units.parse(given.get("site", usual.site_s), "s"))
    except (FedsimError, ValueError) as error:
        words.refuse("delay_rule", str(error))
    return usual


def _add_nodes(words: Words, graph: "nx.DiGraph[str]", value: Any) -> None:
    if not isinstance(value, dict) or not value:
        words.refuse("nodes", f"must be a mapping with a name for each node, got {shown(value)}")
        return
    first: Place | None = None
    for name, attributes in value.items():
        if not (isinstance(name, str) and name.strip()):
            words.refuse("nodes", f"a node's name must be a text, got {shown(name)}")
            continue
        node = words.mapping(f"nodes.{name}", attributes, required=("kind",), optional=("place",))
        kind = words.one_of(f"nodes.{name}.kind", node.get("kind", KINDS[0]), "kind", KINDS)
        place = _read_place(words, f"nodes.{name}.place", node["place"]) if "place" in node else None
        first = first or place
        if place is not None and type(place) is not type(first):
            words.refuse(f"nodes.{name}.place", "all places must be in degrees, or all in metres")
        graph.add_node(name, kind=kind, **({} if place is None else {"place": place}))


def _read_place(words: Words, path: str, value: Any) -> Place | None:
    """Two plain numbers are degrees, two texts with a unit are metres."""
    rule = f"must be [48.14, 11.58] in degrees north and east, or [120 m, 40 m] on a plan, got {shown(value)}"
    if not isinstance(value, list) or len(value) != 2:
        words.refuse(path, rule)
        return None
    try:
        if all(isinstance(part, (int, float)) and not isinstance(part, bool) for part in value):
            return Geo(float(value[0]), float(value[1]))
        if all(isinstance(part, str) for part in value):
            return Plane(*(units.parse(part, "m") for part in value))
    except (FedsimError, ValueError, OverflowError) as error:
        rule = str(error)
    words.refuse(path, rule)
    return None


def _add_links(words: Words, reader: LinkReader, value: Any) -> None:
    if not isinstance(value, list):
        words.refuse("links", f"must be a list, got {shown(value)}")
        return
    for index, link in enumerate(value):
        reader.add(f"links[{index}]", link)
    first, *others = reader.graph
    reached = nx.descendants(reader.graph, first)
    for node in others:
        if node not in reached:
            words.refuse(f"nodes.{node}", f"must be connected with {first!r}, and no links lead there")


def _read_sets(words: Words, graph: "nx.DiGraph[str]", value: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        words.refuse("attachments", f"must be a mapping with a list of nodes for each name, got {shown(value)}")
        return {}
    sets: dict[str, tuple[str, ...]] = {}
    for name, nodes in value.items():
        path = f"attachments.{name}"
        if not (isinstance(name, str) and name.strip()) or name in graph:
            words.refuse("attachments", f"a name must be a text, and not a node's, got {shown(name)}")
        elif not isinstance(nodes, list) or not nodes:
            words.refuse(path, f"must be a list of nodes, at least one, got {shown(nodes)}")
        else:
            for node in nodes:
                if not isinstance(node, str) or node not in graph:
                    words.refuse_unknown(path, node, "node", graph)
            sets[name] = tuple(map(str, nodes))
    return sets
