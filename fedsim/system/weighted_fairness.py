"""Weighted max-min fair rates, for flows that may take a multiple of their rate on some links.

Every flow has a level, and its rate is its weight times its level. Levels are raised alike until a link is full,
where a link carries the sum over its flows of ``use x rate``, or a flow has reached its cap; the flows concerned
are frozen, and the rest goes on. With weights and uses of 1 this is ``fedsim.system.fairness``, which is faster.
Weights like these are how flows of unequal round trip share a link in SimGrid (device_models.md, section 5.1).
"""

import math

import numpy as np
import numpy.typing as npt

from fedsim.system.fairness import fair_rates

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def weighted_rates(routes: IntArray, capacity_bps: Array, cap_bps: Array, uses: Array, weights: Array) -> Array:
    """Rates in bit/s of n flows, (n,).

    routes: (length, n), column = flow, padded with links of infinite capacity    capacity_bps: (k,)
    cap_bps: (n,), the most that a flow uses by itself    uses: (length, n), > 0, of each link as a multiple of the rate
    weights: (n,), > 0
    """
    if len(cap_bps) == 1:
        narrowest: Array = (capacity_bps[routes] / uses).min(axis=0, initial=math.inf)
        return np.minimum(cap_bps, narrowest)
    used, places = np.unique(routes, return_inverse=True)
    routes, free_bps = places.reshape(routes.shape), capacity_bps[used]
    shared = (np.bincount(places.ravel()) > 1) & (free_bps < math.inf)
    # A link with a single flow is nothing but a cap on it.
    own_bps = np.where(shared, math.inf, free_bps)[routes] / uses
    cap_bps = np.minimum(cap_bps, own_bps.min(axis=0))
    free_bps = np.where(shared, free_bps, math.inf)
    # Mostly acknowledgements go back over links that cannot be full, and the others are shared plainly.
    if (weights == 1).all() and (uses[shared[routes]] == 1).all():
        return fair_rates(routes, free_bps, cap_bps)
    return _fill(routes, free_bps, cap_bps, uses, weights)


def _fill(routes: IntArray, free_bps: Array, cap_bps: Array, uses: Array, weights: Array) -> Array:
    """Fill every link that is a bottleneck for all of its flows, in one round after another."""
    rates = cap_bps.copy()
    tops = cap_bps / weights
    demands = uses * weights  # what each flow takes of each link at level 1
    flows = np.arange(len(cap_bps))
    while flows.size:
        level, frozen = _round(routes, demands, free_bps, tops)
        held = frozen & (level < tops)  # the others keep their caps
        rates[flows[held]] = (level * weights[flows])[held]
        gone = rates[flows[frozen]]
        taken = uses[:, flows[frozen]] * np.where(gone < math.inf, gone, 0.0)  # the fastest use endless links only
        free_bps = np.maximum(free_bps - _per_link(routes[:, frozen], taken, len(free_bps)), 0.0)
        flows, routes, demands, tops = flows[~frozen], routes[:, ~frozen], demands[:, ~frozen], tops[~frozen]
    return rates


def _round(routes: IntArray, demands: Array, free_bps: Array, tops: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Level of each flow, (n,), and which flows cannot rise above it any more, (n,)."""
    k = len(free_bps)
    total = _per_link(routes, demands, k)
    share = free_bps / np.where(total > 0, total, 1.0)
    across = share[routes]
    level = np.minimum(across.min(axis=0), tops)
    tight = across == level
    counts = np.bincount(routes.ravel(), minlength=k)
    full = np.bincount(routes[tight], minlength=k) == counts
    return level, (tops == level) | (tight & full[routes]).any(axis=0)


def _per_link(routes: IntArray, values: Array, k: int) -> Array:
    sums: Array = np.bincount(routes.ravel(), values.ravel(), minlength=k).astype(np.float64, copy=False)
    return sums
