"""Any central learner with coded messages: what arrives is what the code carries, and its bytes are charged.

Up goes the code of a *change*: an answer that is a model is coded as its difference from what the device received,
and the server, which knows what it sent, adds it up again. Down goes the code of the message itself: a device that was
not in the last round has nothing to which a change could be added.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.codecs import Codec
from fedsim.learners.learner import Answers, CentralLearner, Computed, MergingLearner, MirroringLearner, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.tasks.arrays import Array
from fedsim.tasks.model import Predictor
from fedsim.tasks.problem import Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class Compression:
    """Codecs for messages up and down; None sends numbers as they are."""

    up: Codec | None = None
    """How changes on their way to the server are coded; null sends numbers as they are."""
    down: Codec | None = None
    """How models on their way to devices are coded, float16 or qsgd; null sends numbers as they are."""

    def __post_init__(self) -> None:
        if self.down is not None and not self.down.is_dense:
            raise FedsimError("down: a model goes down, not parts of a change: take float16 or qsgd")

    def of(self, learner: CentralLearner) -> CentralLearner:
        """The learner with these codecs; itself if there are none."""
        if self.up is None and self.down is None:
            return learner
        if isinstance(learner, MergingLearner):
            return MergingCompressed(learner=learner, codecs=self)
        return Compressed(learner=learner, codecs=self)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CodedState:
    """A server's state, how often it has changed, and the luck of what is sent down."""

    inner: Any
    version: int
    seed: int

    def rng(self) -> np.random.Generator:
        """The luck of the present version's messages."""
        return np.random.Generator(np.random.Philox(key=self.seed, counter=[0, 0, self.version, 0]))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Kept:
    """What a device remembers, and what it has not sent: the shape of a message, None for nothing yet."""

    inner: Any
    rest: Array | None = None


class _Inner(Mapping[int, Any]):
    """Memories as the learner itself knows them."""

    def __init__(self, memory: Mapping[int, Kept]) -> None:
        self._memory = memory

    def __getitem__(self, device: int) -> Any:
        return self._memory[device].inner

    def __iter__(self) -> Iterator[int]:
        return iter(self._memory)

    def __len__(self) -> int:
        return len(self._memory)


