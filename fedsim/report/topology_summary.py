"""What a topology is like, in words and numbers."""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

import networkx as nx
import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from fedsim.report.grid import Row, facts, grid, heading_line
from fedsim.report.human import about
from fedsim.system.topology import KINDS, Topology

_MOST_NAMES = 6


def topology_report(topology: Topology) -> RenderableType:
    """Nodes by kind, links, delays across, and where devices may attach."""
    title = f"{topology.name}: {topology.about}" if topology.about else topology.name
    arcs = [arc for _, _, arc in topology.graph.edges(data=True)]
    parts: list[RenderableType] = [heading_line(title), facts(_facts(topology))]
    if arcs:
        header = ("", "least", "median", "most")
        rows = [
            _spread("capacity", [arc["capacity_bps"] for arc in arcs], "bit/s"),
            _spread("delay", [arc["delay_s"] for arc in arcs], "s"),
            _spread("loss", [arc["loss"] for arc in arcs], "1"),
        ]
        parts += [Text(), grid(rows, header=header, title="Links, each direction")]
    if topology.attachments:
        parts += [Text(), heading_line("Attachments"), facts(_sets(topology))]
    return Group(*parts)


def _facts(topology: Topology) -> Iterable[tuple[str, str]]:
    graph = topology.graph
    kinds = Counter(str(row["kind"]) for _, row in graph.nodes(data=True))
    listed = ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS if kinds[kind])
    yield "nodes", f"{len(graph):,} ({listed})"
    pairs = topology.pairs()
    media = Counter(graph.edges[pair]["medium"] for pair in pairs)
    half = sum(graph.edges[pair]["duplex"] == "half" for pair in pairs)
    words = [*(f"{count} {medium}" for medium, count in sorted(media.items())), *([f"{half} half duplex"] * bool(half))]
    yield "links", f"{len(pairs):,}" + (f" ({', '.join(words)})" if words else "")
    placed = sum("place" in row for _, row in graph.nodes(data=True))
    yield "with a place", f"{placed:,} of {len(graph):,}"
    yield "connected", "yes" if nx.is_strongly_connected(graph) else "no"
    yield from _diameters(topology)


def _diameters(topology: Topology) -> Iterable[tuple[str, str]]:
    """The two nodes farthest apart, by delay and by hops, of those between which a way leads."""
    nodes = list(topology.graph)
    index = {node: i for i, node in enumerate(nodes)}
    arcs = [(a, b, float(arc["delay_s"])) for a, b, arc in topology.graph.edges(data=True)]
    if not arcs:
        return
    ends = ([index[a] for a, _, _ in arcs], [index[b] for _, b, _ in arcs])
    delays_s = csr_array(([delay_s for _, _, delay_s in arcs], ends), shape=(len(nodes),) * 2)
    for name, unweighted in (("farthest in delay", False), ("farthest in hops", True)):
        far = dijkstra(delays_s, unweighted=unweighted)
        far[~np.isfinite(far)] = -1.0
        a, b = np.unravel_index(int(far.argmax()), far.shape)
        value = f"{far[a, b]:.0f}" if unweighted else about(float(far[a, b]), "s")
        yield name, f"{value}, {nodes[int(a)]} to {nodes[int(b)]}"


def _spread(name: str, values: Sequence[float], unit: str) -> Row:
    return (name, *(about(value, unit) for value in (min(values), median(values), max(values))))


def _sets(topology: Topology) -> Iterable[tuple[str, str]]:
    for name, nodes in topology.attachments.items():
        more = f", ... ({len(nodes):,} nodes)" if len(nodes) > _MOST_NAMES else ""
        yield name, ", ".join(nodes[:_MOST_NAMES]) + more
