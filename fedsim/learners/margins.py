"""Linear models with margin losses, as learners of related tasks see them."""

from typing import cast

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array
from fedsim.tasks.examples import Examples
from fedsim.tasks.linear import design
from fedsim.tasks.losses import DualLoss, Squared
from fedsim.tasks.model import LinearModel
from fedsim.tasks.problem import Problem


def linear(problem: Problem) -> LinearModel:
    """The problem's model, if it is one of rows of weights with margin losses.

    Raises:
        FedsimError: if it is not.
    """
    model = problem.model
    if not hasattr(model, "targets"):
        raise FedsimError(
            f"learners of related tasks train linear models with margin losses, and {type(model).__name__} is none: "
            "take LinearSvm or LeastSquares"
        )
    return cast("LinearModel", model)


def check_loss(problem: Problem, loss: DualLoss) -> None:
    """Refuse a loss of classes where there are none.

    Raises:
        FedsimError: if the model is a regression and the loss is not squared.
    """
    model = linear(problem)
    if not model.classes and not isinstance(loss, Squared):
        raise FedsimError(f"{type(loss).__name__} loss needs classes, {type(model).__name__} has none: take Squared")


def width(problem: Problem) -> int:
    """Numbers of a row of weights, that of the bias included."""
    model = linear(problem)
    return model.features + model.bias


def training_rows(problem: Problem) -> Examples:
    """Training examples, with the constant feature of a bias."""
    return design(linear(problem), problem.train)


def scores(rows: Examples, W: Array) -> Array:
    """Score of each example (n,) under each row of weights of its own device, (n, R), for W (R, m, d)."""
    result = np.empty((len(rows.X), len(W)))
    for block in rows.blocks:
        result[block.rows] = rows.of_block(block)[0] @ W[:, block.devices].transpose(1, 2, 0)
    return result
