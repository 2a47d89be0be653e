"""Decentralised parallel stochastic gradient descent."""

from dataclasses import dataclass, field

import numpy as np

from fedsim.learners.learner import Answers, Work
from fedsim.learners.local_sgd import run_sgd
from fedsim.learners.messages import Precision, check_precision, rounded, size_bytes
from fedsim.tasks.arrays import Array
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import mean_losses
from fedsim.tasks.sgd import Sgd


@dataclass(frozen=True, kw_only=True, slots=True)
class DPsgd:
    """Lian et al. 2017, Algorithm 1: every node averages with its neighbours, and adds its own gradient step.

    Where ``overlaps``, as in the paper, a node sends its model x_i as it was *before* its local work, so that
    sending and computing overlap, and x_i <- sum_j W_ij x_j + (computed_i - x_i), which for one step is -
    gamma g_i(x_i). Otherwise it trains, sends what it computed, and averages that: x_i <- sum_j W_ij
    computed_j. Then an average over all nodes with equal weights is FedAvg.

    Messages are p numbers of the given precision, really rounded to it. They enter as differences between
    rounded models, W_ij (round(x_j) - round(x_i)), so that a symmetric W keeps the mean of all models
    whatever the precision.
    """

    solver: Sgd = field(default_factory=Sgd)
    overlaps: bool = True
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        check_precision(self.precision)

    @property
    def takes_partial_work(self) -> bool:
        """A node that did not finish its epochs still has a model."""
        return True

    def init(self, problem: Problem, rng: np.random.Generator) -> Array:
        """The model's own start, (p,)."""
        return problem.model.init(rng)

    @property
    def epochs(self) -> float:
        """The solver's."""
        return self.solver.epochs

    def memory(self, problem: Problem, device: int) -> None:
        """Nothing is remembered besides the model."""
        del problem, device

    def asked_steps(self, problem: Problem, device: int) -> int:
        """Minibatches of all epochs."""
        return self.solver.steps(int(problem.sizes[device]))

    def local(self, problem: Problem, work: Work) -> Answers:
        """Train from the node's own model."""
        return run_sgd(self.solver, problem, work)

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

    def mix(self, own: Array, computed: Array, received: Array, weights: Array) -> Array:
        """See ``DecentralisedLearner``. A neighbour that is left out leaves its weight to the node itself."""
        sent = rounded(own if self.overlaps else computed, self.precision)
        return computed + weights[1:] @ (rounded(received, self.precision) - sent)

    def up_bytes(self, problem: Problem) -> int:
        """One model."""
        return size_bytes(problem.model.parameters, self.precision)

    def measures(self, problem: Problem, models: Array) -> dict[str, float]:
        """The objective of the mean model, nodes weighted equally, and the nodes' distance from it.

        ``disagreement`` is the root of the mean squared distance between a node's model and the mean model.
        """
        mean = models.mean(axis=0)
        losses = mean_losses(problem.model, np.broadcast_to(mean, models.shape), problem.train)
        distance = np.sqrt(np.square(models - mean).sum(axis=1).mean())
        return {"objective": float(losses.mean()), "disagreement": float(distance)}
