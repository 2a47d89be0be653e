"""What decided how long it took: the critical path."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from fedsim.report.page.bars import bars, bars_table, folded
from fedsim.report.page.figure import Control, Figure, View
from fedsim.report.page.section import Section
from fedsim.report.page.table import Column, Table, shortened, words
from fedsim.study.comparison import Comparison
from fedsim.study.critical_path import CriticalPath, critical_path

_MOST_LINES: Final = 10
_TEXT: Final = "time on the critical path"
_BY: Final = {"phase": "phase", "link": "link of the message", "device": "device"}


def why_section(comparison: Comparison) -> Section | None:
    """The chain of events without which nothing would have been earlier, until the target or the end.

    Of the first seed of each scenario: chains of several runs have no mean.
    """
    names = comparison.names
    paths = {name: first_path(comparison, name) for name in names}
    paths = {name: path for name, path in paths.items() if len(path.steps)}
    if not paths:
        return None
    text = (
        "One chain of events decided when a run was over: had any link of it been shorter, so had the run. "
        f"It is followed from the end back to the start, in the run of the first seed, {_until(comparison)}."
    )
    if len(paths) == 1:
        [only] = paths.values()
        text = f"{text} {only.sentence()}."
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
    return Section(
        name="why",
        title="Why it took so long",
        text=(text,),
        tables=(told,) if len(paths) > 1 else (),
        figures=(figure,),
    )


def first_path(comparison: Comparison, name: str) -> CriticalPath:
    """Of a scenario's first seed, until the target where it was reached."""
    run, outcome = comparison.results[name][0], comparison.outcomes(name)[0]
    return critical_path(run.events, run.devices).until(outcome.time_to_target_s)


def _until(comparison: Comparison) -> str:
    reached = comparison.target is not None
    return "until the target where it was reached, and otherwise until the end" if reached else "until the end"


def _view(paths: Mapping[str, CriticalPath], column: str) -> View:
    frame = pd.DataFrame({name: _seconds(path, column) for name, path in paths.items()}).fillna(0.0)
    frame = frame.loc[frame.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    parts = [str(part) for part in frame.index]
    if column == "phase":
        rows = dict(zip(parts, frame.to_numpy(float).tolist(), strict=True))
        body = bars(_TEXT, "s", list(paths), folded(rows))
        return View(body=body, table=_by_phase(rows, list(paths)))
    columns = {name: frame[name].tolist() for name in paths}
    head = {name: values[:_MOST_LINES] for name, values in columns.items()}
    body = bars(_TEXT, "s", parts[:_MOST_LINES], head, stacked=False)
    table = bars_table(bars(_TEXT, "s", parts, columns, stacked=False), column)
    return View(body=body, table=shortened(table, 3 * _MOST_LINES))


def _seconds(path: CriticalPath, column: str) -> "pd.Series[float]":
    if column == "phase":
        return path.seconds()
    return path.by_link() if column == "link" else path.by_device()


def _by_phase(rows: Mapping[str, list[float]], names: Sequence[str]) -> Table:
    """Phases downwards, with their shares."""
    columns = [Column(text="phase")]
    for name in names:
        columns += [Column(text=name, unit="s"), Column(text="share", unit="1")]
    totals = [sum(values) or 1.0 for values in zip(*rows.values(), strict=True)]
    found: list[tuple[Any, ...]] = []
    for phase, values in rows.items():
        shares = [(value, value / total) for value, total in zip(values, totals, strict=True)]
        found.append((phase, *(number for pair in shares for number in pair)))
    return Table(caption="Time on the critical path", columns=tuple(columns), rows=tuple(found))
