"""Federated averaging with control variates."""

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
from fedsim.tasks.gradients import mean_gradients
from fedsim.tasks.problem import Problem
from fedsim.tasks.terms import Terms


class ScaffoldState(NamedTuple):
    """The server's model x and control c, (p,) each, and how many answers it has combined."""

    model: Array
    control: Array
    answers: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaffold(CentralSgd):
    """Karimireddy et al. 2020, Algorithm 1. Every device remembers a control c_k (p,), which begins at 0.

        y <- y - eta (g_k(y) - c_k + c / w_k)            J steps from y = x
        c_k+ = c_k - c / w_k + (x - y) / (J eta)         option II; option I is the whole local gradient at x
        x <- x + server_step_size mean (y - x)
        c <- c + 1/m sum w_k (c_k+ - c_k)                m: all that may be trained on

    J is the number of steps really done, and eta the step size of this round. w_k is n_k m / n, or 1 where devices
    weigh equally, as in the code of Acar et al. 2021, so that c is the gradient of the objective. Down go x and c,
    up y - x and c_k+ - c_k: a device keeps what it sent, as rounded, so that c stays the mean of w_k c_k.
    """

    option: Literal["I", "II"] = "II"
    """How a device renews its control: by its whole local gradient (I), or by the way that it went (II)."""
    server_step_size: float = 1.0
    """What the mean of the changes is multiplied by; > 0."""

    def __post_init__(self) -> None:
        CentralSgd.__post_init__(self)
        if self.option not in {"I", "II"}:
            raise FedsimError(f"scaffold: option must be 'I' or 'II', got {self.option!r}")
        if not 0 < self.server_step_size < np.inf:
            raise FedsimError(f"scaffold: server_step_size must be > 0 and finite, got {self.server_step_size!r}")
        if self.option == "II" and self.solver.momentum:
            raise FedsimError("scaffold: option II reads the mean gradient from J plain steps; momentum needs option I")

    @property
    def takes_partial_work(self) -> bool:
        """Controls count the steps that were done."""
        return True

    @property
    def sends(self) -> Literal["model", "change"]:
        """Changes of model and control."""
        return "change"

    def memory(self, problem: Problem, device: int) -> Array:
        """The device's control, (p,)."""
        del device
        return np.zeros(problem.model.parameters)

    def init(self, problem: Problem, rng: np.random.Generator) -> ScaffoldState:
        """The model's own start."""
        start = problem.model.init(rng)
        return ScaffoldState(model=start, control=np.zeros_like(start), answers=0)

    @same_for_all
    def broadcast(self, problem: Problem, state: ScaffoldState, device: int) -> Array:
        """Model and control: (2, p)."""
        del problem, device
        return rounded(np.stack([state.model, state.control]), self.precision)

    def local(self, problem: Problem, work: Work) -> Computed:
        """Train with the controls; what is sent is (b, 2, p)."""
        x, own = work.received[:, 0], np.stack(work.memory)
        shared = work.received[:, 1] / self.relative(problem, work.devices)[:, None]
        asked = replace(work, received=x)
        y = self.train(problem, asked, Terms(linear=shared - own)).parameters
        change = self._control(problem, asked, y, shared - own)
        answer = rounded(np.stack([y - x, change], axis=1), self.precision)
        return Computed(sent=answer, memory=self.remembered(problem, work, answer))

    def remembered(self, problem: Problem, work: Work, sent: Array) -> tuple[Array, ...]:
        """Their controls, changed by what was read."""
        del problem
        return tuple(np.stack(work.memory) + sent[:, 1])

    def aggregate_read(self, problem: Problem, state: ScaffoldState, answers: Answers, message: Array) -> ScaffoldState:
        """Answers are changes, whatever they are changes of."""
        del message
        return self.aggregate(problem, state, answers)

    def _control(self, problem: Problem, work: Work, y: Array, correction: Array) -> Array:
        """How much each device's control changes, (b, p)."""
        x = work.received
        if self.option == "I":
            change: Array = mean_gradients(problem.model, x, problem.train, work.devices) - np.stack(work.memory)
            return change
        length = work.steps * self.step_sizes(work)
        changed = (x - y) / np.where(length, length, 1.0)[:, None] - correction - np.stack(work.memory)
        return np.asarray(np.where(work.steps[:, None] > 0, changed, 0.0))

    def aggregate(self, problem: Problem, state: ScaffoldState, answers: Answers) -> ScaffoldState:
        """The model moves by the mean change, the control by the changes of all devices' controls."""
        moved = answers.sent[:, 0].mean(axis=0)
        turned = self.relative(problem, answers.devices) @ answers.sent[:, 1] / len(problem.trained)
        return ScaffoldState(
            model=state.model + self.server_step_size * moved,
            control=state.control + turned,
            answers=state.answers + len(answers.devices),
        )

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """Descent with a linear term, and the controls; option I passes once more over all examples."""
        cost = with_terms(sgd_cost(self.solver, problem, device), problem, flops=1, vectors=1)
        vectors = replace(cost, begin_flops=7.0 * problem.model.parameters)
        if self.option == "II":
            return vectors
        plain, calls = sgd_cost(self.solver, problem, device), cost.steps // self.solver.epochs
        passes = (problem.model.forward_flops + problem.model.backward_flops) * int(problem.sizes[device])
        return replace(
            vectors,
            begin_flops=vectors.begin_flops + passes,
            begin_moved_bytes=calls * plain.step_moved_bytes,
            begin_dispatches=calls,
        )

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """A multiplication and an addition per number and answer."""
        return 4.0 * answers * problem.model.parameters

    def up_bytes(self, problem: Problem) -> int:
        """Two models' worth."""
        return size_bytes(2 * problem.model.parameters, self.precision)

    def down_bytes(self, problem: Problem) -> int:
        """Two models' worth."""
        return size_bytes(2 * problem.model.parameters, self.precision)

    def models(self, problem: Problem, state: ScaffoldState, memory: Mapping[int, Any]) -> Array:
        """Every device uses the global model as it would receive it."""
        del memory
        return np.broadcast_to(rounded(state.model, self.precision), (problem.devices, len(state.model)))

    def measures(self, problem: Problem, state: ScaffoldState, memory: Mapping[int, Any]) -> dict[str, float]:
        """``objective``: training loss of the global model."""
        del memory
        return {"objective": self.objective(problem, state.model)}

    def merge(
        self, problem: Problem, base: ScaffoldState, states: Sequence[ScaffoldState], examples: Array
    ) -> ScaffoldState:
        """Models by the answers in them, and every edge's change of the control."""
        del problem, examples
        answers = np.array([state.answers - base.answers for state in states])
        model = answers / answers.sum() @ rounded(np.stack([state.model for state in states]), self.precision)
        controls = rounded(np.stack([state.control for state in states]), self.precision)
        turned = (controls - base.control).sum(axis=0)
        return ScaffoldState(model, base.control + turned, base.answers + int(answers.sum()))

    def merge_flops(self, problem: Problem, states: int) -> float:
        """Two operations per number and state."""
        return 4.0 * states * problem.model.parameters

    def state_bytes(self, problem: Problem) -> int:
        """Model and control."""
        return size_bytes(2 * problem.model.parameters, self.precision)
