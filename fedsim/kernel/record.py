"""The event record: what happened, when."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

Value = str | int | float | bool
Observer = Callable[[float, str, Mapping[str, Value]], None]


class EventRecord:
    """Rows of time, kind and flat fields, in the order in which they happened."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, str, dict[str, Value]]] = []
        self._observers: list[Observer] = []

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[tuple[float, str, dict[str, Value]]]:
        return iter(self._rows)

    def record(self, time_s: float, kind: str, fields: dict[str, Value]) -> None:
        """Add one row."""
        self._rows.append((time_s, kind, fields))
        for observer in self._observers:
            observer(time_s, kind, fields)

    def subscribe(self, observer: Observer) -> None:
        """Call ``observer(time_s, kind, fields)`` for every row from now on."""
        self._observers.append(observer)

    def table(self) -> pa.Table:
        """All rows: ``time_s``, ``kind``, then the fields in order of first appearance."""
        names = list(dict.fromkeys(name for _, _, fields in self._rows for name in fields))
        columns: dict[str, Any] = {
            "time_s": pa.array([row[0] for row in self._rows], pa.float64()),
            "kind": pa.array([row[1] for row in self._rows], pa.string()),
        }
        columns |= {name: pa.array([row[2].get(name) for row in self._rows]) for name in names}
        return pa.table(columns)

    def frame(self) -> pd.DataFrame:
        """``table()`` as a data frame."""
        frame: pd.DataFrame = self.table().to_pandas()
        return frame

    def write_parquet(self, path: Path) -> None:
        """Write ``table()`` as a Parquet file."""
        pq.write_table(self.table(), path)

    def transcript(self) -> str:
        """One readable line for each row."""
        return "".join(_line(*row) for row in self._rows)


def _line(time_s: float, kind: str, fields: Mapping[str, Value]) -> str:
    rest = dict(fields)
    subject = str(rest.pop("subject", ""))
    text = " ".join(
        f"{name}={value:.6g}" if isinstance(value, float) else f"{name}={value}" for name, value in rest.items()
    )
    return f"{time_s:9.3f}  {subject:<8} {kind} {text}".rstrip() + "\n"
