"""Affine scores and their gradient: what softmax, hinge and least squares have in common."""

import numpy as np

from fedsim.tasks.arrays import Array
from fedsim.tasks.examples import Examples
from fedsim.tasks.model import LinearModel


def design(model: LinearModel, examples: Examples) -> Examples:
    """The examples with a feature for every weight: with a constant 1 as the last where the model has a bias."""
    return examples.with_constant if model.bias else examples


def scores(w: Array, x: Array, *, bias: bool) -> Array:
    """Scores (b, B, R) of examples x (b, B, d) under rows of weights w (b, R * (d + bias)).

    The last weight of each row belongs to a constant feature 1 where ``bias``.
    """
    b, _, d = x.shape
    rows = w.reshape(b, w.shape[1] // (d + bias), d + bias)
    result = x @ rows[:, :, :d].transpose(0, 2, 1)
    if bias:
        result += rows[:, None, :, d]
    return result


def weight_gradient(score_gradient: Array, x: Array, *, bias: bool) -> Array:
    """Gradient with respect to w, (b, R * (d + bias)), from that with respect to the scores (b, B, R)."""
    b, _, d = x.shape
    result = np.empty((b, score_gradient.shape[2], d + bias))
    np.matmul(score_gradient.transpose(0, 2, 1), x, out=result[:, :, :d])
    if bias:
        result[:, :, d] = score_gradient.sum(axis=1)
    return result.reshape(b, -1)
