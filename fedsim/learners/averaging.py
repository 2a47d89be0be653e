"""Plain averaging, without gradients."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.exchange import Exchange, Mixed, Offered
from fedsim.learners.learner import Computed, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.local_sgd import sent
from fedsim.learners.merit import AGREEMENT, Merits
from fedsim.learners.messages import Precision, check_precision, rounded, size_bytes
from fedsim.learners.peer_sgd import agreement
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.model import Model
from fedsim.tasks.problem import Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class Averaging:
    """Nodes start apart, and average: how fast an overlay agrees, without what learning adds.

    Under synchronous gossip X <- W X (Xiao and Boyd 2004); under asynchronous gossip random pairs average (Boyd, Ghosh,
    Prabhakar and Shah, "Randomized gossip algorithms", 2006). Each number of a node's model starts at the model's own
    start plus luck of variance ``spread`` squared, of its own for every node. Nothing is computed, so that a round
    takes as long as its messages.
    """

    merits: ClassVar[Merits] = AGREEMENT

    spread: float = 1.0
    """Standard deviation of the luck with which every number of a node's model starts; >= 0."""
    precision: Precision = "float32"
    """Kind of numbers that messages carry."""

    def __post_init__(self) -> None:
        check_precision(self.precision)
        if not 0 <= self.spread < np.inf:
            raise FedsimError(f"averaging: spread must be >= 0 and finite, got {self.spread!r}")

    @property
    def takes_partial_work(self) -> bool:
        """There is none."""
        return True

    @property
    def keeps_mean(self) -> bool:
        """Mixing by doubly stochastic weights keeps the mean of all models."""
        return True

    @property
    def overlaps(self) -> bool:
        """There is nothing to wait for."""
        return True

    @property
    def epochs(self) -> float:
        """None."""
        return 0.0

    def memory(self, problem: Problem, device: int) -> None:
        """Nothing is remembered."""
        del problem, device

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """Nothing."""
        del problem, device
        return LocalCost(steps=0, step_flops=0.0, step_moved_bytes=0.0, memory_bytes=0.0)

    def up_bytes(self, problem: Problem) -> int:
        """One model."""
        return size_bytes(problem.model.parameters, self.precision)

    def predictor(self, problem: Problem) -> Model:
        """The problem's own model."""
        return problem.model

    def init(self, problem: Problem, device: int, rng: np.random.Generator) -> Array:
        """(p,); the node's luck is 2^128 draws from that of the one before it."""
        start = problem.model.init(rng)
        bits: Any = rng.bit_generator
        return start + self.spread * np.random.Generator(bits.jumped(device + 1)).normal(size=len(start))

    def local(self, problem: Problem, work: Work) -> Computed:
        """The model as it is."""
        del problem
        return sent(work.received)

    def outgoing(self, problem: Problem, devices: IntArray, numbers: Array, memory: tuple[Any, ...]) -> Offered:
        """The model, rounded."""
        del problem, devices
        return Offered(messages=rounded(numbers, self.precision), memory=memory)

    def mix(self, problem: Problem, exchange: Exchange) -> Mixed:
        """See ``Exchange.pulls``."""
        del problem
        return Mixed(states=exchange.computed + exchange.pulls(), memory=exchange.memory)

    def rebase(self, started: Array, computed: Array, current: Array) -> Array:
        """Nothing was done."""
        del started, computed
        return current

    def models(self, problem: Problem, nodes: Array, memory: Mapping[int, Any]) -> Array:
        """Each node's own."""
        del problem, memory
        return nodes

    def measures(self, problem: Problem, nodes: Array, memory: Mapping[int, Any]) -> dict[str, float]:
        """See ``agreement``."""
        del memory
        return agreement(problem, nodes)
