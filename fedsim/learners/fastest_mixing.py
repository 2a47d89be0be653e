"""The weights with which disagreement falls fastest, by convex optimisation with a certificate.

Xiao and Boyd 2004, "Fast linear iterations for distributed averaging", section 4 (FDLA); Boyd, Diaconis and Xiao 2004,
"Fastest mixing Markov chain on a graph". Over the weights w of the edges, W = I - sum_e w_e a_e a_e^T with
a_e = e_i - e_j, minimise the spectral norm s of W - 11^T / N:

    -s I <= W - 11^T / N <= s I,  and for the chain  w >= 0,  W_ii >= 0.

A logarithmic barrier and Newton's method (Boyd and Vandenberghe, "Convex optimization", section 11.3). The Hessian
of the barrier of a matrix inequality with inverse slack B is the elementwise square of A^T B A, A = [a_e], so that a
step costs N^3 + E^3. Multipliers of the last step are dual feasible but for rounding, which is taken off: they bound
the optimum from below.
"""

from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array

from fedsim.errors import FedsimError
from fedsim.learners.mixing import Graph, Metropolis, adjacency, with_own
from fedsim.tasks.arrays import Array

_MOST_EDGES = 1_500
_GAP = 1e-9
_FASTER = 20.0  # by so much the barrier falls from one centre to the next
_NEAR = 1e-8
_STEPS = 60  # of Newton's method to a centre; fewer than 15 are usual


@dataclass(frozen=True, slots=True)
class Fdla:
    """The symmetric weights with the least spectral norm of W - 11^T / N; some may be negative.

    Xiao and Boyd 2004, equation 17: certified to 1e-6, for up to 1,500 edges.
    """

    def weights(self, graph: Graph) -> csr_array:
        """See ``Mixing``."""
        return fastest(graph, is_chain=False).W


@dataclass(frozen=True, slots=True)
class FastestMixing:
    """The symmetric weights with the least spectral norm of W - 11^T / N of those that are not negative.

    Boyd, Diaconis and Xiao 2004, equation 6: certified to 1e-6, for up to 1,500 edges.
    """

    def weights(self, graph: Graph) -> csr_array:
        """See ``Mixing``."""
        return fastest(graph, is_chain=True).W


@dataclass(frozen=True, kw_only=True)
class Fastest:
    """Weights (N, N), what is left of disagreement after a round, and a bound below which no such weights get."""

    W: csr_array
    contraction: float
    bound: float


def fastest(graph: Graph, *, is_chain: bool) -> Fastest:
    """The best weights on the edges of a graph, non-negative if they are to be a chain's.

    Raises:
        FedsimError: the graph is directed, falls into pieces, or has more edges than can be optimised.
    """
    name = "fastest-mixing" if is_chain else "fdla"
    start = adjacency(graph, name)  # refuses what is directed or empty
    if not nx.is_connected(graph):
        raise FedsimError(f"{name} weights need an overlay in which every node can be reached from every other")
    pairs = np.argwhere(np.triu(start.toarray()))
    count = len(graph)
    if 2 * len(pairs) == count * (count - 1):
        return _assembled(count, pairs, np.full(len(pairs), 1.0 / count), 0.0)
    if len(pairs) > _MOST_EDGES:
        raise FedsimError(
            f"{name} weights are for up to {_MOST_EDGES:,} edges, got {len(pairs):,}: take metropolis or max-degree"
        )
    first = Metropolis().weights(graph).toarray()[*pairs.T]
    return _Barrier(count, pairs, is_chain=is_chain).solved(first)


