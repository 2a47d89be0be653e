"""How well a device solved its part: theta, bounded from what the device itself knows."""

from typing import cast

import numpy as np

from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.linear import design
from fedsim.tasks.losses import DualLoss
from fedsim.tasks.model import LinearModel
from fedsim.tasks.problem import Problem
from fedsim.tasks.sdca import Solution, Subproblem


def certified_theta(problem: Problem, loss: DualLoss, work: Subproblem, solution: Solution, devices: IntArray) -> Array:
    """The largest that theta of each device can be, (b,), in [0, 1]: 0 where it is solved, 1 where nothing is sure.

    theta = (max G - G(delta)) / (max G - G(0)) for the subproblem G of all rows of weights together (Smith et al.
    2017, definition 1). What is missing is at most the subproblem's duality gap, and what was won is known, so that
    theta <= gap / (gap + G(delta) - G(0)). At z = w + coupling u the gap is
    c sum_i (loss(x_i . z) + loss*(-a_i) + a_i x_i . z).

    Args:
        problem: of a linear model.
        loss: the solver's.
        work: the subproblem.
        solution: what came of it.
        devices: (b,) whose examples.
    """
    model = cast("LinearModel", problem.model)
    rows = design(model, problem.train)
    found = np.empty(len(devices))
    for i, device in enumerate(devices.tolist()):
        x, t = rows.X[rows.rows(device)], model.targets(rows.y[rows.rows(device)])
        w, u, coupling = work.w[i], solution.u[i], work.coupling[i]
        score = x @ (w + coupling[:, None] * u).T
        after, before = solution.alpha[i], work.alpha[i]
        gap = work.scale[i] * (loss.loss(score, t) - loss.dual(after, t) + after * score).sum()
        won = work.scale[i] * (loss.dual(after, t) - loss.dual(before, t)).sum()
        won -= (w * u).sum() + (coupling * np.square(u).sum(axis=1)).sum() / 2
        gap, won = max(float(gap), 0.0), max(float(won), 0.0)
        found[i] = gap / (gap + won) if gap else 0.0
    return found
