"""Deferred, batched numerics among nodes: what they do is put on a tape, and played when somebody looks.

Neither when a node computes nor how long its messages take depends on the numbers in them. So all that a protocol
handles are things that are *due*: names of numbers that are there, or will come of a step on the tape. A step has the
level after the highest of what it needs, so that steps of one kind and level can be done in one call however far apart
in simulated time they were: nodes that each go at a pace of their own are computed together, round by round. This
changes no result, for every piece of work has its own random stream and a learner treats the nodes of a batch apart.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from fedsim.learners.exchange import Meeting, assemble
from fedsim.learners.learner import Array, DecentralisedLearner
from fedsim.learners.workbench import Job, stack
from fedsim.tasks.problem import Problem

_BATCH: Final = 128
"""Nodes of one call: more are hardly faster, and need more room for the messages of all their neighbours at once."""
_LONGEST: Final = 16
"""Steps per node after which a tape is played, though nobody looks."""


class Due:
    """Something that is there (level 0), or will come of a step of this level."""

    __slots__ = ("level", "value")

    def __init__(self, value: Any = None, level: int = 0) -> None:
        self.value = value
        self.level = level

    def come(self, value: Any) -> None:
        """Here it is."""
        self.value, self.level = value, 0


@dataclass(frozen=True, slots=True)
class Done:
    """A node's local work: what it computed, and will remember."""

    device: int
    sent: Due
    memory: Due


class Step(Protocol):
    """What a node does, with what, and the two things that come of it."""

    @property
    def needs(self) -> Sequence[Due]:
        """What must be there before."""

    @property
    def gives(self) -> tuple[Due, Due]:
        """The numbers, and what the node remembers."""


def _nothing_yet() -> tuple[Due, Due]:
    return Due(), Due()


@dataclass(slots=True, eq=False, kw_only=True)
class Labour:
    """Local work."""

    device: int
    own: Due
    memory: Due
    steps: int
    version: int
    luck: Callable[[], np.random.Generator]
    gives: tuple[Due, Due] = field(default_factory=_nothing_yet)

    @property
    def needs(self) -> Sequence[Due]:
        """See ``Step``."""
        return (self.own, self.memory)

    def job(self) -> Job:
        """Ready to be done."""
        return Job(
            device=self.device,
            received=self.own.value,
            memory=self.memory.value,
            steps=self.steps,
            version=self.version,
            luck=self.luck,
        )


@dataclass(slots=True, eq=False, kw_only=True)
class Offer:
    """What a node sends, from its state or from what it computed."""

    device: int
    numbers: Due
    memory: Due
    gives: tuple[Due, Due] = field(default_factory=_nothing_yet)

    @property
    def needs(self) -> Sequence[Due]:
        """See ``Step``."""
        return (self.numbers, self.memory)


@dataclass(slots=True, eq=False, kw_only=True)
class Mix:
    """The end of a node's round; see ``Meeting``."""

    device: int
    own: Due
    computed: Due
    offered: Due
    memory: Due
    received: Mapping[int, Due]
    weights: Mapping[int, float]
    gives: tuple[Due, Due] = field(default_factory=_nothing_yet)

    @property
    def needs(self) -> Sequence[Due]:
        """See ``Step``."""
        return (self.own, self.computed, self.offered, self.memory, *self.received.values())

    def meeting(self) -> Meeting:
        """Ready to be done."""
        return Meeting(
            device=self.device,
            own=self.own.value,
            computed=self.computed.value,
            offered=self.offered.value,
            memory=self.memory.value,
            received={sender: message.value for sender, message in self.received.items()},
            weights=self.weights,
        )


@dataclass(slots=True, eq=False, kw_only=True)
class Rebase:
    """Local work as if it had been done on another state; see ``PairwiseLearner``."""

    rebase: Callable[[Array, Array, Array], Array]
    started: Due
    computed: Due
    current: Due
    gives: tuple[Due, Due] = field(default_factory=_nothing_yet)

    @property
    def needs(self) -> Sequence[Due]:
        """See ``Step``."""
        return (self.started, self.computed, self.current)


@dataclass(slots=True, eq=False, kw_only=True)
class Recall:
    """What a node remembers of its local work, and of what it heard meanwhile; see ``NewsKeeper``."""

    remember: Callable[[Any, Any], Any]
    computed: Due
    current: Due
    gives: tuple[Due, Due] = field(default_factory=_nothing_yet)

    @property
    def needs(self) -> Sequence[Due]:
        """See ``Step``."""
        return (self.computed, self.current)


class Tape:
    """Steps of one learner's nodes that wait to be done together, at most ``batch`` nodes in one call."""

    def __init__(self, problem: Problem, learner: DecentralisedLearner, *, batch: int = _BATCH) -> None:
        self._problem = problem
        self._learner = learner
        self._batch = batch
        self._levels: dict[int, dict[type[Any], list[Any]]] = {}
        self._count = 0

    def put(self, step: Step) -> tuple[Due, Due]:
        """Put a step on the tape; what will come of it."""
        level = 1 + max([due.level for due in step.needs])
        numbers, memory = step.gives
        numbers.level = memory.level = level
        self._levels.setdefault(level, {}).setdefault(type(step), []).append(step)
        self._count += 1
        if self._count >= _LONGEST * self._problem.devices:
            self.play()
        return step.gives

    def play(self) -> None:
        """Do everything; then nothing is due any more that came of a step."""
        while self._levels:
            for kind, steps in self._levels.pop(min(self._levels)).items():
                do = self._doing[kind]
                for begin in range(0, len(steps), self._batch):
                    batch = steps[begin : begin + self._batch]
                    for step, numbers, memory in zip(batch, *do(self, batch), strict=True):
                        step.gives[0].come(numbers)
                        step.gives[1].come(memory)
        self._count = 0

    def _work(self, steps: list[Labour]) -> tuple[Iterable[Any], Iterable[Any]]:
        computed = self._learner.local(self._problem, stack([step.job() for step in steps]))
        return computed.sent, computed.memory

    def _offer(self, steps: list[Offer]) -> tuple[Iterable[Any], Iterable[Any]]:
        devices = np.array([step.device for step in steps], dtype=np.int64)
        numbers = np.array([step.numbers.value for step in steps])
        memory = tuple(step.memory.value for step in steps)
        offered = self._learner.outgoing(self._problem, devices, numbers, memory)
        return offered.messages, offered.memory

    def _mix(self, steps: list[Mix]) -> tuple[Iterable[Any], Iterable[Any]]:
        mixed = self._learner.mix(self._problem, assemble([step.meeting() for step in steps]))
        return mixed.states, mixed.memory

    def _rebase(self, steps: list[Rebase]) -> tuple[Iterable[Any], Iterable[Any]]:
        columns = zip(*[[due.value for due in step.needs] for step in steps], strict=True)
        rebased = steps[0].rebase(*map(np.array, columns))
        return rebased, [None] * len(steps)

    def _recall(self, steps: list[Recall]) -> tuple[Iterable[Any], Iterable[Any]]:
        remembered = [step.remember(*[due.value for due in step.needs]) for step in steps]
        return [None] * len(steps), remembered

    _doing: Final[Mapping[type[Any], Callable[..., tuple[Iterable[Any], Iterable[Any]]]]] = {
        Labour: _work,
        Offer: _offer,
        Mix: _mix,
        Rebase: _rebase,
        Recall: _recall,
    }
