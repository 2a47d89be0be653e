"""Federated averaging."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fedsim.errors import FedsimError
from fedsim.learners.learner import Answers, Computed, Work
from fedsim.learners.local_sgd import SgdLearner, run_sgd, sent
from fedsim.learners.messages import rounded
from fedsim.tasks.arrays import Array
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import mean_losses


@dataclass(frozen=True, kw_only=True, slots=True)
class FedAvg(SgdLearner):
    """McMahan et al. 2017, Algorithm 1: devices train the server's model, the server averages the results.

    The state is the global model (p,). Down and up go p numbers of the given precision, really rounded to it;
    the server itself computes in float64. With one epoch of all local data (``Sgd(batch_size=None)``) this is
    FedSGD.
    """

    weights: Literal["examples", "equal"] = "examples"

    def __post_init__(self) -> None:
        SgdLearner.__post_init__(self)
        if self.weights not in {"examples", "equal"}:
            raise FedsimError(f"fedavg: weights must be 'examples' or 'equal', got {self.weights!r}")

    @property
    def takes_partial_work(self) -> bool:
        """A device that did not finish its epochs is dropped, as in the paper."""
        return False

    @property
    def takes_stale_answers(self) -> bool:
        """The mean of what arrived replaces the model: one late answer alone would undo all others."""
        return False

    @property
    def needs_everybody(self) -> bool:
        """Any cohort will do."""
        return False

    @property
    def sends(self) -> Literal["model", "change"]:
        """The trained model."""
        return "model"

    def init(self, problem: Problem, rng: np.random.Generator) -> Array:
        """The model's own start, (p,)."""
        return problem.model.init(rng)

    def broadcast(self, problem: Problem, state: Array, device: int) -> Array:
        """The global model, the same for all."""
        del problem, device
        return rounded(state, self.precision)

    def local(self, problem: Problem, work: Work) -> Computed:
        """Train; what is sent is the trained model."""
        return sent(rounded(run_sgd(self.solver, problem, work).parameters, self.precision))

    def aggregate(self, problem: Problem, state: Array, answers: Answers) -> Array:
        """The average of the models that arrived."""
        del problem, state
        return np.asarray(self._share(answers.examples) @ answers.sent)

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """A multiplication and an addition per parameter and answer."""
        return 2.0 * answers * problem.model.parameters

    def models(self, problem: Problem, state: Array, memory: Mapping[int, Any]) -> Array:
        """Every device uses the global model as it would receive it."""
        del memory
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
