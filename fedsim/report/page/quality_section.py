"""How well the models do, against time, rounds, energy and bytes."""

import math
from collections.abc import Mapping
from statistics import median
from typing import Final

import numpy as np

from fedsim.report.human import about
from fedsim.report.page.axis import Axis
from fedsim.report.page.curves import MOST_POINTS, band
from fedsim.report.page.figure import Control, Figure, Line, Lines, Mark, View
from fedsim.report.page.section import Section
from fedsim.report.page.subject import Subject
from fedsim.report.page.table import Column, Table
from fedsim.report.tables import metric_text
from fedsim.scenario.metric import is_share
from fedsim.study.outcome import Outcome

_ALONG: Final[Mapping[str, tuple[str, str]]] = {
    "time_s": ("simulated time", "s"),
    "round": ("rounds", ""),
    "energy_j": ("energy of the devices", "J"),
    "bytes": ("bytes, up and down", "bytes"),
}
_SHORT: Final = {"time_s": "time", "round": "rounds", "energy_j": "energy", "bytes": "bytes"}
_MEASURES: Final = ("objective", "duality_gap", "disagreement")
_ROWS: Final = 12


def quality_section(subject: Subject, names: tuple[str, ...]) -> Section | None:
    """One figure, in which the reader chooses the axis and the metric; None where nothing is learned."""
    if not subject.comparison.learned:
        return None
    metrics = _metrics(subject)
    views = tuple(_view(subject, names, axis, metric) for axis in _ALONG for metric in metrics)
    controls = [Control(text="against", options=tuple(_SHORT.values()))]
    if len(metrics) > 1:
        controls.append(Control(text="of", options=tuple(metric_text(metric) for metric in metrics)))
    figure = Figure(
        name="quality-curves",
        title="Quality against what it cost",
        alt=f"Lines of {metric_text(metrics[0])} of {', '.join(names)} against simulated time; the table has the values",
        note=_note(subject),
        views=views,
        controls=tuple(controls),
    )
    return Section(name="quality", title="Quality", figures=(figure,))


def _metrics(subject: Subject) -> list[str]:
    """The one that counts, its companions, and the first measure of the learner's that all curves have."""
    curves = [run.curve for runs in subject.comparison.results.values() for run in runs if run.summary.learned]
    wanted = [subject.comparison.metric, "mean_accuracy", "accuracy", "worst_tenth", "unseen_mean_accuracy", *_MEASURES]
    return [metric for metric in dict.fromkeys(wanted) if all(metric in curve for curve in curves)]


def _view(subject: Subject, names: tuple[str, ...], along: str, metric: str) -> View:
    lines = [
        band([run.curve for run in subject.runs(name)], metric, along, name=name, colour=number)
        for number, name in enumerate(names)
        if all(run.summary.learned for run in subject.runs(name))
    ]
    text, unit = _ALONG[along]
    x = Axis.of(text, unit, [value for line in lines for value in line.x[-1:]])
    y = Axis.of(metric_text(metric), "1" if is_share(metric) else "", [value for line in lines for value in line.y])
    is_goal = metric == subject.comparison.metric
    target = subject.comparison.target if is_goal else None
    marks = _marks(subject, names, along) if target is not None else ()
    body = Lines(x=x, y=y, lines=tuple(lines), level=target, marks=marks)
    return View(body=body, table=lines_table(body))


def _marks(subject: Subject, names: tuple[str, ...], along: str) -> tuple[Mark, ...]:
    found = []
    for number, name in enumerate(names):
        outcomes = subject.comparison.outcomes(name)
        spot = median(_to_target(outcome, along) for outcome in outcomes)
        target = subject.comparison.target
        if math.isfinite(spot) and target is not None:
            text = f"{name}: {about(spot, _ALONG[along][1])} to the target (median)"
            found.append(Mark(x=spot, y=target, colour=number, text=text))
    return tuple(found)


def _to_target(outcome: Outcome, along: str) -> float:
    if along == "bytes":
        parts = (outcome.up_to_target_bytes, outcome.down_to_target_bytes)
        return math.inf if None in parts else sum(part for part in parts if part is not None)
    fields = {"time_s": "time_to_target_s", "round": "rounds_to_target", "energy_j": "energy_to_target_j"}
    value: float | None = getattr(outcome, fields[along])
    return math.inf if value is None else value


def lines_table(body: Lines) -> Table:
    """Every line at some places along the axis, and its range; all points are in the CSV."""
    end = max((line.x[-1] for line in body.lines if line.x), default=0.0)
    start = min((line.x[0] for line in body.lines if line.x), default=0.0)
    places = np.linspace(start, end, _ROWS).tolist() if end > start else [start]
    rows = tuple((place, *(_at(line, place, body) for line in body.lines)) for place in places)
    columns = (Column(text=body.x.text, unit=body.x.unit), *(Column(text=line.name) for line in body.lines))
    caption = f"{body.y.text} against {body.x.text}"
    full_rows = [
        (line.name, x, y, line.low[i] if line.low else y, line.high[i] if line.high else y)
        for line in body.lines
        for i, (x, y) in enumerate(zip(line.x, line.y, strict=True))
    ]
    measured = [Column(text=text, unit=body.y.unit) for text in ("median", "lowest", "highest")]
    full = Table(
        caption=caption,
        columns=(Column(text="line"), Column(text=body.x.text, unit=body.x.unit), *measured),
        rows=tuple(full_rows),
    )
    return Table(caption=caption, columns=columns, rows=rows, more="All points of the lines are in the CSV", full=full)


def _at(line: Line, place: float, body: Lines) -> str | None:
    spot = int(np.searchsorted(line.x, place, side="right")) - 1
    if spot < 0:
        return None
    text = about(line.y[spot], body.y.unit)
    if not line.low or line.low[spot] == line.high[spot]:
        return text
    return f"{text} ({about(line.low[spot], body.y.unit)} to {about(line.high[spot], body.y.unit)})"


def _note(subject: Subject) -> str:
    parts = ["An evaluation holds until the next."]
    if len(subject.comparison.seeds) > 1:
        parts.insert(0, f"Line: median of {len(subject.comparison.seeds)} seeds; band: lowest to highest.")
        parts.append("A run that is over keeps its last value.")
    parts.append(
        f"A line of more than {MOST_POINTS} evaluations is drawn at {MOST_POINTS} places. Dots: where the target was "
        "reached (median of seeds)."
        if subject.comparison.target is not None
        else f"A line of more than {MOST_POINTS} evaluations is drawn at {MOST_POINTS} places."
    )
    return " ".join(parts)
