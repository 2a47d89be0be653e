"""Federated multi-task learning with a model for each device."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.learner import Answers, Computed, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.messages import size_bytes
from fedsim.learners.regularisers import ProbabilisticPrior, Regulariser
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.examples import Examples
from fedsim.tasks.linear import design
from fedsim.tasks.losses import Squared
from fedsim.tasks.model import LinearModel, Model
from fedsim.tasks.problem import Problem
from fedsim.tasks.sdca import Sdca, Subproblem


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class MochaState:
    """What the server holds, for each of R rows of weights: one-against-rest, each a problem of its own."""

    V: Array  # (R, m, d) c_t X_t^T alpha_t of each device
    W: Array  # (R, m, d) Sigma V / lambda
    sigma: Array  # (R, m, m) relations between tasks
    safety: Array  # (R,) sigma', how much a device must hold back so that all answers can be added
    rounds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Mocha:
    """Smith et al. 2017, Algorithm 1: dual ascent on each device, relations between devices on the server.

    Minimises sum_t c_t sum_i loss(w_t . x_ti, y_ti) + (lambda / 2) tr(W^T Omega W), in alternation over W and
    Omega. Down go w_t, Sigma_tt, sigma' and lambda; up goes u_t = c_t X_t^T delta_t, in float64, so that V
    stays the image of the dual variables. These never leave the device: it commits them when the server takes
    its answer. A device may do any part of its steps.
    """

    solver: Sdca = field(default_factory=Sdca)
    penalty: float = 1e-3  # lambda
    regulariser: Regulariser = field(default_factory=ProbabilisticPrior)
    omega_every: int = 10  # rounds between updates of Omega
    example_weight: Literal["mean", "sum"] = "mean"  # c_t = 1 / n_t, or 1

    def __post_init__(self) -> None:
        if not 0 < self.penalty < np.inf:
            raise FedsimError(f"mocha: penalty must be > 0 and finite, got {self.penalty!r}")
        if not self.omega_every >= 1:
            raise FedsimError(f"mocha: omega_every must be >= 1, got {self.omega_every!r}")
        if self.example_weight not in {"mean", "sum"}:
            raise FedsimError(f"mocha: example_weight must be 'mean' or 'sum', got {self.example_weight!r}")

    @property
    def takes_partial_work(self) -> bool:
        """Any number of steps is an answer: this is the paper's theta."""
        return True

    @property
    def takes_stale_answers(self) -> bool:
        """The bound sigma' is for answers to one and the same W."""
        return False

    @property
    def needs_everybody(self) -> bool:
        """A device that is absent is theta = 1."""
        return False

    @property
    def sends(self) -> Literal["model", "change"]:
        """The change of V."""
        return "change"

    def init(self, problem: Problem, rng: np.random.Generator) -> MochaState:
        """Everything 0, and the regulariser's first Sigma; nothing is drawn.

        Raises:
            FedsimError: if the model and the solver's loss are not for each other, or not for this learner.
        """
        del rng
        model = linear(problem)
        if not model.classes and not isinstance(self.solver.loss, Squared):
            loss = type(self.solver.loss).__name__
            raise FedsimError(f"mocha: {loss} loss needs classes, {type(model).__name__} has none: take Squared")
        sigma = self.regulariser.start(problem.devices)
        V = np.zeros((model.rows, problem.devices, _width(problem)))
        return self._state(V, np.stack([sigma] * model.rows), 0)

    def broadcast(self, problem: Problem, state: MochaState, device: int) -> Array:
        """For each row of weights w_t, Sigma_tt, sigma' and lambda: (R, d + 3)."""
        del problem
        constants = [
            state.sigma[:, device, device],
            state.safety,
            np.full(len(state.safety), self.penalty),
        ]
        return np.column_stack([state.W[:, device], *constants])

    @property
    def epochs(self) -> float:
        """The solver's."""
        return self.solver.epochs

    def memory(self, problem: Problem, device: int) -> Array:
        """The device's dual variables (n_t, R), 0 at first."""
        return np.zeros((int(problem.sizes[device]), linear(problem).rows))

    def local(self, problem: Problem, work: Work) -> Computed:
        """Improve the data-local subproblem; what is sent is u_t (R, d)."""
        related, safety, penalty = np.moveaxis(work.received[:, :, -3:], 2, 0)
        subproblem = Subproblem(
            w=work.received[:, :, :-3],
            alpha=work.memory,
            coupling=safety * related / penalty,
            scale=self._scale(problem.sizes[work.devices]),
        )
        solution = self.solver.run(
            linear(problem),
            problem.train,
            work=subproblem,
            devices=work.devices,
            steps=work.steps,
            rngs=tuple(work.rngs),
        )
        return Computed(sent=solution.u, memory=solution.alpha)

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """Coordinate steps of all local epochs, each one example for every row of weights.

        The solver loops over them: a dispatch is a local epoch or part of it. Held are weights, all of the device's
        examples, and their dual variables.
        """
        width, rows, examples = _width(problem), linear(problem).rows, int(problem.sizes[device])
        return LocalCost(
            steps=self.solver.steps(examples),
            step_flops=self.solver.step_flops(width, rows),
            step_moved_bytes=self.solver.step_moved_bytes(width, rows),
            memory_bytes=self.solver.memory_bytes(width, rows, examples),
            steps_per_dispatch=examples,
        )

    def aggregate(self, problem: Problem, state: MochaState, answers: Answers) -> MochaState:
        """Add the answers; after every ``omega_every`` rounds update Sigma, and rebuild W with it."""
        del problem
        u = answers.sent.transpose(1, 0, 2)
        V = state.V.copy()
        V[:, answers.devices] += u
        rounds = state.rounds + 1
        W = state.W + state.sigma[:, :, answers.devices] @ u / self.penalty
        if rounds % self.omega_every:
            return replace(state, V=V, W=W, rounds=rounds)
        sigma = np.stack([self.regulariser.update(s, w) for s, w in zip(state.sigma, W, strict=True)])
        return self._state(V, sigma, rounds)

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """Adding to V and W, and the cost of a new Sigma and W spread over the rounds between them."""
        rows, tasks, features = linear(problem).rows, problem.devices, _width(problem)
        adding = (1.0 + 2.0 * tasks) * answers * features
        rebuilding = self.regulariser.update_flops(tasks, features) + 2.0 * tasks**2 * features
        return rows * (adding + rebuilding / self.omega_every)

    def down_bytes(self, problem: Problem) -> int:
        """w_t and three constants for each row of weights."""
        return size_bytes(linear(problem).rows * (_width(problem) + 3), "float64")

    def up_bytes(self, problem: Problem) -> int:
        """u_t for each row of weights."""
        return size_bytes(linear(problem).rows * _width(problem), "float64")

    def predictor(self, problem: Problem) -> Model:
        """The problem's own model."""
        return problem.model

    def models(self, problem: Problem, state: MochaState, memory: Mapping[int, Any]) -> Array:
        """Each device's own rows of weights, (m, R * d)."""
        del memory
        return state.W.transpose(1, 0, 2).reshape(problem.devices, -1)

    def measures(self, problem: Problem, state: MochaState, memory: Mapping[int, Any]) -> dict[str, float]:
        """``primal``, ``dual`` and their ``gap`` for the present Omega, summed over rows of weights."""
        train, targets = _design(problem), linear(problem).targets(problem.train.y)
        scale = self._scale(train.sizes)[train.device]
        alpha = np.zeros(targets.shape)
        for device, known in memory.items():
            alpha[train.rows(device)] = known
        losses = self.solver.loss.loss(_scores(train, state.W), targets)
        penalty = np.vdot(state.V, state.W) / 2  # (lambda / 2) tr(W^T Omega W), because W = Sigma V / lambda
        primal = float((scale @ losses).sum() + penalty)
        dual = float((scale @ self.solver.loss.dual(alpha, targets)).sum() - penalty)
        return {"primal": primal, "dual": dual, "gap": primal - dual}

    def _scale(self, sizes: IntArray) -> Array:
        return 1.0 / sizes if self.example_weight == "mean" else np.ones(len(sizes))

    def _state(self, V: Array, sigma: Array, rounds: int) -> MochaState:
        diagonal = np.diagonal(sigma, axis1=1, axis2=2)
        safety = (np.abs(sigma).sum(axis=2) / diagonal).max(axis=1)
        return MochaState(V=V, W=sigma @ V / self.penalty, sigma=sigma, safety=safety, rounds=rounds)


def linear(problem: Problem) -> LinearModel:
    """The problem's model, if it is one of rows of weights with margin losses.

    Raises:
        FedsimError: if it is not.
    """
    model = problem.model
    if not hasattr(model, "targets"):
        raise FedsimError(
            f"mocha trains linear models with margin losses, and {type(model).__name__} is none: "
            "take LinearSvm or LeastSquares"
        )
    return cast("LinearModel", model)


def _design(problem: Problem) -> Examples:
    """Training examples as the dual sees them: with the constant feature of a bias."""
    return design(linear(problem), problem.train)


def _scores(train: Examples, W: Array) -> Array:
    """Score of each example under each row of weights of its own device, (n, R)."""
    result = np.empty((len(train.X), len(W)))
    for block in train.blocks:
        result[block.rows] = train.of_block(block)[0] @ W[:, block.devices].transpose(1, 2, 0)
    return result


def _width(problem: Problem) -> int:
    """Numbers of a row of weights."""
    model = linear(problem)
    return model.features + model.bias
