"""Which examples a device's descent sees in which step."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from fedsim.tasks.arrays import Array, IntArray


class Shuffler(Protocol):
    """What orders a device's examples: a ``numpy.random.Generator``, or what repeats one."""

    def permutation(self, x: int, /) -> IntArray:
        """The numbers below x in some order, a new one each time."""


class Minibatches(NamedTuple):
    """S steps of b devices, longest first, in minibatches of B examples; a last one may be padded with weight 0."""

    visits: IntArray  # (S, b, B) numbers of the device's own examples
    weights: Array  # (S, b, B) of each in its minibatch's mean
    working: IntArray  # (S,) how many devices, from the first, have a step so late


def minibatches(sizes: IntArray, steps: IntArray, rngs: Sequence[Shuffler], width: int) -> Minibatches:
    """Every epoch in a new order, cut into ceil(n / B) pieces.

    Args:
        sizes: (b,) examples of each device.
        steps: (b,) steps of each, which never rise from one to the next.
        rngs: (b,) each shuffles one device's examples.
        width: B, at most the fewest examples that a device has.
    """
    per_epoch = -(-sizes // width)
    visits = np.zeros((len(sizes), int(steps.max()) * width), dtype=np.int64)
    granted, epochs = (steps * width).tolist(), (per_epoch * width).tolist()
    for row, size, end, epoch, rng in zip(visits, sizes.tolist(), granted, epochs, rngs, strict=True):
        for begin in range(0, end, epoch):
            row[begin : begin + size] = rng.permutation(size)[: len(row) - begin]
    step = np.arange(int(steps.max()))[:, None]
    full = np.minimum(width, sizes - step % per_epoch * width)  # size of each minibatch, (S, b)
    full[step >= steps] = 0
    by_step = visits.reshape(len(sizes), -1, width).transpose(1, 0, 2)
    return Minibatches(
        visits=np.ascontiguousarray(by_step),
        weights=(np.arange(width) < full[:, :, None]) * (1.0 / np.maximum(full, 1))[:, :, None],
        working=(full > 0).sum(axis=1),
    )
