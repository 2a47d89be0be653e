"""Learners of related tasks that ascend the dual: what MOCHA, CoCoA and mini-batch SDCA have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np

from fedsim.learners.learner import Answers, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.margins import check_loss, linear, training_rows, width
from fedsim.learners.merit import DUALITY, Merits
from fedsim.learners.messages import size_bytes
from fedsim.learners.related import RelatedTasks, flat
from fedsim.tasks.arrays import Array
from fedsim.tasks.problem import Problem
from fedsim.tasks.sdca import Sdca, Subproblem

CONSTANTS = 3  # that go down beside the weights


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class DualState:
    """What the server holds, for each of R rows of weights: one-against-rest, each a problem of its own."""

    V: Array  # (R, m, d) c_t X_t^T alpha_t of each device
    W: Array  # (R, m, d) Sigma V / lambda
    sigma: Array  # (R, m, m) relations between tasks
    safety: Array  # (R,) sigma', how much a device must hold back so that all answers can be added
    rounds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DualLearner(RelatedTasks):
    """Down go w_t and constants, up goes u_t = c_t X_t^T delta_t, in float64, so that V stays the image of the duals.

    The dual variables never leave the device: it commits them when the server takes its answer.
    """

    merits: ClassVar[Merits] = DUALITY

    solver: Sdca = field(default_factory=Sdca)
    """How a device improves its own dual variables."""

    @property
    def takes_stale_answers(self) -> bool:
        """The bound sigma' is for answers to one and the same W."""
        return False

    @property
    def sends(self) -> Literal["change"]:
        """The change of V."""
        return "change"

    @property
    def needs_exact_messages(self) -> str:
        """V on the server must stay the image of the dual variables on the devices."""
        return "keeps V on the server as the exact image of dual variables that never leave the devices"

    @property
    def epochs(self) -> float:
        """The solver's."""
        return self.solver.epochs

    def init(self, problem: Problem, rng: np.random.Generator) -> DualState:
        """Everything 0, and the regulariser's first Sigma; nothing is drawn.

        Raises:
            FedsimError: if the model and the solver's loss are not for each other, or not for this learner.
        """
        del rng
        check_loss(problem, self.solver.loss)
        rows = linear(problem).rows
        sigma = self.regulariser.start(problem.devices)
        return self.state(np.zeros((rows, problem.devices, width(problem))), np.stack([sigma] * rows), 0)

    def state(self, V: Array, sigma: Array, rounds: int) -> DualState:
        """The state that follows from V and Sigma: W is their image, sigma' = max_t sum_s |Sigma_ts| / Sigma_tt."""
        diagonal = np.diagonal(sigma, axis1=1, axis2=2)
        safety = (np.abs(sigma).sum(axis=2) / diagonal).max(axis=1)
        return DualState(V=V, W=sigma @ V / self.penalty, sigma=sigma, safety=safety, rounds=rounds)

    def memory(self, problem: Problem, device: int) -> Array:
        """The device's dual variables (n_t, R), 0 at first."""
        return np.zeros((int(problem.sizes[device]), linear(problem).rows))

    def message(self, state: DualState, device: int, constant: Array) -> Array:
        """For each row of weights w_t, Sigma_tt, a constant (R,) and lambda: (R, d + 3)."""
        penalty = np.full(len(constant), self.penalty)
        return np.column_stack([state.W[:, device], state.sigma[:, device, device], constant, penalty])

    def subproblem(self, problem: Problem, work: Work, *, safe: bool) -> Subproblem:
        """What ``message`` asks of each device; its constant is sigma' where ``safe``, and 1 is taken else."""
        related, constant, penalty = np.moveaxis(work.received[:, :, -CONSTANTS:], 2, 0)
        return Subproblem(
            w=work.received[:, :, :-CONSTANTS],
            alpha=work.memory,
            coupling=(constant if safe else 1.0) * related / penalty,
            scale=self.scale(problem.sizes[work.devices]),
        )

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """Coordinate steps of all local epochs, each one example for every row of weights.

        The solver loops over them: a dispatch is a local epoch or part of it. Held are weights, all of the device's
        examples, and their dual variables.
        """
        rows, examples = linear(problem).rows, int(problem.sizes[device])
        return LocalCost(
            steps=self.solver.steps(examples),
            step_flops=self.solver.step_flops(width(problem), rows),
            step_moved_bytes=self.solver.step_moved_bytes(width(problem), rows),
            memory_bytes=self.solver.memory_bytes(width(problem), rows, examples),
            steps_per_dispatch=examples,
        )

    def aggregate(self, problem: Problem, state: DualState, answers: Answers) -> DualState:
        """Add the answers; after every ``omega_every`` rounds update Sigma, and rebuild W with it."""
        del problem
        u = answers.sent.transpose(1, 0, 2)
        V = state.V.copy()
        np.add.at(V.swapaxes(0, 1), answers.devices, answers.sent)  # a device whose late answer counts may have two
        W = state.W + state.sigma[:, :, answers.devices] @ u / self.penalty
        return self._after_round(state, V, W)

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """Adding to V and W, and the cost of a new Sigma and W spread over the rounds between them."""
        rows, tasks, features = linear(problem).rows, problem.devices, width(problem)
        adding = (1.0 + 2.0 * tasks) * answers * features
        rebuilding = self.regulariser.update_flops(tasks, features) + 2.0 * tasks**2 * features
        return rows * (adding + rebuilding / self.omega_every)

    @property
    def merge_obstacle(self) -> str:
        """None: V adds up."""
        return ""

    def merge(self, problem: Problem, base: DualState, states: Sequence[DualState], examples: Array) -> DualState:
        """What edges added to V, each to the part of its own devices, and one Omega-step if it is time.

        After one round of each edge that is the round of one server. After more, an edge's devices have gone on
        without the others' answers: V is still the image of the dual variables, but the dual may decrease.
        """
        del problem, examples
        V = base.V + sum(state.V - base.V for state in states)
        return self._after_round(base, V, base.sigma @ V / self.penalty)

    def merge_flops(self, problem: Problem, states: int) -> float:
        """Adding the edges' V, and W from it."""
        rows, tasks, features = linear(problem).rows, problem.devices, width(problem)
        return rows * (2.0 * states * tasks * features + 2.0 * tasks**2 * features)

    def state_bytes(self, problem: Problem) -> int:
        """V and Sigma, from which all else follows."""
        rows, tasks = linear(problem).rows, problem.devices
        return size_bytes(rows * tasks * (width(problem) + tasks), "float64")

    def down_bytes(self, problem: Problem) -> int:
        """w_t and three constants for each row of weights."""
        return size_bytes(linear(problem).rows * (width(problem) + CONSTANTS), "float64")

    def up_bytes(self, problem: Problem) -> int:
        """u_t for each row of weights."""
        return size_bytes(linear(problem).rows * width(problem), "float64")

    def models(self, problem: Problem, state: DualState, memory: Mapping[int, Any]) -> Array:
        """Each device's own rows of weights, (m, R * d)."""
        del problem, memory
        return flat(state.W)

    def measures(self, problem: Problem, state: DualState, memory: Mapping[int, Any]) -> dict[str, float]:
        """``primal``, ``dual`` and their ``gap`` for the present Omega, summed over rows of weights."""
        rows, targets = training_rows(problem), linear(problem).targets(problem.train.y)
        alpha = np.zeros(targets.shape)
        for device, known in memory.items():
            alpha[rows.rows(device)] = known
        penalty = np.vdot(state.V, state.W) / 2  # (lambda / 2) tr(W^T Omega W), because W = Sigma V / lambda
        won = self.scale(rows.sizes)[rows.device] @ self.solver.loss.dual(alpha, targets)
        primal = float(self.mean_loss(problem, self.solver.loss, state.W) + penalty)
        dual = float(won.sum() - penalty)
        return {"primal": primal, "dual": dual, "gap": primal - dual}

    def _after_round(self, state: DualState, V: Array, W: Array) -> DualState:
        rounds = state.rounds + 1
        if rounds % self.omega_every:
            return replace(state, V=V, W=W, rounds=rounds)
        return self.state(V, self.new_relations(state.sigma, W), rounds)
