"""Federated learning with buffered asynchronous aggregation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.learner import Answers, Computed, Work, same_for_all
from fedsim.learners.local_sgd import SgdLearner, sent
from fedsim.learners.messages import rounded
from fedsim.learners.one_model import everywhere, objective
from fedsim.learners.staleness import PolynomialStaleness, Staleness
from fedsim.tasks.arrays import Array
from fedsim.tasks.problem import Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class FedBuff(SgdLearner):
    """Nguyen et al. 2022, Algorithm 1: x <- x - (``server_step_size`` / K) sum of s_i Delta_i over K answers.

    Delta_i = x_received - x_trained travels; s_i is the weight of its staleness, 1 / sqrt(1 + staleness) unless said.
    All answers weigh the same, whatever their examples. The state is x (p,). With K answers to the present x and
    equal numbers of examples this is FedAvg.
    """

    server_step_size: float = 1.0  # eta_g
    """eta_g, what the mean of the buffered changes is multiplied by; > 0."""
    staleness: Staleness = field(default_factory=PolynomialStaleness)
    """How much less an answer counts the more versions it is behind."""

    def __post_init__(self) -> None:
        SgdLearner.__post_init__(self)
        if not 0 < self.server_step_size < np.inf:
            raise FedsimError(f"fedbuff: server_step_size must be > 0 and finite, got {self.server_step_size!r}")

    @property
    def takes_partial_work(self) -> bool:
        """All asked steps, as in the paper."""
        return False

    @property
    def takes_stale_answers(self) -> bool:
        """It is made for them."""
        return True

    @property
    def needs_everybody(self) -> bool:
        """Any buffer will do."""
        return False

    @property
    def sends(self) -> Literal["model", "change"]:
        """Delta."""
        return "change"

    def init(self, problem: Problem, rng: np.random.Generator) -> Array:
        """The model's own start, (p,)."""
        return problem.model.init(rng)

    @same_for_all
    def broadcast(self, problem: Problem, state: Array, device: int) -> Array:
        """x, the same for all."""
        del problem, device
        return rounded(state, self.precision)

    def local(self, problem: Problem, work: Work) -> Computed:
        """Train; what is sent is how far back it is to what was received."""
        return sent(rounded(work.received - self.train(problem, work).parameters, self.precision))

    def aggregate(self, problem: Problem, state: Array, answers: Answers) -> Array:
        """One step along the buffered changes."""
        del problem
        shares = self.staleness.weights(answers.staleness) / len(answers.devices)
        return np.asarray(state - self.server_step_size * (shares @ answers.sent))

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """A multiplication and an addition per parameter and answer, and the step."""
        return 2.0 * (answers + 1) * problem.model.parameters

    def models(self, problem: Problem, state: Array, memory: Mapping[int, Any]) -> Array:
        """X for everybody."""
        del memory
        return everywhere(problem, state, self.precision)

    def measures(self, problem: Problem, state: Array, memory: Mapping[int, Any]) -> dict[str, float]:
        """``objective``: training loss of x, devices by examples."""
        del memory
        return objective(problem, state, problem.sizes / problem.sizes.sum())
