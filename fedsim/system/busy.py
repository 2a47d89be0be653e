"""When each of many links was busy, in stretches of time that may overlap and are told in any order."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from fedsim.system.process import Array, Bools

Numbers = npt.NDArray[np.int64]

_MANY: Final = 4096
"""So many are kept as they came, or as many as there are already; then they are put together."""


class Stretches(NamedTuple):
    """Columns of equal length: which link was busy, from when, and to when."""

    links: Numbers
    from_s: Array
    to_s: Array

    @property
    def size(self) -> int:
        """How many they are."""
        return len(self.links)

    def of(self, rows: slice | Bools) -> "Stretches":
        """Some of them."""
        return Stretches(self.links[rows], self.from_s[rows], self.to_s[rows])


_NONE: Final = Stretches(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))


class BusyTimes:
    """For each link, numbered from 0, the union of its stretches.

    What nothing can be added to any more is kept as a sum, link by link in order of time: it makes no difference to
    the last digit when that is done.
    """

    def __init__(self) -> None:
        self._told: list[tuple[int, float, float]] = []
        self._columns: list[Stretches] = []
        self._fresh = 0
        self._known = _NONE
        """Apart from each other, in order of links and times."""
        self._sum_s = np.empty(0)

    def tell(self, link: int, from_s: float, to_s: float) -> None:
        """A link was busy from then to then."""
        self._told.append((link, from_s, to_s))
        self._fresh += 1

    def tell_many(self, stretches: Stretches) -> None:
        """These were."""
        self._columns.append(stretches)
        self._fresh += stretches.size

    @property
    def are_many(self) -> bool:
        """Whether it is time to ``gather``, so that what is kept stays small and each is looked at a few times."""
        return self._fresh > max(_MANY, self._known.size)

    def gather(self, sure_s: Array) -> None:
        """Put together what has come. Of each link, (n,), nothing more will be told that begins before ``sure_s``."""
        known = self._gathered()
        missing = len(sure_s) - len(self._sum_s)
        self._sum_s = np.concatenate([self._sum_s, np.zeros(missing)])
        # The last one of each link is kept, because the next may follow it at once.
        over = np.append(known.links[1:] == known.links[:-1], np.zeros(min(1, known.size), dtype=np.bool_))
        over &= known.to_s < sure_s[known.links]
        np.add.at(self._sum_s, known.links[over], known.to_s[over] - known.from_s[over])
        self._known = known.of(~over)

    def seconds(self, links: Numbers, since_s: Array, now_s: float) -> Array:
        """How long each of these links, (n,), was busy up to now, where it is so since then (infinity: it is not)."""
        known = self._known = self._gathered()
        if not len(links):
            return np.empty(0)
        least, most = int(links.min()), int(links.max())
        begin, end = np.searchsorted(known.links, [least, most + 1])
        asked = known.of(slice(begin, end))
        busy = since_s < now_s
        if busy.any():
            now = Stretches(links[busy], since_s[busy], np.full(np.count_nonzero(busy), now_s))
            asked = _united([asked, now])
        seconds = np.zeros(most + 1 - least)
        summed_s = self._sum_s[least : most + 1]
        seconds[: len(summed_s)] = summed_s
        np.add.at(seconds, asked.links - least, asked.to_s - asked.from_s)
        return seconds[links - least]

    def _gathered(self) -> Stretches:
        """What was known, and what has come since."""
        if not self._fresh:
            return self._known
        columns, self._columns, self._fresh = [self._known, *self._columns], [], 0
        if self._told:
            links, from_s, to_s = zip(*self._told, strict=True)
            self._told.clear()
            columns.append(Stretches(np.array(links), np.array(from_s), np.array(to_s)))
        return _united(columns)


def _united(columns: list[Stretches]) -> Stretches:
    """The same without overlaps, in order of links and times; those that touch are one."""
    links, from_s, to_s = [np.concatenate(column) for column in zip(*columns, strict=True)]
    order = np.lexsort((from_s, links))
    links, from_s, to_s = links[order], from_s[order], to_s[order]
    count, same = len(links), links[1:] == links[:-1]
    # How far the stretches of a link have come, each up to the ones before it: by rank, so that links stay apart.
    by_end = np.argsort(to_s, kind="stable")
    ranks = np.empty(count, dtype=np.int64)
    ranks[by_end] = np.arange(count)
    apart = count * np.concatenate([[0], np.cumsum(~same)])[:count]
    ends_s = to_s[by_end[np.maximum.accumulate(apart + ranks) - apart]]
    begins = np.flatnonzero(np.append(np.ones(min(1, count), dtype=np.bool_), ~same | (from_s[1:] > ends_s[:-1])))
    return Stretches(links[begins], from_s[begins], ends_s[np.append(begins[1:], count)[: len(begins)] - 1])
