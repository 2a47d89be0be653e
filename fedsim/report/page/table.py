"""A table: what a person reads, and the same in full for a machine."""

import csv
import io
import math
from base64 import b64encode
from dataclasses import dataclass, replace
from typing import Any

from fedsim.report.human import NOTHING, about

COUNT = "n"
"""The unit of whole numbers, which are never rounded."""

MOST_IN_CSV = 2_000
"""Rows of a table in full: those of the devices of a large fleet would be most of the page."""

TEXT = "text"
"""The unit of figures that are written out already, and stand at the right as numbers do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A heading and the unit of what is below it: one of ``about``'s, ``COUNT``, ``TEXT``, or None for words."""

    text: str
    unit: str | None = None

    def cell(self, value: Any) -> str:
        """A value for people."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return NOTHING
        if self.unit in {None, TEXT}:
            return str(value)
        if self.unit == COUNT:
            return f"{int(value):,}"
        if math.isinf(value) and self.unit != "s":
            return NOTHING
        return about(float(value), self.unit or "")

    @property
    def heading(self) -> str:
        """With the SI unit, for tables without units in their cells."""
        if self.unit in {None, "", COUNT, TEXT}:
            return self.text
        return f"{self.text} ({'share' if self.unit == '1' else self.unit})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Rows of plain values; the first column says what a row is about.

    ``notes`` stand below it. ``full`` has everything where the table has not. One that is ``folded`` shows when a
    reader asks for it.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    notes: tuple[str, ...] = ()
    folded: bool = False
    full: "Table | None" = None

    @property
    def cells(self) -> list[list[str]]:
        """All cells for people."""
        return [[column.cell(value) for column, value in zip(self.columns, row, strict=True)] for row in self.rows]

    @property
    def csv(self) -> str:
        """All of it in SI units, unrounded."""
        table, text = self.full or self, io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([column.heading for column in table.columns])
        writer.writerows([["" if value is None else value for value in row] for row in table.rows])
        return text.getvalue()

    @property
    def data_uri(self) -> str:
        """The CSV as an address that needs no server."""
        return f"data:text/csv;charset=utf-8;base64,{b64encode(self.csv.encode()).decode()}"


def words(*texts: str) -> tuple[Column, ...]:
    """Columns of words."""
    return tuple(Column(text=text) for text in texts)


def shortened(table: Table, most: int) -> Table:
    """The first rows of a long table; its CSV has as many as a page can carry."""
    count = len(table.rows)
    if count <= most:
        return table
    there = "all of them" if count <= MOST_IN_CSV else f"the first {MOST_IN_CSV:,}"
    full = replace(table, rows=table.rows[:MOST_IN_CSV])
    note = f"{most} of {count:,} rows; the CSV has {there}."
    return replace(table, rows=table.rows[:most], notes=(*table.notes, note), full=full)
