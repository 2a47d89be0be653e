"""A run's critical path in tables: by phase, link, device, and part of a message."""

from collections.abc import Iterable

import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from fedsim.report.grid import Row, grid, heading_line
from fedsim.report.human import about
from fedsim.study.critical_path import CriticalPath
from fedsim.study.result import Summary

_MOST = 10


def path_report(path: CriticalPath, summary: Summary, queues: "pd.Series[float]") -> RenderableType:
    """What took the time to the target or, where it was not reached, all of the run's.

    ``queues``: seconds of queueing by link.
    """
    until_s = summary.time_to_target_s
    part = path.until(until_s)
    goal = "until the target was reached" if until_s is not None else "until the end"
    tables = {
        "By phase": part.seconds(),
        "By link": part.by_link(),
        "By device": part.by_device(),
        "Messages, by part": part.by_part(),
        "Queueing, by the busiest link of the way": queues,
    }
    parts: list[RenderableType] = [
        heading_line(f"{summary.name}, seed {summary.seed}: the critical path of {about(part.seconds_s, 's')}, {goal}"),
        Text(path.sentence(until_s)),
    ]
    for title, seconds in tables.items():
        if len(seconds):
            parts += [Text(), grid(_rows(seconds, part.seconds_s), title=title)]
    late = part.late()
    if len(late):
        rows = [(str(name), str(times)) for name, times in late.head(_MOST).items()]
        parts += [Text(), grid(rows, header=("", "times"), title="Too late for a deadline")]
    return Group(*parts)


def _rows(seconds: "pd.Series[float]", whole_s: float) -> Iterable[Row]:
    """Those that took most, and all others together; shares are of the whole path."""
    for name, taken_s in seconds.head(_MOST).items():
        yield str(name), about(taken_s, "s"), about(taken_s / whole_s, "1")
    others = seconds.iloc[_MOST:]
    if len(others):
        yield f"{len(others)} others", about(float(others.sum()), "s"), about(float(others.sum()) / whole_s, "1")
