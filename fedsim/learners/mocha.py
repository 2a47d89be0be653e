"""Federated multi-task learning with a model for each device."""

from dataclasses import dataclass

from fedsim.learners.dual import DualLearner, DualState
from fedsim.learners.learner import Computed, Work
from fedsim.learners.margins import linear
from fedsim.tasks.arrays import Array
from fedsim.tasks.problem import Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class Mocha(DualLearner):
    """Smith et al. 2017, Algorithm 1: dual ascent on each device, relations between devices on the server.

    A device may do any part of its steps: how far it comes is its theta of the round, 1 if it does none. Down go
    w_t, Sigma_tt, sigma' and lambda.
    """

    @property
    def takes_partial_work(self) -> bool:
        """Any number of steps is an answer."""
        return True

    def broadcast(self, problem: Problem, state: DualState, device: int) -> Array:
        """See ``DualLearner.message``; the constant is sigma'."""
        del problem
        return self.message(state, device, state.safety)

    def local(self, problem: Problem, work: Work) -> Computed:
        """Improve the data-local subproblem; what is sent is u_t (R, d)."""
        solution = self.solver.run(
            linear(problem),
            problem.train,
            work=self.subproblem(problem, work, safe=True),
            devices=work.devices,
            steps=work.steps,
            rngs=work.rngs,
        )
        return Computed(sent=solution.u, memory=solution.alpha)
