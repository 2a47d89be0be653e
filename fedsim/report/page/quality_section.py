"""How well the models do, against time, rounds, energy and bytes."""

import math
from itertools import product
from statistics import median
from typing import Final

import numpy as np

from fedsim.report.human import about
from fedsim.report.page.axis import Axis
from fedsim.report.page.curves import MOST_POINTS, band, line
from fedsim.report.page.figure import Control, Figure, Line, Lines, Mark, View
from fedsim.report.page.section import Section
from fedsim.report.page.table import Column, Table
from fedsim.report.tables import metric_text
from fedsim.scenario.metric import is_share
from fedsim.study.axis import AXES
from fedsim.study.bands import common_end
from fedsim.study.comparison import Comparison
from fedsim.study.outcome import Outcome

_UNITS: Final = {"time": "s", "rounds": "", "energy": "J", "bytes": "bytes"}
_COMPANIONS: Final = (
    *("mean_accuracy", "accuracy", "worst_tenth", "unseen_mean_accuracy"),
    *("objective", "duality_gap", "disagreement"),
)
_TO_TARGET: Final = {
    "time": ("time_to_target_s",),
    "rounds": ("rounds_to_target",),
    "energy": ("energy_to_target_j",),
    "bytes": ("up_to_target_bytes", "down_to_target_bytes"),
}
_ROWS: Final = 12


def quality_section(comparison: Comparison) -> Section | None:
    """One figure, in which the reader chooses the axis and the metric; None where nothing is learned."""
    metrics = _metrics(comparison)
    if not metrics:
        return None
    controls = [Control(text="against", options=tuple(_UNITS))]
    if len(metrics) > 1:
        controls.append(Control(text="of", options=tuple(_text(comparison, metric) for metric in metrics)))
    listed = ", ".join(comparison.names)
    figure = Figure(
        name="quality-curves",
        title="Quality against what it cost",
        alt=f"Lines of {_text(comparison, metrics[0])} of {listed} against simulated time; the table has the values",
        note=_note(comparison),
        views=tuple(_view(comparison, along, metric) for along, metric in product(_UNITS, metrics)),
        controls=tuple(controls),
    )
    return Section(name="quality", title="Quality", figures=(figure,))


def _text(comparison: Comparison, metric: str) -> str:
    return metric_text(metric, regression=comparison.regression)


def _metrics(comparison: Comparison) -> list[str]:
    """The one that counts, and its companions, of those that all curves have."""
    curves = [run.curve for runs in comparison.results.values() for run in runs if run.summary.learned]
    wanted = dict.fromkeys([comparison.metric, *_COMPANIONS])
    return [metric for metric in wanted if curves and all(metric in curve for curve in curves)]


def _view(comparison: Comparison, over: str, metric: str) -> View:
    lines = []
    for number, (name, runs) in enumerate(comparison.results.items()):
        if all(run.summary.learned for run in runs):
            curves = [run.curve for run in runs]
            end = comparison.horizon_s if over == "time" else common_end(curves, AXES[over])
            table = band(curves, metric, AXES[over], end)
            lines.append(line(table, name=name, colour=number, several=len(runs) > 1))
    target = comparison.target if metric == comparison.metric else None
    values = [value for one in lines for value in (*one.y, *one.high)]
    body = Lines(
        x=Axis.of(AXES[over].text, _UNITS[over], [place for one in lines for place in one.x[-1:]]),
        y=Axis.of(_text(comparison, metric), "1" if is_share(metric) else "", values),
        lines=tuple(lines),
        level=target,
        marks=_marks(comparison, over) if target is not None else (),
    )
    return View(body=body, table=lines_table(body))


def _marks(comparison: Comparison, over: str) -> tuple[Mark, ...]:
    """Where the median seed reached the target."""
    found = []
    for number, name in enumerate(comparison.names):
        spot = median(_to_target(outcome, over) for outcome in comparison.outcomes(name))
        if math.isfinite(spot) and comparison.target is not None:
            text = f"{name}: {about(spot, _UNITS[over])} to the target (median)"
            found.append(Mark(x=spot, y=comparison.target, colour=number, text=text))
    return tuple(found)


def _to_target(outcome: Outcome, over: str) -> float:
    parts = [getattr(outcome, field) for field in _TO_TARGET[over]]
    return math.inf if None in parts else sum(parts)


def lines_table(body: Lines) -> Table:
    """Every line at some places along the axis, and its range; all points are in the CSV."""
    ends = [one.x[-1] for one in body.lines if one.x]
    places = np.linspace(0.0, max(ends), _ROWS).tolist() if ends and max(ends) > 0 else [0.0]
    rows = tuple((place, *(_at(one, place, body.y.unit) for one in body.lines)) for place in places)
    columns = (Column(text=body.x.text, unit=body.x.unit), *(Column(text=one.name) for one in body.lines))
    caption = f"{body.y.text} against {body.x.text}"
    measured = [Column(text=text, unit=body.y.unit) for text in ("median", "lowest", "highest")]
    points = tuple(
        (one.name, *point)
        for one in body.lines
        for point in zip(one.x, one.y, one.low or one.y, one.high or one.y, strict=True)
    )
    heads = (Column(text="line"), Column(text=body.x.text, unit=body.x.unit), *measured)
    full = Table(caption=caption, columns=heads, rows=points)
    return Table(caption=caption, columns=columns, rows=rows, notes=("All points are in the CSV.",), full=full)


def _at(one: Line, place: float, unit: str) -> str | None:
    """What holds at a place; nothing before the line begins, and after it has ended."""
    spot = int(np.searchsorted(one.x, place, side="right")) - 1
    if spot < 0 or place > one.x[-1]:
        return None
    text = about(one.y[spot], unit)
    if not one.low or one.low[spot] == one.high[spot]:
        return text
    return f"{text} ({about(one.low[spot], unit)} to {about(one.high[spot], unit)})"


def _note(comparison: Comparison) -> str:
    seeds = max(len(runs) for runs in comparison.results.values())
    parts = [f"Line: median of {seeds} seeds; band: lowest to highest."] if seeds > 1 else []
    parts.append("An evaluation holds until the next.")
    if seeds > 1:
        parts.append("Over time a run that is over keeps its last value; else a line ends where the first seed does.")
    parts.append(f"A line of more than {MOST_POINTS} points is drawn at {MOST_POINTS} places.")
    parts += ["Dots: where the median seed reached the target."] if comparison.target is not None else []
    return " ".join(parts)
