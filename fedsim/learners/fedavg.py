"""Federated averaging."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fedsim.learners.central_sgd import CentralSgd
from fedsim.learners.learner import Answers, Computed, Work, same_for_all
from fedsim.learners.local_sgd import sent
from fedsim.learners.messages import rounded, size_bytes
from fedsim.learners.server_optimiser import Mean, Optimiser
from fedsim.tasks.arrays import Array
from fedsim.tasks.problem import Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class FedAvg(CentralSgd):
    """McMahan et al. 2017, Algorithm 1: devices train the server's model, the server averages the results.

    The state is the global model (p,), or what the ``server``'s optimiser keeps with it. Down and up go p numbers of
    the given precision, really rounded to it; the server itself computes in float64.
    """

    server: Optimiser = field(default_factory=Mean)
    """What the server does with the mean of the answers: takes it, or makes a step of an optimiser towards it."""

    @property
    def takes_partial_work(self) -> bool:
        """A device that did not finish its epochs is dropped, as in the paper."""
        return False

    def init(self, problem: Problem, rng: np.random.Generator) -> Any:
        """The model's own start, (p,)."""
        return self.server.begin(problem.model.init(rng))

    @same_for_all
    def broadcast(self, problem: Problem, state: Any, device: int) -> Array:
        """The global model, the same for all."""
        del problem, device
        return rounded(self.server.model(state), self.precision)

    def local(self, problem: Problem, work: Work) -> Computed:
        """Train; what is sent is the trained model."""
        return sent(rounded(self.train(problem, work).parameters, self.precision))

    def aggregate(self, problem: Problem, state: Any, answers: Answers) -> Any:
        """The average of the models that arrived, or a step of the server's optimiser towards it."""
        del problem
        return self.server.step(state, np.asarray(self.share(answers.examples) @ answers.sent))

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """A multiplication and an addition per parameter and answer, and the optimiser's step."""
        return (2.0 * answers + self.server.flops) * problem.model.parameters

    def models(self, problem: Problem, state: Any, memory: Mapping[int, Any]) -> Array:
        """Every device uses the global model as it would receive it."""
        del memory
        received = rounded(self.server.model(state), self.precision)
        return np.broadcast_to(received, (problem.devices, len(received)))

    def measures(self, problem: Problem, state: Any, memory: Mapping[int, Any]) -> dict[str, float]:
        """``objective``: training loss of the global model, devices weighted as the server weights them."""
        del memory
        return {"objective": self.objective(problem, self.server.model(state))}

    @property
    def merge_obstacle(self) -> str:
        """Equal weights, as a state does not say how many devices are in it; steps that do not average to one step."""
        if self.weights == "equal":
            return "needs weights by examples, not equal ones, to merge (weights: examples)"
        if not self.server.linear:
            return f"cannot merge steps of {type(self.server).__name__.lower()}: take none or momentum as the server's"
        return ""

    def merge(self, problem: Problem, base: Any, states: Sequence[Any], examples: Array) -> Any:
        """The average of the edges' states, as they travel."""
        del problem, base
        numbers = rounded(np.stack([self.server.pack(state) for state in states]), self.precision)
        return self.server.unpack(np.tensordot(examples / examples.sum(), numbers, axes=1))

    def merge_flops(self, problem: Problem, states: int) -> float:
        """A multiplication and an addition per number and state."""
        return 2.0 * states * self.server.vectors * problem.model.parameters

    def state_bytes(self, problem: Problem) -> int:
        """The model, and the optimiser's moments."""
        return size_bytes(self.server.vectors * problem.model.parameters, self.precision)
