"""Federated averaging with local tuning: every device uses a copy that it trained a little more."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.fedavg import FedAvg
from fedsim.tasks.arrays import Array
from fedsim.tasks.problem import Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class FedAvgTuned(FedAvg):
    """FedAvg+, as compared with in Marfoq et al. 2021; Jiang et al. 2019, arXiv 1909.12488.

    Training is FedAvg's. The model that a device *uses* is the global one after ``tuning_epochs`` of the solver on the
    device's own training examples, with ``tuning_step_size`` where it is given. The tuned copy is never sent, and
    whoever looks at it again sees the same: the order of examples depends on the device's number alone. Tuning costs
    a device as many epochs when it begins to use its model; rounds do not pay for it.
    """

    tuning_epochs: int = 1
    """Epochs on its own examples that a device makes before it uses the global model; >= 1."""
    tuning_step_size: float | None = None
    """Step size of these; null takes the solver's."""

    def __post_init__(self) -> None:
        FedAvg.__post_init__(self)
        if not self.tuning_epochs >= 1:
            raise FedsimError(f"fedavg+: tuning_epochs must be >= 1, got {self.tuning_epochs!r}")
        if self.tuning_step_size is not None and not 0 < self.tuning_step_size < np.inf:
            rule = "tuning_step_size must be > 0 and finite, or None"
            raise FedsimError(f"fedavg+: {rule}, got {self.tuning_step_size!r}")

    def models(self, problem: Problem, state: Array, memory: Mapping[int, Any]) -> Array:
        """Every device's tuned copy of the global model: (m, p)."""
        start = FedAvg.models(self, problem, state, memory)
        step_size = self.tuning_step_size or self.solver.step_size
        solver = replace(self.solver, epochs=self.tuning_epochs, step_size=step_size)
        trained = solver.run(
            problem.model,
            problem.train,
            start=start,
            devices=np.arange(problem.devices),
            steps=np.array([solver.steps(size) for size in problem.sizes.tolist()]),
            rngs=[np.random.default_rng([device]) for device in range(problem.devices)],
        )
        return trained.parameters
