"""Reads a network in another format, by the file's suffix, and makes a topology of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fedsim.errors import ScenarioError
from fedsim.problems import unknown
from fedsim.system.imports.assembly import assemble
from fedsim.system.imports.graph_files import read_gml, read_graphml, read_node_link
from fedsim.system.imports.raw import RawNetwork
from fedsim.system.imports.rules import ImportRules
from fedsim.system.imports.sndlib import read_sndlib
from fedsim.system.imports.source import digest
from fedsim.system.imports.tables import read_folder, read_table
from fedsim.system.topology import Topology

_Reader = Callable[[Path, ImportRules], RawNetwork]

_READERS: Final[Mapping[str, _Reader]] = MappingProxyType({
    ".graphml": lambda path, _: read_graphml(path),
    ".gml": lambda path, _: read_gml(path),
    ".json": lambda path, _: read_node_link(path),
    ".xml": lambda path, rules: read_sndlib(path, rules.capacity_unit_bps),
    ".csv": read_table,
})  # fmt: skip

SUFFIXES: Final = tuple(_READERS)
MOST_WRITTEN: Final = 5_000
"""Links of the largest import that a scenario shows as a whole; larger ones are long to read and to write."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What made a topology of so many links that a scenario names the file rather than write them out."""

    path: str
    rules: ImportRules


def import_topology(path: str | Path, rules: ImportRules | None = None) -> Topology:
    """The topology in a file of another format (GraphML, GML, node-link JSON, SNDlib XML, CSV), or in a folder.

    Raises:
        ScenarioError: one line for each mistake: file, line or key path, value, rule.
    """
    place, rules = Path(path), rules or ImportRules()
    found = digest(place)
    if rules.digest not in {None, found}:
        raise ScenarioError(f"{place}: has changed: its digest is {found}, not {rules.digest}")
    topology = assemble(_read(place, rules), rules, place)
    if len(topology.graph.edges) <= 2 * MOST_WRITTEN:
        return topology
    return replace(topology, recipe=Imported(path=str(place.absolute()), rules=replace(rules, digest=found)))


def read_raw(path: Path) -> RawNetwork:
    """Nodes and links of a file as they stand there.

    Raises:
        ScenarioError: one line for each mistake: file, line or key path, value, rule.
    """
    return _read(path, ImportRules())


def _read(place: Path, rules: ImportRules) -> RawNetwork:
    if place.is_dir():
        return read_folder(place)
    reader = _READERS.get(place.suffix.lower())
    if reader is None:
        rule = unknown(place.suffix, "suffix of a network's file", (*SUFFIXES, ".yaml"))
        raise ScenarioError(f"{place}: {rule}")
    return reader(place, rules)
