"""A study and its runs, read from its folder when they are asked for."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from fedsim import problems
from fedsim.errors import FedsimError
from fedsim.scenario import METRICS, Scenario, load
from fedsim.study.comparison import Comparison
from fedsim.study.goal import Goal
from fedsim.study.html import titled
from fedsim.study.outcome import GOAL
from fedsim.study.plan import run_name
from fedsim.study.reading import read_outline, read_result, read_summary
from fedsim.study.result import Result
from fedsim.study.study_point import Failed, StudyPoint, cell, with_settings
from fedsim.yamlfile import read_yaml

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_COUNTS: Final = ("seeds", "reached", "reached_low", "reached_high")
"""Columns of the table that count runs."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Study:
    """What a sweep found. Runs stay on the disk until they are asked for.

    ``horizon_s`` is None where every run stopped as its own scenario says. ``failed`` are the runs that came to
    nothing when the study was last swept; those that are neither finished nor failed were not tried. ``scenarios`` are
    those of points that are at hand and need not be read.
    """

    folder: Path
    name: str
    question: str
    shows: str
    goal: Goal
    horizon_s: float | None
    seeds: tuple[int, ...]
    every_point: tuple[StudyPoint, ...]
    failed: tuple[Failed, ...]
    complete: bool
    scenarios: Mapping[str, Scenario] = field(default_factory=dict)

    def __repr__(self) -> str:
        """The study in short."""
        done = "complete" if self.complete else "not complete"
        return f"Study({self.name!r}: {len(self.every_point)} points x {len(self.seeds)} seeds, {done})"

    @property
    def labels(self) -> tuple[str, ...]:
        """What the points are called."""
        return tuple(point.label for point in self.every_point)

    @property
    def points(self) -> pd.DataFrame:
        """A row for each point, by label, and a column for each key that varies; ``scenario`` if there are several."""
        rows = [{key: cell(value) for key, value in point.settings.items()} for point in self.every_point]
        return pd.DataFrame(rows, index=pd.Index(self.labels, name="point"))

    def seeds_of(self, label: str) -> tuple[int, ...]:
        """The seeds with which a point has finished."""
        return tuple(seed for seed in self.seeds if self._place(label, seed).is_dir())

    def result(self, label: str, seed: int) -> Result:
        """One run with everything that is known of it.

        Raises:
            FedsimError: there is no such point, or it has not finished with this seed.
        """
        self._check(label)
        if not self._place(label, seed).is_dir():
            raise FedsimError(f"{self.folder}: {label} has not finished with seed {seed}")
        return read_result(self._place(label, seed))

    @property
    def results(self) -> Iterator[Result]:
        """Every finished run, point by point, read one at a time."""
        return (self.result(label, seed) for label in self.labels for seed in self.seeds_of(label))

    def alone(self, label: str) -> Comparison:
        """One point over the seeds with which it has finished; without its runs' events, devices and links.

        Raises:
            FedsimError: there is no such point, or it has not finished with any seed.
        """
        self._check(label)
        if label not in self._alone:
            raise FedsimError(f"{self.folder}: {label} has not finished with any seed")
        return self._alone[label]

    def runs(self) -> pd.DataFrame:
        """A row for each finished run: point, what varies, seed, and its figures; NaN if it missed the target."""
        return self._of_every_point(Comparison.runs)

    def table(self) -> pd.DataFrame:
        """A row for each point: what varies, its finished runs, how many reached the target, and figures over seeds.

        The median of what is to the target, infinity where half of the runs or more did not reach it; the mean of
        everything else.
        """
        return self._of_every_point(Comparison.table)

    def comparison(self, *labels: str) -> Comparison:
        """Some points side by side, all of them without labels; the others are compared with the first.

        Over the seeds with which all of them have finished, and without their runs' events, devices and links.

        Raises:
            FedsimError: there is no such point, or no seed with which all have finished.
        """
        found = [self.alone(label) for label in labels or self._alone]
        seeds = tuple(seed for seed in self.seeds if found and all(seed in one.seeds for one in found))
        if not seeds:
            raise FedsimError(f"{self.folder}: there is no seed with which all of these points have finished")
        results = {
            name: tuple(result for result in own if result.seed in seeds)
            for one in found
            for name, own in one.results.items()
        }
        horizon_s = max(one.horizon_s for one in found)
        return Comparison(seeds=seeds, goal=self.goal, horizon_s=horizon_s, results=results)

    def curves(self, most: int) -> Comparison:
        """All points side by side or, where there are more than so many, the first one and the fastest."""
        finished = list(self._alone)
        ranked = self.table().sort_values("time_to_target_s", kind="stable")["point"]
        chosen = finished if len(finished) <= most else [finished[0], *ranked[ranked != finished[0]]][:most]
        return self.comparison(*sorted(chosen, key=finished.index))

    def best(self, measure: str = "time_to_target_s") -> str | None:
        """The point with the least of a measure over its seeds; None where none has any.

        Of accuracies, of what else is better when there is more of it, and of runs that reached the target, the most.

        Raises:
            FedsimError: there is no such measure.
        """
        table = self.table()
        known = [str(name) for name in table.columns if name not in {"point", *self.points.columns}]
        if measure not in known:
            raise FedsimError(problems.unknown(measure, "measure", known))
        finite = table[table[measure].notna() & (table[measure] < math.inf)]
        if finite.empty:
            return None
        ranked = finite.sort_values(measure, ascending=not self.rises(measure), kind="stable")
        return str(ranked["point"].iloc[0])

    def rises(self, measure: str) -> bool:
        """Whether more of a measure, a column of the tables, is better."""
        return measure in METRICS or measure in _COUNTS or (measure == GOAL and not self.goal.falls)

    def plot(
        self, x: str | None = None, y: str | None = None, *, measure: str = "time_to_target_s", ax: "Axes | None" = None
    ) -> "Axes":
        """Draw a measure against a key that varies or, as a map of colours, against two; see ``plot_study``."""
        from fedsim.study.study_plot import plot_study  # noqa: PLC0415  # matplotlib is slow to import

        return plot_study(self, x, y, measure=measure, ax=ax)

    @property
    def learned(self) -> bool:
        """Whether anything was learned in any of its runs."""
        return any(one.learned for one in self._alone.values())

    @property
    def computed_by(self) -> dict[str, int]:
        """How many runs were computed by which version of fedsim."""
        versions = [
            result.summary.version for one in self._alone.values() for own in one.results.values() for result in own
        ]
        return dict(sorted(Counter(versions).items()))

    @cached_property
    def _alone(self) -> dict[str, Comparison]:
        """Every point with a finished run."""
        return {label: self._read(label, seeds) for label in self.labels if (seeds := self.seeds_of(label))}

    def _read(self, label: str, seeds: tuple[int, ...]) -> Comparison:
        scenario = self.scenarios.get(label) or load(self._place(label, seeds[0]) / "scenario.yaml")
        results = tuple(read_outline(self._place(label, seed), scenario) for seed in seeds)
        horizon_s = self.horizon_s or max(result.summary.simulated_s for result in results)
        return Comparison(seeds=seeds, goal=self.goal, horizon_s=horizon_s, results={label: results})

    def _of_every_point(self, rows: Callable[[Comparison], pd.DataFrame]) -> pd.DataFrame:
        """The rows of each point with what varies in it."""
        found = [(point, self._alone[point.label]) for point in self.every_point if point.label in self._alone]
        return with_settings([(point, rows(one).drop(columns="scenario")) for point, one in found])

    def _place(self, label: str, seed: int) -> Path:
        return self.folder / "runs" / run_name(label, seed)

    def _check(self, label: str) -> None:
        if label not in self.labels:
            raise FedsimError(problems.unknown(label, "point of this study", self.labels))

    def _repr_html_(self) -> str:
        """The question and the table, for notebooks."""
        shown = ["point", *(str(key) for key in self.points.columns), "seeds", "reached"]
        table = self.table()
        columns = [
            name for name in (*shown, "time_to_target_s", "energy_to_target_j", "up_to_target_bytes") if name in table
        ]
        return titled(" ".join(filter(None, (repr(self), self.question))), [table[columns]])


