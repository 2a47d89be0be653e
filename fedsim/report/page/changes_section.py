"""What single changes of a scenario gain, as ``fedsim whatif`` found it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fedsim.report.human import NOTHING, about, gain
from fedsim.report.page.axis import Axis
from fedsim.report.page.figure import Bars, Figure, View
from fedsim.report.page.section import Section
from fedsim.report.page.table import COUNT, TEXT, Column, Table, words

_UNITS: Final = {"time": ("time_s", "s"), "energy": ("energy_j", "J"), "bytes": ("bytes", "bytes")}
_LEVEL: Final = 0.05

Row = Mapping[str, Any]


def changes_section(told: Mapping[str, Any]) -> Section:
    """Ranked by what they gain, from the folder's ``summary.json``."""
    by, rows = str(told["by"]), told["table"]
    tables = [_table(rows, by)]
    if told.get("refused"):
        refused = tuple((str(name), str(why)) for name, why in told["refused"].items())
        tables.append(Table(caption="Changes that do not apply", columns=words("change", "why"), rows=refused))
    text = (
        "Every change was tried by itself, by running the scenario with it, with the same luck. A run that did not get "
        "there counts with the horizon, or what it took by then."
    )
    return Section(
        name="changes", title="What if?", text=(text,), tables=tuple(tables), figures=(_figure(rows[1:], by),)
    )


def answer_of_changes(told: Mapping[str, Any], goal: str) -> tuple[str, ...]:
    """The change that gains most, and whether that is more than luck; ``goal`` is what was to be reached."""
    by, rows = str(told["by"]), told["table"]
    column, unit = _UNITS[by]
    to = goal if told["target"] is not None else f"the end of {told['rounds']} rounds"
    took = f"As it is, {told['name']} takes {about(rows[0][column], unit)} to {to} (mean)."
    if len(rows) < 2 or not (rows[1][f"gain_{column}"] or 0) > 0:
        return took, "No change that was tried gains anything."
    best = rows[1]
    text = f"Most is gained by {best['change']} ({best['what']}): {about(best[f'gain_{column}'], unit)}"
    return took, f"{text}, a factor of {best[f'times_{column}']:.3g}; {_verdict(best, column)}."


def _verdict(row: Row, column: str) -> str:
    p = row[f"p_{column}"]
    if p is None:
        return "one seed cannot tell that from luck"
    return "that is more than luck" if p < _LEVEL else "that may be luck"


def _table(rows: Sequence[Row], by: str) -> Table:
    column, unit = _UNITS[by]
    columns = (
        *words("change", "what"),
        *(Column(text=text, unit=COUNT) for text in ("seeds", "reached")),
        Column(text=by, unit=unit),
        *(Column(text=text, unit=TEXT) for text in ("gain", "95 % interval", "times", "differs")),
    )
    listed = tuple(
        (row["change"], row["what"], row["seeds"], row["reached"], row[column], *_gained(row, column, unit))
        for row in rows
    )
    return Table(caption=f"Changes by what they gain in {by}", columns=columns, rows=listed)


def _gained(row: Row, column: str, unit: str) -> tuple[str, ...]:
    mean, low, high, times = (row[f"{name}_{column}"] for name in ("gain", "low", "high", "times"))
    if mean is None:
        return (NOTHING,) * 4
    interval = NOTHING if low is None or high is None else f"{gain(low, unit)} to {gain(high, unit)}"
    p = row[f"p_{column}"]
    differs = NOTHING if p is None else "yes" if p < _LEVEL else "cannot tell"
    return gain(mean, unit), interval, NOTHING if times is None else f"{times:.3g} x", differs


def _figure(rows: Sequence[Row], by: str) -> Figure:
    column, unit = _UNITS[by]
    known = [row for row in rows if row[f"gain_{column}"] is not None]
    gains = [float(row[f"gain_{column}"]) for row in known]
    spans = tuple(
        None if row[f"low_{column}"] is None else (float(row[f"low_{column}"]), float(row[f"high_{column}"]))
        for row in known
    )
    ends = [end for span in spans if span is not None for end in span]
    body = Bars(
        value=Axis.of(f"gain in {by}", unit, [*gains, *ends]),
        categories=tuple(str(row["change"]) for row in known),
        parts={"gain": tuple(gains)},
        spans=spans,
    )
    columns = (
        Column(text="change"),
        *(Column(text=text, unit=unit) for text in ("gain", "low", "high")),
    )
    listed = tuple((row["change"], row[f"gain_{column}"], row[f"low_{column}"], row[f"high_{column}"]) for row in known)
    return Figure(
        name="changes-gain",
        title=f"What each change gains in {by}",
        alt="A bar for each change with the interval of its gain; the table has the numbers",
        note="Without the change less with it, mean over seeds; the line is the 95 % interval of each by itself.",
        views=(View(body=body, table=Table(caption="Gains", columns=columns, rows=listed)),),
    )
