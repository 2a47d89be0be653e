"""Federated averaging with a pull towards the server's model."""

from dataclasses import dataclass

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.learner import Computed, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.local_sgd import sent, sgd_cost, with_terms
from fedsim.learners.messages import rounded
from fedsim.tasks.problem import Problem
from fedsim.tasks.terms import Terms


@dataclass(frozen=True, kw_only=True, slots=True)
class FedProx(FedAvg):
    """Li et al. 2020, Algorithm 2: FedAvg whose devices descend on F_k(w) + mu / 2 |w - w_t|^2.

    The pull keeps devices that do different amounts of work together, so that stragglers' partial work counts.
    """

    mu: float = 0.01
    """Strength of the pull towards the server's model; >= 0."""

    def __post_init__(self) -> None:
        FedAvg.__post_init__(self)
        if not 0 <= self.mu < np.inf:
            raise FedsimError(f"fedprox: mu must be >= 0 and finite, got {self.mu!r}")

    @property
    def takes_partial_work(self) -> bool:
        """Whatever a device came to is a model near the server's."""
        return True

    def local(self, problem: Problem, work: Work) -> Computed:
        """Train with the pull; what is sent is the trained model."""
        pull = Terms(proximal=np.full(len(work.devices), self.mu))
        return sent(rounded(self.train(problem, work, pull).parameters, self.precision))

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """FedAvg's, and 3 operations for each parameter and step: the distance, times mu, added."""
        return with_terms(sgd_cost(self.solver, problem, device), problem, flops=3, vectors=1)
