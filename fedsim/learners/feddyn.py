"""Federated learning with dynamic regularisation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.central_sgd import CentralSgd
from fedsim.learners.learner import Answers, Computed, Work, same_for_all
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.local_sgd import sgd_cost, with_terms
from fedsim.learners.messages import rounded, size_bytes
from fedsim.tasks.arrays import Array
from fedsim.tasks.problem import Problem
from fedsim.tasks.terms import Terms

Scored = Literal["active", "all", "server"]


class FedDynState(NamedTuple):
    """The server's theta and h, the mean of the models that last arrived, and the start of all: (p,) each.

    ``answers`` counts those combined.
    """

    theta: Array
    h: Array
    active: Array
    start: Array
    answers: int


class FedDynMemory(NamedTuple):
    """A device's gradient memory g_k, and its last model, None before the first: (p,) each."""

    gradient: Array
    model: Array | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FedDyn(CentralSgd):
    """Acar et al. 2021, Algorithm 1. Every device remembers a gradient g_k (p,), which begins at 0.

        theta_k ~ argmin F_k(x) - <g_k, x> + alpha_k / 2 |x - theta|^2     by descent from theta
        g_k <- g_k - alpha_k (theta_k - theta)
        h <- h - alpha/m sum (theta_k - theta)            m: all that may be trained on
        theta <- mean theta_k - h / alpha

    alpha_k is alpha / w_k with w_k = n_k m / n, or alpha where devices weigh equally, as in the authors' code. Then h
    stays the mean of w_k g_k: both sides compute with what was really sent.

    ``scored`` says which model the devices are credited with: the mean of the models that arrived in the last round
    ("active", that of the paper's Theorem 1), the mean of every device's last model, which is the start for those that
    never answered ("all", that of the authors' plots), or the server's theta.
    """

    alpha: float = 0.01
    """Strength of the dynamic regulariser; > 0."""
    scored: Scored = "active"
    """Whose model devices are credited with: the mean of those that last answered (active), of every device's last
    model (all), or the server's."""

    def __post_init__(self) -> None:
        CentralSgd.__post_init__(self)
        if not 0 < self.alpha < np.inf:
            raise FedsimError(f"feddyn: alpha must be > 0 and finite, got {self.alpha!r}")
        if self.scored not in {"active", "all", "server"}:
            raise FedsimError(f"feddyn: scored must be 'active', 'all' or 'server', got {self.scored!r}")

    @property
    def takes_partial_work(self) -> bool:
        """The minimum is only approached in any case."""
        return True

    def memory(self, problem: Problem, device: int) -> FedDynMemory:
        """No gradient yet."""
        del device
        return FedDynMemory(gradient=np.zeros(problem.model.parameters), model=None)

    def init(self, problem: Problem, rng: np.random.Generator) -> FedDynState:
        """The model's own start."""
        start = problem.model.init(rng)
        return FedDynState(theta=start, h=np.zeros_like(start), active=start, start=start, answers=0)

    @same_for_all
    def broadcast(self, problem: Problem, state: FedDynState, device: int) -> Array:
        """Theta, the same for all."""
        del problem, device
        return rounded(state.theta, self.precision)

    def local(self, problem: Problem, work: Work) -> Computed:
        """Train; what is sent is the trained model."""
        own = np.stack([kept.gradient for kept in work.memory])
        alpha = self.alpha / self.relative(problem, work.devices)
        trained = self.train(problem, work, Terms(linear=-own, proximal=alpha)).parameters
        models = rounded(trained, self.precision)
        return Computed(sent=models, memory=self.remembered(problem, work, models))

    def remembered(self, problem: Problem, work: Work, sent: Array) -> tuple[FedDynMemory, ...]:
        """Their gradients, by how far the models that were read have moved, and these models."""
        alpha = self.alpha / self.relative(problem, work.devices)
        own = np.stack([kept.gradient for kept in work.memory])
        gradients = own - alpha[:, None] * (sent - work.received)
        return tuple(FedDynMemory(gradient, model) for gradient, model in zip(gradients, sent, strict=True))

    def aggregate(self, problem: Problem, state: FedDynState, answers: Answers) -> FedDynState:
        """Theta is the mean of what arrived, less what h says is missing from it."""
        return self.aggregate_read(problem, state, answers, rounded(state.theta, self.precision))

    def aggregate_read(self, problem: Problem, state: FedDynState, answers: Answers, message: Array) -> FedDynState:
        """The same, of models that have moved from this theta."""
        moved = (answers.sent - message).sum(axis=0)
        h = state.h - self.alpha / len(problem.trained) * moved
        active = answers.sent.mean(axis=0)
        answered = state.answers + len(answers.devices)
        return state._replace(theta=active - h / self.alpha, h=h, active=active, answers=answered)

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """FedAvg's, 4 operations for each parameter and step, and 3 for the gradient memory."""
        cost = with_terms(sgd_cost(self.solver, problem, device), problem, flops=4, vectors=2)
        return replace(cost, begin_flops=3.0 * problem.model.parameters)

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """Three operations per parameter and answer, and five for h and theta."""
        return (3.0 * answers + 5.0) * problem.model.parameters

    def models(self, problem: Problem, state: FedDynState, memory: Mapping[int, Any]) -> Array:
        """Every device is credited with the model that is scored, as it would receive it."""
        received = rounded(self._scored(problem, state, memory), self.precision)
        return np.broadcast_to(received, (problem.devices, len(received)))

    def measures(self, problem: Problem, state: FedDynState, memory: Mapping[int, Any]) -> dict[str, float]:
        """``objective``: training loss of the model that is scored."""
        return {"objective": self.objective(problem, self._scored(problem, state, memory))}

    def _scored(self, problem: Problem, state: FedDynState, memory: Mapping[int, FedDynMemory]) -> Array:
        if self.scored != "all":
            return state.theta if self.scored == "server" else state.active
        last = [kept.model for _, kept in sorted(memory.items()) if kept.model is not None]
        missing = (len(problem.trained) - len(last)) * state.start
        return np.asarray(np.sum([missing, *last], axis=0) / len(problem.trained))

    def merge(self, problem: Problem, base: FedDynState, states: Sequence[FedDynState], examples: Array) -> FedDynState:
        """Means by the answers in them, and every edge's change of h."""
        del problem, examples
        answers = np.array([state.answers - base.answers for state in states])
        active = answers / answers.sum() @ rounded(np.stack([state.active for state in states]), self.precision)
        changes = rounded(np.stack([state.h for state in states]), self.precision) - base.h
        h = base.h + changes.sum(axis=0)
        answered = base.answers + int(answers.sum())
        return base._replace(theta=active - h / self.alpha, h=h, active=active, answers=answered)

    def merge_flops(self, problem: Problem, states: int) -> float:
        """Two operations per number and state, and two for theta."""
        return (4.0 * states + 2.0) * problem.model.parameters

    def state_bytes(self, problem: Problem) -> int:
        """The active mean and h, from which theta follows."""
        return size_bytes(2 * problem.model.parameters, self.precision)
