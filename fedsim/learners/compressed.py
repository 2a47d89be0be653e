"""Any central learner with coded messages: what arrives is what the code carries, and its bytes are charged.

Up goes the code of a *change*: an answer that is a model is coded as its difference from what the device received,
and the server, which knows what it sent, adds it up again. Down goes the code of the message itself; or, with a codec
of which most numbers never arrive, that of what it lacks: see ``SharedModel``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.codecs import Codec
from fedsim.learners.coded import CodedState, Inner, Kept, apart, number_bytes
from fedsim.learners.learner import (
    Answers,
    CentralLearner,
    Computed,
    MergingLearner,
    MirroringLearner,
    Work,
    same_for_all,
    tells_all,
)
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.messages import rounded
from fedsim.tasks.arrays import Array
from fedsim.tasks.model import Predictor
from fedsim.tasks.problem import Problem

OWN_MESSAGES: Final = "sends each device a message of its own, and changes go down to all alike: take float16 or qsgd"


@dataclass(frozen=True, kw_only=True, slots=True)
class Compression:
    """Codecs for messages up and down; None sends numbers as they are."""

    up: Codec | None = None
    """How changes on their way to the server are coded; null sends numbers as they are."""
    down: Codec | None = None
    """How models on their way to devices are coded; with top-k and random-k, what they lack; null sends numbers as they
    are."""

    def __post_init__(self) -> None:
        if self.shares and getattr(self.down, "error_feedback", True) is not True:
            raise FedsimError("down: what is left out is part of what is sent next: error_feedback must be true")

    @property
    def shares(self) -> bool:
        """Whether parts of changes go down, and not models."""
        return self.down is not None and not self.down.is_dense

    def of(self, learner: CentralLearner) -> CentralLearner:
        """The learner with these codecs; itself if there are none.

        Raises:
            FedsimError: parts of changes would go down of messages that are not the same for all.
        """
        if self.up is None and self.down is None:
            return learner
        if self.shares:
            return SharedModel(learner=learner, codecs=self)
        if isinstance(learner, MergingLearner):
            return MergingCompressed(learner=learner, codecs=self)
        return Compressed(learner=learner, codecs=self)


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
        return plain_bytes if down is None else down.size_bytes(plain_bytes // number_bytes(self.learner))

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
        return self.learner.models(problem, state.inner, Inner(memory))

    def measures(self, problem: Problem, state: CodedState, memory: Mapping[int, Any]) -> dict[str, float]:
        """As the learner."""
        return self.learner.measures(problem, state.inner, Inner(memory))

    def _up_numbers(self, problem: Problem) -> int:
        return self.learner.up_bytes(problem) // number_bytes(self.learner)

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


@dataclass(frozen=True, kw_only=True)
class SharedModel(Compressed):
    """A learner of which the server sends down, to all alike, parts of what its message lacks.

    Server and devices keep a *shared* message y, at first the server's own. When that has become x, the server sends
    the code of x - y, and everybody adds it to y: what a code leaves out is in the next difference, so that nothing is
    lost (EF21-P: Gruntkowska, Tyurin and Richtarik, "EF21-P and friends: improved theoretical communication complexity
    for distributed optimization with bidirectional compression", ICML 2023). A device that was not in every round gets
    all codes that it has missed, or the whole of y where that is shorter.

    Raises:
        FedsimError: the message is not the same for all devices.
    """

    def __post_init__(self) -> None:
        if not tells_all(self.learner):
            raise FedsimError(f"down: {type(self.learner).__name__} {OWN_MESSAGES}")

    @property
    def merge_obstacle(self) -> str:
        """Every edge server would share a message of its own with its devices."""
        return "sends parts of changes down, which add up to one message that all devices share"

    def init(self, problem: Problem, rng: np.random.Generator) -> CodedState:
        """The learner's; its message is the first that is shared."""
        state = super().init(problem, rng)
        return replace(state, shared=self.learner.broadcast(problem, state.inner, 0))

    @same_for_all
    def broadcast(self, problem: Problem, state: CodedState, device: int) -> Array:
        """The shared message."""
        del problem, device
        if state.shared is None:
            raise FedsimError("a state of another learner: nothing is shared in it")
        return state.shared

    def aggregate(self, problem: Problem, state: CodedState, answers: Answers) -> CodedState:
        """The learner's, of answers as if to its own message, and the next code of what is shared.

        An answer that is a model has moved from y; the server adds what it lacked, x - y, lest that be forgotten.
        """
        down, shared = self.codecs.down, self.broadcast(problem, state, 0)
        if down is None:
            raise FedsimError("nothing is shared without a codec")
        if self.sends == "model":
            lacked = self.learner.broadcast(problem, state.inner, 0) - shared
            answers = replace(answers, sent=answers.sent + lacked)
        after = replace(state, inner=self.learner.aggregate(problem, state.inner, answers), version=state.version + 1)
        lacks = (self.learner.broadcast(problem, after.inner, 0) - shared).ravel()
        code = down.damping(lacks.size) * down.carried(lacks, after.rng())
        shared = rounded(shared + code.reshape(shared.shape), getattr(self.learner, "precision", "float64"))
        return replace(after, shared=shared)

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """The same, and the operations of coding what goes down."""
        numbers = self.learner.down_bytes(problem) // number_bytes(self.learner)
        coding = 0.0 if self.codecs.down is None else self.codecs.down.flops_per_number * numbers
        return super().aggregate_flops(problem, answers) + coding

    def down_bytes(self, problem: Problem) -> int:
        """Of the whole of what is shared, for a device that has had nothing yet."""
        return self.learner.down_bytes(problem)

    def catch_up_bytes(self, problem: Problem, codes: int) -> int:
        """Of the last so many codes, or of all that is shared."""
        return min(codes * super().down_bytes(problem), self.down_bytes(problem))
