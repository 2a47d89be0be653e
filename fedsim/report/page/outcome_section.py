"""What every scenario came to, and how sure the differences are: the tables of ``fedsim compare``."""

from dataclasses import replace
from typing import Final

import pandas as pd

from fedsim.report.page.section import Section
from fedsim.report.page.table import COUNT, TEXT, Column, Table, shortened, words
from fedsim.report.sheet import Sheet
from fedsim.report.side_by_side import comparison_sheets
from fedsim.study.comparison import Comparison

_MOST_ROWS: Final = 60
_MOST_OPEN: Final = 2
"""Tables of differences that stand open; where there are more, a reader opens those that matter."""


def outcome_section(comparison: Comparison, text: tuple[str, ...]) -> Section:
    """Scenarios side by side, what the others differ in from the first, and every run, below some text."""
    side, *differences = comparison_sheets(comparison)
    side = replace(side, title="Scenarios side by side" if len(comparison.names) > 1 else "What it came to")
    if len(comparison.seeds) == 1:
        side = _of_one_seed(side)
    full = _whole(comparison.table(), "Results")
    many = len(differences) > _MOST_OPEN
    tables = [replace(sheet_table(side), full=full)]
    tables += [replace(sheet_table(sheet), folded=many) for sheet in differences]
    if len(comparison.seeds) > 1:
        tables.append(_runs(comparison))
    return Section(name="outcome", title="Results", text=text, tables=tuple(tables))


def _of_one_seed(sheet: Sheet) -> Sheet:
    """Without what is only said of several seeds."""
    return replace(sheet, rows=tuple(row for row in sheet.rows if row[0].strip() != "95 % interval"), notes=())


def sheet_table(sheet: Sheet) -> Table:
    """A table of texts; a heading inside it is a row without figures, and its notes stand below."""
    width = len(sheet.header)
    rows = tuple((*(cell.strip() for cell in row), *("",) * (width - len(row))) for row in sheet.rows)
    head, *others = sheet.header
    columns = (Column(text=head), *(Column(text=text, unit=TEXT) for text in others))
    return Table(caption=sheet.title, columns=columns, rows=rows, notes=sheet.notes)


def _runs(comparison: Comparison) -> Table:
    """A row for every run."""
    measures = [measure for measure in comparison.measures if measure.is_to_target or measure.is_of_quality]
    columns = (
        Column(text="scenario"),
        Column(text="seed", unit=COUNT),
        *(Column(text=measure.text, unit=measure.unit) for measure in measures),
        Column(text="stopped because"),
    )
    rows = tuple(
        (name, one.seed, *(measure.of(one) for measure in measures), one.stopped_because)
        for name in comparison.names
        for one in comparison.outcomes(name)
    )
    table = Table(caption="Every run", columns=columns, rows=rows)
    return replace(shortened(table, _MOST_ROWS), folded=True)


def _whole(frame: pd.DataFrame, caption: str) -> Table:
    rows = tuple(frame.itertuples(index=False, name=None))
    return Table(caption=caption, columns=words(*map(str, frame.columns)), rows=rows)
