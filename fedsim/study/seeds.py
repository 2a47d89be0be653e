"""One scenario with many seeds: what it comes to, and how much of that is luck."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fedsim.scenario import Scenario
from fedsim.study.goal import Goal
from fedsim.study.html import titled
from fedsim.study.outcome import MEASURES, Measure, Outcome, outcome
from fedsim.study.pool import Job, run_all
from fedsim.study.result import Result
from fedsim.study.run import run
from fedsim.study.terms import check_seeds, with_seed

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True, slots=True)
class Over:
    """A figure over ``known`` runs: its median with a 95 % interval, which few runs do not give, lowest and highest.

    A run that never reached the target took for ever to get there, and is counted so.
    """

    median: float
    low: float | None
    high: float | None
    lowest: float
    highest: float
    known: int


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Seeds:
    """The runs of one scenario, a seed each; every run ended at its own bounds."""

    results: tuple[Result, ...]

    def __repr__(self) -> str:
        return f"Seeds({self.name}: {', '.join(map(str, self.seeds))})"

    def _repr_html_(self) -> str:
        """What a notebook shows: every figure over the seeds."""
        return titled(repr(self), [self.table()])

    def plot(self, x: str = "time", ax: "Axes | None" = None) -> "Axes":
        """Draw the metric against ``time``, ``energy``, ``bytes`` or ``rounds``; see ``plot_quality``."""
        from fedsim.study.plot import plot_quality  # noqa: PLC0415  # matplotlib is slow to import

        return plot_quality(self, ax, over=x)

    @property
    def name(self) -> str:
        """The scenario's."""
        return self.results[0].summary.name

    @property
    def seeds(self) -> tuple[int, ...]:
        """In the order of the runs."""
        return tuple(result.seed for result in self.results)

    @property
    def goal(self) -> Goal:
        """What the runs were to reach."""
        return self.results[0].summary.goal

    @property
    def learned(self) -> bool:
        """Whether they were more than timing runs."""
        return self.results[0].summary.learned

    @property
    def regression(self) -> bool:
        """Whether accuracies are coefficients of determination, R^2."""
        return self.results[0].summary.regression

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The figures of each run."""
        return tuple(outcome(self.name, result, self.goal) for result in self.results)

    @property
    def reached(self) -> int:
        """With how many seeds the target was reached."""
        return sum(one.time_to_target_s is not None for one in self.outcomes)

    def over(self, measure: Measure) -> Over | None:
        """One figure over the seeds; None where no run has it, such as quality in timing runs."""
        if measure.is_to_target and (self.goal.target is None or not self.learned):
            return None
        values = [measure.of(one) for one in self.outcomes]
        if measure.is_to_target:
            return over([math.inf if value is None else value for value in values])
        known = [value for value in values if value is not None and not math.isnan(value)]
        return over(known) if known else None

    def table(self) -> pd.DataFrame:
        """A row for each figure: see ``Over``; and how many runs reached the target."""
        rows = []
        for measure in MEASURES:
            found = self.over(measure)
            if found is not None:
                figures = {name: getattr(found, name) for name in Over.__slots__}
                rows.append({"measure": measure.field, **figures, "reached": self.reached})
        return pd.DataFrame(rows)

    def runs(self) -> pd.DataFrame:
        """A row for each seed; what is to the target is NaN where it was not reached."""
        return pd.DataFrame([{field: getattr(one, field) for field in Outcome.__slots__} for one in self.outcomes])


def over(values: Sequence[float]) -> Over:
    """Order statistics of at least one value, which may be infinite.

    The interval covers the median of all seeds that there are with at least 95 %, whatever its distribution: it goes
    from one of the values to another, by the binomial law of how many of them lie below (Conover 1999, "Practical
    nonparametric statistics", section 3.2). Fewer than six values give none.
    """
    from scipy.stats import quantile_test  # noqa: PLC0415  # slow, and single runs do without it

    found: Any = quantile_test(np.asarray(values), q=0, p=0.5).confidence_interval(0.95)
    low, high = (None if math.isnan(end) else float(end) for end in (found.low, found.high))
    ordered = sorted(values)
    middle = len(ordered) // 2
    centre = ordered[middle] if len(ordered) % 2 else _between(ordered[middle - 1], ordered[middle])
    return Over(median=centre, low=low, high=high, lowest=ordered[0], highest=ordered[-1], known=len(ordered))


def _between(low: float, high: float) -> float:
    return low if low == high else (low + high) / 2


def run_seeds(
    scenario: Scenario,
    seeds: Sequence[int],
    *,
    workers: int = 1,
    tell: Callable[[Result], None] | None = None,
    dry: bool = False,
) -> Seeds:
    """Run a scenario with every seed, whatever is drawn at random drawn anew, its topology included.

    The answers do not depend on the number of workers; with more than one, guard a script by
    ``if __name__ == "__main__"``.

    Raises:
        FedsimError: if there is no seed, or one twice, or a run fails: the message names the seed.
    """
    check_seeds(seeds)
    jobs = [
        Job(name=f"{scenario.name}, seed {seed}", work=partial(run, with_seed(scenario, seed), dry=dry))
        for seed in seeds
    ]
    return Seeds(results=tuple(run_all(jobs, workers=workers, tell=tell)))
