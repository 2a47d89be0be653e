"""Rows that come one by one, packed into typed columns a chunk at a time."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Value = str | int | float | bool

START = pa.schema([("time_s", pa.float64()), ("kind", pa.string())])
"""The columns that every row has."""

Piece = tuple[npt.NDArray[np.int64], list[Any]]
"""Places in the chunk, and the values of a field there."""

_TYPES: dict[type, Any] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
}
_PLAIN: dict[type, type] = {
    bool: bool,
    int: int,
    float: float,
    str: str,
    np.bool_: bool,
    np.integer: int,
    np.floating: float,
}


class Chunk:
    """Rows as they came, sorted by their looks: kind, and names and types of the fields.

    Types are checked once for each look. All rows of a look lie in one flat list (place in the chunk, time,
    values; again and again), because a tuple for each row would keep the garbage collector busy. The types of the
    fields are remembered when the rows are gone: the next rows must agree with them.
    """

    def __init__(self) -> None:
        self.count = 0
        self._rows: dict[tuple[Any, ...], list[Any]] = {}
        self._types: dict[str, type] = {}
        self._orders: dict[tuple[str, frozenset[str]], tuple[str, ...]] = {}

    def add(self, time_s: float, kind: str, fields: Mapping[str, Value]) -> None:
        """Add one row.

        Raises:
            TypeError: if a field is of no type that can be kept, or of another type than in earlier rows.
        """
        values = fields.values()
        look = (kind, *fields, *map(type, values))
        rows = self._rows.get(look)
        if rows is None:
            rows = self._learn(look, kind, fields)
        rows.extend((self.count, time_s, *values))
        self.count += 1

    def _learn(self, look: tuple[Any, ...], kind: str, fields: Mapping[str, Value]) -> list[Any]:
        types = {name: _plain_type(kind, name, value) for name, value in fields.items()}
        for name, new in types.items():
            old = self._types.get(name, new)
            if {old, new} == {int, float}:
                types[name] = float
            elif old is not new:
                raise TypeError(
                    f"field {name!r} of {kind!r} must be {old.__name__} as in earlier records, got {fields[name]!r}"
                )
        self._types |= types
        self._orders.setdefault((kind, frozenset(fields)), tuple(fields))
        return self._rows.setdefault(look, [])

    def in_order(self, kind: str, fields: Mapping[str, Value | None]) -> dict[str, Value]:
        """The fields that a packed row has, in the order in which rows with these fields first came."""
        has = {name: value for name, value in fields.items() if value is not None}
        return {name: has[name] for name in self._orders[kind, frozenset(has)]}

    def pack(self) -> pa.Table:
        """The rows as a table, and be empty again. Fields come in order of first appearance."""
        times = np.empty(self.count)
        kinds = np.empty(self.count, dtype=object)
        pieces: dict[str, list[Piece]] = {name: [] for name in self._types}
        for (kind, *look), rows in self._rows.items():
            names = look[: len(look) // 2]  # the other half are types
            width = 2 + len(names)
            at = np.array(rows[::width], dtype=np.int64)
            times[at] = rows[1::width]
            kinds[at] = kind
            for column, name in enumerate(names, start=2):
                pieces[name].append((at, rows[column::width]))
            rows.clear()
        columns = {name: self._column(name, parts) for name, parts in pieces.items()}
        table = pa.table({"time_s": times, "kind": pa.array(kinds, pa.string()), **columns})
        self.count = 0
        return table

    def _column(self, name: str, parts: list[Piece]) -> pa.Array:
        kind = _TYPES[self._types[name]]
        source = np.full(self.count, -1, dtype=np.int64)
        end = 0
        for at, values in parts:
            source[at] = np.arange(end, end + len(values))
            end += len(values)
        values = pa.concat_arrays([pa.array([], kind), *(pa.array(values, kind) for _, values in parts)])
        return values.take(pa.array(source, mask=source < 0))


def _plain_type(kind: str, name: str, value: object) -> type:
    if name in START.names:
        raise TypeError(f"field {name!r} of {kind!r} has the name of a column that every record has")
    for accepted, plain in _PLAIN.items():  # truth values first: they are integers, too
        if isinstance(value, accepted):
            return plain
    raise TypeError(f"field {name!r} of {kind!r} must be a text, a number or a truth value, got {value!r}")


def together(tables: Iterator[pa.Table]) -> pa.Table:
    """One table of all; what a table does not have is null."""
    return pa.concat_tables([START.empty_table(), *tables], promote_options="permissive")
