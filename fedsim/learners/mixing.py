"""Mixing matrices: how much of its neighbours' models a node takes over."""

from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array


def metropolis(graph: "nx.Graph[Any]") -> Array:
    """Metropolis-Hastings weights (N, N), symmetric and doubly stochastic, in the graph's order of nodes.

    W_ij = 1 / (1 + max(deg_i, deg_j)) on edges, and W_ii what is left to 1. Xiao, Boyd and Lall 2005, "A
    scheme for robust distributed sensor fusion based on average consensus". Edges that join a node to itself
    do not count.

    Raises:
        FedsimError: if the graph is directed, or falls into parts that never hear of each other.
    """
    if graph.is_directed():
        raise FedsimError("metropolis weights need an undirected overlay")
    if len(graph) == 0 or not nx.is_connected(graph):
        raise FedsimError("metropolis weights need an overlay in which every node can be reached from every other")
    adjacency = nx.adjacency_matrix(graph, weight=None).toarray().astype(np.float64)
    np.fill_diagonal(adjacency, 0.0)
    degree = adjacency.sum(axis=1)
    W = adjacency / (1.0 + np.maximum(degree[:, None], degree))
    np.fill_diagonal(W, 1.0 - W.sum(axis=1))
    return np.asarray(W)


def contraction(W: Array) -> float:
    """Largest modulus of the eigenvalues of W but the first: what is left of disagreement after a round.

    Args:
        W: (N, N) doubly stochastic; need not be symmetric.
    """
    others = np.linalg.eigvals(W - 1.0 / len(W))
    return float(np.abs(others).max())


@dataclass(frozen=True, slots=True)
class Metropolis:
    """Metropolis-Hastings weights, as a value."""

    def weights(self, graph: "nx.Graph[Any]") -> Array:
        """See ``metropolis``."""
        return metropolis(graph)
