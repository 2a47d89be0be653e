"""Mini-batch stochastic subgradient descent on the primal of related tasks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.learner import Answers, Computed, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.margins import check_loss, linear, training_rows, width
from fedsim.learners.merit import PRIMAL, Merits
from fedsim.learners.messages import size_bytes
from fedsim.learners.related import RelatedTasks, flat
from fedsim.tasks.arrays import Array
from fedsim.tasks.losses import DualLoss, Hinge
from fedsim.tasks.problem import Problem


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class PrimalState:
    """What the server holds, for each of R rows of weights."""

    W: Array  # (R, m, d)
    sigma: Array  # (R, m, m) relations between tasks
    omega: Array  # (R, m, m) their inverses
    rounds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MbSgd(RelatedTasks):
    """Mb-SGD as in Smith et al. 2017, section 5; Shalev-Shwartz et al. 2011, "Pegasos", section 2.2.

    A device sends G_t = (c_t n_t / b_t) sum over b_t of its examples of the loss's subgradient at w_t, so that its mean
    is the gradient; in round h the server does W <- W - eta_h (lambda Omega W + G), with G_t = 0 for who is absent.
    eta_h is ``step_size`` / (lambda h) ("pegasos") or ``step_size`` / h ("inverse"). With ``project`` each w_t is drawn
    back to the ball of radius 1 / sqrt(lambda). Numbers travel in float64.
    """

    merits: ClassVar[Merits] = PRIMAL

    batch_share: float = 0.1
    """Share of its examples that a device takes in a round; above 0 and at most 1."""
    loss: DualLoss = field(default_factory=Hinge)
    """Loss of a margin."""
    step_size: float = 1.0
    """Step size before the schedule; > 0."""
    schedule: Literal["pegasos", "inverse"] = "pegasos"
    """Step size of round h: step_size / (lambda h) (pegasos), or step_size / h (inverse)."""
    project: bool = False
    """Whether each model is drawn back to the ball of radius 1 / sqrt(lambda)."""

    def __post_init__(self) -> None:
        RelatedTasks.__post_init__(self)
        if not 0 < self.batch_share <= 1:
            raise FedsimError(f"mb-sgd: batch_share must be > 0 and <= 1, got {self.batch_share!r}")
        if not 0 < self.step_size < np.inf:
            raise FedsimError(f"mb-sgd: step_size must be > 0 and finite, got {self.step_size!r}")
        if self.schedule not in {"pegasos", "inverse"}:
            raise FedsimError(f"mb-sgd: schedule must be 'pegasos' or 'inverse', got {self.schedule!r}")

    @property
    def takes_partial_work(self) -> bool:
        """A smaller batch is a batch: its mean is the same."""
        return True

    @property
    def takes_stale_answers(self) -> bool:
        """The step size falls by the round, and a late subgradient would have the step of another."""
        return False

    @property
    def sends(self) -> Literal["change"]:
        """A subgradient."""
        return "change"

    @property
    def epochs(self) -> float:
        """The share of its examples that a device looks at."""
        return self.batch_share

    def init(self, problem: Problem, rng: np.random.Generator) -> PrimalState:
        """W = 0 and the regulariser's first Sigma; nothing is drawn.

        Raises:
            FedsimError: if the model, the loss or the relation are not for this learner.
        """
        del rng
        check_loss(problem, self.loss)
        rows = linear(problem).rows
        sigma = np.stack([self.regulariser.start(problem.devices)] * rows)
        return PrimalState(
            W=np.zeros((rows, problem.devices, width(problem))), sigma=sigma, omega=_inverse(sigma), rounds=0
        )

    def memory(self, problem: Problem, device: int) -> None:
        """Nothing is remembered."""
        del problem, device

    def broadcast(self, problem: Problem, state: PrimalState, device: int) -> Array:
        """w_t for each row of weights: (R, d)."""
        del problem
        return state.W[:, device]

    def local(self, problem: Problem, work: Work) -> Computed:
        """The subgradient over a batch drawn without replacement; 0 for a device that is granted no step."""
        rows, model, scale = training_rows(problem), linear(problem), self.scale(problem.sizes[work.devices])
        sent = np.zeros_like(work.received)
        for i, (device, steps) in enumerate(zip(work.devices.tolist(), work.steps.tolist(), strict=True)):
            if not steps:
                continue
            size = int(problem.sizes[device])
            place = rows.offsets[device] + work.rngs[i].permutation(size)[:steps]
            x, t = rows.X[place], model.targets(rows.y[place])
            sent[i] = scale[i] * size / len(place) * self.loss.slope(x @ work.received[i].T, t).T @ x
        return Computed(sent=sent, memory=(None,) * len(sent))

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """A margin and a step of the subgradient for each example of the batch and row of weights, in one dispatch."""
        rows, features, examples = linear(problem).rows, width(problem), int(problem.sizes[device])
        batch = max(1, round(self.batch_share * examples))
        return LocalCost(
            steps=batch,
            step_flops=4.0 * features * rows,
            step_moved_bytes=8.0 * (features + 2 * rows * features),
            memory_bytes=8.0 * (2 * rows * features + batch * features),
            steps_per_dispatch=batch,
        )

    def aggregate(self, problem: Problem, state: PrimalState, answers: Answers) -> PrimalState:
        """One step down; after every ``omega_every`` rounds update Sigma."""
        del problem
        rounds = state.rounds + 1
        G = self.penalty * state.omega @ state.W
        np.add.at(G.swapaxes(0, 1), answers.devices, answers.sent)
        rate = self.step_size / (rounds * (self.penalty if self.schedule == "pegasos" else 1.0))
        W = self._projected(state.W - rate * G)
        if rounds % self.omega_every:
            return PrimalState(W=W, sigma=state.sigma, omega=state.omega, rounds=rounds)
        sigma = self.new_relations(state.sigma, W)
        return PrimalState(W=W, sigma=sigma, omega=_inverse(sigma), rounds=rounds)

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """Omega W, the step, and the cost of a new Sigma and Omega spread over the rounds between them."""
        rows, tasks, features = linear(problem).rows, problem.devices, width(problem)
        stepping = 2.0 * tasks**2 * features + (3.0 * tasks + answers) * features
        return rows * (stepping + (self.regulariser.update_flops(tasks, features) + 2.0 * tasks**3) / self.omega_every)

    def down_bytes(self, problem: Problem) -> int:
        """w_t for each row of weights."""
        return size_bytes(linear(problem).rows * width(problem), "float64")

    def up_bytes(self, problem: Problem) -> int:
        """G_t for each row of weights."""
        return self.down_bytes(problem)

    def models(self, problem: Problem, state: PrimalState, memory: Mapping[int, Any]) -> Array:
        """Each device's own rows of weights, (m, R * d)."""
        del problem, memory
        return flat(state.W)

    def measures(self, problem: Problem, state: PrimalState, memory: Mapping[int, Any]) -> dict[str, float]:
        """``primal`` for the present Omega, summed over rows of weights."""
        del memory
        penalty = self.penalty / 2 * np.vdot(state.W, state.omega @ state.W)
        return {"primal": float(self.mean_loss(problem, self.loss, state.W) + penalty)}

    def _projected(self, W: Array) -> Array:
        if not self.project:
            return W
        radius = 1.0 / np.sqrt(self.penalty)
        norm = np.sqrt(np.square(W).sum(axis=2, keepdims=True))
        return np.asarray(W * (radius / np.maximum(norm, radius)))


def _inverse(sigma: Array) -> Array:
    try:
        return np.asarray(np.linalg.inv(sigma))
    except np.linalg.LinAlgError:
        raise FedsimError("mb-sgd: this relation between tasks has no inverse: a dual learner is needed") from None