@dataclass(frozen=True, kw_only=True)
class Compressed:
    """A learner whose messages are coded; all else is its own."""

    learner: CentralLearner
    codecs: Compression = field(default_factory=Compression)

    @property
    def takes_partial_work(self) -> bool:
        """As the learner."""
        return self.learner.takes_partial_work

    @property
    def takes_stale_answers(self) -> bool:
        """As the learner: the server knows what each answer is a change of."""
        return self.learner.takes_stale_answers

    @property
    def needs_everybody(self) -> bool:
        """As the learner."""
        return self.learner.needs_everybody

    @property
    def sends(self) -> Literal["model", "change"]:
        """As the learner, once it is decoded."""
        return self.learner.sends

    @property
    def epochs(self) -> float:
        """As the learner."""
        return self.learner.epochs

    def memory(self, problem: Problem, device: int) -> Kept:
        """The learner's, and nothing unsent."""
        return Kept(inner=self.learner.memory(problem, device))

    def init(self, problem: Problem, rng: np.random.Generator) -> CodedState:
        """The learner's, with luck of its own for codes."""
        seed = int(apart(rng).integers(2**63))
        return CodedState(inner=self.learner.init(problem, rng), version=0, seed=seed)

    def broadcast(self, problem: Problem, state: CodedState, device: int) -> Array:
        """What the device reads."""
        message = self.learner.broadcast(problem, state.inner, device)
        down = self.codecs.down
        return message if down is None else down.carried(message.ravel(), state.rng()).reshape(message.shape)

    def local(self, problem: Problem, work: Work) -> Computed:
        """The learner's local work, and what the server reads of it."""
        up = self.codecs.up
        kept: Sequence[Kept] = work.memory
        lucks = [] if up is None else [apart(rng) for rng in work.rngs]
        asked = replace(work, memory=tuple(one.inner for one in kept))
        computed = self.learner.local(problem, asked)
        if up is None:
            return replace(computed, memory=tuple(Kept(inner=inner) for inner in computed.memory))
        self._check_size(problem, computed.sent)
        sent, rests = np.empty(computed.sent.shape), []
        for i, (one, luck) in enumerate(zip(kept, lucks, strict=True)):
            base = work.received[i] if self.sends == "model" else np.zeros(sent.shape[1:])
            change = computed.sent[i] - base
            if one.rest is not None:
                change = change + one.rest
            carried = up.carried(change.ravel(), luck).reshape(change.shape)
            sent[i] = base + carried
            rests.append(change - carried if up.keeps_rest else None)
        inner = computed.memory
        if isinstance(self.learner, MirroringLearner):
            inner = self.learner.remembered(problem, asked, sent)
        memory = tuple(Kept(inner=own, rest=rest) for own, rest in zip(inner, rests, strict=True))
        return Computed(sent=sent, memory=memory, steps=computed.steps)

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """The learner's, and the operations of coding the answer."""
        cost, up = self.learner.local_cost(problem, device), self.codecs.up
        if up is None:
            return cost
        return replace(cost, begin_flops=cost.begin_flops + up.flops_per_number * self._up_numbers(problem))

    def up_bytes(self, problem: Problem) -> int:
        """Of the code."""
        up = self.codecs.up
        return self.learner.up_bytes(problem) if up is None else up.size_bytes(self._up_numbers(problem))

    def down_bytes(self, problem: Problem) -> int:
        """Of the code."""
        down, plain_bytes = self.codecs.down, self.learner.down_bytes(problem)
        return plain_bytes if down is None else down.size_bytes(plain_bytes // _number_bytes(self.learner))

    def aggregate(self, problem: Problem, state: CodedState, answers: Answers) -> CodedState:
        """The learner's, of what was read."""
        if self.codecs.down is not None and isinstance(self.learner, MirroringLearner):
            message = self.broadcast(problem, state, int(answers.devices[0]))
            inner = self.learner.aggregate_read(problem, state.inner, answers, message)
        else:
            inner = self.learner.aggregate(problem, state.inner, answers)
        return replace(state, inner=inner, version=state.version + 1)

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """The learner's, and an addition for each number that is decoded."""
        decoding = 0.0 if self.codecs.up is None else float(answers * self._up_numbers(problem))
        return self.learner.aggregate_flops(problem, answers) + decoding

    def predictor(self, problem: Problem) -> Predictor:
        """As the learner."""
        return self.learner.predictor(problem)

    def models(self, problem: Problem, state: CodedState, memory: Mapping[int, Any]) -> Array:
        """As the learner: without the code of a message down."""
        return self.learner.models(problem, state.inner, _Inner(memory))

    def measures(self, problem: Problem, state: CodedState, memory: Mapping[int, Any]) -> dict[str, float]:
        """As the learner."""
        return self.learner.measures(problem, state.inner, _Inner(memory))

    def _up_numbers(self, problem: Problem) -> int:
        return self.learner.up_bytes(problem) // _number_bytes(self.learner)

    def _check_size(self, problem: Problem, sent: Array) -> None:
        """An answer has as many numbers as its bytes say."""
        numbers = sent[0].size if len(sent) else 0
        if len(sent) and numbers != self._up_numbers(problem):
            name = type(self.learner).__name__
            raise FedsimError(f"{name} charges {self._up_numbers(problem)} numbers for an answer and sends {numbers}")


@dataclass(frozen=True, kw_only=True)
class MergingCompressed(Compressed):
    """One that edge servers can do; among servers numbers go as they are."""

    learner: MergingLearner

    @property
    def merge_obstacle(self) -> str:
        """As the learner."""
        return self.learner.merge_obstacle

    def merge(self, problem: Problem, base: CodedState, states: Sequence[CodedState], examples: Array) -> CodedState:
        """As the learner."""
        inner = self.learner.merge(problem, base.inner, [state.inner for state in states], examples)
        return replace(base, inner=inner, version=max(state.version for state in states))

    def merge_flops(self, problem: Problem, states: int) -> float:
        """As the learner."""
        return self.learner.merge_flops(problem, states)

    def state_bytes(self, problem: Problem) -> int:
        """As the learner."""
        return self.learner.state_bytes(problem)


def apart(rng: np.random.Generator) -> np.random.Generator:
    """Luck for a code that takes none from the learner: the same bits, 2^128 draws on."""
    bits: Any = rng.bit_generator
    return np.random.Generator(bits.jumped())


def _number_bytes(learner: CentralLearner) -> int:
    """Bytes of a number of its messages, float64 where it does not say."""
    return np.dtype(getattr(learner, "precision", "float64")).itemsize
