"""Load and capacity of one link over time, for those who ask for it."""

import math
from array import array
from bisect import bisect_right
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class LinkSeries:
    """Three columns with a row for each change; each row holds until the next, and the last until now.

    A capacity that varies is seen only while flows are on the link: in a row without load it is what it last was.
    """

    def __init__(self) -> None:
        self._time_s = array("d")
        self._load_bps = array("d")
        self._capacity_bps = array("d")

    @property
    def time_s(self) -> Array:
        """When each row begins to hold, (n,), rising."""
        return np.array(self._time_s)

    @property
    def load_bps(self) -> Array:
        """What the flows on the link use of it, (n,)."""
        return np.array(self._load_bps)

    @property
    def capacity_bps(self) -> Array:
        """What the link carries at most, (n,)."""
        return np.array(self._capacity_bps)

    def note(self, time_s: float, load_bps: float, capacity_bps: float) -> None:
        """From ``time_s`` on, not before the last row; what is noted last of an instant counts."""
        if self._time_s and self._time_s[-1] == time_s:
            for column in self._columns():
                column.pop()
        if self._time_s and (self._load_bps[-1], self._capacity_bps[-1]) == (load_bps, capacity_bps):
            return
        for column, value in zip(self._columns(), (time_s, load_bps, capacity_bps), strict=True):
            column.append(value)

    def carried_bytes(self, from_s: float, to_s: float) -> float:
        """What crossed the link between two instants: the integral of its load.

        Raises:
            ValueError: a time before the series begins, or an end before its beginning.
        """
        return math.fsum(load_bps * passed_s for passed_s, load_bps, _ in self._rows(from_s, to_s)) / 8

    def utilisation(self, from_s: float, to_s: float) -> float:
        """Mean over time of load over capacity, 0 where nothing moves, between two different instants.

        Raises:
            ValueError: a time before the series begins, or an end that is not after its beginning.
        """
        if not to_s > from_s:
            raise ValueError(f"utilisation is a mean over time: to_s must be > {from_s!r}, got {to_s!r}")
        parts = (passed_s * load / capacity for passed_s, load, capacity in self._rows(from_s, to_s) if load)
        return math.fsum(parts) / (to_s - from_s)

    def _rows(self, from_s: float, to_s: float) -> list[tuple[float, float, float]]:
        """Seconds, load and capacity of each row that holds between two instants."""
        if not (self._time_s and self._time_s[0] <= from_s <= to_s < math.inf):
            begin = self._time_s[0] if self._time_s else "nothing"
            raise ValueError(f"a stretch of a series must begin at {begin} s or later, got {from_s!r} s to {to_s!r} s")
        first, last = (bisect_right(self._time_s, at_s) for at_s in (from_s, to_s))
        times_s = [from_s, *self._time_s[first:last], to_s]
        rows = slice(first - 1, last)
        passed_s = (later_s - at_s for at_s, later_s in pairwise(times_s))
        return list(zip(passed_s, self._load_bps[rows], self._capacity_bps[rows], strict=True))

    def _columns(self) -> tuple["array[float]", "array[float]", "array[float]"]:
        return self._time_s, self._load_bps, self._capacity_bps
