"""What FedProx's and FedDyn's generators have in common: Gaussian inputs, and labels from a random affine map."""

import numpy as np

from fedsim.tasks.arrays import Array, IntArray


def input_deviations(features: int) -> Array:
    """Standard deviation of each input: its variance is j^-1.2, j from 1, (d,)."""
    return np.asarray(np.arange(1.0, features + 1) ** -0.6)


def inputs(mean: Array, rows: int, luck: np.random.RandomState) -> Array:
    """Gaussian rows about ``mean`` (d,), with a diagonal covariance: (rows, d).

    The same draws as ``multivariate_normal`` of NumPy's legacy generator makes of it, without its decomposition.
    """
    drawn = luck.standard_normal((rows, len(mean)))
    drawn *= input_deviations(len(mean))
    drawn += mean
    return drawn


def labels(X: Array, W: Array, b: Array) -> IntArray:
    """The class of highest score: (n,), for X (n, d), W (d, classes) and b (classes,)."""
    scores = X @ W
    scores += b
    return np.asarray(scores.argmax(axis=1))


def as_parameters(W: Array, b: Array) -> Array:
    """The map as parameters of ``Softmax``: for each class its weights, then its bias."""
    return np.column_stack([W.T, b]).ravel()
