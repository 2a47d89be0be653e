"""Local work by stochastic gradient descent on one model: what most learners have in common.

A learner whose message is one model, up and down, and whose devices run ``Sgd`` may start from ``SgdLearner`` and
write only what is its own.
"""

from dataclasses import dataclass, field
from typing import Any

from fedsim.learners.learner import Computed, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.messages import Precision, check_precision, size_bytes
from fedsim.tasks.arrays import Array
from fedsim.tasks.model import Model
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd, Trained
from fedsim.tasks.terms import Terms


@dataclass(frozen=True, kw_only=True, slots=True)
class SgdLearner:
    """What follows from a solver, and from messages of one model each in numbers of ``precision``."""

    solver: Sgd = field(default_factory=Sgd)
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        check_precision(self.precision)

    @property
    def epochs(self) -> float:
        """The solver's."""
        return self.solver.epochs

    def memory(self, problem: Problem, device: int) -> Any:
        """Nothing is remembered."""
        del problem, device

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """Minibatches of all epochs, forward and backward, a dispatch for each."""
        return sgd_cost(self.solver, problem, device)

    def up_bytes(self, problem: Problem) -> int:
        """One model."""
        return size_bytes(problem.model.parameters, self.precision)

    def down_bytes(self, problem: Problem) -> int:
        """One model."""
        return size_bytes(problem.model.parameters, self.precision)

    def predictor(self, problem: Problem) -> Model:
        """The problem's own model."""
        return problem.model


def sgd_cost(solver: Sgd, problem: Problem, device: int) -> LocalCost:
    """What the solver asks of a device."""
    model, examples = problem.model, int(problem.sizes[device])
    return LocalCost(
        steps=solver.steps(examples),
        step_flops=solver.step_flops(model, examples),
        step_moved_bytes=solver.step_moved_bytes(model, examples),
        memory_bytes=solver.memory_bytes(model, examples),
    )


def run_sgd(solver: Sgd, problem: Problem, work: Work, terms: Terms | None = None) -> Trained:
    """Train from the received models."""
    return solver.run(
        problem.model,
        problem.train,
        start=work.received,
        devices=work.devices,
        steps=work.steps,
        rngs=work.rngs,
        terms=terms,
    )


def sent(models: Array) -> Computed:
    """Models that devices send, and nothing that they remember."""
    return Computed(sent=models, memory=(None,) * len(models))
