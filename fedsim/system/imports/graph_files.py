"""Graph files of other programs: GraphML, GML (the Internet Topology Zoo has both), and node-link JSON (networkx)."""

import io
import json
import re
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import networkx as nx

from fedsim.errors import ScenarioError
from fedsim.problems import shown
from fedsim.system.imports.builder import Builder
from fedsim.system.imports.raw import RawNetwork
from fedsim.system.imports.source import read_text, read_xml

_GRAPH = re.compile(r"^(\s*graph\s*\[)", re.MULTILINE)
_MULTIGRAPH = re.compile(r"^\s*multigraph\s+[01]\s*$", re.MULTILINE)


def read_graphml(path: Path) -> RawNetwork:
    """A GraphML file.

    Raises:
        ScenarioError: it is no GraphML that networkx can read, or has mistakes in it.
    """
    content = read_xml(path)
    graph = _graph(path, "GraphML", lambda: nx.read_graphml(io.BytesIO(content), force_multigraph=True))
    root = ET.fromstring(content)  # noqa: S314  # checked: no DOCTYPE, not deep, not large
    return _network(path, graph, {node.get("id") for node in root.iter() if node.tag.endswith("}node")})


def read_gml(path: Path) -> RawNetwork:
    """A GML file. Parallel links are allowed, whether the file announces them or not.

    Raises:
        ScenarioError: it is no GML that networkx can read, or has mistakes in it.
    """
    text = _GRAPH.sub(r"\1 multigraph 1", _MULTIGRAPH.sub("", read_text(path)), count=1)
    graph = _graph(path, "GML", lambda: nx.parse_gml(text, label="id"))
    return _network(path, graph, graph)


def read_node_link(path: Path) -> RawNetwork:
    """A JSON file as ``networkx.node_link_data`` has it; its links stand under ``links`` or ``edges``.

    Raises:
        ScenarioError: it is no such JSON, or has mistakes in it.
    """
    try:
        data = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise ScenarioError(f"{path}: line {error.lineno}: is not JSON: {error.msg}") from None
    except (RecursionError, ValueError) as error:
        raise ScenarioError(f"{path}: is not JSON that can be read: {error}") from None
    key = "edges" if isinstance(data, dict) and "edges" in data else "links"
    if not isinstance(data, dict) or not all(isinstance(data.get(name), list) for name in ("nodes", key)):
        raise ScenarioError(f"{path}: must be a mapping with the lists nodes and links, got {shown(data)}")
    builder = Builder(path, is_directed=data.get("directed") is True)
    for index, row in enumerate(data["nodes"]):
        if _has(builder, f"nodes[{index}]", row, "id"):
            builder.add_node(f"nodes[{index}]", row["id"], row)
    for index, row in enumerate(data[key]):
        if _has(builder, f"{key}[{index}]", row, "source", "target"):
            builder.add_link(f"{key}[{index}]", row["source"], row["target"], row)
    return builder.network()


def _has(builder: Builder, where: str, row: Any, *keys: str) -> bool:
    if isinstance(row, Mapping) and all(isinstance(row.get(key), (str, int, float)) for key in keys):
        return True
    builder.refuse(where, f"must be a mapping with {' and '.join(keys)}, got {shown(row)}")
    return False


def _graph(path: Path, language: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except RecursionError:
        raise ScenarioError(f"{path}: is not {language} that can be read: nested too deep") from None
    except Exception as error:  # noqa: BLE001  # networkx' readers let through whatever a strange file makes happen
        reason = " ".join(str(error).split())[:200]
        raise ScenarioError(f"{path}: is not {language} that can be read: {reason or type(error).__name__}") from None


def _network(path: Path, graph: Any, declared: Container[Any]) -> RawNetwork:
    """The network of a graph; networkx makes nodes of whatever the links of a GraphML file name."""
    builder = Builder(path, is_directed=graph.is_directed())
    for node, attributes in graph.nodes(data=True):
        if node in declared:
            builder.add_node(f"node {node!r}", node, attributes)
    for source, target, attributes in graph.edges(data=True):
        builder.add_link(f"link {source!r} to {target!r}", source, target, attributes)
    return builder.network()
