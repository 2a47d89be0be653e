"""SNDlib's native XML (Orlowski, Pioro, Tomaszewski, Wessaely, "SNDlib 1.0", Networks 55(3), 2010)."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from fedsim.errors import ScenarioError
from fedsim.system.imports.attributes import number_in
from fedsim.system.imports.builder import Builder
from fedsim.system.imports.raw import RawNetwork
from fedsim.system.imports.source import read_xml


def read_sndlib(path: Path, capacity_unit_bps: float) -> RawNetwork:
    """Nodes and links of an instance; demands are left alone.

    Coordinates count where they are geographical. A link has its pre-installed capacity or, where that is nothing,
    that of the largest module that can be added; ``capacity_unit_bps`` is the instance's unit.

    Raises:
        ScenarioError: it is no such XML, or has mistakes in it.
    """
    root = ET.fromstring(read_xml(path))  # noqa: S314  # checked: no DOCTYPE, not deep, not large
    nodes, links = _below(root, "nodes"), _below(root, "links")
    if nodes is None or links is None:
        raise ScenarioError(f"{path}: is not SNDlib's XML: it has no networkStructure with nodes and links")
    is_earth = nodes.get("coordinatesType", "geographical") == "geographical"
    builder = Builder(path)
    for node in _children(nodes, "node"):
        name = node.get("id", "")
        at = {"longitude": _text(node, "coordinates", "x"), "latitude": _text(node, "coordinates", "y")}
        builder.add_node(f"node {name!r}", name, at if is_earth else {})
    for link in _children(links, "link"):
        where = f"link {link.get('id', '')!r}"
        try:
            capacity = {"capacity_bps": _capacity(link, capacity_unit_bps)}
        except ValueError as error:
            builder.refuse(where, f"capacity {error}")
            continue
        builder.add_link(where, _text(link, "source"), _text(link, "target"), capacity)
    return builder.network()


def _capacity(link: "ET.Element[str]", unit_bps: float) -> float | None:
    installed = number_in(_text(link, "preInstalledModule", "capacity") or "0")
    modules = _below(link, "additionalModules")
    added = [] if modules is None else [number_in(_text(one, "capacity")) for one in _children(modules, "addModule")]
    best = installed or max(added, default=0.0)
    return best * unit_bps if best else None


def _children(element: "ET.Element[str]", tag: str) -> Iterator["ET.Element[str]"]:
    """Children of this tag, whatever the namespace."""
    return (child for child in element if child.tag.rpartition("}")[2] == tag)


def _below(element: "ET.Element[str]", tag: str) -> "ET.Element[str] | None":
    return next((found for found in element.iter() if found.tag.rpartition("}")[2] == tag), None)


def _text(element: "ET.Element[str]", *tags: str) -> str:
    """The text below ``element`` at the end of a path of tags, empty where there is none."""
    here: ET.Element[str] | None = element
    for tag in tags:
        here = None if here is None else next(_children(here, tag), None)
    return (here.text or "").strip() if here is not None else ""
