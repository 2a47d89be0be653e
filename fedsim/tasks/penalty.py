"""The squared penalty of rows of weights, from which biases are free."""

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array


def check_l2(model: str, l2: float) -> None:
    """Refuse a strength that is negative or no number.

    Raises:
        FedsimError: if it is.
    """
    if not 0 <= l2 < np.inf:
        raise FedsimError(f"{model}: l2 must be >= 0 and finite, got {l2!r}")


def penalty(w: Array, l2: float, rows: int, *, bias: bool) -> Array:
    """``l2 / 2`` times the squared weights of each device, biases apart: (b, R * (d + bias)) to (b,)."""
    if not l2:
        return np.zeros(len(w))
    return np.asarray(l2 / 2 * np.square(_weights(w, rows, bias=bias)).sum(axis=(1, 2)))


def add_slope(gradient: Array, w: Array, l2: float, rows: int, *, bias: bool) -> None:
    """Add the slope of ``penalty`` to a gradient, both (b, R * (d + bias)), in its own memory."""
    if l2:
        _weights(gradient, rows, bias=bias)[:] += l2 * _weights(w, rows, bias=bias)


def _weights(w: Array, rows: int, *, bias: bool) -> Array:
    """The weights without biases, a view: (b, R, d)."""
    whole = w.reshape(len(w), rows, -1)
    return whole[:, :, :-1] if bias else whole
