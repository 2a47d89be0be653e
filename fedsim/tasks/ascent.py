"""The steps of stochastic dual coordinate ascent, of many devices and some at a time."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.examples import Examples
from fedsim.tasks.losses import DualLoss
from fedsim.tasks.model import LinearModel

_TOGETHER: Final = 16  # steps: fewer mean smaller matrices, more mean more products of examples


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Ascent:
    """What changes while steps are done: z = w + coupling u, and alpha of all devices one after another.

    Steps that are not granted are done as well, on a last row of ``alpha`` that is nobody's, and move nothing.
    """

    z: Array  # (b, R, d)
    alpha: Array  # (sum of n_t + 1, R)
    gain: Array  # (b, R) how far z moves along x per unit of alpha
    devices: IntArray  # (b,)
    visits: IntArray  # (S, b) which of its own examples each device visits in each step
    slots: IntArray  # (S, b) where its dual variables are in ``alpha``

    def climb(self, loss: DualLoss, model: LinearModel, examples: Examples, steps: IntArray) -> None:
        """Do ``steps`` (b,), which never rise from one device to the next.

        A few steps are taken together: z is read before them and moved after them, and what one of them does to the
        scores of the later ones follows from the products of their examples. That is the same arithmetic as z
        moved in every step (``sdca_slow`` in the tests), with matrices in place of vectors: HAR-sized data, 30 devices
        of 561 features, 1.6 M -> 4.0 M coordinate steps a second with 6 rows of weights, 1.1 M with one (2026-11).
        With one row bringing the examples, 4.5 kB a step, takes nearly half of the time: no form that reads each
        once could do more than 3 M.
        """
        room = np.empty((len(steps), _TOGETHER, examples.features))
        moved = np.empty_like(self.z)
        sizes = examples.sizes[self.devices]
        for begin in range(0, len(self.visits), _TOGETHER):
            a = int((steps > begin).sum())
            slots = self.slots[begin : begin + _TOGETHER, :a]
            rows = self.visits[begin : begin + _TOGETHER, :a] + examples.offsets[self.devices[:a]]
            x = np.take(examples.X, rows.T, axis=0, out=room[:a], mode="clip")
            few = self._few(model, examples, begin, x, rows)
            last = np.minimum(begin + _TOGETHER, steps[:a]) - 1
            moves = self._steps(loss, few, slots, again=bool((last // sizes[:a] > begin // sizes[:a]).any()))
            self.z[:a] += np.matmul(moves.transpose(0, 2, 1), x, out=moved[:a])

    def _few(self, model: LinearModel, examples: Examples, begin: int, x: Array, rows: IntArray) -> "_Few":
        """The steps from ``begin``, of examples x (a, T, d) in ``rows`` (T, a)."""
        a, end = len(x), begin + _TOGETHER
        visits, slots = self.visits[begin:end, :a], self.slots[begin:end, :a]
        gain = np.ascontiguousarray(self.gain[:a].T)
        norms = examples.squared_norms[rows]
        norms[slots == len(self.alpha) - 1] = 0.0  # what is not granted is done with an example of zeros,
        curvature = norms[:, None, :] * gain
        curvature[curvature == 0.0] = np.inf  # which tells nothing: its alpha stays
        u = np.empty((_TOGETHER, a, len(gain)))
        np.matmul(x, self.z[:a].transpose(0, 2, 1), out=u.transpose(1, 0, 2))
        products = examples.products.between(self.devices[:a], visits.T, x)
        return _Few(
            alpha=_devices_last(self.alpha[slots]),
            t=_devices_last(model.targets(examples.y[rows])),
            u=_devices_last(u),
            curvature=curvature,
            products=np.ascontiguousarray(products.transpose(1, 2, 0)),
            gain=gain,
        )

    def _steps(self, loss: DualLoss, few: "_Few", slots: IntArray, *, again: bool) -> Array:
        """Do them; how far z moves along each example, (a, T, R). ``again``: one may be there a second time."""
        moves = np.empty((slots.shape[1], _TOGETHER, few.alpha.shape[1]))
        for s in range(_TOGETHER):
            if again:
                few.alpha[s] = self.alpha[slots[s]].T
            before = few.alpha[s]
            after = loss.step(before, few.t[s], few.u[s], few.curvature[s])
            move = after - before
            move *= few.gain
            moves[:, s] = move.T
            few.u[s + 1 :] += few.products[s, s + 1 :, None] * move
            few.alpha[s] = after
            if again:
                self.alpha[slots[s]] = after.T
        if not again:
            self.alpha[slots] = few.alpha.transpose(0, 2, 1)
        return moves


class _Few(NamedTuple):
    """T steps of a devices that are taken together; devices come last, where NumPy is quickest with many."""

    alpha: Array  # (T, R, a) dual variables before, then after
    t: Array  # (T, R, a) targets
    u: Array  # (T, R, a) scores
    curvature: Array  # (T, R, a)
    products: Array  # (T, T, a) of each two examples
    gain: Array  # (R, a)


def _devices_last(numbers: Array) -> Array:
    return np.ascontiguousarray(numbers.transpose(0, 2, 1))


def visits_of(sizes: IntArray, steps: IntArray, rngs: list[np.random.Generator]) -> IntArray:
    """Which of its own examples each device visits in each step, (S, b): one permutation after another.

    S is a multiple of the steps that are taken together; what is not granted visits the first example.
    """
    most = -(-int(steps.max(initial=0)) // _TOGETHER) * _TOGETHER
    visits = np.zeros((len(sizes), most), dtype=np.int64)
    for i, (size, granted) in enumerate(zip(sizes.tolist(), steps.tolist(), strict=True)):
        for begin in range(0, granted, size):
            visits[i, begin : begin + size] = rngs[i].permutation(size)[: most - begin]
    return np.ascontiguousarray(visits.T)
