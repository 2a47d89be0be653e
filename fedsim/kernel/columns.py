"""Rows that come one by one, packed into typed columns a chunk at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Value = str | int | float | bool

START = pa.schema([("time_s", pa.float64()), ("kind", pa.string())])
"""The columns that every row has."""

Piece = tuple[str, npt.NDArray[np.int64], list[Any]]
"""A kind, places in the chunk, and the values of a field there."""

_TYPES: dict[type, Any] = {
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
}
_MISFITS = (OverflowError, UnicodeEncodeError, pa.ArrowInvalid)
"""What tells of a whole number beyond 64 bits, and of half a character."""

_PLAIN: dict[type, type] = {
    bool: bool,
    int: int,
    float: float,
    str: str,
    np.bool_: bool,
    np.integer: int,
    np.floating: float,
}


@dataclass(frozen=True, eq=False, slots=True)
class Form:
    """A kind of row, and the names of its fields: said once for many rows, it is compared by identity."""

    kind: str
    names: tuple[str, ...]

    def fields(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """The fields of a row with these values, in order of the names."""
        return dict(zip(self.names, values, strict=True))


FormedRow = tuple[float, int, Form, tuple[Any, ...], Any]
"""Time, a number, form, values, and who told it."""


class Chunk:
    """Rows as they came, sorted by their looks: kind, and names and types of the fields.

    Types are checked once for each look. All rows of a look lie in one flat list (place in the chunk, time,
    values; again and again), because a tuple for each row would keep the garbage collector busy. The types of the
    fields are remembered when the rows are gone: the next rows must agree with them.
    """

    def __init__(self) -> None:
        self.count = 0
        self._rows: dict[tuple[Any, ...], list[Any]] = {}
        self._formed: dict[Form, list[Any]] = {}
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

    def add_formed(self, rows: Iterable[FormedRow]) -> None:
        """Add some rows of forms, whose values stand in order of the forms' names.

        Types are looked at when the rows are packed, column by column, but for the first row of a form.

        Raises:
            TypeError: as for ``add``, of that row.
        """
        formed, count = self._formed, self.count
        for time_s, _, form, values, _ in rows:
            known = formed.get(form)
            if known is None:
                look = tuple(map(type, values))
                self._learn((form.kind, *form.names, *look), form.kind, form.fields(values))
                known = formed[form] = []
            known += (count, time_s)
            known += values
            count += 1
        self.count = count

    def _learn_all(self, form: Form, columns: list[list[Any]]) -> None:
        """See to it that rows of a form that look otherwise than its first may stand beside it."""
        if any(len(set(map(type, column))) > 1 for column in columns):
            looks = {tuple(map(type, values)): values for values in zip(*columns, strict=True)}
            for look, values in looks.items():
                self._learn((form.kind, *form.names, *look), form.kind, form.fields(values))

    def _learn(self, look: tuple[Any, ...], kind: str, fields: Mapping[str, Value]) -> list[Any]:
        if not isinstance(kind, str):
            raise TypeError(f"the kind of a record must be a text, got {kind!r}")
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
        return {name: has[name] for name in self._orders.get((kind, frozenset(has)), has)}

    def pack(self) -> tuple[pa.Table, list[str]]:
        """The rows as a table, and complaints about values that no column can hold; then be empty again.

        Fields come in order of first appearance. Where a value cannot be held, the row is without that field. (To
        look at each number as it comes would cost a fourth of the time of a record.)

        Raises:
            TypeError: as for ``add``, of rows of forms.
        """
        times = np.empty(self.count)
        kinds = np.empty(self.count, dtype=object)
        pieces: dict[str, list[Piece]] = {name: [] for name in self._types}
        for kind, names, (places, when_s, *columns) in self._stacks():
            at = np.array(places, dtype=np.int64)
            times[at] = when_s
            kinds[at] = kind
            for name, values in zip(names, columns, strict=True):
                pieces[name].append((kind, at, values))
        complaints: list[str] = []
        fields = {name: self._column(name, parts, complaints) for name, parts in pieces.items()}
        table = pa.table({"time_s": times, "kind": pa.array(kinds, pa.string()), **fields})
        self.count = 0
        return table, complaints

    def _stacks(self) -> Iterator[tuple[str, Sequence[str], list[list[Any]]]]:
        """Kind, names of the fields, and columns: places in the chunk, times, and the fields; they are gone then."""
        for (kind, *look), rows in self._rows.items():
            names = look[: len(look) // 2]  # the other half are types
            yield kind, names, _columns(rows, 2 + len(names))
            rows.clear()
        formed, self._formed = self._formed, {}
        for form, rows in formed.items():
            columns = _columns(rows, 2 + len(form.names))
            self._learn_all(form, columns[2:])
            yield form.kind, form.names, columns

    def _column(self, name: str, parts: list[Piece], complaints: list[str]) -> pa.Array:
        of_type = _TYPES[self._types[name]]
        arrays = [pa.array([], of_type)]
        source = np.full(self.count, -1, dtype=np.int64)
        end = 0
        for kind, at, values in parts:
            source[at] = np.arange(end, end + len(values))
            end += len(values)
            try:
                arrays.append(pa.array(values, of_type))
            except _MISFITS:
                held = [_held(value, of_type) for value in values]
                bad = (value for value, scalar in zip(values, held, strict=True) if not scalar.is_valid)
                complaints.extend(f"field {name!r} of {kind!r} cannot hold {value!r}" for value in bad)
                arrays.append(pa.array(held, of_type))
        return pa.concat_arrays(arrays).take(pa.array(source, mask=source < 0))


def _columns(rows: list[Any], width: int) -> list[list[Any]]:
    """Of rows that lie one after the other in a flat list."""
    return [rows[column::width] for column in range(width)]


def _held(value: Value, of_type: Any) -> pa.Scalar:
    """The value in a column of this type: a whole number among others is rounded; null, if it cannot be held."""
    try:
        return pa.scalar(float(value) if of_type == pa.float64() else value, of_type)
    except _MISFITS:
        return pa.scalar(None, of_type)


def _plain_type(kind: str, name: str, value: object) -> type:
    if name in START.names:
        raise TypeError(f"field {name!r} of {kind!r} has the name of a column that every record has")
    for accepted, plain in _PLAIN.items():  # truth values first: they are integers, too
        if isinstance(value, accepted):
            return plain
    raise TypeError(f"field {name!r} of {kind!r} must be a text, a number or a truth value, got {value!r}")


def common_schema(tables: Iterable[pa.Table]) -> pa.Schema:
    """The columns of all tables, in order of first appearance."""
    return pa.unify_schemas([START, *(table.schema for table in tables)], promote_options="permissive")


def shaped(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with these columns: nulls where it has none, rounded whole numbers where others have fractions."""
    columns = [
        table[field.name].cast(field.type, safe=False)
        if field.name in table.column_names
        else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def together(tables: Iterable[pa.Table]) -> pa.Table:
    """One table of all; what a table does not have is null."""
    parts = list(tables)
    schema = common_schema(parts)
    return pa.concat_tables([schema.empty_table(), *(shaped(part, schema) for part in parts)])
