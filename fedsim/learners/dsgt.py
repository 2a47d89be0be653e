"""Decentralised stochastic gradient tracking."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from fedsim.learners.exchange import Exchange, Mixed, Offered
from fedsim.learners.learner import Computed, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.local_sgd import SgdLearner, sent, with_terms
from fedsim.learners.merit import AGREEMENT, Merits
from fedsim.learners.messages import rounded, size_bytes
from fedsim.learners.peer_sgd import agreement
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.problem import Problem
from fedsim.tasks.terms import Terms


@dataclass(frozen=True, kw_only=True, slots=True)
class Dsgt(SgdLearner):
    """Every node follows its guess of the gradient of all, so that nodes with other data do not pull each other apart.

    Pu and Nedic, "Distributed stochastic gradient tracking methods", Mathematical Programming 2021; with several local
    steps it is K-GT of Liu, Lin, Koloskova and Stich, "Decentralized gradient tracking with local steps", 2023,
    Algorithm 1. A node has a model x_i and a correction c_i, at first 0. It does K steps of step size eta along
    grad f_i + c_i, from x_i to x_i', so that z_i = (x_i - x_i') / (eta K) is the mean of what it followed, and sends
    both. Then

        x_i <- sum_j W_ij x_j'
        c_i <- c_i - z_i + sum_j W_ij z_j

    For K = 1 this is y_i <- sum_j W_ij y_j + grad f_i(new x_i) - grad f_i(old x_i) with y_i = grad f_i + c_i. At
    rest all x_i are the minimum of the mean of all f_i, whatever eta is, where D-PSGD ends O(eta) away.

    A message is 2 p numbers. A doubly stochastic W keeps the sum of all c_i at 0. A message that reaches one
    of two neighbours only, as when links fail, leaves a remainder in it that never goes away, and moves the limit by
    that much: the measure ``drift`` is the length of the mean c_i. A node that does no step counts as one without a
    gradient in this round.
    """

    merits: ClassVar[Merits] = {**AGREEMENT, "drift": "falls"}

    @property
    def takes_partial_work(self) -> bool:
        """What it followed is a mean over the steps that it did."""
        return True

    @property
    def keeps_mean(self) -> bool:
        """Of what was trained, and of all corrections, mixing by doubly stochastic weights keeps the mean."""
        return True

    @property
    def overlaps(self) -> bool:
        """What it sends is what it has computed."""
        return False

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """In every step the correction is read and added."""
        return with_terms(SgdLearner.local_cost(self, problem, device), problem, flops=1, vectors=1)

    def up_bytes(self, problem: Problem) -> int:
        """A model and a direction."""
        return size_bytes(2 * problem.model.parameters, self.precision)

    def init(self, problem: Problem, device: int, rng: np.random.Generator) -> Array:
        """The model's own start, and no correction: (2 p,)."""
        del device
        start = problem.model.init(rng)
        return np.concatenate([start, np.zeros_like(start)])

    def local(self, problem: Problem, work: Work) -> Computed:
        """X' and z, (b, 2 p)."""
        x, c = np.split(work.received, 2, axis=1)
        trained = self.train(problem, replace(work, received=x), Terms(linear=c)).parameters
        strides = (work.steps * self.step_sizes(work))[:, None]
        followed = np.where(strides > 0, (x - trained) / np.where(strides > 0, strides, 1.0), c)
        return sent(np.concatenate([trained, followed], axis=1))

    def outgoing(self, problem: Problem, devices: IntArray, numbers: Array, memory: tuple[Any, ...]) -> Offered:
        """Both, rounded."""
        del problem, devices
        return Offered(messages=rounded(numbers, self.precision), memory=memory)

    def mix(self, problem: Problem, exchange: Exchange) -> Mixed:
        """Only differences enter: see ``Exchange.pulls``."""
        p = problem.model.parameters
        base = np.concatenate([exchange.computed[:, :p], exchange.own[:, p:]], axis=1)
        return Mixed(states=base + exchange.pulls(), memory=exchange.memory)

    def models(self, problem: Problem, nodes: Array, memory: Mapping[int, Any]) -> Array:
        """Each node's own."""
        del memory
        return nodes[:, : problem.model.parameters]

    def measures(self, problem: Problem, nodes: Array, memory: Mapping[int, Any]) -> dict[str, float]:
        """``objective``, ``disagreement`` (see ``agreement``) and ``drift``."""
        models = self.models(problem, nodes, memory)
        drift = np.linalg.norm(nodes[:, problem.model.parameters :].mean(axis=0))
        return {**agreement(problem, models), "drift": float(drift)}
