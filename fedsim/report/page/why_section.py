"""What decided how long it took: the critical path."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fedsim.report.page.bars import bars, bars_table, folded
from fedsim.report.page.figure import Control, Figure, View
from fedsim.report.page.section import Section
from fedsim.report.page.subject import Subject
from fedsim.report.page.table import Column, Table, shortened, words
from fedsim.study.critical_path import CriticalPath, critical_path

_MOST_LINES = 10
_BY = {"phase": "phase", "link": "link of the message", "device": "device"}


def why_section(subject: Subject, names: tuple[str, ...]) -> Section | None:
    """The chain of events without which nothing would have been earlier, until the target or the end.

    Of the first seed of each scenario: chains of several runs have no mean.
    """
    paths = {name: first_path(subject, name) for name in names}
    paths = {name: path for name, path in paths.items() if len(path.steps)}
    if not paths:
        return None
    text = (
        "One chain of events decided when a run was over: had any link of it been shorter, so had the run. "
        f"It is followed from the end back to the start, in the run of the first seed, {_until(subject)}.",
    )
    told = Table(
        caption="What decided it",
        columns=words("scenario", "largest part"),
        rows=tuple((name, path.sentence()) for name, path in paths.items()),
    )
    views = tuple(_view(paths, column) for column in _BY)
    figure = Figure(
        name="critical-path",
        title="Where the time went, along the critical path",
        alt=f"Stacked bars of seconds by phase: {', '.join(paths)}; the table has the numbers",
        note="Phases of one chain: they follow each other and add up to the time. By link and by device, what is not "
        f"on a link or of a device is left out; the {_MOST_LINES} largest are drawn.",
        views=views,
        controls=(Control(text="by", options=tuple(_BY.values())),),
    )
    return Section(name="why", title="Why it took so long", text=text, tables=(told,), figures=(figure,))


def first_path(subject: Subject, name: str) -> CriticalPath:
    """Of a scenario's first seed, until the target where it was reached."""
    run, outcome = subject.runs(name)[0], subject.comparison.outcomes(name)[0]
    return critical_path(run.events, run.devices).until(outcome.time_to_target_s)


def _until(subject: Subject) -> str:
    reached = subject.comparison.target is not None
    return "until the target where it was reached, and otherwise until the end" if reached else "until the end"


def _view(paths: Mapping[str, CriticalPath], column: str) -> View:
    found: dict[str, pd.Series[Any]] = {name: _seconds(path, column) for name, path in paths.items()}
    frame = pd.DataFrame(found).fillna(0.0)
    frame = frame.loc[frame.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    parts = [str(part) for part in frame.index]
    if column == "phase":
        body = bars(
            "time on the critical path", "s", list(frame), folded({part: frame.loc[part].tolist() for part in parts})
        )
        return View(body=body, table=_by_phase(frame))
    head = frame.head(_MOST_LINES)
    body = bars(
        "time on the critical path",
        "s",
        [str(part) for part in head.index],
        {str(name): head[name].tolist() for name in head},
        stacked=False,
    )
    full = bars(
        "time on the critical path", "s", parts, {str(name): frame[name].tolist() for name in frame}, stacked=False
    )
    return View(body=body, table=shortened(bars_table(full, column), 3 * _MOST_LINES, "the CSV"))


def _seconds(path: CriticalPath, column: str) -> "pd.Series[Any]":
    return {"phase": path.seconds, "link": path.by_link, "device": path.by_device}[column]()


def _by_phase(frame: pd.DataFrame) -> Table:
    """Phases downwards, with their shares."""
    columns = [Column(text="phase")]
    for name in frame:
        columns += [Column(text=str(name), unit="s"), Column(text="share", unit="1")]
    rows = []
    for part in frame.index:
        row: list[Any] = [str(part)]
        for name in frame:
            total = float(frame[name].sum())
            row += [float(frame.loc[part, name]), float(frame.loc[part, name]) / total if total else 0.0]
        rows.append(tuple(row))
    return Table(caption="Time on the critical path", columns=tuple(columns), rows=tuple(rows))
