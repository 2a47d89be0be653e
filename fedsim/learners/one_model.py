"""A server that holds one model for all, and is scored by it."""

import numpy as np

from fedsim.learners.messages import Precision, rounded
from fedsim.tasks.arrays import Array
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import mean_losses


def everywhere(problem: Problem, model: Array, precision: Precision) -> Array:
    """Every device uses the model (p,) as it would receive it: (m, p)."""
    return np.broadcast_to(rounded(model, precision), (problem.devices, len(model)))


def objective(problem: Problem, model: Array, weights: Array) -> dict[str, float]:
    """``objective``: training loss of the model (p,), devices by weights (m,) that sum to 1."""
    same = np.broadcast_to(model, (problem.devices, len(model)))
    return {"objective": float(np.asarray(weights) @ mean_losses(problem.model, same, problem.train))}
