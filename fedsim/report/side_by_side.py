"""The table of a comparison: scenarios side by side, and below it what differs and how sure that is."""

import math
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from fedsim.report.grid import Row, grid, heading_line
from fedsim.report.human import NOTHING, about, gain
from fedsim.report.tables import goal_text
from fedsim.study.comparison import Comparison
from fedsim.study.interval import Interval
from fedsim.study.outcome import MEASURES, Measure

_ROOM = 54  # characters for the columns of scenarios
_ON_DEMAND = ("accuracy", "bottom_decile")  # shown where they are the metric


def comparison_report(comparison: Comparison) -> RenderableType:
    """Scenarios side by side over the seeds, then each one's paired differences from the first."""
    seeds = len(comparison.seeds)
    horizon = about(comparison.horizon_s, "s")
    counts = f"{_plural(len(comparison.names), 'scenario')}, {_plural(seeds, 'seed')}"
    parts: list[RenderableType] = [
        heading_line(f"{counts}; every run goes on for {horizon}, the smallest stop.time"),
        Text(_goal(comparison)),
    ]
    columns = max(1, _ROOM // (max(map(len, comparison.names)) + 2))
    for start in range(0, len(comparison.names), columns):
        names = comparison.names[start : start + columns]
        parts += [Text(), grid(_rows(comparison, names), header=("", *names))]
    means = "at the end: mean over seeds"
    parts.append(Text(f"to the target: median over seeds; {means}" if comparison.learned else means, style="dim"))
    for name in comparison.names[1:]:
        parts += [Text(), _differences(comparison, name)]
    if len(comparison.names) > 1:
        parts += [Text(line, style="dim") for line in _footnotes(comparison)]
    return Group(*parts)


def _goal(comparison: Comparison) -> str:
    if comparison.target is None:
        return "timing runs: nothing was learned, and there is no quality to compare"
    return f"target: {goal_text(comparison.goal)}"


def _footnotes(comparison: Comparison) -> tuple[str, ...]:
    if len(comparison.seeds) == 1:
        return ("one seed: no interval; give more seeds to tell a difference from luck",)
    differs = "differs: whether the interval excludes 0"
    return ("to the target: over the seeds with which both reached it", differs) if comparison.learned else (differs,)


def _rows(comparison: Comparison, names: Iterable[str]) -> Iterable[Row]:
    listed = tuple(names)
    seeds = len(comparison.seeds)
    if comparison.learned:
        yield "reached the target", *(f"{comparison.reached(name)} of {seeds}" for name in listed)
    for measure in _shown(comparison):
        if measure is _first_at_end(comparison):
            yield (f"at {about(comparison.horizon_s, 's')}",)
        yield _indent(measure), *(_cell(comparison, name, measure) for name in listed)


def _shown(comparison: Comparison) -> list[Measure]:
    """All figures; of quality only where any is learned, and some of it only where it is the metric."""
    known = [measure for measure in MEASURES if comparison.learned or not measure.is_of_quality]
    return [measure for measure in known if measure.field not in _ON_DEMAND or comparison.metric == measure.field]


def _first_at_end(comparison: Comparison) -> Measure:
    return next(measure for measure in _shown(comparison) if not measure.is_to_target)


def _indent(measure: Measure) -> str:
    return measure.text if measure.is_to_target else f"  {measure.text}"


def _cell(comparison: Comparison, name: str, measure: Measure) -> str:
    value = comparison.typical(name, measure)
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return f"> {about(comparison.horizon_s, 's')}" if measure.unit == "s" else NOTHING
    return about(value, measure.unit)


def _differences(comparison: Comparison, name: str) -> RenderableType:
    rows = [_difference_row(comparison, name, measure) for measure in _shown(comparison)]
    header = ("", "mean", "95 % interval", "seeds", "differs")
    return grid(rows, header=header, title=f"{name} less {comparison.names[0]}, seed by seed")


def _difference_row(comparison: Comparison, name: str, measure: Measure) -> Row:
    found = comparison.difference(name, measure)
    if found is None:
        return measure.text, NOTHING, "no seed with both", f"0 of {len(comparison.seeds)}", NOTHING
    return (
        measure.text,
        gain(found.mean, measure.unit),
        _interval(found, measure),
        f"{found.pairs} of {len(comparison.seeds)}",
        _verdict(found),
    )


def _verdict(found: Interval) -> str:
    """Whether there is a difference, as far as the seeds tell."""
    if found.low == found.high == 0:
        return "no"
    return {True: "yes", False: "cannot tell", None: NOTHING}[found.excludes_zero]


def _interval(found: Interval, measure: Measure) -> str:
    if found.low is None or found.high is None:
        return "one seed"
    return f"{gain(found.low, measure.unit)} to {gain(found.high, measure.unit)}"


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