class _Barrier:
    """One problem: variables x = (w_1 .. w_E, s)."""

    def __init__(self, count: int, pairs: Any, *, is_chain: bool) -> None:
        self._pairs = pairs
        self._count = count
        self._is_chain = is_chain
        self._A = np.zeros((count, len(pairs)))
        self._A[pairs[:, 0], range(len(pairs))] = 1.0
        self._A[pairs[:, 1], range(len(pairs))] = -1.0
        self._touches = np.abs(self._A)
        self._constraints = 2 * count + (len(pairs) + count if is_chain else 0)

    def solved(self, w: Array) -> Fastest:
        """From centre to centre until the multipliers say that it is enough."""
        sharpness, bound = 1.0, 0.0
        x = np.append(w, np.abs(np.linalg.eigvalsh(self._deviation(w))).max() + 0.1)
        while True:
            x, step = self._centre(x, sharpness)
            bound = max(bound, self._bound(x, step, sharpness))  # sharper ones are nearer, and suffer more by rounding
            if self._constraints / sharpness < _GAP:
                return _assembled(self._count, self._pairs, x[:-1], bound)
            sharpness *= _FASTER

    def _centre(self, x: Array, sharpness: float) -> tuple[Array, Array]:
        """Newton's method with backtracking; the last step, too small to take."""
        step = np.zeros_like(x)
        for _ in range(_STEPS):
            gradient, hessian = self._derivatives(x, sharpness)
            step = _newton(hessian, gradient)
            fall = float(-gradient @ step)
            if fall < _NEAR:
                break
            x = x + self._length(x, step, sharpness, fall) * step
        return x, step

    def _length(self, x: Array, step: Array, sharpness: float, fall: float) -> float:
        """How far to go: all the way near the centre, where Newton's method is sure, and rounding hides the fall."""
        value, length = self._value(x), 1.0
        while True:
            rise = self._value(x + length * step) - value + sharpness * length * float(step[-1])
            if rise <= -0.1 * length * fall or (fall < 0.1 and rise < np.inf):
                return length
            length /= 2

    def _deviation(self, w: Array) -> Array:
        """W - 11^T / N."""
        return np.eye(self._count) - (self._A * w) @ self._A.T - 1.0 / self._count

    def _slacks(self, x: Array) -> tuple[Array, Array]:
        deviation = self._deviation(x[:-1])
        return x[-1] * np.eye(self._count) - deviation, x[-1] * np.eye(self._count) + deviation

    def _value(self, x: Array) -> float:
        """The barrier without the norm itself, infinite outside."""
        total = 0.0
        for slack in self._slacks(x):
            try:
                total -= 2 * float(np.log(np.diag(np.linalg.cholesky(slack))).sum())
            except np.linalg.LinAlgError:
                return np.inf
        if self._is_chain:
            signs = np.concatenate([x[:-1], 1.0 - self._touches @ x[:-1]])
            if not signs.min() > 0:
                return np.inf
            total -= float(np.log(signs).sum())
        return total

    def _derivatives(self, x: Array, sharpness: float) -> tuple[Array, Array]:
        above, below = (np.linalg.inv(slack) for slack in self._slacks(x))
        edges = len(self._pairs)
        gradient, hessian = np.zeros(edges + 1), np.zeros((edges + 1, edges + 1))
        # d slack / d w_e is a_e a_e^T above and - a_e a_e^T below; d slack / d s is the identity.
        for inverse, sign in ((above, 1.0), (below, -1.0)):
            M = self._A.T @ inverse @ self._A
            gradient[:-1] -= sign * np.diag(M)
            gradient[-1] -= np.trace(inverse)
            hessian[:-1, :-1] += M**2
            hessian[:-1, -1] += sign * np.square(inverse @ self._A).sum(axis=0)
            hessian[-1, -1] += np.square(inverse).sum()
        gradient[-1] += sharpness
        if self._is_chain:
            own = 1.0 / (1.0 - self._touches @ x[:-1])
            gradient[:-1] += self._touches.T @ own - 1.0 / x[:-1]
            hessian[:-1, :-1] += (self._touches.T * own**2) @ self._touches + np.diag(1.0 / x[:-1] ** 2)
        hessian[-1, :-1] = hessian[:-1, -1]
        return gradient, hessian

    def _bound(self, x: Array, step: Array, sharpness: float) -> float:
        """The dual value of the multipliers after the step: exactly stationary, because the step solves for that."""
        above, below = self._slacks(x)
        change = (self._A * step[:-1]) @ self._A.T
        multipliers = []
        for slack, moved in ((above, change), (below, -change)):
            inverse = np.linalg.inv(slack)
            moved = moved + step[-1] * np.eye(self._count)  # noqa: PLW2901  # the slack's change, its s part added
            multipliers.append((inverse - inverse @ moved @ inverse) / sharpness)
        Z = multipliers[0] - multipliers[1]
        value = float(np.trace(Z) - Z.mean(axis=0).sum())
        left_over = np.einsum("ie,ij,je->e", self._A, Z, self._A, optimize=True)  # what should be 0 for every edge
        if self._is_chain:
            left = 1.0 - self._touches @ x[:-1]
            own = (1.0 / left + (self._touches @ step[:-1]) / left**2) / sharpness
            left_over += (1.0 / x[:-1] - step[:-1] / x[:-1] ** 2) / sharpness - self._touches.T @ own
            value -= float(own.sum())
        scale = float(np.trace(multipliers[0]) + np.trace(multipliers[1]))  # should be 1
        return (value - float(np.abs(left_over).sum())) / scale  # no weight is larger than 1


def _newton(hessian: Array, gradient: Array) -> Array:
    """The step of a Hessian that is positive definite, if only just: where optima are many, rounding hides it."""
    scale = 1.0 / np.sqrt(np.diag(hessian))
    scaled = scale[:, None] * hessian * scale
    ridge = 0.0
    while True:
        try:
            factor = cho_factor(scaled + ridge * np.eye(len(scaled)))
        except np.linalg.LinAlgError:
            ridge = max(1e-14, 10 * ridge)
            continue
        return -scale * cho_solve(factor, scale * gradient)


def _assembled(count: int, pairs: Any, w: Array, bound: float) -> Fastest:
    ends = np.concatenate([pairs, pairs[:, ::-1]]).T
    W = with_own(csr_array((np.tile(w, 2), (ends[0], ends[1])), shape=(count, count)))
    apart = np.linalg.eigvalsh(W.toarray() - 1.0 / count)
    return Fastest(W=W, contraction=float(np.abs(apart).max()), bound=bound)
