"""An overlay written out, or read from a file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx

from fedsim.errors import FedsimError, ScenarioError
from fedsim.problems import shown, unknown
from fedsim.system.imports.reader import SUFFIXES, read_raw
from fedsim.system.peers import Graph, Peers, check_fit
from fedsim.yamlfile import read_yaml

_YAML = (".yaml", ".yml")


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """Edges one by one: pairs of names of peers, or of their places where everybody has one of their own.

    A ``file`` with edges in place of them may be GraphML, GML, node-link JSON, CSV with the columns source and target,
    or YAML with ``edges: [[a, b], ...]`` or with ``links: [{from: a, to: b}, ...]`` as topologies have them. It is
    read at once, and what it says stands in ``edges`` from then on.
    """

    edges: tuple[tuple[str, ...], ...] = ()
    """Pairs of names of peers, or of their places."""
    directed: bool = False
    """Whether the first of a pair only sends, and the second only hears."""
    file: str | None = None
    """A file with the edges, relative to the scenario, in place of them."""

    def __post_init__(self) -> None:
        if self.file is not None:
            if self.edges:
                raise FedsimError("edges must not be given where there is a file of them")
            edges, directed = read_edges(Path(self.file))
            object.__setattr__(self, "edges", edges)
            object.__setattr__(self, "directed", directed or self.directed)
            object.__setattr__(self, "file", None)
        for edge in self.edges:
            if len(edge) != 2 or edge[0] == edge[1]:
                raise FedsimError(f"edges must each have two different ends, got {shown(list(edge))}")

    def misfits(self, names: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Peers of these names must all be reached; names of places are looked up later."""
        if all(end in names for edge in self.edges for end in edge):
            yield from self._broken({name: peer for peer, name in enumerate(names)}, names)

    def graph(self, peers: Peers) -> Graph:
        """The graph of the edges.

        Raises:
            FedsimError: an end that is no peer, or peers that never hear of each other.
        """
        check_fit(self, peers)
        number = {name: peer for peer, name in enumerate(peers.names)}
        if any(end not in number for edge in self.edges for end in edge):
            number = _by_place(peers) or number
        broken = [f"{key} {rule}" for key, rule in self._broken(number, peers.names)]
        if broken:
            raise FedsimError("; ".join(broken))
        return self._joined(number, len(peers))

    def _joined(self, number: Mapping[str, int], count: int) -> Graph:
        graph: Graph = nx.DiGraph() if self.directed else nx.Graph()
        graph.add_nodes_from(range(count))
        graph.add_edges_from((number[a], number[b]) for a, b in self.edges)
        return graph

    def _broken(self, number: Mapping[str, int], names: Sequence[str]) -> Iterable[tuple[str, str]]:
        strangers = dict.fromkeys(end for edge in self.edges for end in edge if end not in number)
        yield from (("edges", f"have an end that is nobody: {unknown(end, 'peer', number)}") for end in strangers)
        if not strangers:
            graph = self._joined(number, len(names))
            directed: Any = nx.DiGraph(graph)
            if not nx.is_strongly_connected(directed):
                apart = sorted(set(graph) - nx.descendants(directed, 0) - {0})
                lost = names[apart[0]] if apart else names[0]
                yield "edges", f"must lead from everybody to everybody: no way between {names[0]!r} and {lost!r}"


def read_edges(path: Path) -> tuple[tuple[tuple[str, str], ...], bool]:
    """The edges of a file, and whether they are directed.

    Raises:
        ScenarioError: one line for each mistake: file, line or key path, value, rule.
    """
    suffix = path.suffix.lower()
    if suffix in _YAML:
        return _from_yaml(path, read_yaml(path)), False
    if suffix not in SUFFIXES:
        raise ScenarioError(f"{path}: {unknown(suffix, 'suffix of a file with edges', (*SUFFIXES, *_YAML))}")
    raw = read_raw(path)
    return tuple((link.source, link.target) for link in raw.links if link.source != link.target), raw.is_directed


def _from_yaml(path: Path, words: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(words, Mapping) or not isinstance(words.get("edges", words.get("links")), list):
        raise ScenarioError(f"{path}: must be a mapping with the list edges, or links, got {shown(words)}")
    key = "edges" if "edges" in words else "links"
    found = []
    for index, row in enumerate(words[key]):
        ends = [row.get("from"), row.get("to")] if isinstance(row, Mapping) else row
        if not isinstance(ends, list) or len(ends) != 2 or not all(isinstance(end, (str, int)) for end in ends):
            raise ScenarioError(f"{path}: {key}[{index}]: must be two names, or have from and to, got {shown(row)}")
        found.append((str(ends[0]), str(ends[1])))
    return tuple(found)


def _by_place(peers: Peers) -> dict[str, int]:
    """Peers by their places; nothing where two are at one, or no place is known."""
    places = [] if peers.reach is None else list(peers.reach.places)
    return {place: peer for peer, place in enumerate(places)} if len(set(places)) == len(peers) else {}
