"""What learners with a server and one model have in common, beyond local descent."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from fedsim.errors import FedsimError
from fedsim.learners.local_sgd import SgdLearner
from fedsim.tasks.arrays import Array
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import mean_losses

Weights = Literal["examples", "equal"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CentralSgd(SgdLearner):
    """Any cohort will do, and a late answer will not.

    ``weights`` says what the devices' losses count in the objective: as their examples, so that every example of the
    fleet counts the same, or every device the same.
    """

    weights: Weights = "examples"
    """examples: a device counts as its examples do; equal: every device the same."""

    def __post_init__(self) -> None:
        SgdLearner.__post_init__(self)
        if self.weights not in get_args(Weights):
            raise FedsimError(
                f"{type(self).__name__.lower()}: weights must be 'examples' or 'equal', got {self.weights!r}"
            )

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

    @property
    def merge_obstacle(self) -> str:
        """None, for those that merge."""
        return ""

    def share(self, examples: npt.NDArray[Any]) -> Array:
        """What each of some devices counts among them, by their numbers of examples (k,): (k,), of sum 1."""
        weight = np.asarray(examples, dtype=np.float64) if self.weights == "examples" else np.ones(len(examples))
        return np.asarray(weight / weight.sum())

    def relative(self, problem: Problem, devices: npt.NDArray[np.int64]) -> Array:
        """What devices (k,) count beside the mean of those that may be trained on: n_k m / n, or 1; (k,)."""
        if self.weights == "equal":
            return np.ones(len(devices))
        return np.asarray(problem.sizes[devices] / problem.sizes[problem.trained].mean())

    def objective(self, problem: Problem, w: Array) -> float:
        """The training loss of one model (p,) for all, devices weighted as they count."""
        losses = mean_losses(problem.model, np.broadcast_to(w, (problem.devices, len(w))), problem.train)
        return float(self.share(problem.sizes) @ losses)
