"""Where nodes are drawn: at their places, as on a map, or where a layout puts them; always the same."""

import math
from collections.abc import Iterable, Mapping

import networkx as nx
import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from fedsim.system.place import Place, Plane
from fedsim.system.topology import Topology

Spots = dict[str, tuple[float, float]]

_MOST_LEAVES_IN_A_COLUMN = 40
_MOST_BY_STRESS = 150
_ROUNDS = 60


def layout(topology: Topology) -> Spots:
    """Coordinates of every node. Where at least half of them have places, these; other nodes stand near theirs.

    Nodes that would hide each other are moved apart.
    """
    plain: nx.Graph[str] = nx.Graph()
    plain.add_nodes_from(topology.graph)
    plain.add_edges_from(topology.pairs())  # in order: networkx' own views of a graph iterate over sets
    placed = {node: row["place"] for node, row in topology.graph.nodes(data=True) if "place" in row}
    if len(placed) > 1 and 2 * len(placed) >= len(plain):
        spots = _from_places(plain, placed)
    elif nx.is_tree(plain):
        spots = _of_tree(plain, _root(topology, plain))
    else:
        spots = _by_forces(plain)
    return _apart(spots)


def _from_places(plain: "nx.Graph[str]", placed: Mapping[str, Place]) -> Spots:
    """A map (degrees east times the cosine of the mean latitude, degrees north), or a plan."""
    middle = np.mean([0.0 if isinstance(place, Plane) else place.lat for place in placed.values()])
    shrink = math.cos(math.radians(float(middle)))
    spots = {
        node: (place.x_m, place.y_m) if isinstance(place, Plane) else (place.lon * shrink, place.lat)
        for node, place in placed.items()
    }
    lost = [node for node in plain if node not in spots]
    while lost:  # from the placed ones outwards
        near = [node for node in lost if any(other in spots for other in plain[node])]
        found = {node: _mean(spots[other] for other in plain[node] if other in spots) for node in near}
        spots |= found or dict.fromkeys(lost, _mean(spots.values()))
        lost = [node for node in lost if node not in spots]
    return {node: spots[node] for node in plain}


def _mean(spots: Iterable[tuple[float, float]]) -> tuple[float, float]:
    x, y = np.mean(list(spots), axis=0)
    return float(x), float(y)


def _root(topology: Topology, plain: "nx.Graph[str]") -> str:
    """The first server, else an edge server, else a node in the middle."""
    kinds = {node: str(row["kind"]) for node, row in topology.graph.nodes(data=True)}
    for kind in ("server", "edge-server"):
        if kind in kinds.values():
            return next(node for node in kinds if kinds[node] == kind)
    middle: str = nx.center(plain)[0]
    return middle


def _of_tree(plain: "nx.Graph[str]", root: str) -> Spots:
    """Levels from left to right, or, where there are many leaves, in rings around the root."""
    parents = {child: parent for parent, child in nx.bfs_edges(plain, root)}
    depth: dict[str, int] = nx.single_source_shortest_path_length(plain, root)
    order = list(nx.dfs_postorder_nodes(plain, root))
    leaves = [node for node in order if plain.degree[node] == 1 and node != root]
    height = {leaf: float(-i) for i, leaf in enumerate(leaves)} or {root: 0.0}
    for node in order:
        children = [child for child in plain[node] if parents.get(child) == node]
        if children:
            height[node] = (height[children[0]] + height[children[-1]]) / 2
    if len(leaves) <= _MOST_LEAVES_IN_A_COLUMN:
        wide = max(1.0, len(leaves) / (1.4 * max(depth.values(), default=1) or 1))
        return {node: (wide * depth[node], height[node]) for node in plain}
    turn = 2 * math.pi / len(leaves)
    return {
        node: (depth[node] * math.cos(turn * height[node]), depth[node] * math.sin(turn * height[node]))
        for node in plain
    }


def _by_forces(plain: "nx.Graph[str]") -> Spots:
    if len(plain) <= _MOST_BY_STRESS:
        found = nx.kamada_kawai_layout(plain, weight=None)
    else:
        found = nx.spring_layout(plain, seed=0, iterations=_ROUNDS, weight=None, method="force")
    return {node: (float(x), float(y)) for node, (x, y) in found.items()}


def _apart(spots: Spots) -> Spots:
    """The same spots, those that are very near each other pushed apart: symmetric, a little at a time."""
    names, xy = list(spots), np.array(list(spots.values()), dtype=float)
    size = float(np.ptp(xy, axis=0).max(initial=0.0)) or 1.0
    xy = (xy - xy.min(axis=0)) / size
    least = min(0.045, 0.3 / math.sqrt(len(names)))
    angles = np.arange(len(names)) * 2.399963  # golden angle: those at one spot go in different directions
    xy += 1e-4 * least * np.column_stack([np.cos(angles), np.sin(angles)])
    for _ in range(_ROUNDS):
        pairs = KDTree(xy).query_pairs(least, output_type="ndarray")
        if not len(pairs):
            break
        xy = _pushed(xy, pairs, least)
    return {name: (float(x), float(y)) for name, (x, y) in zip(names, xy, strict=True)}


def _pushed(xy: npt.NDArray[np.float64], pairs: npt.NDArray[np.int64], least: float) -> npt.NDArray[np.float64]:
    moved = xy.copy()
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    gap = xy[pairs[:, 0]] - xy[pairs[:, 1]]
    length = np.maximum(np.hypot(gap[:, 0], gap[:, 1]), 1e-12)
    push = gap / length[:, None] * ((least - length) / 2 + 1e-3 * least)[:, None]
    np.add.at(moved, pairs[:, 0], push)
    np.subtract.at(moved, pairs[:, 1], push)
    return moved
