"""How well every device is served by the model that it would use now."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.examples import Examples
from fedsim.tasks.model import Judge, Labels, Predictor
from fedsim.tasks.problem import Outline, Problem

# Rows evaluated in one product of matrices: few enough that the linear algebra library does not start threads, which
# on two busy cores made 20,000 rows take ten times as long (10.6 ms against 1.1 ms, 2026-11).
_SLAB = 256
_SLABS = 16  # of them together: few calls, and what they leave behind still fits a cache


@dataclass(frozen=True, kw_only=True, slots=True)
class Quality:
    """Shares of test examples told right, each by its own device's model; in [0, 1].

    Of a regression: shares of the targets' variance that the models explain, at most 1 and below 0 where they do
    worse than the mean of all targets. ``accuracy`` is the coefficient of determination R^2.
    """

    accuracy: float  # of all test examples together
    mean_accuracy: float  # mean over devices of the device's own share
    worst_tenth: float  # mean of the ceil(m / 10) lowest of these
    bottom_decile: float  # their 10th percentile, between the nearest two by their distance

    @classmethod
    def unknown(cls) -> "Quality":
        """Where nothing is learned."""
        return cls(accuracy=math.nan, mean_accuracy=math.nan, worst_tenth=math.nan, bottom_decile=math.nan)


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Scores:
    """How many of its ``examples`` (m,) each device's model told ``right`` (m,)."""

    right: Array
    examples: IntArray

    @property
    def shares(self) -> Array:
        """Each device's own accuracy, (m,)."""
        return self.right / self.examples

    def quality(self, devices: IntArray) -> Quality:
        """Of some of the devices, at least one."""
        right, examples = self.right[devices], self.examples[devices]
        share = right / examples
        worst = np.sort(share)[: -(-len(share) // 10)]
        return Quality(
            accuracy=float(right.sum() / examples.sum()),
            mean_accuracy=float(share.mean()),
            worst_tenth=float(worst.mean()),
            bottom_decile=float(np.quantile(share, 0.1)),
        )


def quality(problem: Problem, models: Array, predictor: Predictor | None = None) -> Quality:
    """The test accuracy of models (m, p), one for each device, read by ``predictor`` or by the problem's own model.

    A model that all devices share is best given as ``np.broadcast_to(w, (m, p))``: it is then evaluated at
    once. Of an outline nothing is known: NaN.

    Raises:
        FedsimError: if the model is a regression, and all its test targets are the same.
    """
    if isinstance(problem, Outline):
        return Quality.unknown()
    found = scores(problem, models, problem.test, predictor or problem.model)
    return found.quality(np.arange(problem.devices))


def scores(problem: Problem, models: Array, examples: Examples, predictor: Predictor) -> Scores:
    """How models (m, p), one for each device, do on training or test examples; see ``quality``."""
    answers = predict(predictor, models, examples)
    right = answers == examples.y if predictor.classes else _explained(problem, examples, answers)
    counts = np.add.reduceat(right, examples.offsets[:-1], dtype=np.float64)
    return Scores(right=counts, examples=examples.sizes)


def predict(model: Predictor, models: Array, examples: Examples) -> Labels:
    """What each device's own model (m, p) answers to each of its examples, (n,)."""
    answers = np.empty(examples.y.shape, dtype=np.int64 if model.classes else np.float64)
    if _is_shared(models):
        for rows, w, x in _slabs(models[0], examples.X):
            answers[rows] = model.predict(w, x).ravel()
        return answers
    for block in examples.blocks:
        answers[block.rows] = model.predict(models[block.devices], examples.of_block(block)[0])
    return answers


def mean_losses(model: Judge, models: Array, examples: Examples) -> Array:
    """The mean loss of each device's own model (m, p) over its examples, (m,)."""
    if _is_shared(models):
        return _mean_losses_of_one(model, models[0], examples)
    losses = np.empty(examples.devices)
    for block in examples.blocks:
        weight = np.full(block.rows.shape, 1.0 / block.rows.shape[1])
        x, y = examples.of_block(block)
        losses[block.devices] = model.loss(models[block.devices], x, y, weight)
    return losses


def _mean_losses_of_one(model: Judge, w: Array, examples: Examples) -> Array:
    losses = np.empty(len(examples.X))
    for rows, many, x in _slabs(w, examples.X):
        losses[rows] = model.losses(many, x, examples.y[rows].reshape(x.shape[:2])).ravel()
    penalty = model.loss(w[None], examples.X[None, :0], examples.y[None, :0], np.empty((1, 0)))  # of no examples
    return np.asarray(np.add.reduceat(losses, examples.offsets[:-1]) / examples.sizes + penalty)


def _is_shared(models: Array) -> bool:
    return models.strides[0] == 0 or len(models) == 1


def _slabs(w: Array, X: Array) -> Iterator[tuple[slice, Array, Array]]:
    """Rows and what to give a model to evaluate them, as if k devices with equal parameters had a slab each.

    Which rows, the parameters (k, p), and the features (k, rows, d); the last rows may be fewer.
    """
    whole = len(X) // _SLAB * _SLAB
    begins = [*range(0, whole, _SLAB * _SLABS), whole, len(X)]
    for begin, end in pairwise(begins):
        k = max((end - begin) // _SLAB, 1)
        if end > begin:
            yield slice(begin, end), np.broadcast_to(w, (k, len(w))), X[begin:end].reshape(k, -1, X.shape[1])


def _explained(problem: Problem, examples: Examples, answers: Array) -> Array:
    """1 - squared error / variance of all targets, for each example (n,): their mean is R^2."""
    variance = float(np.var(examples.y))
    if not variance > 0:
        part = "test" if examples is problem.test else "training"
        raise FedsimError(f"problem {problem.name}: of {part} targets that are all the same nothing can be explained")
    return 1.0 - np.square(answers - examples.y) / variance
