"""When something was so, in stretches of time that may overlap."""

from bisect import bisect_left, bisect_right
from itertools import islice
from typing import Final

_MANY: Final = 64


class Spans:
    """The union of stretches of time, told in any order.

    ``sure_s`` says before when nothing more will be told: what ended earlier is kept as a sum once it is much.
    """

    __slots__ = ("_from_s", "_sum_s", "_to_s")

    def __init__(self) -> None:
        self._from_s: list[float] = []
        self._to_s: list[float] = []
        self._sum_s = 0.0

    def add(self, from_s: float, to_s: float, sure_s: float) -> None:
        """It was so from then to then."""
        begins, ends = self._from_s, self._to_s
        if not ends or from_s > ends[-1]:
            begins.append(from_s)
            ends.append(to_s)
            if len(ends) > _MANY:
                self._fold(sure_s)
            return
        first, last = bisect_left(ends, from_s), bisect_right(begins, to_s)
        if first < last:
            from_s, to_s = min(from_s, begins[first]), max(to_s, ends[last - 1])
        begins[first:last], ends[first:last] = [from_s], [to_s]

    def seconds(self, since_s: float, now_s: float) -> float:
        """How long it was so up to now, where it is so since then (infinity: it is not)."""
        if not since_s < now_s:
            return self._summed(len(self._to_s))
        known = Spans()
        known._from_s, known._to_s, known._sum_s = self._from_s[:], self._to_s[:], self._sum_s
        known.add(since_s, now_s, since_s)
        return known._summed(len(known._to_s))

    def _summed(self, many: int) -> float:
        sum_s = self._sum_s
        for from_s, to_s in islice(zip(self._from_s, self._to_s, strict=True), many):
            sum_s += to_s - from_s
        return sum_s

    def _fold(self, sure_s: float) -> None:
        """Keep the last one, because the next may follow it at once, and what may still change."""
        many = min(bisect_left(self._to_s, sure_s), len(self._to_s) - 1)
        self._sum_s = self._summed(many)
        del self._from_s[:many], self._to_s[:many]
