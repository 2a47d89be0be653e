"""Failures in words: jobs that fail, messages that are held up, servers that go, and work that outlasts that."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, Strict, WithJsonSchema, model_validator

from fedsim.scenario.checked import Checked
from fedsim.scenario.codec import read_name
from fedsim.scenario.definitions import one_of_names
from fedsim.scenario.quantity import Delay, DurationLaw, LossShare, PositiveShare
from fedsim.scenario.refusal import refuse
from fedsim.system import faults, mishaps
from fedsim.system.interruption import INTERRUPTIONS, Interrupted
from fedsim.system.presence import Crashes as SystemCrashes

SERVER_INTERRUPTIONS = ("abort", "resume")

InterruptedWords = Annotated[
    Interrupted,
    PlainValidator(lambda words: read_name("way with interrupted work", INTERRUPTIONS, words)),
    WithJsonSchema(one_of_names(INTERRUPTIONS)),
]
ServerInterruptedWords = Annotated[
    Literal["abort", "resume"],
    PlainValidator(lambda words: read_name("way with interrupted rounds", SERVER_INTERRUPTIONS, words)),
    WithJsonSchema(one_of_names(SERVER_INTERRUPTIONS)),
]


class Crashes(Checked):
    """Time from repair to the next crash, and from crash to repair."""

    every_s: DurationLaw = Field(alias="every")
    """Time from repair to the next crash."""
    repair_s: DurationLaw = Field(alias="repair")
    """Time from crash to repair."""

    @model_validator(mode="after")
    def _takes_time(self) -> Self:
        try:
            self.make()
        except ValueError as error:
            raise refuse(str(error)) from None
        return self

    def make(self) -> SystemCrashes:
        """As the system has it."""
        return SystemCrashes(every_s=self.every_s, repair_s=self.repair_s)


class Faults(Checked):
    """Jobs that fail: each attempt with a probability, or after so many seconds of computing; see ``system.faults``."""

    per_job: LossShare = 0.0
    """Chance of each attempt at a job to fail."""
    every_s: DurationLaw | None = Field(default=None, alias="every")
    """Seconds of computing to the next fault; null for none of this kind."""
    attempts: Annotated[int, Strict(), Field(ge=1)] = 3
    """How often a job is tried in all."""
    pause_s: Delay = Field(default=0.0, alias="pause")
    """What a failed attempt costs beside its own time."""

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if not self.per_job and self.every_s is None:
            raise refuse("needs a probability, per_job, or a time, every")
        return self

    def make(self) -> faults.Faults:
        """As the system has it."""
        return faults.Faults(per_job=self.per_job, every_s=self.every_s, attempts=self.attempts, pause_s=self.pause_s)


class MessageDelay(Checked):
    """This share of the messages is held up for so long."""

    share: PositiveShare
    """Share of the messages that are held up."""
    by_s: DurationLaw = Field(alias="by")
    """For how long."""

    def make(self) -> mishaps.Lateness:
        """As the system has it."""
        return mishaps.Lateness(share=self.share, by_s=self.by_s)


def epochs_rule(interrupted: Interrupted, learner: Any) -> str:
    """Why work of this learner cannot be resumed after a local epoch; empty if it can."""
    if interrupted != "resume" or learner.value.epochs >= 1:
        return ""
    return (
        f"'resume' goes on after the last complete local epoch, and {learner.name!r} with epochs "
        f"{learner.value.epochs:g} never completes one: take 'pause' or 'abort'"
    )
