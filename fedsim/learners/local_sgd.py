"""Local work by stochastic gradient descent on one model: what most learners have in common.

A learner whose message is one model, up and down, and whose devices run ``Sgd`` may start from ``SgdLearner`` and
write only what is its own.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from fedsim.learners.decay import Decay
from fedsim.learners.learner import Computed, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.merit import OBJECTIVE, Merits
from fedsim.learners.messages import Precision, check_precision, size_bytes
from fedsim.tasks.arrays import Array
from fedsim.tasks.model import Model, Predictor
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd, Trained
from fedsim.tasks.terms import Terms


@dataclass(frozen=True, kw_only=True, slots=True)
class SgdLearner:
    """What follows from a solver, and from messages of one model each in numbers of ``precision``.

    ``decay`` says how the solver's step size falls by the round; None keeps it. A learner that trains by ``train``
    has it.
    """

    merits: ClassVar[Merits] = OBJECTIVE

    solver: Sgd = field(default_factory=Sgd)
    """How a device trains."""
    decay: Decay | None = None
    """How the solver's step size falls by the round; null keeps it."""
    precision: Precision = "float32"
    """Kind of numbers that messages carry, and are rounded to."""

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

    def step_sizes(self, work: Work) -> Array:
        """The step size of each device in this work: (b,)."""
        factors = np.ones(len(work.devices)) if self.decay is None else self.decay.factors(work.versions)
        return self.solver.step_size * factors

    def train(self, problem: Problem, work: Work, terms: Terms | None = None) -> Trained:
        """Train from the received models, with the step sizes of this round."""
        if self.decay is not None:
            terms = replace(terms or Terms(), rates=self.step_sizes(work))
        return run_sgd(self.solver, problem, work, terms)

    def up_bytes(self, problem: Problem) -> int:
        """One model."""
        return size_bytes(problem.model.parameters, self.precision)

    def down_bytes(self, problem: Problem) -> int:
        """One model."""
        return size_bytes(problem.model.parameters, self.precision)

    def predictor(self, problem: Problem) -> Predictor:
        """The problem's own model."""
        return problem.model


def sgd_cost(solver: Sgd, problem: Problem, device: int) -> LocalCost:
    """What the solver asks of a device: the same of all that have as many examples."""
    examples = int(problem.sizes[device])
    model: Any = problem.model  # which need not have a hash
    try:
        return _cost(solver, model, examples)
    except TypeError:
        return _cost.__wrapped__(solver, model, examples)


@lru_cache(maxsize=1024)
def _cost(solver: Sgd, model: Model, examples: int) -> LocalCost:
    return LocalCost(
        steps=solver.steps(examples),
        step_flops=solver.step_flops(model, examples),
        step_moved_bytes=solver.step_moved_bytes(model, examples),
        memory_bytes=solver.memory_bytes(model, examples),
    )


def with_terms(cost: LocalCost, problem: Problem, *, flops: int, vectors: int) -> LocalCost:
    """The cost with a learner's terms in every step: for each parameter so many operations and numbers in memory.

    The vectors are held, and read in every step, in single precision.
    """
    numbers = problem.model.parameters
    return replace(
        cost,
        step_flops=cost.step_flops + float(flops) * numbers,
        step_moved_bytes=cost.step_moved_bytes + 4.0 * vectors * numbers,
        memory_bytes=cost.memory_bytes + 4.0 * vectors * numbers,
    )


def run_sgd(solver: Sgd, problem: Problem, work: Work, terms: Terms | None = None) -> Trained:
    """Train from the received models, by the solver's own step size unless the terms say others."""
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
