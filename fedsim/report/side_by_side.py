"""The tables of a comparison: scenarios side by side, and below that what differs and how sure that is."""

import math
from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from fedsim.report.grid import Row, grid, heading_line
from fedsim.report.human import NOTHING, about, gain, plural
from fedsim.report.sheet import Sheet
from fedsim.report.tables import goal_text
from fedsim.study.comparison import Comparison
from fedsim.study.difference import Difference
from fedsim.study.effect import digits
from fedsim.study.interval import Interval
from fedsim.study.outcome import GOAL, MEASURES, Measure
from fedsim.study.share import Share
from fedsim.study.verdict import Verdict

_ROOM = 54  # characters for the columns of scenarios
_NARROWEST = 8  # what a cell takes, however short the name above it
_ON_DEMAND = ("accuracy", "bottom_decile")  # shown where they are the metric
_HEADER = ("", "mean", "95 % interval", "factor", "verdict")


def comparison_report(comparison: Comparison) -> RenderableType:
    """Scenarios side by side over the seeds, then each one's paired differences from the first; for a terminal."""
    counts, *facts = comparison_facts(comparison)
    parts: list[RenderableType] = [heading_line(counts), *map(Text, facts)]
    columns = max(1, _ROOM // (max(_NARROWEST, *map(len, comparison.names)) + 2))
    for start in range(0, len(comparison.names), columns):
        sheet = side_sheet(comparison, comparison.names[start : start + columns])
        parts += [Text(), grid(sheet.rows, header=sheet.header)]
    parts += [Text(note, style="dim") for note in _side_notes(comparison)]
    for name in comparison.names[1:]:
        sheet = difference_sheet(comparison, name)
        parts += [Text(), grid(sheet.rows, header=sheet.header, title=sheet.title), *map(Text, sheet.notes)]
    parts += [Text(line, style="dim") for line in _footnotes(comparison)]
    return Group(*parts)


def comparison_sheets(comparison: Comparison) -> tuple[Sheet, ...]:
    """The same as tables for a paper or a page: all scenarios side by side, and one for each but the first."""
    sheets = [side_sheet(comparison, comparison.names)]
    sheets += [difference_sheet(comparison, name) for name in comparison.names[1:]]
    notes = (*sheets[-1].notes, *_footnotes(comparison))
    return (*sheets[:-1], Sheet(title=sheets[-1].title, header=sheets[-1].header, rows=sheets[-1].rows, notes=notes))


def comparison_facts(comparison: Comparison) -> tuple[str, ...]:
    """How many ran how long, what they were to reach, and what a reader should know of how they were made."""
    counts = f"{plural(len(comparison.names), 'scenario')}, {plural(len(comparison.seeds), 'seed')}"
    horizon = about(comparison.horizon_s, "s")
    lasts = f"every run goes on for {horizon}, the smallest stop.time" if _whole(comparison) else f"up to {horizon}"
    return f"{counts}; {lasts}", _goal(comparison), *comparison.notes


def side_sheet(comparison: Comparison, names: Sequence[str]) -> Sheet:
    """Some of the scenarios side by side."""
    title = f"{plural(len(comparison.seeds), 'seed')} of {about(comparison.horizon_s, 's')}, {_goal(comparison)}"
    return Sheet(
        title=title,
        header=("", *names),
        rows=tuple(_rows(comparison, names)),
        notes=_side_notes(comparison),
    )


def difference_sheet(comparison: Comparison, name: str) -> Sheet:
    """What one scenario is against the first, and in words."""
    verdicts = [comparison.verdict(name, measure) for measure in _shown(comparison)]
    title = f"{name} against {comparison.names[0]}, seed by seed"
    rows = tuple(_difference_row(verdict, len(comparison.seeds)) for verdict in verdicts)
    return Sheet(title=title, header=_HEADER, rows=rows, notes=tuple(_in_words(comparison, name)))


def _goal(comparison: Comparison) -> str:
    if comparison.target is None:
        return "timing runs: nothing was learned, and there is no quality to compare"
    return f"target: {goal_text(comparison.goal, regression=comparison.regression)}"


def _side_notes(comparison: Comparison) -> tuple[str, ...]:
    means = "at the end: mean over seeds"
    return (f"to the target: median over seeds; {means}" if comparison.learned else means,)


def _footnotes(comparison: Comparison) -> tuple[str, ...]:
    others = len(comparison.names) - 1
    if not others:
        return ()
    if len(comparison.seeds) == 1:
        return ("one seed: no interval; give more seeds to tell a difference from luck",)
    holm = f", Holm for {others} scenarios" if others > 1 else ""
    real = f"real: no mean of 0 and no factor of 1 fits (5 % level{holm})"
    missed = "a run that missed the target counts with what it took until the end"
    return (missed, real) if comparison.target is not None else (real,)


def _rows(comparison: Comparison, names: Sequence[str]) -> Iterable[Row]:
    if comparison.target is not None:
        shares = [comparison.reached_share(name) for name in names]
        yield "reached the target", *map(str, shares)
        yield "  95 % interval", *map(_likely, shares)
    for measure in _shown(comparison):
        if measure is _first_at_end(comparison):
            yield (_end(comparison),)
        yield _indent(measure), *(_cell(comparison, name, measure) for name in names)


def _end(comparison: Comparison) -> str:
    return f"at {about(comparison.horizon_s, 's')}" if _whole(comparison) else "at the end of each run"


def _whole(comparison: Comparison) -> bool:
    return all(one.whole for name in comparison.names for one in comparison.outcomes(name))


def _likely(share: Share) -> str:
    low, high = share.interval()
    return f"{100 * low:.0f}-{100 * high:.0f} %"


def _shown(comparison: Comparison) -> list[Measure]:
    """All figures; of quality only where any is learned, and some of it only where it is the metric."""
    known = [measure for measure in comparison.measures if comparison.learned or not measure.is_of_quality]
    return [measure for measure in known if measure.field not in _ON_DEMAND or comparison.metric == measure.field]


def _first_at_end(comparison: Comparison) -> Measure:
    return next(measure for measure in _shown(comparison) if not measure.is_to_target)


def _indent(measure: Measure) -> str:
    return measure.text if measure.is_to_target else f"  {measure.text}"


def _cell(comparison: Comparison, name: str, measure: Measure) -> str:
    value = comparison.typical(name, measure)
    if math.isnan(value):
        return NOTHING
    if math.isinf(value) and measure.is_to_target:
        return f"> {about(comparison.horizon_s, 's')}" if measure.unit == "s" else NOTHING
    return about(value, measure.unit)


def _difference_row(verdict: Verdict, seeds: int) -> Row:
    found = verdict.difference
    if found.interval is None or verdict.state == "never reached":
        return found.measure.text, NOTHING, NOTHING, NOTHING, verdict.state
    return (
        found.measure.text,
        gain(found.interval.mean, found.measure.unit),
        _interval(found.interval, found.measure, seeds),
        _factor(found),
        verdict.state if found.interval.pairs == seeds else f"{verdict.state}, {found.interval.pairs} of {seeds}",
    )


def _factor(found: Difference) -> str:
    if found.factor is None:
        return NOTHING
    sign = "" if not found.is_a_bound else "> " if found.factor.mean >= 1 else "< "
    return f"{sign}{digits(found.factor.mean)}"


def _interval(found: Interval, measure: Measure, seeds: int) -> str:
    if found.low is None or found.high is None:
        return "one seed" if seeds == 1 else "one pair"
    return f"{gain(found.low, measure.unit)} to {gain(found.high, measure.unit)}"


def _in_words(comparison: Comparison, name: str) -> Iterable[str]:
    """The time to the target and the metric at the end, who reached it, and what pairing is worth."""
    time, quality = MEASURES[0], _quality(comparison)
    if comparison.target is not None:
        yield comparison.verdict(name, time).words
        yield comparison.reaching(name).words(name, comparison.names[0])
        yield from _of_both(comparison.difference(name, time), len(comparison.seeds))
    yield comparison.verdict(name, quality).words
    yield from _pairing(comparison.difference(name, time if comparison.target is not None else quality))


def _pairing(found: Difference) -> Iterable[str]:
    """What it is worth that both had the same luck."""
    if found.explained is None or found.correlation is None:
        return
    does = "explains" if found.explained >= 0 else "adds"
    share, of = f"{100 * abs(found.explained):.0f} %", "of" if found.explained >= 0 else "to"
    yield f"pairing {does} {share} {of} the variance in {found.measure.text} (correlation {found.correlation:.2f})"


def _quality(comparison: Comparison) -> Measure:
    """The metric at the end; of timing runs the rounds, the first figure that is shown."""
    shown = _shown(comparison)
    named = (measure for measure in shown if measure.field in {comparison.metric, GOAL})
    return next(named, _first_at_end(comparison))


def _of_both(found: Difference, seeds: int) -> Iterable[str]:
    both = found.among_complete
    if both is not None and both.pairs < seeds:
        interval = "" if both.low is None else f" ({_interval(both, found.measure, seeds)})"
        of = f"with the {both.pairs} of {seeds} seeds that both reached it with"
        yield f"{of}: {gain(both.mean, found.measure.unit)}{interval}"
