"""Shapes without chance: star, tree, ring, path, torus, complete graph."""

from dataclasses import dataclass, field

import networkx as nx
import numpy as np

from fedsim.system.generators.generator import (
    EVERYWHERE,
    MOST_NODES,
    LinkKind,
    check_whole,
    flat,
    join,
    numbered,
    with_nodes,
)
from fedsim.system.topology import Topology

_LEAVES = "leaves"


@dataclass(frozen=True, kw_only=True, slots=True)
class Star:
    """A server in the middle, and leaves around it."""

    leaves: int = 8
    """Leaves around the server."""
    link: LinkKind = field(default_factory=LinkKind)
    """What all links are like."""

    def __post_init__(self) -> None:
        check_whole(leaves=(self.leaves, 1, MOST_NODES - 1))

    def draw(self, rng: np.random.Generator) -> Topology:  # noqa: ARG002  # nothing is left to chance
        """``server``, and ``leaf-0`` onwards; the set ``leaves``."""
        leaves = tuple(numbered("leaf", range(self.leaves)).values())
        graph = with_nodes({"server": "server", **dict.fromkeys(leaves, "access-point")})
        for leaf in leaves:
            join(graph, "server", leaf, self.link.arc())
        return Topology("star", graph, "a server with leaves around it", {EVERYWHERE: tuple(graph), _LEAVES: leaves})


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """A server as the root of a tree in which each node has the same number of branches."""

    branches: int = 3
    """Branches of each node."""
    levels: int = 2
    """Levels below the root."""
    link: LinkKind = field(default_factory=LinkKind)
    """What all links are like."""

    def __post_init__(self) -> None:
        check_whole(branches=(self.branches, 1, MOST_NODES - 1), levels=(self.levels, 1, MOST_NODES - 1))
        check_whole(nodes=(_nodes_of_tree(self.branches, self.levels), 2, MOST_NODES))

    def draw(self, rng: np.random.Generator) -> Topology:  # noqa: ARG002
        """``server``, ``node-0`` onwards level by level, and ``leaf-0`` onwards; the set ``leaves``."""
        plain = nx.balanced_tree(self.branches, self.levels)
        leaves = [node for node in plain if node and plain.degree[node] == 1]
        inner = [node for node in plain if node and plain.degree[node] > 1]
        names = {0: "server", **numbered("node", inner), **numbered("leaf", leaves)}
        graph = with_nodes({"server": "server", **{names[node]: "router" for node in inner}})
        graph.add_nodes_from((names[node] for node in leaves), kind="access-point")
        for above, below in plain.edges:
            join(graph, names[above], names[below], self.link.arc())
        sets = {EVERYWHERE: tuple(graph), _LEAVES: tuple(names[node] for node in leaves)}
        return Topology("tree", graph, "a server above levels of routers", sets)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ring:
    """Each node is linked with the one before it and the one after it, all around."""

    nodes: int = 8
    """How many there are."""
    link: LinkKind = field(default_factory=LinkKind)
    """What all links are like."""

    def __post_init__(self) -> None:
        check_whole(nodes=(self.nodes, 3, MOST_NODES))

    def draw(self, rng: np.random.Generator) -> Topology:  # noqa: ARG002
        """``node-0`` onwards."""
        return flat("ring", nx.cycle_graph(self.nodes), self.link, "nodes on a ring")


@dataclass(frozen=True, kw_only=True, slots=True)
class Path:
    """Nodes in a line."""

    nodes: int = 8
    """How many there are."""
    link: LinkKind = field(default_factory=LinkKind)
    """What all links are like."""

    def __post_init__(self) -> None:
        check_whole(nodes=(self.nodes, 2, MOST_NODES))

    def draw(self, rng: np.random.Generator) -> Topology:  # noqa: ARG002
        """``node-0`` onwards."""
        return flat("path", nx.path_graph(self.nodes), self.link, "nodes in a line")


@dataclass(frozen=True, kw_only=True, slots=True)
class Torus:
    """Rows and columns, each closed to a ring: every node has four neighbours."""

    rows: int = 4
    """Rows of the grid."""
    columns: int = 4
    """Columns of the grid."""
    link: LinkKind = field(default_factory=LinkKind)
    """What all links are like."""

    def __post_init__(self) -> None:
        check_whole(rows=(self.rows, 3, MOST_NODES), columns=(self.columns, 3, MOST_NODES))
        check_whole(nodes=(self.rows * self.columns, 9, MOST_NODES))

    def draw(self, rng: np.random.Generator) -> Topology:  # noqa: ARG002
        """``node-0`` onwards, row by row."""
        plain = nx.grid_2d_graph(self.rows, self.columns, periodic=True)
        return flat("torus", plain, self.link, "a grid whose rows and columns are rings")


@dataclass(frozen=True, kw_only=True, slots=True)
class Complete:
    """Every node is linked with every other."""

    nodes: int = 8
    """How many there are."""
    link: LinkKind = field(default_factory=LinkKind)
    """What all links are like."""

    def __post_init__(self) -> None:
        check_whole(nodes=(self.nodes, 2, 500))

    def draw(self, rng: np.random.Generator) -> Topology:  # noqa: ARG002
        """``node-0`` onwards."""
        return flat("complete", nx.complete_graph(self.nodes), self.link, "every node linked with every other")


def _nodes_of_tree(branches: int, levels: int) -> int:
    """Nodes of a balanced tree, counted no further than one above the most."""
    total, level = 1, 1
    for _ in range(levels):
        level *= branches
        total += level
        if total > MOST_NODES:
            break
    return total
