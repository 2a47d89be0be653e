"""The table of one scenario's runs over many seeds."""

import math
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from fedsim.report.grid import Row, grid, heading_line
from fedsim.report.human import NOTHING, about
from fedsim.report.sheet import Sheet
from fedsim.report.tables import goal_text, of_model
from fedsim.study.outcome import MEASURES, Measure
from fedsim.study.seeds import Over, Seeds

_ON_DEMAND = ("accuracy", "bottom_decile")  # shown where they are the metric


def seeds_report(seeds: Seeds) -> RenderableType:
    """How many reached the target, and every figure with what luck makes of it."""
    sheet = seeds_sheet(seeds)
    parts: list[RenderableType] = [heading_line(_title(seeds)), Text(_goal(seeds)), Text()]
    parts += [grid(sheet.rows, header=sheet.header)]
    return Group(*parts, *(Text(line, style="dim") for line in sheet.notes))


def seeds_sheet(seeds: Seeds) -> Sheet:
    """The same as a table for a paper or a page."""
    return Sheet(
        title=f"{_title(seeds)}; {_goal(seeds)}",
        header=("", "median", "95 % interval", "range"),
        rows=tuple(_rows(seeds)),
        notes=tuple(_footnotes(seeds)),
    )


def _title(seeds: Seeds) -> str:
    return f"{seeds.name}, {len(seeds.seeds)} seeds from {seeds.seeds[0]} to {seeds.seeds[-1]}"


def _goal(seeds: Seeds) -> str:
    if not seeds.learned:
        return "timing runs: nothing was learned"
    if seeds.goal.target is None:
        return "no target"
    reached = f"reached by {seeds.reached} of {len(seeds.seeds)}"
    return f"{goal_text(seeds.goal, regression=seeds.regression)}: {reached}"


def _rows(seeds: Seeds) -> Iterable[Row]:
    for measure in MEASURES:
        found = None if measure.field in _ON_DEMAND and measure.field != seeds.goal.metric else seeds.over(measure)
        if found is not None:
            yield of_model(measure.text, regression=seeds.regression), *_cells(found, measure)


def _cells(found: Over, measure: Measure) -> Row:
    interval = NOTHING
    if found.low is not None and found.high is not None:
        interval = _span(found.low, found.high, measure)
    return _text(found.median, measure), interval, _span(found.lowest, found.highest, measure)


def _span(low: float, high: float, measure: Measure) -> str:
    ends = _text(low, measure), _text(high, measure)
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def _text(value: float, measure: Measure) -> str:
    return "never" if math.isinf(value) else about(value, measure.unit)


def _footnotes(seeds: Seeds) -> Iterable[str]:
    if len(seeds.seeds) < 6:
        yield "six seeds or more give an interval of the median"
    if seeds.learned and seeds.goal.target is not None and seeds.reached < len(seeds.seeds):
        yield "a run that did not reach the target counts as never"
