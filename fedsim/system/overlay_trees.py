"""Trees that follow the network's delays.

Marfoq, Xu, Neglia and Vidal, "Throughput-optimal topology design for cross-silo federated learning", NeurIPS 2020,
section 3 and Algorithm 1.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np

from fedsim.system.peers import Peers, check_fit
from fedsim.system.reach import Array, Reach

_MOST = 2_000  # all pairs of so many peers are two million


@dataclass(frozen=True, slots=True)
class MinimumTree:
    """The minimum spanning tree of the delays between peers.

    A delay is local work, latency, and a message alone on the route, the mean of both ways. Where only routes are
    narrow and not access links, no undirected overlay has shorter rounds (proposition 3.1).
    """

    def misfits(self, names: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Not too many."""
        return _too_many(names)

    def graph(self, peers: Peers) -> "nx.Graph[int]":
        """A tree.

        Raises:
            FedsimError: nothing is known of the network, there is no way between two peers, or they are too many.
        """
        check_fit(self, peers)
        return _tree(
            len(peers), nx.minimum_spanning_tree(peers.known_reach("a tree by delays").distances(), weight="delay_s")
        )


@dataclass(frozen=True, slots=True)
class BottleneckTree:
    """The tree with the shortest rounds among several in which nobody has many neighbours: delta-MBST.

    Candidates are a path through the cube of the minimum spanning tree, and for every bound on degrees the tree that
    Prim's algorithm grows within it. Rounds count access links shared by degree: at most 6 times as long
    as those of the best tree.
    """

    def misfits(self, names: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Not too many."""
        return _too_many(names)

    def graph(self, peers: Peers) -> "nx.Graph[int]":
        """A tree.

        Raises:
            FedsimError: nothing is known of the network, there is no way between two peers, or they are too many.
        """
        check_fit(self, peers)
        reach = peers.known_reach("a tree by delays")
        distances = reach.distances()
        found = (_tree(len(peers), tree) for tree in _candidates(distances))
        return min(found, key=lambda tree: round_s(reach, tree))


def round_s(reach: Reach, tree: "nx.Graph[int]") -> float:
    """Seconds per round on an undirected tree: the slowest pair or the slowest computer (equation 5 on a tree)."""
    degree = dict(tree.degree)
    pairs = [
        reach.move_s(i, j, out=degree[i], into=degree[j])
        + reach.move_s(j, i, out=degree[j], into=degree[i])
        + float(reach.compute_s[i] + reach.compute_s[j])
        for i, j in tree.edges
    ]
    return max([*(pair / 2 for pair in pairs), float(reach.compute_s.max())])


def _candidates(distances: "nx.Graph[int]") -> Iterator["nx.Graph[int]"]:
    smallest = nx.minimum_spanning_tree(distances, weight="delay_s")
    most = max((degree for _, degree in smallest.degree), default=0)
    yield smallest  # what Prim's algorithm finds without a bound
    if most > 2:
        order = cube_path(smallest)
        yield nx.path_graph(order)
    weights = nx.to_numpy_array(distances, nodelist=range(len(distances)), weight="delay_s", nonedge=np.inf)
    for bound in range(2, most):
        yield bounded_prim(weights, bound)


def cube_path(tree: "nx.Graph[int]") -> list[int]:
    """All nodes in an order in which neighbours are at most three edges of the tree apart (Sekanina 1960)."""
    start = min(tree)
    return _between(nx.Graph(tree), start, min(tree[start])) if len(tree) > 1 else [start]


def bounded_prim(weights: Array, bound: int) -> "nx.Graph[int]":
    """A tree grown from node 0 by the least edge to a node that has fewer than ``bound`` neighbours yet."""
    count = len(weights)
    tree: nx.Graph[int] = nx.Graph()
    tree.add_nodes_from(range(count))
    outside, full = np.ones(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    outside[0] = False
    for _ in range(count - 1):
        inside = np.flatnonzero(~outside & ~full)
        strangers = np.flatnonzero(outside)
        row, column = divmod(int(weights[np.ix_(inside, strangers)].argmin()), len(strangers))
        i, j = int(inside[row]), int(strangers[column])
        tree.add_edge(i, j)
        outside[j] = False
        full[[i, j]] = [tree.degree[i] >= bound, tree.degree[j] >= bound]
    return tree


def _between(tree: "nx.Graph[int]", first: int, last: int) -> list[int]:
    """All nodes from ``first`` to ``last``, which are neighbours; the tree is taken apart.

    Without their edge there are two trees: go from the one end to a neighbour of it, from there to a neighbour of
    the other end, and on to that.
    """
    work: list[tuple[int, int, bool]] = [(first, last, True)]
    order: list[int] = []
    while work:
        a, b, is_edge = work.pop()
        if not is_edge:
            order.append(a)
            continue
        tree.remove_edge(a, b)
        here, there = min(tree[a], default=None), min(tree[b], default=None)
        work.append((b, b, False) if there is None else (there, b, True))
        work.append((a, a, False) if here is None else (a, here, True))
    return order


def _too_many(names: Sequence[str]) -> Iterable[tuple[str, str]]:
    if len(names) > _MOST:
        yield (
            "",
            f"must be one that needs not the delays of all pairs for more than {_MOST:,} peers, got {len(names):,}",
        )


def _tree(count: int, found: "nx.Graph[int]") -> "nx.Graph[int]":
    """The tree with its nodes and edges in order."""
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from(sorted((min(edge), max(edge)) for edge in found.edges))
    return graph
