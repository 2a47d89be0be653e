"""Asynchronous federated optimisation."""

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
from fedsim.tasks.terms import Terms


@dataclass(frozen=True, kw_only=True, slots=True)
class FedAsync(SgdLearner):
    """Xie, Koyejo and Gupta 2019, Algorithm 1: x <- (1 - a_t) x + a_t x_new, for every answer by itself.

    a_t is ``mixing`` times the weight of the answer's staleness. Devices descend F_k(w) + (``proximal`` / 2)
    ||w - x||^2 from the x that they received. The state is x (p,). Answers that come together are taken one after the
    other, in the order of the devices.
    """

    mixing: float = 0.6  # alpha
    """alpha, how far a fresh answer draws the server's model towards it; above 0 and at most 1."""
    proximal: float = 0.005  # rho
    """rho, how strongly a device is held near the model that it received; >= 0."""
    staleness: Staleness = field(default_factory=PolynomialStaleness)
    """How much less an answer counts the more versions it is behind."""

    def __post_init__(self) -> None:
        SgdLearner.__post_init__(self)
        if not 0 < self.mixing <= 1:
            raise FedsimError(f"fedasync: mixing must be > 0 and <= 1, got {self.mixing!r}")
        if not 0 <= self.proximal < np.inf:
            raise FedsimError(f"fedasync: proximal must be >= 0 and finite, got {self.proximal!r}")

    @property
    def takes_partial_work(self) -> bool:
        """Any number of local steps from H_min on, which is 1."""
        return True

    @property
    def takes_stale_answers(self) -> bool:
        """It is made for them."""
        return True

    @property
    def needs_everybody(self) -> bool:
        """One answer will do."""
        return False

    @property
    def sends(self) -> Literal["model", "change"]:
        """The trained model."""
        return "model"

    def init(self, problem: Problem, rng: np.random.Generator) -> Array:
        """The model's own start, (p,)."""
        return problem.model.init(rng)

    @same_for_all
    def broadcast(self, problem: Problem, state: Array, device: int) -> Array:
        """x, the same for all."""
        del problem, device
        return rounded(state, self.precision)

    def local(self, problem: Problem, work: Work) -> Computed:
        """Train with the pull towards what was received."""
        terms = Terms(proximal=np.full(len(work.devices), self.proximal)) if self.proximal else None
        return sent(rounded(self.train(problem, work, terms).parameters, self.precision))

    def aggregate(self, problem: Problem, state: Array, answers: Answers) -> Array:
        """Mix in one answer after the other, the stalest first, and of equally stale ones by device."""
        del problem
        shares = self.mixing * self.staleness.weights(answers.staleness)
        for i in np.lexsort((answers.devices, -answers.staleness)).tolist():
            state = (1 - shares[i]) * state + shares[i] * answers.sent[i]
        return state

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """Two multiplications and an addition per parameter and answer."""
        return 3.0 * answers * problem.model.parameters

    def models(self, problem: Problem, state: Array, memory: Mapping[int, Any]) -> Array:
        """X for everybody."""
        del memory
        return everywhere(problem, state, self.precision)

    def measures(self, problem: Problem, state: Array, memory: Mapping[int, Any]) -> dict[str, float]:
        """``objective``: training loss of x, devices by examples."""
        del memory
        return objective(problem, state, problem.sizes / problem.sizes.sum())
