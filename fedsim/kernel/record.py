"""The event record: what happened, when, to whom."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from math import inf
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fedsim import limits
from fedsim.kernel.ahead import Ahead, ForeseenRow, Teller
from fedsim.kernel.columns import Chunk, Value, common_schema, together
from fedsim.kernel.shelf import FolderShelf, MemoryShelf, Shelf, read_parts, write_whole
from fedsim.kernel.transcript import line

Row = tuple[float, str, Mapping[str, Value]]
Observer = Callable[[float, str, Mapping[str, Value]], None]

_CHUNK = 8192  # rows that are kept as they came until they are packed


class EventRecord:
    """Rows of time, kind and flat fields, in the order in which they happened, kept in typed columns.

    A field has one type in all rows: text, whole number, number or truth value; a whole number may stand in a
    column of numbers. The subject of a row, whom it is about, is a field like the others.

    Args:
        kinds: record these kinds only; by default all.
        cap: keep only so many of the latest rows; by default all.
        folder: write the rows to Parquet files here as they come, instead of keeping them in memory. The folder
            must not hold another record. A run that is killed leaves complete files.
    """

    def __init__(
        self, *, kinds: Collection[str] | None = None, cap: int | None = None, folder: Path | None = None
    ) -> None:
        if cap is not None and folder is not None:
            raise ValueError(f"a record has a cap or a folder, not both: got cap {cap!r}, folder {str(folder)!r}")
        self._kinds = None if kinds is None else frozenset(kinds)
        self._observers: list[tuple[frozenset[str], Observer]] = []
        self._chunk = Chunk()
        self._shelf: Shelf = MemoryShelf(cap) if folder is None else FolderShelf(folder)
        self._recorded = 0
        self._cap = cap
        self._ahead = Ahead()
        self.clock: Callable[[], float] = lambda: 0.0
        """What time it is, for rows that are foreseen: who reads the record finds those of the past."""
        self.is_muted = False
        """While a time is lived again of which the rows are there already."""

    def record(self, time_s: float, kind: str, fields: Mapping[str, Value]) -> None:
        """Add one row.

        Raises:
            TypeError: if a field is of no type that can be kept, or of another type than in earlier rows.
        """
        if self.is_muted:
            return
        ahead = self._ahead
        if ahead.next_s < time_s or ahead.next_s <= ahead.come_s:
            self.come_to(time_s)
        if self._kinds is None or kind in self._kinds:
            self._chunk.add(time_s, kind, fields)
            self._count()
            if self._observers:
                self._tell(time_s, kind, fields)

    def foresee(self, rows: Iterable[ForeseenRow], teller: Teller) -> None:
        """Rows that will be added when time has come to them, but for those that their teller takes back before."""
        if self._ahead.next_s <= self._ahead.come_s:
            self.come_to(-inf)
        self._ahead.put(rows, teller)

    def come_until(self, time_s: float) -> None:
        """Time has come to what was foreseen until now: what is recorded from now on comes after it."""
        self._ahead.come_s = time_s
        if self._observers:
            self.come_to(time_s)

    def come_to(self, time_s: float) -> None:
        """Time has come to here: add what was foreseen for before."""
        due = self._ahead.take(time_s)
        if self._kinds is not None:
            due = [row for row in due if row[2].kind in self._kinds]
        while due:
            fits = _CHUNK - self._chunk.count
            rows, due = due[:fits], due[fits:]
            self._chunk.add_formed(rows)
            self._count(len(rows))
            for at_s, _, form, values, _ in rows if self._observers else ():
                self._tell(at_s, form.kind, form.fields(values))

    def _count(self, rows: int = 1) -> None:
        """So many more."""
        self._recorded += rows
        if self._chunk.count == _CHUNK:
            self.flush()
            limits.RECORD.check(self._recorded, "this run")

    def _tell(self, time_s: float, kind: str, fields: Mapping[str, Value]) -> None:
        for kinds, observer in self._observers:
            if not kinds or kind in kinds:
                observer(time_s, kind, fields)

    def subscribe(self, observer: Observer, *kinds: str) -> Callable[[], None]:
        """Call ``observer(time_s, kind, fields)`` for every row of these kinds (of all, if none is named).

        Returns a function that ends the subscription.
        """
        entry = (frozenset(kinds), observer)
        self._observers.append(entry)
        return lambda: self._observers.remove(entry)

    @property
    def dropped(self) -> int:
        """The number of rows that were let go because of the cap."""
        return self._recorded - len(self)

    def __len__(self) -> int:
        self.come_to(self.clock())
        return self._recorded if self._cap is None else min(self._recorded, self._cap)

    def __iter__(self) -> Iterator[Row]:
        return self.rows()

    def rows(self, *kinds: str) -> Iterator[Row]:
        """The rows of these kinds (all, if none is named), each with the fields that it has."""
        for batch in self._tables():
            for row in _only(batch, kinds).to_pylist():
                time_s, kind = row.pop("time_s"), row.pop("kind")
                yield time_s, kind, self._chunk.in_order(kind, row)

    def table(self, *kinds: str) -> pa.Table:
        """The rows of these kinds: ``time_s``, ``kind``, then the fields in order of first appearance.

        A field that a row does not have is null there; a field that no row has is left out.
        """
        table = _only(together(self._tables()), kinds)
        empty = [name for name in table.column_names[2:] if table[name].null_count == len(table)]
        return table.drop_columns(empty) if kinds else table

    def frame(self, *kinds: str) -> pd.DataFrame:
        """``table(*kinds)`` as a data frame; in a column of whole numbers with gaps they become floats and NaN."""
        frame: pd.DataFrame = self.table(*kinds).to_pandas()
        return frame

    def write_parquet(self, path: Path) -> None:
        """Write all rows to one Parquet file; the file appears when it is complete."""
        write_whole(path, common_schema(self._tables()), self._tables())

    def transcript(self, *kinds: str, subject: str = "subject") -> str:
        """One readable line for each row: time, the field that names the subject, kind, other fields."""
        return "".join(line(*row, subject=subject) for row in self.rows(*kinds))

    def flush(self) -> None:
        """Pack what has come; with a folder, write it there.

        Raises:
            ValueError: if a value cannot be held: a whole number beyond 64 bits, half a character. Its row is kept
                without it.
        """
        if self._chunk.count:
            table, complaints = self._chunk.pack()
            self._shelf.put(table)
            if complaints:
                raise ValueError("; ".join(complaints))

    def _tables(self) -> Iterator[pa.Table]:
        self.come_to(self.clock())
        self.flush()
        return self._shelf.tables()


def read_record(folder: Path) -> pa.Table:
    """What a record has written to its folder so far, as ``EventRecord.table`` gives it; a killed run's, too."""
    return together(read_parts(folder))


def _only(table: pa.Table, kinds: tuple[str, ...]) -> pa.Table:
    if not kinds:
        return table
    return table.filter(pc.is_in(table["kind"], pa.array(kinds, pa.string())))
