"""Mixing matrices: how much of its neighbours' models a node takes over.

W_ij is the weight of j's model at i: more than nothing only on edges (in a directed graph where j sends to i) and on
the diagonal. Matrices are sparse, rows in the graph's order of nodes, so that ten thousand peers cost what their edges
cost.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol, Union

import networkx as nx
import numpy as np
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs, eigsh

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array

Graph = Union["nx.Graph[Any]", "nx.DiGraph[Any]"]
_PATIENCE = 300
_ROUNDING = 1e-12
_DENSE = 400  # up to so many nodes all eigenvalues are quicker than some


class Mixing(Protocol):
    """How a node weighs its own and its neighbours' models."""

    def weights(self, graph: Graph) -> csr_array:
        """W, (N, N): every row sums to 1.

        Raises:
            FedsimError: no such weights exist for this graph.
        """


@dataclass(frozen=True, slots=True)
class Metropolis:
    """Metropolis-Hastings weights: symmetric and doubly stochastic, from what neighbours know of each other.

    W_ij = 1 / (1 + max(deg_i, deg_j)) on edges, and W_ii what is left to 1. Xiao, Boyd and Lall 2005, "A
    scheme for robust distributed sensor fusion based on average consensus".
    """

    def weights(self, graph: Graph) -> csr_array:
        """See ``Mixing``."""
        edges = adjacency(graph, "metropolis")
        degree = edges.sum(axis=1)
        edges.data = 1.0 / (1.0 + np.maximum(np.repeat(degree, np.diff(edges.indptr)), degree[edges.indices]))
        return with_own(edges)


@dataclass(frozen=True, slots=True)
class MaxDegree:
    """The same weight on all edges: 1 / (1 + the largest degree); symmetric and doubly stochastic.

    Xiao and Boyd 2004, "Fast linear iterations for distributed averaging", section 4.1.
    """

    def weights(self, graph: Graph) -> csr_array:
        """See ``Mixing``."""
        edges = adjacency(graph, "max-degree")
        return with_own(csr_array(edges / (1.0 + edges.sum(axis=1).max())))


@dataclass(frozen=True, slots=True)
class EqualShares:
    """What a node hears and its own count the same: (I + P) / 2 on a directed ring; doubly stochastic.

    For overlays, directed or not, in which everybody hears as many as hear it, and with those the same holds.
    """

    def weights(self, graph: Graph) -> csr_array:
        """See ``Mixing``."""
        arcs = hearing(graph)
        W = with_own(csr_array(diags_array(1.0 / (1.0 + arcs.sum(axis=1))) @ arcs))
        if np.abs(W.sum(axis=0) - 1.0).max() > 1e-9:
            raise FedsimError(
                "equal-shares weights need an overlay in which everybody hears as many as hear it: they would not keep "
                "the mean of all models; for one that is not directed take metropolis"
            )
        return W


@dataclass(frozen=True, slots=True)
class OverlayWeights:
    """The weights that the overlay gives its edges, as MATCHA does."""

    def weights(self, graph: Graph) -> csr_array:
        """See ``Mixing``."""
        if graph.is_directed() or len(nx.get_edge_attributes(graph, "weight")) < graph.number_of_edges():
            raise FedsimError("overlay-weights need an overlay that gives its edges weights, as matcha does")
        return with_own(csr_array(nx.to_scipy_sparse_array(graph, weight="weight")))


def metropolis(graph: "nx.Graph[Any]") -> Array:
    """Metropolis-Hastings weights as a full matrix, (N, N)."""
    return Metropolis().weights(graph).toarray()


def adjacency(graph: Graph, name: str) -> csr_array:
    """1 where two nodes are joined, without loops: (N, N), symmetric.

    Raises:
        FedsimError: the graph is directed; ``name`` is that of the weights.
    """
    if graph.is_directed():
        raise FedsimError(f"{name} weights need an undirected overlay: for one that is directed take equal-shares")
    return hearing(graph)


def hearing(graph: Graph) -> csr_array:
    """1 at (i, j) where i hears j, without loops: (N, N).

    Raises:
        FedsimError: a graph without nodes.
    """
    if len(graph) == 0:
        raise FedsimError("weights need an overlay with at least one node")
    place = {node: index for index, node in enumerate(graph)}
    arcs = np.array([(place[j], place[i]) for i, j in graph.edges if i != j], dtype=np.int64).reshape(-1, 2)
    rows, columns = arcs.T if graph.is_directed() else np.concatenate([arcs, arcs[:, ::-1]]).T
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(place),) * 2)


def with_own(edges: csr_array) -> csr_array:
    """The weights of neighbours, and on the diagonal what is left to 1."""
    return csr_array(edges + diags_array(1.0 - edges.sum(axis=1)))


def neighbour_weights(W: csr_array, node: int) -> dict[int, float]:
    """What a node gives to each of its neighbours; the rest is its own."""
    row = slice(W.indptr[node], W.indptr[node + 1])
    pairs = zip(W.indices[row].tolist(), W.data[row].tolist(), strict=True)
    return {other: weight for other, weight in sorted(pairs) if other != node}


def contraction(W: Array | csr_array) -> float:
    """Largest modulus of the eigenvalues of W but the first: what is left of disagreement after a round.

    Args:
        W: (N, N) doubly stochastic; need not be symmetric.
    """
    count = W.shape[0]
    if count <= _DENSE:
        full = W if isinstance(W, np.ndarray) else W.toarray()
        return float(np.abs(np.linalg.eigvals(full - 1.0 / count)).max())
    sparse = csr_array(W)
    if abs(sparse - sparse.T).max() == 0:
        return max(_second(sparse, 1.0), -_least(sparse))
    product = csr_array(sparse @ sparse.T)
    if abs(product - sparse.T @ sparse).max() < _ROUNDING:  # normal: |lambda|^2 are the eigenvalues of W W^T
        return math.sqrt(max(0.0, _second(product, 1.0)))
    others = LinearOperator(sparse.shape, matvec=lambda x: sparse @ x - x.mean(), dtype=np.float64)
    found = eigs(others, k=1, which="LM", v0=_start(count), return_eigenvectors=False)
    return float(np.abs(found).max())


def _second(S: csr_array, largest: float) -> float:
    """The second largest eigenvalue of a symmetric matrix: by Lanczos, or around the largest where many are close."""
    try:
        found = eigsh(S, k=2, which="LA", v0=_start(S.shape[0]), maxiter=_PATIENCE, return_eigenvectors=False)
    except ArpackNoConvergence:
        beyond = largest + 1e-6
        found = eigsh(S.tocsc(), k=2, sigma=beyond, v0=_start(S.shape[0]), return_eigenvectors=False)
    return float(found.min())


def _least(S: csr_array) -> float:
    """The least eigenvalue of a symmetric matrix whose eigenvalues are at least -1."""
    try:
        found = eigsh(S, k=1, which="SA", v0=_start(S.shape[0]), maxiter=_PATIENCE, return_eigenvectors=False)
    except ArpackNoConvergence:
        found = eigsh(S.tocsc(), k=1, sigma=-1.0 - 1e-6, v0=_start(S.shape[0]), return_eigenvectors=False)
    return float(found.min())


def _start(count: int) -> Array:
    """Where to search from: nothing special about it, but the same every time."""
    return np.asarray(np.cos(np.arange(count) ** 2))
