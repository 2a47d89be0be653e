"""What all learners of related linear tasks have in common: the objective, and the relation between tasks."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fedsim.errors import FedsimError
from fedsim.learners.margins import linear, scores, training_rows
from fedsim.learners.regularisers import ProbabilisticPrior, Regulariser
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.losses import DualLoss
from fedsim.tasks.model import Model
from fedsim.tasks.problem import Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class RelatedTasks:
    """Minimise sum_t c_t sum_i loss(w_t . x_ti, y_ti) + (lambda / 2) tr(W^T Omega W) over W, and Omega in alternation.

    Smith et al. 2017, equation (1): a row of W for each device, Sigma the inverse of Omega.
    """

    penalty: float = 1e-3  # lambda
    """lambda, the weight of the relations against the losses; > 0."""
    regulariser: Regulariser = field(default_factory=ProbabilisticPrior)
    """How the tasks relate, and whether that is learned."""
    omega_every: int = 10  # rounds between updates of Omega
    """Rounds between updates of Omega; >= 1."""
    example_weight: Literal["mean", "sum"] = "mean"  # c_t = 1 / n_t, or 1
    """mean: a task's loss is the mean over its examples; sum: their sum."""

    def __post_init__(self) -> None:
        if not 0 < self.penalty < np.inf:
            raise FedsimError(f"penalty must be > 0 and finite, got {self.penalty!r}")
        if not self.omega_every >= 1:
            raise FedsimError(f"omega_every must be >= 1, got {self.omega_every!r}")
        if self.example_weight not in {"mean", "sum"}:
            raise FedsimError(f"example_weight must be 'mean' or 'sum', got {self.example_weight!r}")

    @property
    def needs_everybody(self) -> bool:
        """A device that is absent makes no progress, and that is all."""
        return False

    def predictor(self, problem: Problem) -> Model:
        """The problem's own model."""
        return problem.model

    def scale(self, sizes: IntArray) -> Array:
        """The weight c of one example of devices with so many, of the shape of ``sizes``."""
        return 1.0 / sizes if self.example_weight == "mean" else np.ones(len(sizes))

    def new_relations(self, sigma: Array, W: Array) -> Array:
        """Sigma (R, m, m) that suits W (R, m, d)."""
        return np.stack([self.regulariser.update(s, w) for s, w in zip(sigma, W, strict=True)])

    def mean_loss(self, problem: Problem, loss: DualLoss, W: Array) -> float:
        """sum_t c_t sum_i loss(w_t . x_ti, y_ti), summed over rows of weights."""
        rows = training_rows(problem)
        targets = linear(problem).targets(problem.train.y)
        return float((self.scale(rows.sizes)[rows.device] @ loss.loss(scores(rows, W), targets)).sum())


def flat(W: npt.NDArray[Any]) -> Array:
    """Each device's own rows of weights (m, R * d) of W (R, m, d)."""
    return W.transpose(1, 0, 2).reshape(W.shape[1], -1)
