"""What a learner is: pure numerics between messages, with no clock and no await.

Two families. A *central* learner has a server state, what the server sends down, what devices compute from
it, and how the server combines their answers. A *decentralised* learner has one model per node, what a node
computes from its own model, what it sends to its neighbours, and how it mixes what it got from them. Local
work is always done for a *batch of devices*: the leading axis of every array is the device.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fedsim.tasks.problem import Problem

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Work:
    """Local work of b devices; entry i of every field belongs to ``devices[i]``.

    ``steps`` is what each device is *granted*: a device with a deadline or an empty battery gets fewer than
    ``asked_steps``. ``rngs`` are private to (run, device, round), so that a result does not depend on which
    devices happen to be computed together.
    """

    devices: IntArray  # (b,)
    received: Array  # (b, *shape of a message)
    memory: tuple[Any, ...]  # (b,) what each device kept from last time, None where the learner keeps nothing
    steps: IntArray  # (b,)
    rngs: tuple[np.random.Generator, ...]  # (b,)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What k devices computed; entry i of every field belongs to ``devices[i]``.

    ``memory`` is what the device will remember *if the server takes its answer*: the protocol commits it
    then, and only then, so that a lost upload leaves both sides as they were.
    """

    devices: IntArray  # (k,)
    sent: Array  # (k, *shape of a message)
    memory: tuple[Any, ...]  # (k,)
    examples: Array  # (k,) training examples behind each answer


class LocalLearner(Protocol):
    """What both families share: the work of a device."""

    @property
    def takes_partial_work(self) -> bool:
        """Whether an answer from fewer steps than asked is worth sending."""

    @property
    def epochs(self) -> float:
        """Passes over a device's own examples in a full round's work."""

    def memory(self, problem: Problem, device: int) -> Any:
        """What the device remembers before its first round."""

    def asked_steps(self, problem: Problem, device: int) -> int:
        """Local steps of a full round's work on this device."""

    def local(self, problem: Problem, work: Work) -> Answers:
        """Do the granted steps of every device in the batch."""

    def dispatches(self, problem: Problem, device: int, steps: int) -> int:
        """Calls of the training library that so many steps take; each costs the device's fixed overhead."""

    def step_flops(self, problem: Problem, device: int) -> float:
        """Floating-point operations of one local step on this device."""

    def step_moved_bytes(self, problem: Problem, device: int) -> float:
        """Bytes that one local step on this device moves through its memory."""

    def memory_bytes(self, problem: Problem, device: int) -> float:
        """Bytes that local work on this device holds in memory: model, gradient, solver's state and batch."""

    def up_bytes(self, problem: Problem) -> int:
        """Bytes of the message that carries one device's answer."""


class CentralLearner(LocalLearner, Protocol):
    """A learner with a server."""

    def init(self, problem: Problem, rng: np.random.Generator) -> Any:
        """Server state before the first round."""

    def broadcast(self, problem: Problem, state: Any, device: int) -> Array:
        """What the server sends to this device."""

    def aggregate(self, problem: Problem, state: Any, answers: Answers) -> Any:
        """Server state after the round in which these answers arrived (at least one; sorted by device)."""

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """Floating-point operations of ``aggregate`` for so many answers."""

    def down_bytes(self, problem: Problem) -> int:
        """Bytes of the message from server to one device."""

    def models(self, problem: Problem, state: Any) -> Array:
        """Parameters that each device would use now: (m, p)."""

    def measures(self, problem: Problem, state: Any, memory: Mapping[int, Any]) -> dict[str, float]:
        """The learner's own figures of merit, such as its objective; ``memory`` is what devices committed."""


class DecentralisedLearner(LocalLearner, Protocol):
    """A learner without a server: a state is one node's model (p,)."""

    @property
    def overlaps(self) -> bool:
        """Whether a node sends its model from before its local work, and so computes while it sends."""

    def init(self, problem: Problem, rng: np.random.Generator) -> Array:
        """A node's model before its first round; the same generator gives every node the same start."""

    def mix(self, own: Array, computed: Array, received: Array, weights: Array) -> Array:
        """A node's next model.

        own: (p,) its model before the round    computed: (p,) the same after its local work
        received: (k, p) what its neighbours sent    weights: (k + 1,) own weight first; they sum to 1
        """

    def measures(self, problem: Problem, models: Array) -> dict[str, float]:
        """The learner's own figures of merit from all nodes' models (m, p)."""
