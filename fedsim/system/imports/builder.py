"""Collects the nodes and links of a file, and what is wrong with each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fedsim.errors import FedsimError
from fedsim.problems import Mistakes, shown, unknown
from fedsim.system.imports.attributes import link_from, node_from, tidy
from fedsim.system.imports.raw import RawLink, RawNetwork, RawNode


class Builder:
    """Nodes by the file's own identifier; a node's name is its label if no other has that, too."""

    def __init__(self, path: Path, *, is_directed: bool = False) -> None:
        self.mistakes = Mistakes()
        self._file = str(path)
        self._is_directed = is_directed
        self._nodes: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self._links: list[tuple[str, str, str, Mapping[str, Any]]] = []

    def refuse(self, where: str, rule: str) -> None:
        """Note that ``rule`` is broken at a line or key path of the file."""
        self.mistakes.add(self._file, where, rule)

    def add_node(self, where: str, identifier: Any, attributes: Mapping[Any, Any]) -> None:
        """A node; ``attributes`` may have its ``label``."""
        name = str(identifier).strip()
        if not name:
            self.refuse(where, f"a node needs a name, got {shown(identifier)}")
        elif name in self._nodes:
            self.refuse(where, f"{name!r} is an earlier node, too")
        else:
            self._nodes[name] = (where, tidy(attributes))

    def add_link(self, where: str, source: Any, target: Any, attributes: Mapping[Any, Any]) -> None:
        """A link between two nodes, by their identifiers."""
        ends = str(source).strip(), str(target).strip()
        strangers = [end for end in ends if end not in self._nodes]
        for end in dict.fromkeys(strangers):
            self.refuse(where, unknown(end, "node", self._nodes))
        if not strangers:
            self._links.append((where, *ends, tidy(attributes)))

    def network(self) -> RawNetwork:
        """All of it.

        Raises:
            ScenarioError: one line for each mistake.
        """
        names = self._names()
        nodes = [self._node(names[identifier], *row) for identifier, row in self._nodes.items()]
        links = [self._link(where, names[a], names[b], attributes) for where, a, b, attributes in self._links]
        if not nodes:
            self.refuse("", "has no nodes")
        self.mistakes.raise_any()
        return RawNetwork(
            nodes=tuple(node for node in nodes if node is not None),
            links=tuple(link for link in links if link is not None),
            is_directed=self._is_directed,
        )

    def _names(self) -> dict[str, str]:
        """The label where it is one node's alone, else the identifier, after the label if there is one."""
        labels = {
            key: " ".join(str(attributes.get("label", "")).split()) for key, (_, attributes) in self._nodes.items()
        }
        counted: dict[str, int] = {}
        for label in (*labels.values(), *self._nodes):
            counted[label] = counted.get(label, 0) + 1
        names: dict[str, str] = {}
        for key, label in labels.items():
            is_own = label and counted[label] - (label == key) == 1
            names[key] = label if is_own else f"{label} {key}".strip()
        return names

    def _node(self, name: str, where: str, attributes: Mapping[str, Any]) -> RawNode | None:
        try:
            return node_from(name, attributes)
        except (FedsimError, ValueError) as error:
            self.refuse(where, str(error))
            return None

    def _link(self, where: str, source: str, target: str, attributes: Mapping[str, Any]) -> RawLink | None:
        try:
            return link_from(source, target, where, attributes)
        except (FedsimError, ValueError) as error:
            self.refuse(where, str(error))
            return None
