"""Federated averaging."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fedsim.errors import FedsimError
from fedsim.learners.learner import Answers, Work
from fedsim.learners.local_sgd import run_sgd
from fedsim.learners.messages import Precision, check_precision, rounded, size_bytes
from fedsim.tasks.arrays import Array
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import mean_losses
from fedsim.tasks.sgd import Sgd


@dataclass(frozen=True, kw_only=True, slots=True)
class FedAvg:
    """McMahan et al. 2017, Algorithm 1: devices train the server's model, the server averages the results.

    The state is the global model (p,). Down and up go p numbers of the given precision, really rounded to it;
    the server itself computes in float64. With one epoch of all local data (``Sgd(batch_size=None)``) this is
    FedSGD.
    """

    solver: Sgd = field(default_factory=Sgd)
    weights: Literal["examples", "equal"] = "examples"
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        check_precision(self.precision)
        if self.weights not in {"examples", "equal"}:
            raise FedsimError(f"fedavg: weights must be 'examples' or 'equal', got {self.weights!r}")

    @property
    def takes_partial_work(self) -> bool:
        """A device that did not finish its epochs is dropped, as in the paper."""
        return False

    def init(self, problem: Problem, rng: np.random.Generator) -> Array:
        """The model's own start, (p,)."""
        return problem.model.init(rng)

    def broadcast(self, problem: Problem, state: Array, device: int) -> Array:
        """The global model, the same for all."""
        del problem, device
        return rounded(state, self.precision)

    @property
    def epochs(self) -> float:
        """The solver's."""
        return self.solver.epochs

    def memory(self, problem: Problem, device: int) -> None:
        """Nothing is remembered."""
        del problem, device

    def asked_steps(self, problem: Problem, device: int) -> int:
        """Minibatches of all epochs."""
        return self.solver.steps(int(problem.sizes[device]))

    def local(self, problem: Problem, work: Work) -> Answers:
        """Train; what is sent is the trained model."""
        answers = run_sgd(self.solver, problem, work)
        return replace(answers, sent=rounded(answers.sent, self.precision))

    def dispatches(self, problem: Problem, device: int, steps: int) -> int:
        """One for each minibatch."""
        del problem, device
        return steps

    def step_flops(self, problem: Problem, device: int) -> float:
        """One minibatch, forward and backward."""
        return self.solver.step_flops(problem.model, int(problem.sizes[device]))

    def step_moved_bytes(self, problem: Problem, device: int) -> float:
        """One minibatch."""
        return self.solver.step_moved_bytes(problem.model, int(problem.sizes[device]))

    def memory_bytes(self, problem: Problem, device: int) -> float:
        """The model, its gradient and a minibatch."""
        return self.solver.memory_bytes(problem.model, int(problem.sizes[device]))

    def aggregate(self, problem: Problem, state: Array, answers: Answers) -> Array:
        """The average of the models that arrived."""
        del problem, state
        return np.asarray(self._share(answers.examples) @ answers.sent)

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """A multiplication and an addition per parameter and answer."""
        return 2.0 * answers * problem.model.parameters

    def down_bytes(self, problem: Problem) -> int:
        """One model."""
        return size_bytes(problem.model.parameters, self.precision)

    def up_bytes(self, problem: Problem) -> int:
        """One model."""
        return size_bytes(problem.model.parameters, self.precision)

    def models(self, problem: Problem, state: Array) -> Array:
        """Every device uses the global model as it would receive it."""
        return np.broadcast_to(rounded(state, self.precision), (problem.devices, len(state)))

    def measures(self, problem: Problem, state: Array, memory: Mapping[int, Any]) -> dict[str, float]:
        """``objective``: training loss of the global model, devices weighted as the server weights them."""
        del memory
        same = np.broadcast_to(state, (problem.devices, len(state)))
        losses = mean_losses(problem.model, same, problem.train)
        return {"objective": float(self._share(problem.sizes) @ losses)}

    def _share(self, examples: npt.NDArray[Any]) -> Array:
        weight = np.asarray(examples, dtype=np.float64) if self.weights == "examples" else np.ones(len(examples))
        return np.asarray(weight / weight.sum())
