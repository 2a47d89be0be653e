"""Several scenarios over the same seeds, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from fedsim.study.bands import bands_of
from fedsim.study.difference import Difference
from fedsim.study.goal import Goal
from fedsim.study.html import titled
from fedsim.study.outcome import Measure, Outcome, measures, outcome, over_seeds
from fedsim.study.pair import Pair
from fedsim.study.paired_tests import holm
from fedsim.study.reaching import Reaching
from fedsim.study.result import Result
from fedsim.study.share import Share
from fedsim.study.verdict import Verdict
from fedsim.study.verdict_rows import difference_row, reaching_row, verdict_row

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Comparison:
    """What ``compare`` found: the runs of every scenario, in the order of ``seeds``.

    All ran for ``horizon_s`` simulated seconds, unless nothing could go on, whether or not they reached the goal.
    The first scenario is the one that the others are compared with. There is no target where nothing is learned.
    ``notes`` are what a reader should know of how the runs were made.
    """

    seeds: tuple[int, ...]
    goal: Goal
    horizon_s: float
    results: Mapping[str, tuple[Result, ...]]
    notes: tuple[str, ...] = ()

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

    @property
    def regression(self) -> bool:
        """Whether accuracies are coefficients of determination, R^2, in all of them."""
        return all(result.summary.regression for results in self.results.values() for result in results)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The figures that runs are compared by."""
        return measures(self.goal, regression=self.regression)

    def outcomes(self, name: str) -> tuple[Outcome, ...]:
        """The figures of each run of one scenario."""
        return self._outcomes[name]

    def reached(self, name: str) -> int:
        """With how many seeds a scenario reached the target."""
        return self.reached_share(name).count

    def reached_share(self, name: str) -> Share:
        """The same with the number of seeds, and an interval for the probability."""
        reached = self._reached(name)
        return Share(count=sum(reached), of=len(reached))

    def typical(self, name: str, measure: Measure) -> float:
        """One figure of a scenario over its seeds; see ``over_seeds``."""
        return over_seeds(measure, self.outcomes(name))

    def difference(self, name: str, measure: Measure) -> Difference:
        """A scenario's figure less the first scenario's, seed by seed; runs that missed the target are among them.

        It has a pair for every seed, or none at all where a run lacks the figure: where nothing is learned, and, of
        figures at the horizon, where a run was stopped before it.
        """
        if measure.is_to_target and not (self._aims(name) and self._aims(self.names[0])):
            return Difference(measure=measure, pairs=())
        both = zip(self.outcomes(name), self.outcomes(self.names[0]), strict=True)
        figures = [(measure.figure(own), measure.figure(first)) for own, first in both]
        pairs = [Pair(own=own, first=first) for own, first in figures if own is not None and first is not None]
        return Difference(measure=measure, pairs=tuple(pairs) if len(pairs) == len(figures) else ())

    def reaching(self, name: str) -> Reaching:
        """With how many seeds a scenario and the first one reached the target."""
        return self._reaching[name]

    def verdict(self, name: str, measure: Measure) -> Verdict:
        """Whether the difference is real, corrected for the number of scenarios."""
        return self._verdicts[measure.field][name]

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
        of everything else. Beside the count the ends of Wilson's 95 % interval for the probability to reach it.
        """
        return pd.DataFrame([self._row(name) for name in self.names])

    def differences(self) -> pd.DataFrame:
        """A row for each scenario but the first and each figure: how much more it is than the first scenario's.

        ``mean`` with ``low`` and ``high`` over all ``pairs`` of runs (see ``Pair`` for those that missed the target);
        ``factor`` likewise; ``both`` with how many seeds both reached it, and the mean over these alone.
        """
        return pd.DataFrame([difference_row(self.verdict(name, m)) for name in self.names[1:] for m in self.measures])

    def verdicts(self) -> pd.DataFrame:
        """A row for each scenario but the first and each figure: whether the difference is real, and why.

        ``p`` is of the t tests, ``p_holm`` corrected for the number of scenarios; ``less`` and ``more`` count seeds,
        ``sign_p`` is the sign test's; ``explained`` is what part of the variance the common luck takes away, and
        ``correlation`` that of the two over the seeds. The first row of each scenario is of ``reached``, whose ``p`` is
        McNemar's.
        """
        rows: list[dict[str, Any]] = []
        for name in self.names[1:]:
            rows += [reaching_row(name, self.names[0], self.reaching(name))] if self.target is not None else []
            rows += [verdict_row(self.verdict(name, measure)) for measure in self.measures]
        return pd.DataFrame(rows)

    def figures(self) -> pd.DataFrame:
        """A row for each scenario and figure: its ``value`` over the seeds, how it differs, and if that is real."""
        names = [measure.field for measure in self.measures]
        rows = self.table().melt("scenario", ["reached", *names], var_name="measure", value_name="value")
        if len(self.names) == 1:
            return rows
        keys, verdicts = ["scenario", "measure"], self.verdicts()
        differences = self.differences().drop(columns="less")
        return rows.merge(differences, "left", on=keys).merge(verdicts, "left", on=keys)

    def bands(self, metric: str | None = None, over: str = "time") -> pd.DataFrame:
        """For each scenario the median of the metric over its seeds, the lowest and the highest; see ``bands``."""
        return bands_of(self.results, self.metric if metric is None else metric, over)

    def plot(self, x: str = "time", ax: "Axes | None" = None) -> "Axes":
        """Draw the metric against ``time``, ``energy``, ``bytes`` or ``rounds``; see ``plot_quality``."""
        from fedsim.study.plot import plot_quality  # noqa: PLC0415  # matplotlib is slow to import

        return plot_quality(self, ax, over=x)

    def __repr__(self) -> str:
        target = "" if self.target is None else f", {self.metric} {self.target:g}"
        seeds = "1 seed" if len(self.seeds) == 1 else f"{len(self.seeds)} seeds"
        return f"Comparison({', '.join(self.names)}: {seeds} of {self.horizon_s:.6g} s{target})"

    def __str__(self) -> str:
        return "\n".join([repr(self), *self._words()])

    def _repr_html_(self) -> str:
        """What a notebook shows: the figures, a column for each scenario, and what differs in words."""
        figures = self.table().set_index("scenario").T.rename_axis(index="", columns=None).reset_index()
        words = pd.DataFrame({f"against {self.names[0]}": self._words()})
        return titled(repr(self), [figures, words] if len(words) else [figures])

    def _words(self) -> list[str]:
        """Every verdict on what there is to compare."""
        known = [self.verdict(name, measure) for name in self.names[1:] for measure in self.measures]
        return [verdict.words for verdict in known if verdict.state != "nothing to compare"]

    @cached_property
    def _outcomes(self) -> dict[str, tuple[Outcome, ...]]:
        return {
            name: tuple(outcome(name, result, self.goal, self.horizon_s) for result in results)
            for name, results in self.results.items()
        }

    @cached_property
    def _verdicts(self) -> dict[str, dict[str, Verdict]]:
        return {measure.field: self._judged(measure) for measure in self.measures}

    @cached_property
    def _reaching(self) -> dict[str, Reaching]:
        found = {name: Reaching.of(self._reached(name), self._reached(self.names[0])) for name in self.names[1:]}
        corrected = holm([one.p for one in found.values()])
        return {name: replace(one, p_holm=p) for (name, one), p in zip(found.items(), corrected, strict=True)}

    def _judged(self, measure: Measure) -> dict[str, Verdict]:
        """All scenarios in one figure: as many tests as there are differences to be tested."""
        found = {name: self.difference(name, measure) for name in self.names[1:]}
        tested = {name: one.p for name, one in found.items() if one.p is not None}
        corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
        first = self.names[0]
        return {
            name: Verdict(name=name, first=first, difference=one, p=corrected.get(name)) for name, one in found.items()
        }

    def _aims(self, name: str) -> bool:
        """Whether the runs of a scenario learn, towards a target."""
        return self.target is not None and all(result.summary.learned for result in self.results[name])

    def _reached(self, name: str) -> list[bool]:
        return [one.time_to_target_s is not None for one in self.outcomes(name)]

    def _row(self, name: str) -> dict[str, Any]:
        reached = self.reached_share(name)
        low, high = reached.interval()
        figures = {measure.field: self.typical(name, measure) for measure in self.measures}
        counts = {"seeds": reached.of, "reached": reached.count, "reached_low": low, "reached_high": high}
        return {"scenario": name, **counts, **figures}
