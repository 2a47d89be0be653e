"""Gradients of whole devices."""

import numpy as np

from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.examples import Examples
from fedsim.tasks.model import Model


def mean_gradients(model: Model, w: Array, examples: Examples, devices: IntArray) -> Array:
    """The gradient of each device's mean loss, at its own parameters.

    Args:
        model: whose loss.
        w: (b, p) parameters.
        examples: of all devices.
        devices: (b,) whose examples.

    Returns:
        (b, p); entry i depends on entry i of the arguments alone, to the last bit.
    """
    gradients = np.empty_like(w)
    sizes = examples.sizes[devices]
    for size in np.unique(sizes).tolist():
        chosen = np.flatnonzero(sizes == size)
        rows = examples.offsets[devices[chosen], None] + np.arange(size)
        weight = np.full(rows.shape, 1.0 / size)
        gradients[chosen] = model.gradient(w[chosen], examples.X[rows], examples.y[rows], weight)
    return gradients
