"""Recorded comings and goings, read from CSV files (plain or ``.gz``).

Two forms, told apart by their headers:

    device,variant,t_s,state      the state of a device from a time on; ``variant`` may be left out
    device,start_s,end_s          a device is there from a time to a time

Times are seconds from the start of the recording, and never go back within a device.
"""

import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from fedsim.errors import ScenarioError
from fedsim.problems import Mistakes, shown, unknown
from fedsim.system.process import Array, Bools, Ranks

_STATES = ("device", "t_s", "state")
_STAYS = ("device", "start_s", "end_s")

Rows = list[tuple[float, bool]]

_MOST_BYTES = 256_000_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """m recorded devices, flat: stretch i of all begins at ``begins_s[i]`` and is spent there or not, ``is_on[i]``.

    The stretches of device j are ``offsets[j]`` to ``offsets[j + 1]``; its first begins at 0, its last ends at
    ``span_s``, like everybody's.
    """

    begins_s: Array
    is_on: Bools
    offsets: Ranks
    span_s: float

    def __len__(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What to take from a file.

    Rows of this variant (all if empty); the states that count as there; whether each device's first row is a made-up
    warm start, whose place the second row takes; and how much of it, all if None.
    """

    variant: str = ""
    states: tuple[str, ...] = ("2",)
    drop_first: bool = False
    lasts_s: float | None = None


def read_recording(path: str, reading: Reading) -> Recording:
    """The recording in a file.

    Raises:
        ScenarioError: a line for each mistake: file, line, value, rule.
    """
    reader = _Reader(path, reading)
    try:
        with _opened(path) as lines:
            rows = reader.read(lines)
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error) as error:
        raise ScenarioError(f"{path}: cannot be read as a CSV file: {error}") from None
    reader.mistakes.raise_any()
    if not rows:
        wanted = f" of variant {reading.variant!r}" if reading.variant else ""
        raise ScenarioError(f"{path}: has no rows{wanted}")
    return _flat(rows, reader.end_s if reading.lasts_s is None else reading.lasts_s)


def _opened(path: str) -> TextIO:
    """The text, unpacked: at most so much, as a few bytes may unpack into very many."""
    with gzip.open(path) if path.endswith(".gz") else Path(path).open("rb") as stream:
        content = stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ScenarioError(f"{path}: must be at most {_MOST_BYTES // 1_000_000} MB of text")
    return io.StringIO(content.decode("utf-8-sig"), newline="")


class _Reader:
    """Rows by device, and what is wrong with them."""

    def __init__(self, path: str, reading: Reading) -> None:
        self.mistakes = Mistakes()
        self.end_s = 0.0
        self._path = path
        self._reading = reading
        self._states: set[str] = set()

    def read(self, lines: TextIO) -> list[Rows]:
        table = csv.reader(lines)
        header = [name.strip() for name in next(table, [])]
        form = _STAYS if "start_s" in header else _STATES
        known = (*form, "variant") if form is _STATES else form
        missing = [name for name in form if name not in header]
        strange = [name for name in header if name not in known]
        if missing or strange or len(set(header)) < len(header):
            rule = f"columns must be {', '.join(_STATES)} (and variant), or {', '.join(_STAYS)}; got"
            self.mistakes.add(f"{self._path}:1", "", f"{rule} {', '.join(header) or 'nothing'}")
            return []
        if self._reading.variant and "variant" not in header:
            rule = f"has no column 'variant', so that none can be {self._reading.variant!r}"
            self.mistakes.add(f"{self._path}:1", "", rule)
            return []
        devices: dict[str, Rows] = {}
        for cells in self._rows(table, header):
            rows = devices.setdefault(cells["device"], [])
            self._add(rows, cells, table.line_num)
        if self._states and self._states.isdisjoint(self._reading.states):
            for state in self._reading.states:
                self.mistakes.add(self._path, "state", unknown(state, "state in this file", sorted(self._states)))
        if self._reading.drop_first and form is _STATES:
            return [_without_first(rows) for rows in devices.values() if len(rows) > 1]
        return list(devices.values())

    def _rows(self, table: Any, header: Sequence[str]) -> Iterator[dict[str, str]]:
        """Rows of the wanted variant, by column; ``table`` is a reader of the csv module."""
        for cells in table:
            if not cells:
                continue
            if len(cells) != len(header):
                self._refuse(table.line_num, f"must have {len(header)} cells, got {len(cells)}")
                continue
            row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
            if not self._reading.variant or row.get("variant", self._reading.variant) == self._reading.variant:
                yield row

    def _add(self, rows: Rows, cells: dict[str, str], line: int) -> None:
        last_s = rows[-1][0] if rows else 0.0
        if "state" in cells:
            begin_s = self._time(cells, "t_s", last_s, line)
            self._states.add(cells["state"])
            rows.append((begin_s, cells["state"] in self._reading.states))
            return
        begin_s = self._time(cells, "start_s", last_s, line)
        end_s = self._time(cells, "end_s", begin_s, line)
        rows += [(begin_s, True), (end_s, False)]

    def _time(self, cells: dict[str, str], column: str, least_s: float, line: int) -> float:
        text = cells[column]
        try:
            time_s = float(text)
        except ValueError:
            time_s = math.nan
        if not 0 <= time_s < math.inf:
            self._refuse(line, f"{column} must be seconds >= 0, got {shown(text)}")
            return least_s
        if time_s < least_s:
            self._refuse(line, f"{column}: time goes back, from {least_s:g} s to {time_s:g} s")
            return least_s
        self.end_s = max(self.end_s, time_s)
        return time_s

    def _refuse(self, line: int, rule: str) -> None:
        self.mistakes.add(f"{self._path}:{line}", "", rule)


def _without_first(rows: Rows) -> Rows:
    return [(0.0, rows[1][1]), *rows[2:]]


def _flat(devices: list[Rows], span_s: float) -> Recording:
    """Stretches in which the state changes; of rows at the same time the last counts, before the first is away."""
    begins_s: list[float] = []
    is_on: list[bool] = []
    offsets = [0]
    for rows in devices:
        states = {0.0: False}
        states.update(rows)
        last = None
        for begin_s, there in states.items():
            if there != last and begin_s <= span_s:
                begins_s.append(begin_s)
                is_on.append(there)
                last = there
        offsets.append(len(begins_s))
    return Recording(
        begins_s=np.array(begins_s), is_on=np.array(is_on), offsets=np.array(offsets, dtype=np.int64), span_s=span_s
    )
