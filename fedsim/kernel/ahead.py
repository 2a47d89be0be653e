"""Rows of the record that are known before their time, and wait until time has come to them."""

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush

from fedsim.kernel.columns import Value


class Notice:
    """A row that is to come, until somebody takes it back."""

    __slots__ = ("fields", "is_void", "kind", "time_s")

    def __init__(self, time_s: float, kind: str, fields: Mapping[str, Value]) -> None:
        self.time_s = time_s
        self.kind = kind
        self.fields = fields
        self.is_void = False


class Ahead:
    """Notices in order of their time; of one time, in the order in which they were given."""

    def __init__(self) -> None:
        self._queue: list[tuple[float, int, Notice]] = []
        self._given = 0

    def put(self, notice: Notice) -> None:
        """One more."""
        heappush(self._queue, (notice.time_s, self._given, notice))
        self._given += 1

    def next_s(self) -> float | None:
        """The time of the first, None if there is none."""
        return self._queue[0][0] if self._queue else None

    def before(self, time_s: float, *, and_at: bool = False) -> Iterator[Notice]:
        """Those before a time, or until then, that were not taken back; each is out of the queue when it is given."""
        queue = self._queue
        while queue and (queue[0][0] < time_s or (and_at and queue[0][0] == time_s)):
            _, _, notice = heappop(queue)
            if not notice.is_void:
                yield notice
