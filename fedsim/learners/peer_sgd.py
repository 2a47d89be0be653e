"""What learners have in common whose nodes each have one model, and train it by stochastic gradient descent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fedsim.learners.exchange import Offered
from fedsim.learners.local_sgd import SgdLearner
from fedsim.learners.merit import AGREEMENT, Merits
from fedsim.learners.messages import rounded
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import mean_losses


def agreement(problem: Problem, models: Array) -> dict[str, float]:
    """The objective of the mean of all models (m, p), nodes weighted equally, and the nodes' distance from it.

    ``disagreement`` is the root of the mean squared distance between a node's model and the mean model.
    """
    mean = models.mean(axis=0)
    losses = mean_losses(problem.model, np.broadcast_to(mean, models.shape), problem.train)
    distance = np.sqrt(np.square(models - mean).sum(axis=1).mean())
    return {"objective": float(losses.mean()), "disagreement": float(distance)}


@dataclass(frozen=True, kw_only=True, slots=True)
class PeerSgd(SgdLearner):
    """A node's state is its model, (p,), and what it sends is a model of as many numbers."""

    merits: ClassVar[Merits] = AGREEMENT

    @property
    def takes_partial_work(self) -> bool:
        """A node that did not finish its epochs still has a model."""
        return True

    @property
    def keeps_mean(self) -> bool:
        """Mixing by doubly stochastic weights keeps the mean of all models."""
        return True

    def init(self, problem: Problem, device: int, rng: np.random.Generator) -> Array:
        """The model's own start, (p,)."""
        del device
        return problem.model.init(rng)

    def outgoing(self, problem: Problem, devices: IntArray, numbers: Array, memory: tuple[Any, ...]) -> Offered:
        """The model, rounded."""
        del problem, devices
        return Offered(messages=rounded(numbers, self.precision), memory=memory)

    def models(self, problem: Problem, nodes: Array, memory: Mapping[int, Any]) -> Array:
        """Each node's own."""
        del problem, memory
        return nodes

    def measures(self, problem: Problem, nodes: Array, memory: Mapping[int, Any]) -> dict[str, float]:
        """See ``agreement``."""
        del memory
        return agreement(problem, nodes)
