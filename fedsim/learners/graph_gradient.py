"""Related tasks on a graph by gradients, for smooth losses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.graph_tasks import GraphTasks
from fedsim.learners.learner import Computed, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.margins import check_loss, linear, training_rows, width
from fedsim.learners.neighbourhood import Neighbourhood
from fedsim.tasks.arrays import Array
from fedsim.tasks.losses import DualLoss, LogLoss
from fedsim.tasks.problem import Problem


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class DescentNode:
    """What a node remembers: how steep its own loss is, L_t, and its neighbours."""

    steepness: float
    near: Neighbourhood


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphGradient(GraphTasks):
    """In a round each node takes so many full gradient steps on its own problem, and tells its neighbours its model.

        w_t <- w_t - eta_t (grad f_t(w_t) + lambda (Omega_tt w_t - sum_s a_ts w_s))
        eta_t = 1 / (L_t + lambda Omega_tt)

    L_t is the largest eigenvalue of c_t X_t^T X_t times the most by which the loss's slope changes; a node works it
    out once, and is not charged for that. The first three terms are the gradient of a function with curvatures
    between lambda Omega_tt and 1 / eta_t: a step along it shrinks the model's error to at most 1 - eta_t lambda
    Omega_tt of itself, and neighbours add at most eta_t lambda d_t of theirs. So a step takes the largest error over
    all nodes to at most 1 - eta_t lambda mu of itself, with neighbours' models of any age: it is safe in
    synchronous and asynchronous gossip, for any number of steps a round, whatever messages are lost. Many steps solve
    the own problem: a round is then a proximal step, and leaves d_t / (d_t + mu) of the largest error.
    """

    loss: DualLoss = field(default_factory=LogLoss)
    """Loss of a margin: a smooth one."""
    steps: int = 10
    """Full gradient steps in a round; >= 1."""

    def __post_init__(self) -> None:
        GraphTasks.__post_init__(self)
        if not self.steps >= 1:
            raise FedsimError(f"graph-gradient: steps must be >= 1, got {self.steps!r}")
        if not self.loss.steepest < np.inf:
            raise FedsimError(
                f"graph-gradient: {type(self.loss).__name__} loss has a kink, and gradients need a smooth one: "
                "say its smoothing, or take graph-dual"
            )

    @property
    def epochs(self) -> float:
        """Each step looks at all of a node's examples."""
        return float(self.steps)

    def init(self, problem: Problem, device: int, rng: np.random.Generator) -> Array:
        """Zeros (R * d,); nothing is drawn.

        Raises:
            FedsimError: if the model and the loss are not for each other, or not for this learner.
        """
        del device, rng
        check_loss(problem, self.loss)
        return np.zeros(linear(problem).rows * width(problem))

    def memory(self, problem: Problem, device: int) -> DescentNode:
        """The steepness of the node's own loss, and nobody known."""
        rows = training_rows(problem)
        X = rows.X[rows.rows(device)]
        gram = X @ X.T if len(X) < X.shape[1] else X.T @ X
        largest = float(np.linalg.eigvalsh(gram)[-1] * self.scale(rows.sizes[[device]])[0])
        near = Neighbourhood.empty(linear(problem).rows * width(problem))
        return DescentNode(steepness=self.loss.steepest * largest, near=near)

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """Forward and backward passes over all examples, and four operations on each weight; a dispatch for each step.

        Held are the weights, their gradient and the neighbours' pull, and the examples, in double precision.
        """
        model, examples, numbers = problem.model, int(problem.sizes[device]), linear(problem).rows * width(problem)
        return LocalCost(
            steps=self.steps,
            step_flops=examples * (model.forward_flops + model.backward_flops) + 4.0 * numbers,
            step_moved_bytes=8.0 * (examples * width(problem) + 4 * numbers),
            memory_bytes=8.0 * (3 * numbers + examples * (width(problem) + linear(problem).rows)),
        )

    def local(self, problem: Problem, work: Work) -> Computed:
        """The granted steps from the node's own weights."""
        rows, R = training_rows(problem), linear(problem).rows
        targets, scale = linear(problem).targets(problem.train.y), self.scale(problem.sizes[work.devices])
        sent = work.received.copy()
        for i, device in enumerate(work.devices.tolist()):
            node, own = work.memory[i], rows.rows(device)
            x, t, curvature = rows.X[own], targets[own], self.penalty * (self.mu + node.near.degree)
            pull, w = self.penalty * node.near.pull.reshape(R, -1), sent[i].reshape(R, -1)
            for _ in range(int(work.steps[i])):
                slope = scale[i] * self.loss.slope(x @ w.T, t)
                w -= (slope.T @ x + curvature * w - pull) / (node.steepness + curvature)
        return Computed(sent=sent, memory=work.memory)

    def measures(self, problem: Problem, nodes: Array, memory: Mapping[int, Any]) -> dict[str, float]:
        """See ``GraphTasks.certificate``; the dual variables are minus the slopes at the nodes' own models."""
        known = [memory[t] if t in memory else self.memory(problem, t) for t in range(problem.devices)]
        rows, targets, alpha = training_rows(problem), linear(problem).targets(problem.train.y), []
        for t, own in enumerate(nodes):
            part = rows.rows(t)
            score = rows.X[part] @ own.reshape(linear(problem).rows, -1).T
            alpha.append(-self.loss.slope(score, targets[part]))
        return self.certificate(problem, self.loss, nodes, [node.near for node in known], np.concatenate(alpha))
