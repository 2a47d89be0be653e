"""What is drawn of runs: their curves against an axis, and where they reached the goal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fedsim.study.axis import TIME, Axis, Scale
from fedsim.study.bands import band_table, common_end
from fedsim.study.comparison import Comparison
from fedsim.study.goal import Goal
from fedsim.study.outcome import is_whole
from fedsim.study.result import Result
from fedsim.study.seeds import Seeds


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What is drawn: for each scenario its curves, one for each seed, ``along`` an axis, up to its own end there."""

    curves: Mapping[str, Sequence[pd.DataFrame]]
    goal: Goal
    along: Axis
    ends: Mapping[str, float]
    regression: bool

    @classmethod
    def of(cls, what: Result | Comparison | Seeds, along: Axis) -> "Picture":
        """Of a run, of one scenario's seeds, or of a comparison."""
        if isinstance(what, Comparison):
            runs, goal, regression = dict(what.results), what.goal, what.regression
            ends = {name: _common_end(own, along, what.horizon_s) for name, own in runs.items()}
        else:
            own = what.results if isinstance(what, Seeds) else (what,)
            summary = own[0].summary
            runs, goal, regression = {summary.name: own}, summary.goal, summary.regression
            ends = {summary.name: _longest_end(own, along)}
        curves = {name: [result.curve for result in results] for name, results in runs.items()}
        return cls(curves=curves, goal=goal, along=along, ends=ends, regression=regression)

    @property
    def metric(self) -> str:
        """What the runs are judged by."""
        return self.goal.metric

    @property
    def main(self) -> str:
        """The metric of the solid lines."""
        return self.metric if self.metric != "worst_tenth" else "mean_accuracy"

    @property
    def styles(self) -> tuple[tuple[str, str], ...]:
        """What is drawn, and how: next to a share the worst tenth of devices, next to anything else nothing."""
        return ((self.main, "-"), ("worst_tenth", "--")) if self.goal.is_share else ((self.main, "-"),)

    @property
    def percent(self) -> float:
        """What values are multiplied by to be drawn: shares are drawn in per cent."""
        return 100.0 if self.goal.is_share else 1.0

    @property
    def seeds(self) -> int:
        """Curves of each scenario."""
        return max(len(curves) for curves in self.curves.values())

    @property
    def end(self) -> float:
        """Where the axis ends, in the SI unit."""
        return max(self.ends.values())

    @property
    def scale(self) -> Scale:
        """The unit of the axis."""
        return self.along.scale(self.end)

    def bands(self, name: str, metric: str) -> pd.DataFrame:
        """Lines of a scenario as they are drawn, in the unit of the axis: where all its seeds are numbers."""
        table = band_table(self.curves[name], metric, self.along, self.ends[name]).dropna()
        values = table[["median", "low", "high"]] * self.percent
        return values.assign(place=table[self.along.name] / self.scale.size)

    def reached(self, name: str) -> list[float]:
        """Where on the axis each of a scenario's seeds reached the target, infinity where it never did."""
        if self.goal.target is None:
            return []
        places = (self.along.of(curve)[self.goal.reached(curve).to_numpy()] for curve in self.curves[name])
        return [float(its[0]) if len(its) else np.inf for its in places]


def _common_end(results: Sequence[Result], along: Axis, horizon_s: float) -> float:
    """How far all seeds of a scenario go: on the axis of time to the horizon, if none was stopped before it."""
    if along == TIME and all(is_whole(result, horizon_s) for result in results):
        return horizon_s
    return common_end([result.curve for result in results], along)


def _longest_end(results: Sequence[Result], along: Axis) -> float:
    """On the axis of time how far the longest goes, on others how far all do."""
    if along == TIME:
        return max(result.summary.simulated_s for result in results)
    return common_end([result.curve for result in results], along)
