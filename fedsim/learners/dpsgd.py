"""Decentralised parallel stochastic gradient descent, synchronous and asynchronous."""

from dataclasses import dataclass

import numpy as np

from fedsim.learners.exchange import Exchange, Mixed
from fedsim.learners.learner import Computed, Work
from fedsim.learners.local_sgd import sent
from fedsim.learners.peer_sgd import PeerSgd
from fedsim.tasks.arrays import Array
from fedsim.tasks.problem import Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class DPsgd(PeerSgd):
    """Lian et al. 2017, Algorithm 1: every node averages with its neighbours, and adds its own gradient step.

    Where ``overlaps``, as in the paper, a node sends its model x_i as it was *before* its local work, so that
    sending and computing overlap, and x_i <- sum_j W_ij x_j + (computed_i - x_i), which for one step is -
    gamma g_i(x_i). Otherwise it trains, sends what it computed, and averages that: x_i <- sum_j W_ij
    computed_j. Then an average over all nodes with equal weights is FedAvg.

    Under asynchronous gossip it is AD-PSGD (Lian et al. 2018, Algorithm 1): local work has been done on a model that
    may have been averaged since, and is added to what the model is then.

    Messages are p numbers of the given precision, really rounded to it. They enter as differences between
    rounded models, W_ij (round(x_j) - round(x_i)), so that a symmetric W keeps the mean of all models
    whatever the precision.
    """

    overlaps: bool = True
    """Whether a node sends its model from before its local work, so that sending and computing overlap."""

    def local(self, problem: Problem, work: Work) -> Computed:
        """Train from the node's own model."""
        return sent(self.train(problem, work).parameters)

    def mix(self, problem: Problem, exchange: Exchange) -> Mixed:
        """A neighbour that is left out leaves its weight to the node itself."""
        del problem
        return Mixed(states=exchange.computed + exchange.pulls(), memory=exchange.memory)

    def rebase(self, started: Array, computed: Array, current: Array) -> Array:
        """The same step from another model: x + (computed - started)."""
        return np.asarray(current + (computed - started))
