"""Where packed events are kept: in memory, all or the latest, or in a folder."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from fedsim.kernel.columns import shaped


class Shelf(Protocol):
    """Keeps tables in the order in which they come."""

    def put(self, table: pa.Table) -> None:
        """Keep one more table."""
        ...

    def tables(self) -> Iterator[pa.Table]:
        """The tables that are kept, oldest first."""
        ...


class MemoryShelf:
    """Keeps the latest ``cap`` rows; None keeps all."""

    def __init__(self, cap: int | None) -> None:
        if cap is not None and not cap > 0:
            raise ValueError(f"cap must be > 0, got {cap!r}")
        self._cap = cap
        self._rows = 0
        self._tables: deque[pa.Table] = deque()

    def put(self, table: pa.Table) -> None:
        """Keep one more table, and let go of what is older than the cap allows."""
        self._tables.append(table)
        self._rows += len(table)
        while self._cap is not None and self._rows > self._cap:
            oldest = self._tables.popleft()
            left = oldest.slice(min(len(oldest), self._rows - self._cap))
            self._rows -= len(oldest) - len(left)
            if len(left):
                self._tables.appendleft(left)

    def tables(self) -> Iterator[pa.Table]:
        """The tables that are kept, oldest first."""
        yield from self._tables


class FolderShelf:
    """Keeps each table in a Parquet file of its own, so that a killed run leaves complete files."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._count = 0
        if _parts(folder):
            raise FileExistsError(f"the folder of an event record must hold no other record, got {folder}")

    def put(self, table: pa.Table) -> None:
        """Write one more file."""
        path = self._folder / f"part-{self._count:06}.parquet"
        self._count += 1
        write_whole(path, table.schema, iter([table]))

    def tables(self) -> Iterator[pa.Table]:
        """The tables that were written, oldest first."""
        return read_parts(self._folder)


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))


def read_parts(folder: Path) -> Iterator[pa.Table]:
    """The tables in the folder of a record, oldest first."""
    for part in _parts(folder):
        yield pq.read_table(part)


def write_whole(path: Path, schema: pa.Schema, tables: Iterator[pa.Table]) -> None:
    """Write tables to one Parquet file, each as far as it has the columns; the file appears when complete."""
    draft = path.with_name(path.name + ".draft")
    with pq.ParquetWriter(draft, schema) as writer:
        for table in tables:
            writer.write_table(shaped(table, schema))
    draft.replace(path)
