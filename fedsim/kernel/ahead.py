"""Rows of the record that are known before their time, and wait until time has come to them."""

from bisect import bisect_left
from collections.abc import Iterable
from math import inf
from typing import Any, Protocol

from fedsim.kernel.columns import Form

ForeseenRow = tuple[float, Form, tuple[Any, ...]]
"""Time, form and values of a row that is told in advance."""


class Teller(Protocol):
    """Who has told rows in advance."""

    @property
    def void_from_s(self) -> float:
        """Rows of this time and later do not come; infinity, as long as all do."""


Place = tuple[float, int, Form, tuple[Any, ...], Teller]
"""A row in its order, and who has told it."""


class Ahead:
    """Rows in order of their time; of one time, in the order in which they were told."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._is_sorted = True
        self._told = 0
        self.next_s = inf
        """No row comes sooner."""
        self.come_s = -inf
        """Time has come to all that were told for until then; they may be taken when it suits."""

    def put(self, rows: Iterable[ForeseenRow], teller: Teller) -> None:
        """Some more, to which time has not come yet."""
        places, told, next_s = self._places, self._told, self.next_s
        for time_s, form, values in rows:
            told += 1
            places.append((time_s, told, form, values, teller))
            next_s = time_s if time_s < next_s else next_s  # noqa: FURB136  # min costs more than the rest
        self._told, self.next_s, self.come_s, self._is_sorted = told, next_s, -inf, False

    def take(self, time_s: float) -> list[Place]:
        """Those before a time, and those to which time has come, without what is void; they are gone from here."""
        places = self._places
        if not self._is_sorted:
            places.sort()
            self._is_sorted = True
        end = max(bisect_left(places, (time_s,)), bisect_left(places, (self.come_s, inf)))
        due = [place for place in places[:end] if place[0] < place[4].void_from_s]
        del places[:end]
        self.next_s, self.come_s = places[0][0] if places else inf, -inf
        return due
