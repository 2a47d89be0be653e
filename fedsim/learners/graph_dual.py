"""Related tasks on a graph by dual ascent: MOCHA's optimum for a fixed relation, without a server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fedsim.learners.graph_tasks import GraphTasks
from fedsim.learners.learner import Computed, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.margins import check_loss, linear, width
from fedsim.learners.neighbourhood import Neighbourhood
from fedsim.tasks.arrays import Array
from fedsim.tasks.problem import Problem
from fedsim.tasks.sdca import Sdca, Subproblem


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class DualNode:
    """What a node remembers: dual variables, their image V_t = c_t X_t^T alpha_t, and its neighbours."""

    alpha: Array  # (n_t, R)
    v: Array  # (R * d,)
    near: Neighbourhood


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphDual(GraphTasks):
    """Each node ascends the dual of its own problem, for any convex loss, and tells its neighbours its model.

    With dual variables alpha_t the node's model is w_t = (sum_s a_ts w_s + V_t / lambda) / Omega_tt, and a step of dual
    coordinate ascent moves it by x / (lambda Omega_tt) per unit of V_t. That is MOCHA's data-local subproblem with
    1 / Omega_tt in place of sigma' Sigma_tt: nothing has to be held back, because neighbours enter by their
    models and not by changes that are added. Dual variables stay on their node and go on where they were.

    At the fixed point w_t = sum_s Sigma_ts V_s / lambda, MOCHA's optimum. What a round leaves of the own problem's
    dual sub-optimality h_t keeps the model at most x_t = sqrt(2 h_t / (lambda Omega_tt)) off its solution, and news
    that move sum_s a_ts w_s by D let x_t grow by at most |D| / Omega_tt. So if each round leaves less than
    (mu / (2 d_t + mu))^2 of h_t, the errors of all models go to 0, however old the news are. That takes many epochs
    and is far from needed: measured, one epoch does, with half of all messages lost or all news three rounds old.
    """

    solver: Sdca = field(default_factory=Sdca)
    """How a node improves its own dual variables."""

    @property
    def epochs(self) -> float:
        """The solver's."""
        return self.solver.epochs

    def init(self, problem: Problem, device: int, rng: np.random.Generator) -> Array:
        """Zeros (R * d,); nothing is drawn.

        Raises:
            FedsimError: if the model and the solver's loss are not for each other, or not for this learner.
        """
        del device, rng
        check_loss(problem, self.solver.loss)
        return np.zeros(linear(problem).rows * width(problem))

    def memory(self, problem: Problem, device: int) -> DualNode:
        """Dual variables 0, and nobody known."""
        rows, numbers = linear(problem).rows, linear(problem).rows * width(problem)
        alpha = np.zeros((int(problem.sizes[device]), rows))
        return DualNode(alpha=alpha, v=np.zeros(numbers), near=Neighbourhood.empty(numbers))

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """Coordinate steps of all local epochs, as MOCHA's; a dispatch is an epoch or part of it."""
        rows, examples = linear(problem).rows, int(problem.sizes[device])
        return LocalCost(
            steps=self.solver.steps(examples),
            step_flops=self.solver.step_flops(width(problem), rows),
            step_moved_bytes=self.solver.step_moved_bytes(width(problem), rows),
            memory_bytes=self.solver.memory_bytes(width(problem), rows, examples),
            steps_per_dispatch=examples,
        )

    def local(self, problem: Problem, work: Work) -> Computed:
        """Improve the node's own problem; what comes out is w_t (R * d,)."""
        before: tuple[DualNode, ...] = work.memory
        rows, count = linear(problem).rows, len(before)
        curvature = self.curvature([node.near for node in before])[:, None]
        w = np.stack([node.near.pull + node.v / self.penalty for node in before]) / curvature
        w, coupling = w.reshape(count, rows, -1), 1.0 / (self.penalty * curvature)
        solution = self.solver.run(
            linear(problem),
            problem.train,
            work=Subproblem(
                w=w,
                alpha=tuple(node.alpha for node in before),
                coupling=np.repeat(coupling, rows, axis=1),
                scale=self.scale(problem.sizes[work.devices]),
            ),
            devices=work.devices,
            steps=work.steps,
            rngs=work.rngs,
        )
        after = tuple(
            DualNode(alpha=alpha, v=node.v + u, near=node.near)
            for node, alpha, u in zip(before, solution.alpha, solution.u.reshape(count, -1), strict=True)
        )
        return Computed(sent=(w + coupling[:, :, None] * solution.u).reshape(count, -1), memory=after)

    def measures(self, problem: Problem, nodes: Array, memory: Mapping[int, Any]) -> dict[str, float]:
        """See ``GraphTasks.certificate``."""
        known = [memory[t] if t in memory else self.memory(problem, t) for t in range(problem.devices)]
        alpha = np.concatenate([node.alpha for node in known])
        return self.certificate(problem, self.solver.loss, nodes, [node.near for node in known], alpha)
