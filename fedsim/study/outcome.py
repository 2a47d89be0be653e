"""What a run came to, in the figures that runs are compared by."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import Final

from fedsim.study.goal import Goal
from fedsim.study.monitor import TIME_IS_UP
from fedsim.study.pair import Figure
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
    def is_share(self) -> bool:
        """Whether it differs by percentage points rather than by a factor."""
        return self.unit == "1"

    @property
    def is_of_quality(self) -> bool:
        """Whether only a run in which something is learned has it."""
        return self.is_to_target or self.is_share or self.field == GOAL

    def of(self, outcome: "Outcome") -> float | None:
        """The figure of one run, None where it has none."""
        value: float | None = getattr(outcome, self.field)
        return value

    def figure(self, outcome: "Outcome") -> Figure | None:
        """The figure of one run as it can be compared with others'.

        Of what is to the target, and was not reached, it is what the run took by the end without it. A run that was
        stopped before the horizon has no figure at it.
        """
        value = self.of(outcome)
        if value is not None and (self.is_to_target or outcome.whole):
            return Figure(value=value)
        if value is not None or not self.is_to_target or not outcome.whole:
            return None
        return Figure(value=getattr(outcome, self.field.replace("_to_target", "")), complete=False)


GOAL: Final = "goal_metric"

MEASURES: Final = (
    Measure(field="time_to_target_s", unit="s", text="time to target"),
    Measure(field="rounds_to_target", unit="", text="rounds to target"),
    Measure(field="energy_to_target_j", unit="J", text="energy to target"),
    Measure(field="up_to_target_bytes", unit="bytes", text="bytes up to target"),
    Measure(field="down_to_target_bytes", unit="bytes", text="bytes down to target"),
    Measure(field="total_to_target_bytes", unit="bytes", text="bytes to target"),
    Measure(field="accuracy", unit="1", text="accuracy"),
    Measure(field="mean_accuracy", unit="1", text="mean accuracy"),
    Measure(field="worst_tenth", unit="1", text="worst tenth"),
    Measure(field="bottom_decile", unit="1", text="bottom decile"),
    Measure(field="rounds", unit="", text="rounds"),
    Measure(field="round_s", unit="s", text="time of a round"),
    Measure(field="energy_j", unit="J", text="energy"),
    Measure(field="up_bytes", unit="bytes", text="bytes up"),
    Measure(field="down_bytes", unit="bytes", text="bytes down"),
    Measure(field="total_bytes", unit="bytes", text="bytes"),
)


def measures(goal: Goal, *, regression: bool = False) -> tuple[Measure, ...]:
    """The figures that runs with this goal are compared by: all, and its metric if that is none of them.

    The accuracy of a ``regression`` is its R^2.
    """
    shares = [i for i, measure in enumerate(MEASURES) if measure.is_share]
    own = Measure(field=GOAL, unit="1" if goal.is_share else "", text=goal.metric.replace("_", " "))
    known = goal.metric in {measure.field for measure in MEASURES}
    found = MEASURES if known else (*MEASURES[: shares[-1] + 1], own, *MEASURES[shares[-1] + 1 :])
    if not regression:
        return found
    return tuple(replace(measure, text=measure.text.replace("accuracy", "R^2")) for measure in found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One run. What is ``to_target`` is None where the target was not reached; the rest is at the end.

    Of a timing run, in which nothing is learned, the quality is None as well. ``time_s`` is the horizon; a ``whole``
    run was not stopped before it, and its end can be compared with others'. ``round_s`` is the mean time of a round:
    the time to a target is rounds to it times that, about. ``goal_metric`` is the metric of the
    goal, whichever that is; ``total`` is up and down.
    """

    scenario: str
    seed: int
    time_s: float
    time_to_target_s: float | None
    rounds_to_target: float | None
    energy_to_target_j: float | None
    up_to_target_bytes: float | None
    down_to_target_bytes: float | None
    total_to_target_bytes: float | None
    accuracy: float | None
    mean_accuracy: float | None
    worst_tenth: float | None
    bottom_decile: float | None
    goal_metric: float | None
    rounds: float
    round_s: float | None
    energy_j: float
    up_bytes: float
    down_bytes: float
    total_bytes: float
    whole: bool
    stopped_because: str


def outcome(name: str, result: Result, goal: Goal, horizon_s: float | None = None) -> Outcome:
    """Read the figures of one run from its curve and its summary; the horizon is by default where the run ended."""
    summary, last = result.summary, result.curve.iloc[-1]
    end_s = summary.simulated_s if horizon_s is None else horizon_s
    first = goal.first(result.curve) if summary.learned else None

    def at_target(*columns: str) -> float | None:
        return None if first is None else sum(first[column] for column in columns)

    def quality(column: str) -> float | None:
        return float(last[column]) if summary.learned else None

    return Outcome(
        scenario=name,
        seed=result.seed,
        time_s=end_s,
        time_to_target_s=at_target("time_s"),
        rounds_to_target=at_target("round"),
        energy_to_target_j=at_target("energy_j"),
        up_to_target_bytes=at_target("up_bytes"),
        down_to_target_bytes=at_target("down_bytes"),
        total_to_target_bytes=at_target("up_bytes", "down_bytes"),
        accuracy=quality("accuracy"),
        mean_accuracy=quality("mean_accuracy"),
        worst_tenth=quality("worst_tenth"),
        bottom_decile=quality("bottom_decile"),
        goal_metric=quality(goal.metric),
        rounds=float(summary.rounds),
        round_s=summary.simulated_s / summary.rounds if summary.rounds > 0 else None,
        energy_j=float(result.energy_j),
        up_bytes=float(result.up_bytes),
        down_bytes=float(result.down_bytes),
        total_bytes=float(result.up_bytes + result.down_bytes),
        whole=is_whole(result, end_s),
        stopped_because=summary.stopped_because,
    )


def is_whole(result: Result, horizon_s: float) -> bool:
    """Whether a run went on to the horizon, or as far as anything could go on, and was not stopped before it.

    A bound on time that comes before the horizon stops it, too.
    """
    end_s, bound_s = result.summary.simulated_s, result.scenario.stop.time_s
    if end_s >= horizon_s:
        return True
    had_time = bound_s is None or bound_s >= horizon_s or end_s < bound_s
    return had_time and result.summary.stopped_because == TIME_IS_UP


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
