"""Local jobs that fail in the middle and are tried again."""

import math
from dataclasses import dataclass

import numpy as np

from fedsim import units
from fedsim.system.law import Law


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """A job that fails is spoilt and begins again from its start after ``pause_s``, ``attempts`` times in all.

    per_job: the probability that an attempt, once all of it is computed, turns out to have failed
    every_s: law of the seconds of computing from the beginning of an attempt to its fault; None for never

    An exponential law is a rate per second of computing.

    Raises:
        ValueError: a probability that is not >= 0 and < 1, neither kind of fault, a law that can be negative, fewer
            than 1 attempt, a pause that is not >= 0 and finite.
    """

    per_job: float = 0.0
    every_s: Law | None = None
    attempts: int = 3
    pause_s: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.per_job < 1:
            raise ValueError(f"per_job must be at least 0 % and below 100 %, got {units.per_cent(self.per_job)}")
        if not self.per_job and self.every_s is None:
            raise ValueError("faults need a probability per job, or a law of the time to one")
        if self.every_s is not None and not self.every_s.support[0] >= 0:
            raise ValueError(f"every must not be negative, got {self.every_s!r}")
        if not self.attempts >= 1:
            raise ValueError(f"attempts must be >= 1, got {self.attempts!r}")
        if not 0 <= self.pause_s < math.inf:
            raise ValueError(f"pause must be >= 0 and finite, got {self.pause_s!r}")

    def strikes_s(self, luck: np.random.Generator) -> float:
        """Seconds of computing after which the next attempt fails; infinity for never."""
        return math.inf if self.every_s is None else self.every_s.draw(luck)

    def spoils(self, luck: np.random.Generator) -> bool:
        """Whether an attempt that was computed turns out to have failed."""
        return self.per_job > 0 and luck.random() < self.per_job
