"""A learner's part without its numbers: for runs that ask how long, and not how well."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedsim.learners.learner import Answers, Array, CentralLearner, DecentralisedLearner, Work
from fedsim.tasks.problem import Problem


@dataclass(frozen=True)
class _Costs:
    """What both families have: the costs are those of the learner that is rehearsed."""

    learner: Any

    @property
    def takes_partial_work(self) -> bool:
        """As the learner."""
        return bool(self.learner.takes_partial_work)

    @property
    def epochs(self) -> float:
        """As the learner."""
        return float(self.learner.epochs)

    def memory(self, problem: Problem, device: int) -> None:
        """Nothing."""

    def asked_steps(self, problem: Problem, device: int) -> int:
        """As the learner."""
        return int(self.learner.asked_steps(problem, device))

    def local(self, problem: Problem, work: Work) -> Answers:
        """Answers of no numbers."""
        count = len(work.devices)
        return Answers(
            devices=work.devices,
            sent=np.empty((count, 0)),
            memory=(None,) * count,
            examples=problem.sizes[work.devices].astype(np.float64),
        )

    def dispatches(self, problem: Problem, device: int, steps: int) -> int:
        """As the learner."""
        return int(self.learner.dispatches(problem, device, steps))

    def step_flops(self, problem: Problem, device: int) -> float:
        """As the learner."""
        return float(self.learner.step_flops(problem, device))

    def step_moved_bytes(self, problem: Problem, device: int) -> float:
        """As the learner."""
        return float(self.learner.step_moved_bytes(problem, device))

    def memory_bytes(self, problem: Problem, device: int) -> float:
        """As the learner."""
        return float(self.learner.memory_bytes(problem, device))

    def up_bytes(self, problem: Problem) -> int:
        """As the learner."""
        return int(self.learner.up_bytes(problem))

    def init(self, problem: Problem, rng: np.random.Generator) -> Array:
        """A state of no numbers."""
        del problem, rng
        return np.empty(0)


class CentralRehearsal(_Costs):
    """A central learner's part."""

    def __init__(self, learner: CentralLearner) -> None:
        super().__init__(learner)

    def broadcast(self, problem: Problem, state: Array, device: int) -> Array:
        """No numbers."""
        del problem, device
        return state

    def aggregate(self, problem: Problem, state: Array, answers: Answers) -> Array:
        """Nothing to combine."""
        del problem, answers
        return state

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """As the learner."""
        return float(self.learner.aggregate_flops(problem, answers))

    def down_bytes(self, problem: Problem) -> int:
        """As the learner."""
        return int(self.learner.down_bytes(problem))

    def models(self, problem: Problem, state: Array) -> Array:
        """Of no numbers: (m, 0)."""
        return np.broadcast_to(state, (problem.devices, 0))

    def measures(self, problem: Problem, state: Array, memory: Mapping[int, Any]) -> dict[str, float]:
        """None."""
        del problem, state, memory
        return {}


class GossipRehearsal(_Costs):
    """A decentralised learner's part."""

    def __init__(self, learner: DecentralisedLearner) -> None:
        super().__init__(learner)

    @property
    def overlaps(self) -> bool:
        """As the learner."""
        return bool(self.learner.overlaps)

    def mix(self, own: Array, computed: Array, received: Array, weights: Array) -> Array:
        """Nothing to mix."""
        del computed, received, weights
        return own

    def measures(self, problem: Problem, models: Array) -> dict[str, float]:
        """None."""
        del problem, models
        return {}
