"""Reads a network in another format, by the file's suffix, and makes a topology of it."""

from collections.abc import Callable, Mapping
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


def import_topology(path: str | Path, rules: ImportRules | None = None) -> Topology:
    """The topology in a file of another format (GraphML, GML, node-link JSON, SNDlib XML, CSV), or in a folder.

    Raises:
        ScenarioError: one line for each mistake: file, line or key path, value, rule.
    """
    place, rules = Path(path), rules or ImportRules()
    if place.is_dir():
        return assemble(read_folder(place), rules, place)
    reader = _READERS.get(place.suffix.lower())
    if reader is None:
        rule = unknown(place.suffix, "suffix of a network's file", (*SUFFIXES, ".yaml"))
        raise ScenarioError(f"{place}: {rule}")
    return assemble(reader(place, rules), rules, place)
