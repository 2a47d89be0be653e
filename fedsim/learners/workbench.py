"""Deferred, batched numerics: work is put on the bench, and done in one call when the first result is due.

A device's computing time follows from counts, so its result is not needed before that time has passed. By then
many devices have put work of the same kind on the bench, and all of it is computed together. This changes no
result, for every piece of work has its own random stream and a learner treats the devices of a batch apart.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fedsim.learners.learner import Answers, Array, LocalLearner, Work
from fedsim.tasks.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Job:
    """Local work of one device."""

    device: int
    received: Array
    memory: Any
    steps: int
    rng: np.random.Generator


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one device computed."""

    device: int
    sent: Array
    memory: Any
    examples: int


class Workbench:
    """Pieces of work of one learner that wait to be done together."""

    def __init__(self, problem: Problem, learner: LocalLearner) -> None:
        self._problem = problem
        self._learner = learner
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

    def drop(self, ticket: int) -> None:
        """Forget a job that nobody will take, done or not."""
        self._waiting.pop(ticket, None)
        self._done.pop(ticket, None)

    def _work_off(self) -> None:
        jobs = list(self._waiting.values())
        answers = self._learner.local(self._problem, stack(jobs))
        self._done.update(zip(self._waiting, unstack(answers), strict=True))
        self._waiting.clear()


def stack(jobs: list[Job]) -> Work:
    """Jobs of single devices as the work of a batch."""
    return Work(
        devices=np.array([job.device for job in jobs], dtype=np.int64),
        received=np.stack([job.received for job in jobs]),
        memory=tuple(job.memory for job in jobs),
        steps=np.array([job.steps for job in jobs], dtype=np.int64),
        rngs=tuple(job.rng for job in jobs),
    )


def unstack(answers: Answers) -> list[Answer]:
    """The answers of a batch, one by one."""
    return [
        Answer(device=int(device), sent=sent, memory=memory, examples=int(examples))
        for device, sent, memory, examples in zip(
            answers.devices, answers.sent, answers.memory, answers.examples, strict=True
        )
    ]


def gather(answers: list[Answer]) -> Answers:
    """Answers of single devices as one, in order of device."""
    answers = sorted(answers, key=lambda answer: answer.device)
    return Answers(
        devices=np.array([answer.device for answer in answers], dtype=np.int64),
        sent=np.stack([answer.sent for answer in answers]),
        memory=tuple(answer.memory for answer in answers),
        examples=np.array([answer.examples for answer in answers], dtype=np.int64),
    )
