"""When something was so, in stretches of time that may overlap."""

from bisect import bisect_left
from typing import Final

MANY: Final = 64
"""So many are kept as they came."""

Span = tuple[float, float]
"""From when, and to when."""


class Spans:
    """The union of stretches of time, told in any order.

    ``fresh`` takes them as they come; they are put together when they are many, or when somebody asks. ``sure_s`` says
    then before when nothing more will be told: what ended earlier is kept as a sum once it is much.
    """

    __slots__ = ("_known", "_sum_s", "fresh")

    def __init__(self) -> None:
        self.fresh: list[Span] = []
        self._known: list[Span] = []
        self._sum_s = 0.0

    def add(self, from_s: float, to_s: float, sure_s: float) -> None:
        """It was so from then to then."""
        self.fresh.append((from_s, to_s))
        if len(self.fresh) > MANY:
            self.gather(sure_s)

    def gather(self, sure_s: float) -> None:
        """Put together what has come."""
        known = self._known = _united([*self._known, *self.fresh])
        self.fresh.clear()
        if len(known) > MANY:
            # The last one is kept, because the next may follow it at once.
            many = min(bisect_left(known, sure_s, key=_end_of), len(known) - 1)
            self._sum_s = _summed(self._sum_s, known[:many])
            del known[:many]

    def seconds(self, since_s: float, now_s: float) -> float:
        """How long it was so up to now, where it is so since then (infinity: it is not)."""
        now = [(since_s, now_s)] if since_s < now_s else []
        return _summed(self._sum_s, _united([*self._known, *self.fresh, *now]))


def _united(spans: list[Span]) -> list[Span]:
    """The same without overlaps, in order; those that touch are one."""
    if not spans:
        return spans
    spans.sort()
    united = []
    begins_s, ends_s = spans[0]
    for from_s, to_s in spans:
        if from_s > ends_s:
            united.append((begins_s, ends_s))
            begins_s, ends_s = from_s, to_s
        elif to_s > ends_s:
            ends_s = to_s
    united.append((begins_s, ends_s))
    return united


def _summed(sum_s: float, spans: list[Span]) -> float:
    for from_s, to_s in spans:
        sum_s += to_s - from_s
    return sum_s


def _end_of(span: Span) -> float:
    return span[1]