def read_study(folder: str | Path) -> Study:
    """The study in a folder, finished or not.

    Raises:
        FedsimError: it is no study's folder, a piece of it is damaged, or a later fedsim wrote it.
    """
    place, summary = Path(folder), read_summary(folder)
    if summary["kind"] != "sweep":
        raise FedsimError(f"{folder}: holds a {summary['kind']}, not a sweep")
    words = read_yaml(place / "study.yaml")
    try:
        points = json.loads((place / "points.json").read_text(encoding="utf-8"))
        return _study(place, words, points["points"], summary)
    except OSError as error:
        raise FedsimError(f"{place / 'points.json'}: cannot be read: {error.strerror}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise FedsimError(f"{place / 'study.yaml'}: is not what fedsim writes: {error!r}") from None


def _study(place: Path, words: Mapping[str, Any], listed: Sequence[Any], summary: Mapping[str, Any]) -> Study:
    points = tuple(StudyPoint(**point) for point in listed)
    failed = tuple(Failed(**one) for one in summary.get("failed", ()))
    goal = Goal(metric=words["metric"], target=words["target"], falls=words["falls"])
    return Study(
        folder=place,
        name=words["name"],
        question=words["question"],
        shows=words["shows"],
        goal=goal,
        horizon_s=words["horizon_s"],
        seeds=tuple(words["seeds"]),
        every_point=points,
        failed=failed,
        complete=summary["complete"],
    )
