"""A run's record, asked for the latest row of a kind before an instant."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fedsim.study.path.index import Index, Positions
from fedsim.study.path.walk import noise_s


@dataclass(frozen=True, slots=True)
class Row:
    """One row: ``place`` is its place in the whole record, which tells what came first in one instant."""

    table: "Rows"
    at: int

    @property
    def place(self) -> int:
        """Its place in the record."""
        return int(self.table.places[self.at])

    @property
    def time_s(self) -> float:
        """When it happened."""
        return float(self.table.times_s[self.at])

    def number(self, name: str) -> float:
        """A field of it, 0 where it has none."""
        value = self._value(name)
        return 0.0 if value is None else float(value)

    def text(self, name: str) -> str:
        """A field of it, empty where it has none."""
        value = self._value(name)
        return value if isinstance(value, str) else ""

    def has(self, name: str) -> bool:
        """Whether it has this field."""
        return self._value(name) is not None

    def _value(self, name: str) -> Any:
        """None where there is none: what a column lacks is NaN, or None."""
        column = self.table.column(name)
        value = None if column is None else column[self.place]
        return None if value != value else value  # noqa: PLR0124  # NaN


@dataclass(eq=False)
class Rows:
    """All rows of one kind, in the order in which they happened; ``places`` are theirs in the record."""

    record: "Happenings"
    places: Positions
    _indices: dict[tuple[str, ...], Index] = field(default_factory=dict)

    @cached_property
    def times_s(self) -> npt.NDArray[np.float64]:
        """When each happened: (n,)."""
        return self.numbers("time_s")

    def __len__(self) -> int:
        return len(self.places)

    def column(self, name: str) -> npt.NDArray[Any] | None:
        """A field in all rows of the record, None if no row has it."""
        return self.record.column(name)

    def numbers(self, name: str) -> npt.NDArray[np.float64]:
        """A field in all of these rows, 0 where there is none: (n,)."""
        column = self.column(name)
        if column is None:
            return np.zeros(len(self))
        return np.nan_to_num(column[self.places].astype(np.float64))

    def texts(self, name: str) -> npt.NDArray[Any]:
        """A field in all of these rows, empty where there is none: (n,)."""
        column = self.column(name)
        return np.full(len(self), "", dtype=object) if column is None else column[self.places]

    def latest(self, until_s: float, before: float = np.inf, **of: Any) -> Row | None:
        """The last row by then, and before that place in the record, of which the fields are these; None if none is."""
        positions = self.of(**of)
        times_s, places = self.times_s[positions], self.places[positions]
        count = min(np.searchsorted(times_s, until_s + noise_s(until_s), "right"), np.searchsorted(places, before))
        if not count:
            return None
        return Row(self, int(count - 1 if isinstance(positions, slice) else positions[count - 1]))

    def at(self, time_s: float, before: float = np.inf, **of: Any) -> Row | None:
        """The last row of just that instant."""
        row = self.latest(time_s, before, **of)
        return row if row is not None and row.time_s >= time_s - noise_s(time_s) else None

    def rows(self, **of: Any) -> list[Row]:
        """All rows of which the fields are these."""
        return [Row(self, int(at)) for at in np.arange(len(self))[self.of(**of)]]

    def of(self, **fields: Any) -> Positions | slice:
        """The positions among these rows of those of which the fields are these, in order."""
        if not fields:
            return slice(None)
        names = tuple(fields)
        if names not in self._indices:
            columns = [self.column(name) for name in names]
            self._indices[names] = Index([None if one is None else one[self.places] for one in columns])
        return self._indices[names].positions(tuple(fields.values()))


@dataclass(eq=False)
class Happenings:
    """A record by kinds. ``links`` says of devices which technology they were on, where no row does."""

    events: pd.DataFrame
    links: dict[str, str] = field(default_factory=dict)
    _kinds: dict[str, Rows] = field(default_factory=dict)
    _columns: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._kind = Index([self.events["kind"].to_numpy()])

    @property
    def end_s(self) -> float:
        """When the last thing happened: a run ends with an evaluation."""
        return float(self.events["time_s"].max()) if len(self.events) else 0.0

    def __getitem__(self, kind: str) -> Rows:
        if kind not in self._kinds:
            self._kinds[kind] = Rows(self, self._kind.positions((kind,)))
        return self._kinds[kind]

    def column(self, name: str) -> npt.NDArray[Any] | None:
        """A field in all rows, None if no row has it."""
        if name not in self._columns:
            if name not in self.events:
                return None
            self._columns[name] = self.events[name].to_numpy()
        return self._columns[name]

    def link(self, row: Row, device: str) -> str:
        """The technology of a device in a round that it closed or mixed in, or else at all."""
        return row.text("link") or self.links.get(device, "")
