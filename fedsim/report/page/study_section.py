"""A study: its points, and a figure of merit against what varies."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from fedsim.report.page.axis import Axis
from fedsim.report.page.bars import bars
from fedsim.report.page.figure import Body, Control, Dots, Figure, View
from fedsim.report.page.section import Section
from fedsim.report.page.table import COUNT, Column, Table, shortened
from fedsim.study.labels import short_keys
from fedsim.study.outcome import Measure
from fedsim.study.plot import COLOURS
from fedsim.study.study import Study

_MOST_ROWS: Final = 60
_MOST_BARS: Final = 40
_MERITS: Final = ("time_to_target_s", "energy_to_target_j", "mean_accuracy", "energy_j")
_NUMBERS: Final = 4
"""A key with at least so many different numbers is an axis; one with fewer has a bar for each value."""


def study_section(study: Study) -> Section:
    """What varied, the points with their figures, and each figure of merit against each key."""
    table = study.table()
    measures = [measure for measure in _measures(study) if table[measure.field].notna().any()]
    figures = [_merits(study, table, measures)] if measures and len(study.points.columns) else []
    tables = [_points(study, table, measures)]
    if study.failed:
        rows = tuple((one.label, str(one.seed), one.error) for one in study.failed)
        columns = (Column(text="point"), Column(text="seed"), Column(text="why"))
        tables.append(Table(caption="Runs that failed", columns=columns, rows=rows))
    return Section(
        name="points",
        title="Points of the study",
        text=tuple(_text(study)),
        tables=tuple(tables),
        figures=tuple(figures),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Axis:
    """A key that varies, in short, and the other one, if exactly one other varies in few values."""

    key: str
    short: str
    other: str | None
    other_short: str = ""

    @classmethod
    def of(cls, study: Study, key: str, short: Mapping[str, str]) -> "_Axis":
        others = [str(name) for name in study.points.columns if str(name) != key]
        few = len(others) == 1 and study.points[others[0]].nunique() <= len(COLOURS)
        other = others[0] if few else None
        return cls(key=key, short=short[key], other=other, other_short=short[other] if other else "")

    def others(self, table: pd.DataFrame) -> "pd.Series[str]":
        """By which of its values each point stands with others."""
        if self.other is None:
            return pd.Series("best point", index=table.index)
        return table[self.other].astype(str)

    def named(self, value: str) -> str:
        """What is said of these points."""
        return value if self.other is None else f"{self.other_short} {value}"


def _text(study: Study) -> Iterator[str]:
    keys = [str(key) for key in study.points.columns]
    done = sum(len(study.seeds_of(label)) for label in study.labels)
    planned = len(study.labels) * len(study.seeds)
    varied = f"What varies: {', '.join(keys)}. " if keys else ""
    yield f"{varied}{len(study.labels)} points, {len(study.seeds)} seeds: {done} of {planned} runs have finished."


def _measures(study: Study) -> list[Measure]:
    """Figures of merit that the study's runs may have, the time to the target first."""
    known = study.alone(next(label for label in study.labels if study.seeds_of(label))).measures
    by_field = {measure.field: measure for measure in known}
    learned = study.learned
    wanted = [by_field[field] for field in (*_MERITS[:2], study.goal.metric, *_MERITS[2:]) if field in by_field]
    kept = [one for one in wanted if learned or not one.is_of_quality]
    return list(dict.fromkeys(one for one in kept if study.goal.target is not None or not one.is_to_target))


def _points(study: Study, table: pd.DataFrame, measures: list[Measure]) -> Table:
    keys = [str(key) for key in study.points.columns]
    columns = (
        Column(text="point"),
        *(Column(text=key) for key in keys),
        *(Column(text=text, unit=COUNT) for text in ("seeds", "reached")),
        *(Column(text=measure.text, unit=measure.unit) for measure in measures),
    )
    fields = ["point", *keys, "seeds", "reached", *(measure.field for measure in measures)]
    rows = tuple(table[fields].itertuples(index=False, name=None))
    caption = "Points: medians to the target, means at the end"
    return shortened(Table(caption=caption, columns=columns, rows=rows), _MOST_ROWS)


def _merits(study: Study, table: pd.DataFrame, measures: list[Measure]) -> Figure:
    keys = [str(key) for key in study.points.columns]
    short = dict(zip(keys, short_keys(keys), strict=True))
    views = tuple(_view(table, _Axis.of(study, key, short), measure, study) for measure in measures for key in keys)
    controls = (
        Control(text="figure", options=tuple(measure.text for measure in measures)),
        Control(text="against", options=tuple(short.values())),
    )
    return Figure(
        name="points-merit",
        title="A figure of merit against what varies",
        alt=f"{measures[0].text} of every point against {', '.join(keys)}; the table has the numbers",
        note="Medians over seeds to the target, means at the end. Points whose median seed did not reach the target "
        "are not drawn; the table has them.",
        views=views,
        controls=controls,
    )


def _view(table: pd.DataFrame, axis: _Axis, measure: Measure, study: Study) -> View:
    others = [str(name) for name in study.points.columns if str(name) != axis.key]
    columns = (
        Column(text=axis.short),
        *(Column(text=other) for other in others),
        Column(text=measure.text, unit=measure.unit),
    )
    ranked = table.sort_values(axis.key, kind="stable", key=_sortable)
    rows = tuple(ranked[[axis.key, *others, measure.field]].itertuples(index=False, name=None))
    listed = Table(caption=f"{measure.text} against {axis.short}", columns=columns, rows=rows)
    return View(body=_body(ranked, axis, measure), table=shortened(listed, _MOST_ROWS))


def _body(table: pd.DataFrame, axis: _Axis, measure: Measure) -> Body:
    """Dots where the key is a number of many values, and bars otherwise; a series for each value of the other key.

    Where more than one other key varies, or the other has more values than there are colours, the best points.
    """
    values = table[measure.field].astype(float)
    series = {axis.named(value): values[axis.others(table) == value] for value in axis.others(table).unique()}
    numbers = pd.to_numeric(table[axis.key], errors="coerce").astype(float)
    if numbers.notna().all() and numbers.nunique() >= _NUMBERS:
        wide = bool((numbers > 0).all() and numbers.max() >= 30 * numbers.min())
        points = table["point"].astype(str)
        return Dots(
            x=Axis.of(axis.short, "", numbers, log=wide),
            y=Axis.of(measure.text, measure.unit, values),
            series={name: _points_of(numbers, own, points) for name, own in series.items()},
        )
    texts = table[axis.key].astype(str)
    names = list(dict.fromkeys(texts))[:_MOST_BARS]
    how = "max" if measure.is_share else "min"
    best = {name: own.groupby(texts[own.index]).agg(how).reindex(names) for name, own in series.items()}
    lengths = {name: own.where(np.isfinite(own), 0.0).tolist() for name, own in best.items()}
    never = [not any(math.isfinite(own[name]) for own in best.values()) for name in names]
    shown = [f"{name}: never" if is_never else name for name, is_never in zip(names, never, strict=True)]
    return bars(measure.text, measure.unit, shown, lengths, stacked=len(lengths) == 1)


def _points_of(
    numbers: "pd.Series[float]", values: "pd.Series[float]", names: "pd.Series[str]"
) -> tuple[tuple[float, float, str], ...]:
    return tuple((float(numbers[i]), float(values[i]), str(names[i])) for i in values.index)


def _sortable(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Numbers by size, and anything else by its text."""
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers if numbers.notna().all() else column.astype(str)
