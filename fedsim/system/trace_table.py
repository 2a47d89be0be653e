"""Traces in tables: comma-separated columns under a header that names their units.

``t_s``                 when the row begins, in seconds (``t_ms``: milliseconds), rising; the first is time 0
``down_kbps``, ``mbps`` a rate: ``bps``, ``kbps``, ``mbps`` or ``gbps``, bare or after a name; ``up_...`` and
                        ``down_...`` say the direction
``trace_id``            optional: which of several traces a row belongs to; its rows stand together
``dur_s``               optional: how long the last row of a trace lasts

A row holds until the next. The last lasts for its ``dur_s``, or else as long as the row before it (1 s where there
is none). Of rows at the same instant the last counts. Other columns are left alone.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fedsim.system.recording import Recording
from fedsim.system.trace import Trace, merged

Array = npt.NDArray[np.float64]

_TIMES = {"t_s": 1.0, "t_ms": 1e-3}
_UNITS = {"bps": 1.0, "kbps": 1e3, "mbps": 1e6, "gbps": 1e9}
_RATE = re.compile(rf"(?:.*_)?({'|'.join(_UNITS)})")
_ID, _LENGTH = "trace_id", "dur_s"
_FARTHEST_S = 1e15  # beyond that, not even seconds can be told apart
_LONGEST = 40  # what is shown of a cell


def read_table(content: bytes) -> Recording:
    """The traces of a table, in the order in which they stand.

    Raises:
        ValueError: line, column, value and rule of the first mistake.
    """
    table = _read(content)
    time = next((name for name in table.cells if name in _TIMES), None)
    if time is None:
        raise ValueError(f"line 1: needs a column {' or '.join(_TIMES)}, has {table.listed}")
    rates = {name: _UNITS[found[1]] for name in table.cells if (found := _RATE.fullmatch(name))}
    if not rates:
        raise ValueError(f"line 1: needs a column of rates such as down_kbps or mbps, has {table.listed}")
    starts_s = table.numbers(time, "a time, at most 1e15 s", _is_time, _TIMES[time])
    rates_bps = {name: table.numbers(name, "a rate >= 0 and finite", _is_rate, unit) for name, unit in rates.items()}
    lengths_s = table.numbers(_LENGTH, "a time > 0", _is_length) if _LENGTH in table.cells else None
    parts = table.parts()
    _check_order(starts_s, table.lines, parts, time)
    return Recording(
        {
            name: _traces(starts_s[rows], None if lengths_s is None else lengths_s[rows.stop - 1], rates_bps, rows)
            for name, rows in parts.items()
        }
    )


@dataclass(frozen=True)
class _Table:
    """The cells that matter, by column, and the line of each row."""

    header: Sequence[str]
    cells: Mapping[str, Sequence[str]]
    lines: Sequence[int]

    @property
    def listed(self) -> str:
        return ", ".join(repr(name[:_LONGEST]) for name in self.header[:12])

    def numbers(self, name: str, rule: str, holds: Callable[[Array], Any], unit: float = 1.0) -> Array:
        """A column as numbers, times ``unit``, that all hold to a rule: (rows,)."""
        texts = self.cells[name]
        with np.errstate(over="ignore"):  # what becomes infinite breaks the rule
            values = np.fromiter(map(_number, texts), dtype=np.float64, count=len(texts)) * unit
        broken = ~np.asarray(holds(values))
        if broken.any():
            row = int(broken.argmax())
            raise ValueError(f"line {self.lines[row]}, {name}: must be {rule}, got {texts[row][:_LONGEST]!r}")
        return values

    def parts(self) -> Mapping[str, slice]:
        """The rows of each trace."""
        names = self.cells.get(_ID, [""] * len(self.lines))
        starts = [row for row, name in enumerate(names) if row == 0 or name != names[row - 1]]
        found: dict[str, slice] = {}
        for start, end in zip(starts, [*starts[1:], len(names)], strict=True):
            if names[start] in found:
                shown = names[start][:_LONGEST]
                raise ValueError(f"line {self.lines[start]}, {_ID}: {shown!r} appears again, after other traces")
            found[names[start]] = slice(start, end)
        return found


def _read(content: bytes) -> _Table:
    reader = csv.reader(io.StringIO(_text(content), newline=""))
    try:
        header = [name.strip() for name in next(reader)]
        wanted = [(header.index(name), name) for name in header if _matters(name)]
        columns: list[list[str]] = [[] for _ in wanted]
        lines: list[int] = []
        for row in filter(None, reader):  # blank lines say nothing
            if len(row) != len(header):
                raise ValueError(f"line {reader.line_num}: has {len(row)} cells, and the header {len(header)}")
            lines.append(reader.line_num)
            for cells, (place, _) in zip(columns, wanted, strict=True):
                cells.append(row[place])
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None
    if not lines:
        raise ValueError("has a header and no rows")
    twice = [name for place, name in wanted if header.index(name) != place or header.count(name) > 1]
    if twice:
        raise ValueError(f"line 1: names {twice[0]!r} twice")
    return _Table(header, {name: cells for cells, (_, name) in zip(columns, wanted, strict=True)}, lines)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 text: byte {error.start} cannot be decoded") from None


def _matters(name: str) -> bool:
    return name in {*_TIMES, _ID, _LENGTH} or _RATE.fullmatch(name) is not None


def _number(text: str) -> float:
    """The number in a cell, NaN where there is none."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _is_time(values: Array) -> Any:
    return np.abs(values) <= _FARTHEST_S


def _is_rate(values: Array) -> Any:
    return np.isfinite(values) & (values >= 0)


def _is_length(values: Array) -> Any:
    return (values > 0) & (values <= _FARTHEST_S)


def _check_order(starts_s: Array, lines: Sequence[int], parts: Mapping[str, slice], name: str) -> None:
    for rows in parts.values():
        back = np.diff(starts_s[rows]) < 0
        if back.any():
            row = rows.start + int(back.argmax()) + 1
            before_s, now_s = starts_s[row - 1 : row + 1].tolist()
            raise ValueError(f"line {lines[row]}, {name}: goes back in time, from {before_s!r} s to {now_s!r} s")


def _traces(starts_s: Array, last_s: float | None, rates_bps: Mapping[str, Array], rows: slice) -> dict[str, Trace]:
    """A trace of each column of rates, from the rows of one trace."""
    counts = np.append(np.diff(starts_s) > 0, True)
    starts_s = starts_s[counts]
    if last_s is None:
        last_s = float(starts_s[-1] - starts_s[-2]) if len(starts_s) > 1 else 1.0
    ends_s = np.append(starts_s[1:], starts_s[-1] + last_s) - starts_s[0]
    return {name: merged(ends_s, column[rows][counts]) for name, column in rates_bps.items()}
