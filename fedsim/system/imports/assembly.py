"""From what a file says to a topology: parallel links become one, and what is missing is filled in by the rules."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import networkx as nx

from fedsim.system.imports.raw import RawLink, RawNetwork, RawNode
from fedsim.system.imports.rules import ImportRules
from fedsim.system.place import distance_m
from fedsim.system.topology import KINDS, Topology
from fedsim.system.words import Words

EVERYWHERE = "all"
"""The set of all nodes, which every import has."""

_MOST_LINKS = 200_000

_Arc = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Way:
    """One direction between two nodes, all parallel links together; None is what no link says."""

    capacity_bps: float | None
    delay_s: float | None
    length_m: float | None
    loss: float
    medium: str
    duplex: str


def assemble(raw: RawNetwork, rules: ImportRules, path: Path) -> Topology:
    """A topology from what a file says, filled in by the rules.

    Raises:
        ScenarioError: one line for each mistake.
    """
    words = Words(str(path))
    nodes = {node.name: node for node in raw.nodes if rules.externals or not node.is_external}
    ways = _ways(raw, nodes)
    if len(ways) > 2 * _MOST_LINKS:
        words.refuse("", f"has more than {_MOST_LINKS:,} links")
        words.mistakes.raise_any()
    nodes, ways = _one_piece(nodes, ways, rules, words)
    delays_s = _delays(nodes, ways, rules, words)
    kinds = _kinds(nodes, rules, words)
    sets = {**({} if EVERYWHERE in nodes else {EVERYWHERE: tuple(nodes)}), **rules.attachments}
    words.mistakes.raise_any()
    graph: nx.DiGraph[str] = nx.DiGraph()
    for name, node in nodes.items():
        graph.add_node(name, kind=kinds[name], **({} if node.place is None else {"place": node.place}))
    for (source, target), way in ways.items():
        capacity_bps = rules.capacity_bps if way.capacity_bps is None else way.capacity_bps
        graph.add_edge(
            source,
            target,
            capacity_bps=capacity_bps,
            delay_s=delays_s[source, target],
            duplex=way.duplex,
            loss=way.loss,
            medium=way.medium,
        )
    return Topology(rules.name or path.stem, graph, f"imported from {path.name}", sets)


def _ways(raw: RawNetwork, nodes: Mapping[str, RawNode]) -> dict[_Arc, _Way]:
    """Both directions of every pair that has a link; loops are left out. A lone direction stands for both."""
    found: dict[_Arc, list[RawLink]] = {}
    for link in raw.links:
        if link.source != link.target and link.source in nodes and link.target in nodes:
            found.setdefault((link.source, link.target), []).append(link)
            if not raw.is_directed:
                found.setdefault((link.target, link.source), []).append(link)
    ways: dict[_Arc, _Way] = {}
    for (source, target), there in found.items():
        back = found.get((target, source), there)
        medium = next((link.medium for link in (*there, *back) if link.medium), "wire")
        is_half = all(link.is_half_duplex for link in (*there, *back))
        for arc, links in (((source, target), there), ((target, source), back)):
            ways.setdefault(arc, _merged(links, medium, "half" if is_half else "full"))
    return ways


def _merged(links: Sequence[RawLink], medium: str, duplex: str) -> _Way:
    """Parallel links as one: capacities add up, the least delay and the least loss are what a message has."""
    capacities_bps = [link.capacity_bps for link in links if link.capacity_bps is not None]
    return _Way(
        capacity_bps=sum(capacities_bps) if capacities_bps else None,
        delay_s=min((link.delay_s for link in links if link.delay_s is not None), default=None),
        length_m=min((link.length_m for link in links if link.length_m is not None), default=None),
        loss=min(link.loss for link in links),
        medium=medium,
        duplex=duplex,
    )


def _one_piece(
    nodes: Mapping[str, RawNode], ways: Mapping[_Arc, _Way], rules: ImportRules, words: Words
) -> tuple[dict[str, RawNode], dict[_Arc, _Way]]:
    """The nodes and ways of the largest part; other parts are a mistake unless the rules leave them out."""
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(ways)
    parts = sorted(nx.connected_components(graph), key=len, reverse=True)  # equal ones stay in the file's order
    largest = parts[0] if parts else set()
    if not nodes:
        words.refuse("", "has no nodes but external ones")
    if len(parts) > 1 and not rules.largest_part:
        lost = next(name for name in nodes if name not in largest)
        rule = (
            f"must be connected, and is in {len(parts)} parts, the largest of {len(largest)} of {len(nodes)} nodes: "
            f"{lost!r} is not in it ('largest_part: true' takes that part alone)"
        )
        words.refuse("", rule)
    return (
        {name: node for name, node in nodes.items() if name in largest},
        {arc: way for arc, way in ways.items() if arc[0] in largest},
    )


def _delays(
    nodes: Mapping[str, RawNode], ways: Mapping[_Arc, _Way], rules: ImportRules, words: Words
) -> dict[_Arc, float]:
    """The delay of every way, in seconds; unknown ones are the rules' own, or the median of the known."""
    known = {arc: _delay_s(way, _length_m(arc, way, nodes, words), rules) for arc, way in ways.items()}
    found = [delay_s for delay_s in known.values() if delay_s is not None]
    usual_s = rules.delay_s if rules.delay_s is not None else statistics.median_low(found) if found else None
    if usual_s is None and known:
        rule = "no link says a delay, a length, or where its ends are: give 'delay: 5 ms' beside the import"
        words.refuse("", rule)
    return {arc: (usual_s or 0.0) if delay_s is None else delay_s for arc, delay_s in known.items()}


def _delay_s(way: _Way, length_m: float | None, rules: ImportRules) -> float | None:
    """The delay that is stated, or follows from the length, as the rules prefer; None where neither is known."""
    stated_s = None if way.delay_s is None else way.delay_s * rules.delay_factor
    if stated_s and rules.delay_from == "file":
        return stated_s
    if length_m is not None:
        return max(rules.rule.delay_s(length_m, way.medium), rules.least_delay_s)
    return None if stated_s is None else max(stated_s, rules.least_delay_s)


def _length_m(arc: _Arc, way: _Way, nodes: Mapping[str, RawNode], words: Words) -> float | None:
    """The length that is stated, or else the distance of the ends, in metres."""
    here, there = (nodes[end].place for end in arc)
    if way.length_m is not None or here is None or there is None:
        return way.length_m
    if type(here) is not type(there):
        words.refuse(f"link {arc[0]!r} to {arc[1]!r}", "all places must be in degrees, or all in metres")
        return None
    return distance_m(here, there)


def _kinds(nodes: Mapping[str, RawNode], rules: ImportRules, words: Words) -> dict[str, str]:
    """The kind of every node: the rules' own, the file's if it is one of ours, else a router."""
    for name, kind in rules.kinds.items():
        if name not in nodes:
            words.refuse_unknown(f"kinds.{name}", name, "node", nodes)
        if kind not in KINDS:
            words.refuse_unknown(f"kinds.{name}", kind, "kind", KINDS)
    for name, members in rules.attachments.items():
        for node in members:
            if node not in nodes:
                words.refuse_unknown(f"attachments.{name}", node, "node", nodes)
    said = {name: node.kind if node.kind in KINDS else "router" for name, node in nodes.items()}
    return {name: rules.kinds.get(name, str(kind)) for name, kind in said.items()}
