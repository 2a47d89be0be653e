"""A learner's part without its numbers: for runs that ask how long, and not how well."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from fedsim.learners.exchange import Exchange, Mixed, Offered
from fedsim.learners.learner import (
    Answers,
    Array,
    CatchUp,
    CentralLearner,
    Computed,
    DecentralisedLearner,
    IntArray,
    Work,
)
from fedsim.learners.local_cost import LocalCost
from fedsim.tasks.model import Predictor
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

    def local(self, problem: Problem, work: Work) -> Computed:
        """Answers of no numbers."""
        del problem
        count = len(work.devices)
        return Computed(sent=np.empty((count, 0)), memory=(None,) * count)

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """As the learner."""
        cost: LocalCost = self.learner.local_cost(problem, device)
        return cost

    def predictor(self, problem: Problem) -> Predictor:
        """As the learner: to ask a mixture costs more than to ask one model."""
        predictor: Predictor = self.learner.predictor(problem)
        return predictor

    def up_bytes(self, problem: Problem) -> int:
        """As the learner."""
        return int(self.learner.up_bytes(problem))


class CentralRehearsal(_Costs):
    """A central learner's part."""

    def __init__(self, learner: CentralLearner) -> None:
        super().__init__(learner)

    @property
    def takes_stale_answers(self) -> bool:
        """As the learner."""
        return bool(self.learner.takes_stale_answers)

    @property
    def needs_everybody(self) -> bool:
        """As the learner."""
        return bool(self.learner.needs_everybody)

    @property
    def sends(self) -> Literal["model", "change"]:
        """Nothing of these."""
        return "model"

    def init(self, problem: Problem, rng: np.random.Generator) -> Array:
        """A state of no numbers."""
        del problem, rng
        return np.empty(0)

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

    @property
    def merge_obstacle(self) -> str:
        """As the learner."""
        return str(self.learner.merge_obstacle)

    def merge(self, problem: Problem, base: Array, states: Sequence[Array], examples: Array) -> Array:
        """Nothing to merge."""
        del problem, states, examples
        return base

    def merge_flops(self, problem: Problem, states: int) -> float:
        """As the learner."""
        return float(self.learner.merge_flops(problem, states))

    def state_bytes(self, problem: Problem) -> int:
        """As the learner."""
        return int(self.learner.state_bytes(problem))

    def down_bytes(self, problem: Problem) -> int:
        """As the learner."""
        return int(self.learner.down_bytes(problem))

    @cached_property
    def catch_up_bytes(self) -> Callable[[Problem, int], int]:
        """As the learner."""
        return self.learner.catch_up_bytes if isinstance(self.learner, CatchUp) else self._whole_bytes

    def _whole_bytes(self, problem: Problem, codes: int) -> int:
        del codes
        return self.down_bytes(problem)

    def models(self, problem: Problem, state: Array, memory: Mapping[int, Any]) -> Array:
        """Of no numbers: (m, 0)."""
        del memory
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

    @property
    def needs_mutual_neighbours(self) -> bool:
        """As the learner."""
        return bool(getattr(self.learner, "needs_mutual_neighbours", False))

    def init(self, problem: Problem, device: int, rng: np.random.Generator) -> Array:
        """A state of no numbers."""
        del problem, device, rng
        return np.empty(0)

    def outgoing(self, problem: Problem, devices: IntArray, numbers: Array, memory: tuple[Any, ...]) -> Offered:
        """No numbers."""
        del problem, devices
        return Offered(messages=numbers, memory=memory)

    def catch_up_bytes(self, problem: Problem, codes: int) -> int:
        """As the learner."""
        if isinstance(self.learner, CatchUp):
            return self.learner.catch_up_bytes(problem, codes)
        return self.up_bytes(problem)

    def rebase(self, started: Array, computed: Array, current: Array) -> Array:
        """Nothing was done."""
        del started, computed
        return current

    def mix(self, problem: Problem, exchange: Exchange) -> Mixed:
        """Nothing to mix."""
        del problem
        return Mixed(states=exchange.own, memory=exchange.memory)

    def models(self, problem: Problem, nodes: Array, memory: Mapping[int, Any]) -> Array:
        """Of no numbers: (m, 0)."""
        del problem, memory
        return nodes

    def measures(self, problem: Problem, nodes: Array, memory: Mapping[int, Any]) -> dict[str, float]:
        """None."""
        del problem, nodes, memory
        return {}
