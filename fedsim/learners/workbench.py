"""Deferred, batched numerics: work is put on the bench, and done in one call when the first result is due.

A device's computing time follows from counts, so its result is not needed before that time has passed. By then
many devices have put work of the same kind on the bench, and all of it is computed together. This changes no
result, for every piece of work has its own random stream and a learner treats the devices of a batch apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedsim.learners.learner import Answers, Array, IntArray, LocalLearner, SelfStopping, Work
from fedsim.tasks.problem import Problem


@dataclass(kw_only=True, slots=True, eq=False)  # not frozen: that costs more than all else in making one
class Job:
    """Local work of one device; its random stream is made when it is done, together with those of the others."""

    device: int
    received: Array
    memory: Any
    steps: int
    version: int
    luck: Callable[[], np.random.Generator]


@dataclass(kw_only=True, slots=True, eq=False)  # likewise
class Answer:
    """What one device computed, in how many steps, and from which version of the server's state."""

    device: int
    sent: Array
    memory: Any
    steps: int
    version: int


class Workbench:
    """Pieces of work of one learner that wait to be done together."""

    def __init__(self, problem: Problem, learner: LocalLearner) -> None:
        self._problem = problem
        self._learner = learner
        self.stops_itself = isinstance(learner, SelfStopping)  # asked of a protocol, this takes as long as a message
        self._waiting: dict[int, Job] = {}
        self._done: dict[int, Answer] = {}
        self._next = 0

    def put(self, job: Job) -> int:
        """Put a job on the bench; the number is its ticket."""
        ticket = self._next
        self._next += 1
        self._waiting[ticket] = job
        return ticket

    def take(self, ticket: int) -> Answer:
        """The answer to a job: if it is still waiting, everything on the bench is done now."""
        if ticket in self._waiting:
            self._work_off()
        return self._done.pop(ticket)

    def steps(self, ticket: int) -> int:
        """The steps that a job takes: those granted, unless the learner stops by itself; then all work is done now."""
        if ticket in self._waiting:
            if not self.stops_itself:
                return self._waiting[ticket].steps
            self._work_off()
        return self._done[ticket].steps

    def pending(self, ticket: int) -> "Pending":
        """The answer to a job, to be taken when it is needed."""
        return Pending(self, ticket)

    def drop(self, ticket: int) -> None:
        """Forget a job that nobody will take, done or not."""
        self._waiting.pop(ticket, None)
        self._done.pop(ticket, None)

    def _work_off(self) -> None:
        self._done.update(zip(self._waiting, self.compute(list(self._waiting.values())), strict=True))
        self._waiting.clear()

    def compute(self, jobs: list[Job]) -> list[Answer]:
        """The answers to some jobs, in one batch."""
        computed = self._learner.local(self._problem, stack(jobs))
        steps = [job.steps for job in jobs] if computed.steps is None else computed.steps.tolist()
        return [
            Answer(device=job.device, sent=sent, memory=memory, steps=done, version=job.version)
            for job, sent, memory, done in zip(jobs, computed.sent, computed.memory, steps, strict=True)
        ]


class Pending:
    """An answer that is taken from the bench when somebody asks for its numbers, together with all that waits then."""

    __slots__ = ("_answer", "_bench", "_ticket")

    def __init__(self, bench: Workbench, ticket: int) -> None:
        self._bench, self._ticket = bench, ticket
        self._answer: Answer | None = None

    @property
    def answer(self) -> Answer:
        """The answer, the same whenever it is asked for."""
        if self._answer is None:
            self._answer = self._bench.take(self._ticket)
        return self._answer

    def drop(self) -> None:
        """Nobody will ask."""
        self._bench.drop(self._ticket)


def stack(jobs: list[Job]) -> Work:
    """Jobs of single devices as the work of a batch."""
    return Work(
        devices=np.array([job.device for job in jobs], dtype=np.int64),
        received=_piled([job.received for job in jobs]),
        memory=tuple(job.memory for job in jobs),
        steps=np.array([job.steps for job in jobs], dtype=np.int64),
        versions=np.array([job.version for job in jobs], dtype=np.int64),
        rngs=tuple([job.luck() for job in jobs]),
    )


def _piled(messages: Sequence[Array]) -> Array:
    """Messages of one shape as one array; what a server sent to all is read once."""
    first = messages[0]
    if all(message is first for message in messages):
        return np.repeat(first[None], len(messages), axis=0)
    return np.array(messages)  # ``stack`` without its checks, in half of its time


def gather(answers: list[Answer], sizes: IntArray, version: int) -> Answers:
    """Answers of single devices as one, in order of device, to a server at ``version``.

    Args:
        answers: at least one.
        sizes: (m,) training examples of every device.
        version: how often the server has combined answers.
    """
    answers = sorted(answers, key=lambda answer: (answer.device, answer.version))
    devices = np.array([answer.device for answer in answers], dtype=np.int64)
    return Answers(
        devices=devices,
        sent=np.array([answer.sent for answer in answers]),
        examples=sizes[devices],
        steps=np.array([answer.steps for answer in answers], dtype=np.int64),
        staleness=np.array([version - answer.version for answer in answers], dtype=np.int64),
    )
