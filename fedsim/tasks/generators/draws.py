"""Where a generator's chance comes from: the run's streams, or the one stream of a paper's code."""

from collections.abc import Callable

import numpy as np

from fedsim.tasks.device_data import Streams

Draws = Callable[..., np.random.RandomState]
"""A stream of NumPy's legacy distributions by name: what, and which device."""


def draws(seed: int | None, streams: Streams) -> Draws:
    """Streams for a generator that is written in the order of a paper's code.

    With a ``seed`` all of them are one, ``numpy.random.RandomState(seed)``, as if the paper's code ran after
    ``numpy.random.seed(seed)``: the data are then the paper's, draw by draw. Without, each name has a stream of the
    run's, so that a device more changes nobody else's data.
    """
    if seed is None:
        return lambda *names: np.random.RandomState(streams("data", *names).bit_generator)
    one = np.random.RandomState(seed)
    return lambda *names: one  # noqa: ARG005  # whose draw it is does not matter
