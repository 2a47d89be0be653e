"""What a run came to, in the figures that runs are compared by."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

from fedsim.study.goal import Goal
from fedsim.study.result import Result


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """A figure of an ``Outcome``: its field, its SI unit (``1`` is a share), and its name for people."""

    field: str
    unit: str
    text: str

    @property
    def is_to_target(self) -> bool:
        """Whether only a run that reached the target has it."""
        return "_to_target" in self.field

    @property
    def is_of_quality(self) -> bool:
        """Whether only a run in which something is learned has it."""
        return self.is_to_target or self.unit == "1"

    def of(self, outcome: "Outcome") -> float | None:
        """The figure of one run, None where it has none."""
        value: float | None = getattr(outcome, self.field)
        return value


MEASURES: Final = (
    Measure(field="time_to_target_s", unit="s", text="time to target"),
    Measure(field="rounds_to_target", unit="", text="rounds to target"),
    Measure(field="energy_to_target_j", unit="J", text="energy to target"),
    Measure(field="up_to_target_bytes", unit="bytes", text="bytes up to target"),
    Measure(field="down_to_target_bytes", unit="bytes", text="bytes down to target"),
    Measure(field="accuracy", unit="1", text="accuracy"),
    Measure(field="mean_accuracy", unit="1", text="mean accuracy"),
    Measure(field="worst_tenth", unit="1", text="worst tenth"),
    Measure(field="bottom_decile", unit="1", text="bottom decile"),
    Measure(field="rounds", unit="", text="rounds"),
    Measure(field="energy_j", unit="J", text="energy"),
    Measure(field="up_bytes", unit="bytes", text="bytes up"),
    Measure(field="down_bytes", unit="bytes", text="bytes down"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One run. What is ``to_target`` is None where the target was not reached; the rest is at the end.

    Of a timing run, in which nothing is learned, the quality is None as well.
    """

    scenario: str
    seed: int
    time_to_target_s: float | None
    rounds_to_target: float | None
    energy_to_target_j: float | None
    up_to_target_bytes: float | None
    down_to_target_bytes: float | None
    accuracy: float | None
    mean_accuracy: float | None
    worst_tenth: float | None
    bottom_decile: float | None
    rounds: float
    energy_j: float
    up_bytes: float
    down_bytes: float
    stopped_because: str


def outcome(name: str, result: Result, goal: Goal) -> Outcome:
    """Read the figures of one run from its curve and its summary."""
    summary, last = result.summary, result.curve.iloc[-1]
    first = goal.first(result.curve) if summary.learned else None

    def at_target(column: str) -> float | None:
        return None if first is None else first[column]

    def quality(column: str) -> float | None:
        return float(last[column]) if summary.learned else None

    return Outcome(
        scenario=name,
        seed=result.seed,
        time_to_target_s=at_target("time_s"),
        rounds_to_target=at_target("round"),
        energy_to_target_j=at_target("energy_j"),
        up_to_target_bytes=at_target("up_bytes"),
        down_to_target_bytes=at_target("down_bytes"),
        accuracy=quality("accuracy"),
        mean_accuracy=quality("mean_accuracy"),
        worst_tenth=quality("worst_tenth"),
        bottom_decile=quality("bottom_decile"),
        rounds=float(summary.rounds),
        energy_j=result.energy_j,
        up_bytes=result.up_bytes,
        down_bytes=result.down_bytes,
        stopped_because=summary.stopped_because,
    )


def over_seeds(measure: Measure, outcomes: Sequence[Outcome]) -> float:
    """One number for several runs of a scenario.

    The median of what is to the target, where a run that never reached it counts as infinitely far (so the answer
    is infinity where half of them or more did not); the mean of what every run has, and NaN of what
    none has, such as the quality of timing runs.
    """
    values = [measure.of(outcome) for outcome in outcomes]
    if measure.is_to_target:
        return median(math.inf if value is None else value for value in values)
    known = [value for value in values if value is not None]
    return fmean(known) if known else math.nan
