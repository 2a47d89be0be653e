"""How often each matching of an overlay is used, and how much its edges count: the convex programs of MATCHA.

Wang, Sahu, Yang, Joshi and Kar, "MATCHA: speeding up decentralized SGD via matching decomposition sampling", 2019,
equations 4 and 7. With the Laplacians L_j of q matchings,

    maximise lambda_2(sum_j p_j L_j)  over  0 <= p <= 1,  sum p <= budget q,

by a logarithmic barrier and Newton's method; a multiplier of the matrix inequality, at hand in every step, gives an
upper bound. Then, with Lbar = sum p_j L_j, Ltil = sum p_j (1 - p_j) L_j and J = 11^T / N,

    minimise rho(a) = lambda_max(I - J - 2 a Lbar + a^2 (Lbar^2 + 2 Ltil))  over a,

the factor of the mean squared disagreement in a round: convex in a, so bisection on its slope finds the least.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fedsim.system.edge_colouring import Matching

Array = npt.NDArray[np.float64]
_GAP = 1e-8
_FASTER = 10.0  # by so much the barrier falls from one centre to the next
_NEAR = 1e-8
_LAST = 1e14
_STEPS = 50


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``chances`` of the matchings (q,), the ``weight`` of an active edge, and what both are good for.

    connectivity: lambda_2 of the mean Laplacian, at most ``bound`` for any chances of this budget
    rho: what is left of the mean squared disagreement after a round
    """

    chances: Array
    weight: float
    connectivity: float
    bound: float
    rho: float


def plan(nodes: int, matchings: Sequence[Matching], budget: float) -> Plan:
    """Chances, each from 0 to 1 and together at most ``budget`` times the number of matchings, and the weight.

    The matchings together must connect the nodes, of which there are two or more.
    """
    L = np.stack([_laplacian(nodes, matching) for matching in matchings])
    chances, bound = _chances(L, budget)
    mean = np.tensordot(chances, L, axes=1)
    weight, rho = _weight(mean, np.tensordot(chances * (1 - chances), L, axes=1))
    connectivity = float(np.linalg.eigvalsh(mean)[1])
    return Plan(chances=chances, weight=weight, connectivity=connectivity, bound=bound, rho=rho)


def _laplacian(nodes: int, matching: Matching) -> Array:
    L = np.zeros((nodes, nodes))
    for i, j in matching:
        L[i, i] = L[j, j] = 1.0
        L[i, j] = L[j, i] = -1.0
    return L


def _chances(L: Array, budget: float) -> tuple[Array, float]:
    """The best chances (q,), and a bound on their connectivity."""
    count = len(L)
    if budget >= 1:
        return np.ones(count), float(np.linalg.eigvalsh(L.sum(axis=0))[1])
    flat = _off_mean(L)
    p = np.full(count, budget * 0.9)
    t = 0.5 * float(np.linalg.eigvalsh(np.tensordot(p, flat, axes=1))[0])
    barrier, bound = 1.0 / max(t, 1e-12), np.inf
    while True:
        for _ in range(_STEPS):
            p, t, decrement, inverse = _newton(flat, budget, p, t, barrier)
            bound = min(bound, _bound(flat, budget, inverse))
            full = p * min(budget * count / p.sum(), 1.0 / p.max())  # what is left of the budget goes to all
            reached = float(np.linalg.eigvalsh(np.tensordot(full, flat, axes=1))[0])
            if bound - reached <= _GAP * bound or barrier > _LAST:
                return full, bound
            if decrement < _NEAR:
                break
        barrier *= _FASTER


def _off_mean(L: Array) -> Array:
    """The Laplacians without the direction in which all are 0: (q, N - 1, N - 1)."""
    nodes = L.shape[1]
    basis = np.linalg.qr(np.column_stack([np.ones(nodes), np.eye(nodes)[:, 1:]]))[0][:, 1:]
    return np.asarray(basis.T @ L @ basis)


def _newton(flat: Array, budget: float, p: Array, t: float, barrier: float) -> tuple[Array, float, float, Array]:
    """One step for: barrier t + log det(L(p) - t I) + sum log p + sum log(1 - p) + log(budget q - sum p)."""
    count, size = flat.shape[:2]
    inverse = np.linalg.inv(np.tensordot(p, flat, axes=1) - t * np.eye(size))
    parts = np.concatenate([inverse @ flat, -inverse[None]])  # B dS/dx of every variable: p, then t
    room = budget * count - p.sum()
    slope = np.trace(parts, axis1=1, axis2=2)
    slope += np.append(1 / p - 1 / (1 - p) - 1 / room, barrier)
    rows = parts.reshape(count + 1, -1)
    curve = rows @ parts.transpose(0, 2, 1).reshape(count + 1, -1).T
    curve[:count, :count] += np.diag(1 / p**2 + 1 / (1 - p) ** 2) + 1 / room**2
    step = np.linalg.solve(curve, slope)
    decrement = float(slope @ step)
    stride = 1.0 if decrement < 0.25 else 1.0 / (1.0 + np.sqrt(decrement))  # stays inside: self-concordance
    return np.asarray(p + stride * step[:count]), t + stride * float(step[count]), decrement, np.asarray(inverse)


def _bound(flat: Array, budget: float, inverse: Array) -> float:
    """lambda_2(L(p)) <= <Z, L(p)> for any Z >= 0 of trace 1: the best p for that, of the largest gains first."""
    gains = np.sort(np.tensordot(flat, inverse / np.trace(inverse), axes=2))[::-1]
    shares = np.clip(budget * len(gains) - np.arange(len(gains)), 0.0, 1.0)
    return float(shares @ gains)


def _weight(mean: Array, spread: Array) -> tuple[float, float]:
    """The weight a, and rho(a), by bisection on the slope of rho."""
    nodes = len(mean)
    still, square = np.eye(nodes) - 1.0 / nodes, mean @ mean + 2.0 * spread
    low, high = 0.0, 1.0
    for _ in range(60):
        a = (low + high) / 2
        v = np.linalg.eigh(still - 2 * a * mean + a**2 * square)[1][:, -1]
        low, high = (low, a) if float(v @ (a * square - mean) @ v) > 0 else (a, high)
    a = (low + high) / 2
    return a, float(np.linalg.eigvalsh(still - 2 * a * mean + a**2 * square)[-1])
