"""Rows of the record that are known before their time, and wait until time has come to them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from fedsim.kernel.columns import Value

Row = tuple[float, str, Mapping[str, Value]]


class Teller(Protocol):
    """Who has told rows in advance."""

    @property
    def void_from_s(self) -> float:
        """Rows of this time and later do not come; infinity, as long as all do."""


class Ahead:
    """Rows in order of their time; of one time, in the order in which they were told."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, int, Row, Teller]] = []  # the next one last
        self._fresh: list[tuple[float, int, Row, Teller]] = []
        self._told = 0
        self.next_s = float("inf")
        """No row comes sooner."""

    def put(self, rows: Iterable[Row], teller: Teller) -> None:
        """Some more."""
        for row in rows:
            self._told -= 1
            self._fresh.append((row[0], self._told, row, teller))
            self.next_s = min(self.next_s, row[0])

    def before(self, time_s: float, *, and_at: bool = False) -> Iterator[Row]:
        """Those before a time, or until then, that are not void; each is gone when it is given."""
        if self._fresh:
            self._rows += self._fresh
            self._fresh = []
            self._rows.sort(key=_latest_first)
        rows = self._rows
        while rows and (rows[-1][0] < time_s or (and_at and rows[-1][0] == time_s)):
            at_s, _, row, teller = rows.pop()
            if at_s < teller.void_from_s:
                yield row
        self.next_s = rows[-1][0] if rows else float("inf")


def _latest_first(place: tuple[float, int, Row, Teller]) -> tuple[float, int]:
    return -place[0], place[1]
