"""Decentralised parallel stochastic gradient descent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedsim.learners.exchange import Exchange, Mixed, Offered
from fedsim.learners.learner import Computed, Work
from fedsim.learners.local_sgd import SgdLearner, sent
from fedsim.learners.messages import rounded
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import mean_losses


@dataclass(frozen=True, kw_only=True, slots=True)
class DPsgd(SgdLearner):
    """Lian et al. 2017, Algorithm 1: every node averages with its neighbours, and adds its own gradient step.

    Where ``overlaps``, as in the paper, a node sends its model x_i as it was *before* its local work, so that
    sending and computing overlap, and x_i <- sum_j W_ij x_j + (computed_i - x_i), which for one step is -
    gamma g_i(x_i). Otherwise it trains, sends what it computed, and averages that: x_i <- sum_j W_ij
    computed_j. Then an average over all nodes with equal weights is FedAvg.

    Messages are p numbers of the given precision, really rounded to it. They enter as differences between
    rounded models, W_ij (round(x_j) - round(x_i)), so that a symmetric W keeps the mean of all models
    whatever the precision.
    """

    overlaps: bool = True

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

    def local(self, problem: Problem, work: Work) -> Computed:
        """Train from the node's own model."""
        return sent(self.train(problem, work).parameters)

    def outgoing(self, problem: Problem, devices: IntArray, numbers: Array, memory: tuple[Any, ...]) -> Offered:
        """The model."""
        del problem, devices
        return Offered(messages=rounded(numbers, self.precision), memory=memory)

    def mix(self, problem: Problem, exchange: Exchange) -> Mixed:
        """A neighbour that is left out leaves its weight to the node itself."""
        del problem
        return Mixed(states=exchange.computed + exchange.pulls(), memory=exchange.memory)

    def models(self, problem: Problem, nodes: Array, memory: Mapping[int, Any]) -> Array:
        """Each node's own."""
        del problem, memory
        return nodes

    def measures(self, problem: Problem, nodes: Array, memory: Mapping[int, Any]) -> dict[str, float]:
        """The objective of the mean model, nodes weighted equally, and the nodes' distance from it.

        ``disagreement`` is the root of the mean squared distance between a node's model and the mean model.
        """
        del memory
        mean = nodes.mean(axis=0)
        losses = mean_losses(problem.model, np.broadcast_to(mean, nodes.shape), problem.train)
        distance = np.sqrt(np.square(nodes - mean).sum(axis=1).mean())
        return {"objective": float(losses.mean()), "disagreement": float(distance)}
