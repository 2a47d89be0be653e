"""Several scenarios over the same seeds, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fedsim.study.goal import Goal
from fedsim.study.interval import Interval, t_interval
from fedsim.study.outcome import MEASURES, Measure, Outcome, outcome, over_seeds
from fedsim.study.result import Result


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """What ``compare`` found: the runs of every scenario, in the order of ``seeds``.

    All ran for ``horizon_s`` simulated seconds, unless nothing could go on, whether or not they reached the goal.
    The first scenario is the one that the others are compared with. There is no target where nothing is learned.
    """

    seeds: tuple[int, ...]
    goal: Goal
    horizon_s: float
    results: Mapping[str, tuple[Result, ...]]

    @property
    def metric(self) -> str:
        """What they are judged by."""
        return self.goal.metric

    @property
    def target(self) -> float | None:
        """What they are to reach of it."""
        return self.goal.target

    @property
    def names(self) -> tuple[str, ...]:
        """The scenarios."""
        return tuple(self.results)

    @property
    def learned(self) -> bool:
        """Whether anything was learned in any of them."""
        return any(result.summary.learned for results in self.results.values() for result in results)

    def outcomes(self, name: str) -> tuple[Outcome, ...]:
        """The figures of each run of one scenario."""
        return tuple(outcome(name, result, self.goal) for result in self.results[name])

    def reached(self, name: str) -> int:
        """With how many seeds a scenario reached the target."""
        return sum(one.time_to_target_s is not None for one in self.outcomes(name))

    def typical(self, name: str, measure: Measure) -> float:
        """One figure of a scenario over its seeds; see ``over_seeds``."""
        return over_seeds(measure, self.outcomes(name))

    def difference(self, name: str, measure: Measure) -> Interval | None:
        """A scenario's figure less the first scenario's, seed by seed: its mean and 95 % interval.

        Only seeds with which both have the figure count, ``pairs`` says how many; None where there are none.
        """
        pairs = zip(self.outcomes(name), self.outcomes(self.names[0]), strict=True)
        both = [(measure.of(own), measure.of(first)) for own, first in pairs]
        differences = [own - first for own, first in both if own is not None and first is not None]
        return t_interval(differences) if differences else None

    def runs(self) -> pd.DataFrame:
        """A row for each scenario and seed; what is to the target is NaN where it was not reached."""
        return pd.DataFrame(
            [
                {field: getattr(one, field) for field in Outcome.__slots__}
                for name in self.names
                for one in self.outcomes(name)
            ]
        )

    def table(self) -> pd.DataFrame:
        """A row for each scenario: seeds, how many reached the target, and every figure over the seeds.

        The median of what is to the target, infinity where half of the seeds or more did not reach it; the mean
        of everything else.
        """
        return pd.DataFrame([self._row(name) for name in self.names])

    def differences(self) -> pd.DataFrame:
        """A row for each scenario but the first and each figure: mean, interval, pairs, and whether 0 is excluded."""
        rows: list[dict[str, Any]] = []
        for name in self.names[1:]:
            for measure in MEASURES:
                found = self.difference(name, measure)
                rows.append({
                    "scenario": name,
                    "less": self.names[0],
                    "measure": measure.field,
                    "mean": found and found.mean,
                    "low": found and found.low,
                    "high": found and found.high,
                    "pairs": found.pairs if found else 0,
                    "excludes_zero": found and found.excludes_zero,
                })  # fmt: skip
        return pd.DataFrame(rows)

    def _row(self, name: str) -> dict[str, Any]:
        figures = {measure.field: self.typical(name, measure) for measure in MEASURES}
        return {"scenario": name, "seeds": len(self.seeds), "reached": self.reached(name), **figures}
