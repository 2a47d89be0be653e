"""What every scenario came to, and how sure the differences are."""

import math
from collections.abc import Iterator

from fedsim.report.human import NOTHING, about, gain
from fedsim.report.page.section import Section
from fedsim.report.page.subject import Subject
from fedsim.report.page.table import COUNT, TEXT, Column, Table, words
from fedsim.study.comparison import Comparison
from fedsim.study.interval import Interval
from fedsim.study.outcome import MEASURES, Measure

_ON_DEMAND = ("accuracy", "bottom_decile")


def outcome_section(subject: Subject, names: tuple[str, ...]) -> Section:
    """The tables that ``fedsim compare`` prints."""
    comparison = subject.comparison
    tables = [_table(comparison, names)]
    if len(comparison.seeds) > 1:
        tables.append(_runs(subject, names))
    tables += [_differences(comparison, name) for name in names if name != comparison.names[0]]
    return Section(name="outcome", title="Results", text=tuple(_text(subject)), tables=tuple(tables))


def _text(subject: Subject) -> Iterator[str]:
    comparison = subject.comparison
    if subject.kind == "comparison":
        yield (
            f"Every run goes on for {about(comparison.horizon_s, 's')} of simulated time with the same luck for all "
            "scenarios, so that they are compared at equal time and differences are paired, seed by seed."
        )
    if len(comparison.seeds) > 1 and comparison.learned:
        yield (
            "To the target: median over seeds, where a run that never gets there counts as infinitely far. "
            "At the end: mean over seeds."
        )


def shown_measures(comparison: Comparison) -> list[Measure]:
    """All figures; of quality only where any is learned, and some of it only where it is the metric."""
    known = [measure for measure in MEASURES if comparison.learned or not measure.is_of_quality]
    known = [measure for measure in known if comparison.target is not None or not measure.is_to_target]
    return [measure for measure in known if measure.field not in _ON_DEMAND or comparison.metric == measure.field]


def _table(comparison: Comparison, names: tuple[str, ...]) -> Table:
    rows: list[tuple[str, ...]] = []
    if comparison.target is not None:
        rows.append(
            ("reached the target", *(f"{comparison.reached(name)} of {_seeds(comparison, name)}" for name in names))
        )
    measures = shown_measures(comparison)
    for measure in measures:
        text = measure.text if measure.is_to_target else f"{measure.text} at the end"
        rows.append((text, *(_cell(comparison, name, measure) for name in names)))
    frame = comparison.table()
    frame = frame[frame["scenario"].isin(names)]
    full = Table(
        caption="Results",
        columns=words(*map(str, frame.columns)),
        rows=tuple(frame.itertuples(index=False, name=None)),
    )
    columns = (Column(text=""), *(Column(text=name, unit=TEXT) for name in names))
    return Table(caption="Scenarios side by side", columns=columns, rows=tuple(rows), full=full)


def _seeds(comparison: Comparison, name: str) -> int:
    return len(comparison.results[name])


def _cell(comparison: Comparison, name: str, measure: Measure) -> str:
    value = comparison.typical(name, measure)
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return f"> {about(comparison.horizon_s, 's')}" if measure.unit == "s" else NOTHING
    return about(value, measure.unit)


def _runs(subject: Subject, names: tuple[str, ...]) -> Table:
    """A row for every run."""
    comparison = subject.comparison
    measures = [measure for measure in shown_measures(comparison) if measure.is_to_target or measure.is_of_quality]
    measures = measures or shown_measures(comparison)
    columns = (
        Column(text="scenario"),
        Column(text="seed", unit=COUNT),
        *(Column(text=measure.text, unit=measure.unit) for measure in measures),
    )
    rows = tuple(
        (name, one.seed, *(measure.of(one) for measure in measures))
        for name in names
        for one in comparison.outcomes(name)
    )
    return Table(caption="Every run", columns=columns, rows=rows, folded=True)


def _differences(comparison: Comparison, name: str) -> Table:
    first = comparison.names[0]
    columns = (
        Column(text=""),
        *(Column(text=text, unit=TEXT) for text in ("mean", "95 % interval", "seeds", "differs")),
    )
    rows = tuple(_difference(comparison, name, measure) for measure in shown_measures(comparison))
    return Table(caption=f"{name} less {first}, seed by seed", columns=columns, rows=rows)


def _difference(comparison: Comparison, name: str, measure: Measure) -> tuple[str, ...]:
    found, seeds = comparison.difference(name, measure), len(comparison.seeds)
    if found is None:
        return measure.text, NOTHING, "no seed with both", f"0 of {seeds}", NOTHING
    return (
        measure.text,
        gain(found.mean, measure.unit),
        interval_text(found, measure.unit),
        f"{found.pairs} of {seeds}",
        verdict(found),
    )


def interval_text(found: Interval, unit: str) -> str:
    """``-3 s to +1 s``."""
    if found.low is None or found.high is None:
        return "one seed"
    return f"{gain(found.low, unit)} to {gain(found.high, unit)}"


def verdict(found: Interval) -> str:
    """Whether there is a difference, as far as the seeds tell."""
    if found.low == found.high == 0:
        return "no"
    return {True: "yes", False: "cannot tell", None: NOTHING}[found.excludes_zero]
