"""What single changes of a scenario gain, over several seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import pandas as pd

from fedsim.errors import FedsimError
from fedsim.problems import unknown
from fedsim.study.changes.change import Change
from fedsim.study.goal import Goal
from fedsim.study.interval import Interval, t_interval
from fedsim.study.pair import Figure, Pair
from fedsim.study.paired_tests import holm
from fedsim.study.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

By = Literal["time", "energy", "bytes"]
"""What changes are ranked by: simulated seconds, joules of the devices, bytes up and down."""

AS_IT_IS: Final = "as-it-is"
"""The name of the scenario without any change."""

UNITS: Final[Mapping[By, str]] = {"time": "s", "energy": "J", "bytes": "bytes"}
_COLUMNS: Final[Mapping[By, str]] = {"time": "time_s", "energy": "energy_j", "bytes": "bytes"}


def checked_by(by: str) -> By:
    """What changes can be ranked by.

    Raises:
        FedsimError: it is none of these.
    """
    known: dict[str, By] = dict(zip(get_args(By), get_args(By), strict=True))
    if by not in known:
        raise FedsimError(unknown(by, "way to rank", get_args(By)))
    return known[by]


@dataclass(frozen=True, kw_only=True, slots=True)
class Gain:
    """What a change gains of one thing: without it less with it, seed by seed.

    ``mean`` is what the runs with the change took, on average; a run that did not get there counts with the horizon,
    or what it had spent by then. ``ratio`` is how many times as much those without took as what they would have taken
    but for the gain: above 1 for a gain, and like it never a saving of runs that did not get there (see ``Pair``).
    ``p`` is the interval's, raised for all changes that were tried together (Holm 1979); None where one seed cannot
    tell.
    """

    mean: float
    ratio: float
    interval: Interval
    p: float | None

    @property
    def is_real(self) -> bool | None:
        """Whether it is more than luck, at 5 % over all changes together; None where one seed cannot tell."""
        return None if self.p is None else self.p < 0.05  # as intervals of 95 % have it


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class WhatIf:
    """What ``whatif`` found: runs by change and, in the order of ``seeds``, those of the scenario as it is first.

    A run is over when it reaches the goal or, where there is no target, when its ``rounds`` are over; it is
    ``horizon_s`` long at most. ``refused`` says of changes that do not apply why.
    """

    name: str
    seeds: tuple[int, ...]
    goal: Goal
    rounds: int | None
    horizon_s: float
    by: By
    changes: tuple[Change, ...]
    results: Mapping[str, tuple[Result, ...]]
    refused: Mapping[str, str]

    def __repr__(self) -> str:
        """What was tried, in short."""
        tried, seeds = len(self.results) - 1, len(self.seeds)
        return f"WhatIf({self.name!r}: {tried} changes x {seeds} seeds, {len(self.refused)} do not apply)"

    def figures(self, name: str, by: By) -> list[Figure]:
        """What each run of a change took of one thing, to the goal or else to the horizon."""
        return [self._figure(result, by) for result in self.results[name]]

    def reached(self, name: str) -> int:
        """With how many seeds a change got there."""
        return sum(figure.complete for figure in self.figures(name, "time"))

    def gains(self, by: By | None = None) -> dict[str, Gain]:
        """Of every change that was tried, most first."""
        by = by or self.by
        base = self.figures(AS_IT_IS, by)
        found = {name: self.figures(name, by) for name in self.results if name != AS_IT_IS}
        intervals = {name: _gained(base, own) for name, own in found.items()}
        told = [name for name, interval in intervals.items() if interval.p is not None]
        raised = dict(zip(told, holm([intervals[name].p or 0.0 for name in told]), strict=True))
        gains = {
            name: Gain(
                mean=_mean(own),
                ratio=_ratio(_mean(base), _mean(base) - intervals[name].mean),
                interval=intervals[name],
                p=raised.get(name),
            )
            for name, own in found.items()
        }
        return dict(sorted(gains.items(), key=lambda item: -item[1].interval.mean))

    def table(self) -> pd.DataFrame:
        """A row for the scenario as it is, and one for each change that was tried, most gain first.

        ``change``, ``what`` (in words), ``seeds``, ``reached`` (with how many of them), and for ``time_s``,
        ``energy_j`` and ``bytes`` the mean, the mean ``gain``, its 95 % interval (``low``, ``high``), ``times`` (the
        ``ratio`` of ``Gain``) and ``p``.
        """
        texts = {change.name: change.text for change in self.changes}
        of_each = {by: self.gains(by) for by in get_args(By)}
        rows = [
            {
                "change": name,
                "what": texts.get(name, "as it is"),
                "seeds": len(self.seeds),
                "reached": self.reached(name),
                **{key: value for by in get_args(By) for key, value in self._cells(name, by, of_each[by]).items()},
            }
            for name in (AS_IT_IS, *self.gains())
        ]
        return pd.DataFrame(rows)

    def runs(self) -> pd.DataFrame:
        """A row for each change and seed: whether it got there, and what it took, to there or else to the horizon."""
        return pd.DataFrame(
            [
                {
                    "change": name,
                    "seed": result.seed,
                    "reached": self._figure(result, "time").complete,
                    **{_COLUMNS[by]: self._figure(result, by).value for by in get_args(By)},
                }
                for name, results in self.results.items()
                for result in results
            ]
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the gains into an axis, or one of a figure of its own."""
        from matplotlib.figure import Figure  # noqa: PLC0415  # slow, and only pictures need it

        from fedsim.study.plot_gains import plot_gains  # noqa: PLC0415  # the same

        return plot_gains(self, Figure(figsize=(8, 4.8), layout="constrained").add_subplot() if ax is None else ax)

    def _repr_html_(self) -> str:
        """For notebooks: the table of what changes are ranked by."""
        column = _COLUMNS[self.by]
        shown = ["what", "reached", column, *(f"{name}_{column}" for name in ("gain", "low", "high", "times"))]
        html: str = self.table()[["change", *shown]].to_html(index=False, float_format="{:.4g}".format)
        return html

    def _cells(self, name: str, by: By, gains: Mapping[str, Gain]) -> dict[str, Any]:
        column, gain = _COLUMNS[by], gains.get(name)
        return {
            column: _mean(self.figures(name, by)),
            f"gain_{column}": gain and gain.interval.mean,
            f"low_{column}": gain and gain.interval.low,
            f"high_{column}": gain and gain.interval.high,
            f"times_{column}": gain and gain.ratio,
            f"p_{column}": gain and gain.p,
        }

    def _figure(self, result: Result, by: By) -> Figure:
        row = self._last(result)
        if by == "time":
            return Figure(value=self.horizon_s if row is None else row["time_s"], complete=row is not None)
        at = result.curve.iloc[-1] if row is None else row
        value = at["energy_j"] if by == "energy" else at["up_bytes"] + at["down_bytes"]
        return Figure(value=float(value), complete=row is not None)

    def _last(self, result: Result) -> Mapping[str, float] | None:
        """The evaluation with which a run got there."""
        if self.goal.target is not None:
            return self.goal.first(result.curve)
        last = result.curve.iloc[-1]
        return (
            {str(name): float(value) for name, value in last.items()} if last["round"] >= (self.rounds or 0) else None
        )


def _gained(base: Sequence[Figure], own: Sequence[Figure]) -> Interval:
    """Without the change less with it."""
    pairs = [Pair(own=mine, first=first) for mine, first in zip(own, base, strict=True)]
    return t_interval([-pair.difference or 0.0 for pair in pairs])


def _mean(figures: Sequence[Figure]) -> float:
    return fmean(figure.value for figure in figures)


def _ratio(without: float, with_it: float) -> float:
    if with_it == without:
        return 1.0
    return without / with_it if with_it else float("inf")
