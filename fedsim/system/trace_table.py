"""Traces in tables: comma-separated columns under a header that names their units.

``t_s``                 when the row begins, in seconds (``t_ms``: milliseconds), rising; the first is time 0
``down_kbps``, ``mbps`` a rate: ``bps``, ``kbps``, ``mbps`` or ``gbps``, bare or after a name; ``up_...`` and
                        ``down_...`` say the direction
``trace_id``            optional: which of several traces a row belongs to; its rows stand together
``dur_s``               optional: how long the last row of a trace lasts

A row holds until the next. The last lasts for its ``dur_s``, or else as long as the row before it (1 s where there
is none). Of rows at the same instant the last counts. Other columns are left alone.
"""

import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fedsim.system.recording import Recording
from fedsim.system.trace import Trace, merged

Array = npt.NDArray[np.float64]

_TIMES = {"t_s": 1.0, "t_ms": 1e-3}
_UNITS = {"bps": 1.0, "kbps": 1e3, "mbps": 1e6, "gbps": 1e9}
_RATE = re.compile(rf"(?:.*_)?({'|'.join(_UNITS)})")
_ID, _LENGTH = "trace_id", "dur_s"
_LINE = 2  # of the first row: lines are counted from 1, and the first is the header


def read_table(content: bytes) -> Recording:
    """The traces of a table, in the order in which they stand.

    Raises:
        ValueError: line, column, value and rule of the first mistake.
    """
    table = _table(content)
    time = next((name for name in table.columns if name in _TIMES), None)
    if time is None:
        raise ValueError(f"line 1: needs a column {' or '.join(_TIMES)}, has {_listed(table)}")
    rates = {name: _UNITS[found[1]] for name in table.columns if (found := _RATE.fullmatch(name))}
    if not rates:
        raise ValueError(f"line 1: needs a column of rates such as down_kbps or mbps, has {_listed(table)}")
    starts_s = _numbers(table, time, "a finite number", np.isfinite) * _TIMES[time]
    rates_bps = {name: _numbers(table, name, "a rate >= 0", _is_rate) * unit for name, unit in rates.items()}
    lengths_s = _numbers(table, _LENGTH, "a time > 0", _is_length) if _LENGTH in table else None
    bounds = _bounds(table)
    _check_order(starts_s, bounds, time)
    return Recording(
        {
            name: _traces(starts_s[rows], None if lengths_s is None else lengths_s[rows.stop - 1], rates_bps, rows)
            for name, rows in bounds.items()
        }
    )


def _table(content: bytes) -> "pd.DataFrame":
    """Every cell a text, every line a row."""
    try:
        table = pd.read_csv(
            io.BytesIO(content),
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
            skipinitialspace=True,
            encoding_errors="replace",
            index_col=False,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"is not a table: {error}") from None
    table.columns = [str(name).strip() for name in table.columns]
    if not len(table):
        raise ValueError("has a header and no rows")
    return table


def _numbers(table: "pd.DataFrame", name: str, rule: str, holds: Callable[[Array], Any]) -> Array:
    values: Array = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64)
    broken = ~np.asarray(holds(values))
    if broken.any():
        row = int(broken.argmax())
        raise ValueError(f"line {row + _LINE}, {name}: must be {rule}, got {table[name].iloc[row][:40]!r}")
    return values


def _is_rate(values: Array) -> Any:
    return np.isfinite(values) & (values >= 0)


def _is_length(values: Array) -> Any:
    return np.isfinite(values) & (values > 0)


def _bounds(table: "pd.DataFrame") -> Mapping[str, slice]:
    """The rows of each trace."""
    if _ID not in table:
        return {"": slice(0, len(table))}
    names = table[_ID].to_numpy(dtype=object)
    starts = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist()]
    bounds: dict[str, slice] = {}
    for start, end in zip(starts, [*starts[1:], len(names)], strict=True):
        if names[start] in bounds:
            raise ValueError(f"line {start + _LINE}, {_ID}: {names[start]!r} appears again, after other traces")
        bounds[names[start]] = slice(start, end)
    return bounds


def _check_order(starts_s: Array, bounds: Mapping[str, slice], name: str) -> None:
    for rows in bounds.values():
        back = np.diff(starts_s[rows]) < 0
        if back.any():
            row = rows.start + int(back.argmax()) + 1
            raise ValueError(
                f"line {row + _LINE}, {name}: goes back in time, from {starts_s[row - 1]!r} s to {starts_s[row]!r} s"
            )


def _traces(starts_s: Array, last_s: float | None, rates_bps: Mapping[str, Array], rows: slice) -> dict[str, Trace]:
    """A trace of each column of rates, from the rows of one trace."""
    counts = np.append(np.diff(starts_s) > 0, True)
    starts_s = starts_s[counts]
    if last_s is None:
        last_s = float(starts_s[-1] - starts_s[-2]) if len(starts_s) > 1 else 1.0
    ends_s = np.append(starts_s[1:], starts_s[-1] + last_s) - starts_s[0]
    return {name: merged(ends_s, column[rows][counts]) for name, column in rates_bps.items()}


def _listed(table: "pd.DataFrame") -> str:
    return ", ".join(repr(name[:40]) for name in table.columns[:12])
