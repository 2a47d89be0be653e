"""Work that did not count, and what failed."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any, Final

from fedsim.report.human import about
from fedsim.report.page.bars import bars, bars_table, folded
from fedsim.report.page.figure import Figure, View
from fedsim.report.page.section import Section
from fedsim.report.page.table import Column, Table
from fedsim.study.comparison import Comparison
from fedsim.system.usage import Usage

_FAILURES: Final = {
    "down": "device went down",
    "lost": "message lost",
    "failed": "message failed",
    "refused": "job refused",
    "fault": "job failed",
    "undone": "server's work undone",
    "outage": "outage began",
}
"""Kinds of events that tell of something that went wrong."""


def waste_section(comparison: Comparison) -> Section:
    """What was wasted, by cause, and how often something failed."""
    names = comparison.names
    text = tuple(_sentence(comparison, name) for name in names)
    tables = [table for table in (_failures(comparison, names),) if table is not None]
    causes = sorted({cause for name in names for run in comparison.results[name] for cause in run.summary.waste})
    figures = () if not causes else (_figure(comparison, names, causes),)
    return Section(name="waste", title="Failures and waste", text=text, tables=tuple(tables), figures=figures)


def _sentence(comparison: Comparison, name: str) -> str:
    runs = comparison.results[name]
    spent = fmean(run.summary.spent.work_j for run in runs)
    lost = fmean(sum(waste.usage.work_j for waste in run.summary.waste.values()) for run in runs)
    if not lost:
        return f"{name}: all work counted."
    share = f", {about(lost / spent, '1')} of all" if spent else ""
    return f"{name}: {about(lost, 'J')}{share} went into work that did not count."


def _figure(comparison: Comparison, names: tuple[str, ...], causes: Sequence[str]) -> Figure:
    energy_j = {
        cause: [fmean(_usage(run.summary.waste, cause).work_j for run in comparison.results[name]) for name in names]
        for cause in causes
    }
    alone = f", all {causes[0]}" if len(causes) == 1 else ""
    body = bars(f"energy of work that did not count{alone}", "J", names, folded(energy_j))
    return Figure(
        name="waste-causes",
        title="Work that did not count, by cause",
        alt="Stacked bars of wasted joules by cause for each scenario",
        note="Mean over seeds. docs/design.md says what the causes are.",
        views=(View(body=body, table=_table(comparison, names, causes, bars_table(body, "scenario"))),),
    )


def _usage(waste: Any, cause: str) -> Usage:
    return waste[cause].usage if cause in waste else Usage()


def _table(comparison: Comparison, names: tuple[str, ...], causes: Sequence[str], plain: Table) -> Table:
    """A row for each scenario and cause."""
    rows: list[tuple[Any, ...]] = []
    for name in names:
        for cause in causes:
            runs = comparison.results[name]
            usages = [_usage(run.summary.waste, cause) for run in runs]
            pieces = fmean(run.summary.waste[cause].pieces if cause in run.summary.waste else 0 for run in runs)
            figures = [fmean(getattr(usage, field) for usage in usages) for field in _FIELDS]
            if pieces or any(figures):
                rows.append((name, cause, pieces, *figures))
    numbers = [Column(text=text, unit=unit) for text, unit in zip(_TEXTS, ("s", "J", "bytes", "bytes"), strict=True)]
    columns = (Column(text="scenario"), Column(text="cause"), Column(text="pieces", unit=""), *numbers)
    return Table(caption=plain.caption, columns=columns, rows=tuple(rows))


_FIELDS: Final = ("compute_s", "work_j", "sent_bytes", "received_bytes")
_TEXTS: Final = ("computing", "energy", "up", "down")


def _failures(comparison: Comparison, names: tuple[str, ...]) -> Table | None:
    """How often what went wrong, by cause; None where nothing did."""
    counts: dict[tuple[str, str], dict[str, float]] = {}
    for name in names:
        runs = comparison.results[name]
        for run in runs:
            for kind, text in _FAILURES.items():
                rows = run.events[run.events["kind"] == kind]
                causes = rows["cause"].fillna("") if "cause" in rows else rows["kind"].map(lambda _: "")
                for cause, count in causes.value_counts().items():
                    own = counts.setdefault((text, str(cause)), dict.fromkeys(names, 0.0))
                    own[name] += int(count) / len(runs)
    if not counts:
        return None
    columns = (Column(text="what"), Column(text="cause"), *(Column(text=name, unit="") for name in names))
    rows_ = tuple((*what, *of_one.values()) for what, of_one in sorted(counts.items()))
    return Table(caption="How often something failed (mean over seeds)", columns=columns, rows=rows_)
