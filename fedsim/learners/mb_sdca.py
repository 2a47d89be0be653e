"""Mini-batch dual coordinate ascent: many steps from one and the same point, and a part of their sum."""

from dataclasses import dataclass, replace

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.dual import DualLearner, DualState
from fedsim.learners.learner import Computed, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.margins import linear, training_rows
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.problem import Problem
from fedsim.tasks.sdca import Subproblem


@dataclass(frozen=True, kw_only=True, slots=True)
class MbSdca(DualLearner):
    """Mb-SDCA as in Smith et al. 2017, section 5; Takac et al. 2013, "Mini-batch primal and dual methods for SVMs".

    A device takes b_t of its examples without replacement and finds the best step of each as if it were the only one;
    beta / b of every step is taken, where b = sum_t b_t over all devices. With beta = 1 that is safe, as it is an
    average; a larger beta is quicker as long as it converges. The share of examples is that of the solver's epochs, at
    most 1. Down go w_t, Sigma_tt, beta / b and lambda.
    """

    beta: float = 1.0
    """Share of every step that is taken is beta over the size of the whole mini-batch; 1 is safe, larger is quicker as
    long as it converges; >= 1."""

    def __post_init__(self) -> None:
        DualLearner.__post_init__(self)
        if not 1 <= self.beta < np.inf:
            raise FedsimError(f"mb-sdca: beta must be >= 1 and finite, got {self.beta!r}")
        if not self.solver.epochs <= 1:
            raise FedsimError(f"mb-sdca: a batch is at most one epoch, got epochs {self.solver.epochs!r}")

    @property
    def takes_partial_work(self) -> bool:
        """A smaller batch is a batch."""
        return True

    def init(self, problem: Problem, rng: np.random.Generator) -> DualState:
        """See ``DualLearner.init``.

        Raises:
            FedsimError: if beta is larger than the whole batch.
        """
        if self.beta > (batch := self._batch(problem)):
            raise FedsimError(f"mb-sdca: beta must be at most the batch of all devices ({batch}), got {self.beta!r}")
        return DualLearner.init(self, problem, rng)

    def broadcast(self, problem: Problem, state: DualState, device: int) -> Array:
        """See ``DualLearner.message``; the constant is beta / b."""
        return self.message(state, device, np.full(len(state.safety), self.beta / self._batch(problem)))

    def local(self, problem: Problem, work: Work) -> Computed:
        """One step for each example of the batch, all from w_t; what is sent is u_t (R, d)."""
        subproblem, sizes = self.subproblem(problem, work, safe=False), problem.sizes[work.devices]
        rows, u, memory = training_rows(problem), np.empty_like(subproblem.w), []
        for i, (size, steps) in enumerate(zip(sizes.tolist(), work.steps.tolist(), strict=True)):
            chosen = work.rngs[i].permutation(size)[:steps]
            place = rows.offsets[work.devices[i]] + chosen
            alpha = work.memory[i].copy()
            step = work.received[i, :, -2] * self._best(problem, subproblem, i, place, alpha[chosen])
            alpha[chosen] += step
            u[i] = subproblem.scale[i] * step.T @ rows.X[place]
            memory.append(alpha)
        return Computed(sent=u, memory=tuple(memory))

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """Coordinate steps of the batch, all in one dispatch."""
        cost = DualLearner.local_cost(self, problem, device)
        return replace(cost, steps_per_dispatch=max(cost.steps, 1))

    def _batch(self, problem: Problem) -> int:
        return sum(self.solver.steps(size) for size in problem.sizes[problem.trained].tolist())

    def _best(self, problem: Problem, work: Subproblem, i: int, place: IntArray, alpha: Array) -> Array:
        """The best change of each dual variable (k, R) of device i of the batch, alone, at its weights w_t."""
        rows = training_rows(problem)
        x, t = rows.X[place], linear(problem).targets(rows.y[place])
        curvature = rows.squared_norms[place][:, None] * (work.scale[i] * work.coupling[i])
        curvature[curvature == 0.0] = np.inf  # an example of zeros tells nothing: its alpha stays
        return np.asarray(self.solver.loss.step(alpha, t, x @ work.w[i].T, curvature) - alpha)
