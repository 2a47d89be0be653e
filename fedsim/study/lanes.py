"""Rows for slices of time that overlap, so that on each row one follows the other."""

import heapq

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


def lanes(key: Integers, start: Integers, end: Integers) -> Integers:
    """The lane of each slice (n,), from 0, among those of its key: the lowest that is free.

    A lane is free again in the instant in which its slice ends.

    Args:
        key: (n,) whose slices they are; each key has lanes of its own.
        start: (n,) of any order.
        end: (n,), each later than its start.
    """
    order = np.lexsort((end, start, key))
    found = np.zeros(len(key), dtype=np.int64)
    bounds = np.flatnonzero(np.diff(key[order])) + 1
    for own in np.split(order, bounds):
        if len(own) > 1 and (start[own][1:] < np.maximum.accumulate(end[own])[:-1]).any():
            found[own] = _lowest_free(start[own].tolist(), end[own].tolist())
    return found


def _lowest_free(starts: list[int], ends: list[int]) -> list[int]:
    """By start: a heap of the lanes in use by when they end, and one of the free ones."""
    busy: list[tuple[int, int]] = []
    free: list[int] = []
    chosen: list[int] = []
    for start, end in zip(starts, ends, strict=True):
        while busy and busy[0][0] <= start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lane = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (end, lane))
        chosen.append(lane)
    return chosen
