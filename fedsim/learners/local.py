"""Every device alone: what learning together is compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from fedsim.learners.decay import Decay
from fedsim.learners.learner import Answers, Computed, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.local_sgd import sgd_cost
from fedsim.learners.merit import OBJECTIVE, Merits
from fedsim.tasks.arrays import Array
from fedsim.tasks.model import Model
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import mean_losses
from fedsim.tasks.sgd import Sgd, Trained
from fedsim.tasks.terms import Terms


@dataclass(frozen=True, kw_only=True, slots=True)
class Local:
    """A device trains its own model on its own examples, and goes on from there in its next round.

    Nothing is sent: messages have no numbers and no bytes, and a round costs computing alone. The server's part is to
    say whose turn it is. A device's start depends on its number alone; it keeps its velocity where there is momentum.
    """

    merits: ClassVar[Merits] = OBJECTIVE

    solver: Sgd = field(default_factory=Sgd)
    """How a device trains."""
    decay: Decay | None = None
    """How the solver's step size falls by the round; null keeps it."""

    @property
    def epochs(self) -> float:
        """The solver's."""
        return self.solver.epochs

    @property
    def takes_partial_work(self) -> bool:
        """Fewer steps are so much less training."""
        return True

    @property
    def takes_stale_answers(self) -> bool:
        """Nothing is combined."""
        return True

    @property
    def needs_everybody(self) -> bool:
        """Any cohort will do."""
        return False

    @property
    def sends(self) -> Literal["model", "change"]:
        """A model of no numbers."""
        return "model"

    def memory(self, problem: Problem, device: int) -> Trained:
        """The device's own start, at rest."""
        start = problem.model.init(np.random.default_rng([device]))
        return Trained(parameters=start, momentum=np.zeros_like(start))

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """Minibatches of all epochs, forward and backward, a dispatch for each."""
        return sgd_cost(self.solver, problem, device)

    def up_bytes(self, problem: Problem) -> int:
        """No message."""
        del problem
        return 0

    def down_bytes(self, problem: Problem) -> int:
        """No message."""
        del problem
        return 0

    def state_bytes(self, problem: Problem) -> int:
        """No message."""
        del problem
        return 0

    def init(self, problem: Problem, rng: np.random.Generator) -> Array:
        """No numbers: the server knows nothing."""
        del problem, rng
        return np.empty(0)

    def broadcast(self, problem: Problem, state: Array, device: int) -> Array:
        """No numbers."""
        del problem, device
        return state

    def local(self, problem: Problem, work: Work) -> Computed:
        """Train from where the device was."""
        trained = self.solver.run(
            problem.model,
            problem.train,
            start=np.stack([own.parameters for own in work.memory]),
            devices=work.devices,
            steps=work.steps,
            rngs=work.rngs,
            terms=Terms(
                momentum=np.stack([own.momentum for own in work.memory]),
                rates=None if self.decay is None else self.solver.step_size * self.decay.factors(work.versions),
            ),
        )
        memory = tuple(Trained(w, v) for w, v in zip(*trained, strict=True))
        return Computed(sent=np.empty((len(memory), 0)), memory=memory)

    def aggregate(self, problem: Problem, state: Array, answers: Answers) -> Array:
        """Nothing to combine."""
        del problem, answers
        return state

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """None."""
        del problem, answers
        return 0.0

    @property
    def merge_obstacle(self) -> str:
        """None."""
        return ""

    def merge(self, problem: Problem, base: Array, states: Sequence[Array], examples: Array) -> Array:
        """Nothing to merge."""
        del problem, states, examples
        return base

    def merge_flops(self, problem: Problem, states: int) -> float:
        """None."""
        return self.aggregate_flops(problem, states)

    def predictor(self, problem: Problem) -> Model:
        """The problem's own model."""
        return problem.model

    def models(self, problem: Problem, state: Array, memory: Mapping[int, Any]) -> Array:
        """Every device's own model, its start before its first round: (m, p)."""
        del state
        kept = [memory.get(device) or self.memory(problem, device) for device in range(problem.devices)]
        return np.stack([own.parameters for own in kept])

    def measures(self, problem: Problem, state: Array, memory: Mapping[int, Any]) -> dict[str, float]:
        """``objective``: training loss of all devices' own models, weighted by examples."""
        losses = mean_losses(problem.model, self.models(problem, state, memory), problem.train)
        return {"objective": float(problem.sizes @ losses / problem.sizes.sum())}
