"""A run's record, asked for the latest row of a kind before an instant."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fedsim.study.path.walk import noise_s

_Positions = npt.NDArray[np.int64]
_NOBODY: _Positions = np.empty(0, dtype=np.int64)


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
        value = self.table.value(name, self.at)
        return 0.0 if value is None or value != value else float(value)  # noqa: PLR0124  # NaN: there is none

    def text(self, name: str) -> str:
        """A field of it, empty where it has none."""
        value = self.table.value(name, self.at)
        return value if isinstance(value, str) else ""

    def has(self, name: str) -> bool:
        """Whether it has this field."""
        value = self.table.value(name, self.at)
        return value is not None and value == value  # noqa: PLR0124  # NaN: it has not


@dataclass(eq=False)
class Rows:
    """All rows of one kind, in the order in which they happened."""

    frame: pd.DataFrame
    places: _Positions
    times_s: npt.NDArray[np.float64] = field(init=False)
    _columns: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    _groups: dict[tuple[str, ...], dict[Any, _Positions]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.times_s = self.frame["time_s"].to_numpy(dtype=float)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, at: int) -> Row:
        return Row(self, at)

    def value(self, name: str, at: int) -> Any:
        """One field of one row, None if no row of the record has it."""
        if name not in self._columns:
            if name not in self.frame:
                return None
            self._columns[name] = self.frame[name].to_numpy()
        return self._columns[name][at]

    def latest(self, until_s: float, before: float = np.inf, **of: Any) -> Row | None:
        """The last row by then, and before that place in the record, of which the fields are these; None if none is."""
        positions = self._of(of)
        if positions is None:
            times_s, places = self.times_s, self.places
        else:
            times_s, places = self.times_s[positions], self.places[positions]
        count = min(np.searchsorted(times_s, until_s + noise_s(until_s), "right"), np.searchsorted(places, before))
        if not count:
            return None
        return Row(self, int(count - 1 if positions is None else positions[count - 1]))

    def at(self, time_s: float, before: float = np.inf, **of: Any) -> Row | None:
        """The last row of just that instant."""
        row = self.latest(time_s, before, **of)
        return row if row is not None and row.time_s >= time_s - noise_s(time_s) else None

    def of(self, **fields: Any) -> list[Row]:
        """All rows of which the fields are these."""
        positions = self._of(fields)
        return [Row(self, int(at)) for at in (range(len(self)) if positions is None else positions)]

    def _of(self, fields: dict[str, Any]) -> _Positions | None:
        if not fields:
            return None
        names = tuple(fields)
        if names not in self._groups:
            known = all(name in self.frame for name in names)
            plain = self.frame.reset_index(drop=True)
            found: Any = plain.groupby(list(names)).indices if known and len(plain) else {}
            self._groups[names] = found
        wanted = tuple(fields.values())
        groups = self._groups[names]
        return groups.get(wanted if len(wanted) > 1 else wanted[0], groups.get(wanted, _NOBODY))


@dataclass(eq=False)
class Happenings:
    """A record by kinds. ``links`` says of devices which technology they were on, where no row does."""

    events: pd.DataFrame
    links: dict[str, str] = field(default_factory=dict)
    _kinds: dict[str, Rows] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._kind = self.events["kind"].to_numpy()

    @property
    def end_s(self) -> float:
        """When the last thing happened: a run ends with an evaluation."""
        return float(self.events["time_s"].max()) if len(self.events) else 0.0

    def __getitem__(self, kind: str) -> Rows:
        if kind not in self._kinds:
            places = np.flatnonzero(self._kind == kind)
            self._kinds[kind] = Rows(self.events.iloc[places], places)
        return self._kinds[kind]

    def link(self, row: Row, device: str) -> str:
        """The technology of a device in a round that it closed or mixed in, or else at all."""
        return row.text("link") or self.links.get(device, "")
