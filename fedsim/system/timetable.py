"""Values that switch at given times, and values that wander between the first and others by law.

Where a device is attached, and whether a link is up, are such values. A timetable is a pure function of time. A
wanderer is looked at in order of time; how often somebody looks changes nothing.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from fedsim.system.law import Law

_WARM_UP_CYCLES = 20


class Timetable:
    """At each of ``starts_s`` a value begins to hold; before the first of them it is 0.

    With ``repeat_s`` the table starts anew every so many seconds for ever, and has always done so; all of it is
    ``shift_s`` later than it says.

    Raises:
        ValueError: times that do not grow, lie outside of 0 .. repeat_s, or are not finite; or no times at all.
    """

    def __init__(
        self, starts_s: Sequence[float], values: Sequence[int], *, repeat_s: float = math.inf, shift_s: float = 0.0
    ) -> None:
        if not starts_s or len(starts_s) != len(values):
            raise ValueError(f"a timetable needs a value for each of its times, got {values!r} for {starts_s!r}")
        if not all(early < late for early, late in pairwise([*starts_s, repeat_s])) or not starts_s[0] >= 0:
            raise ValueError(f"times must be >= 0, grow, and lie before {repeat_s!r} s, got {list(starts_s)!r}")
        if not 0 <= shift_s < math.inf:
            raise ValueError(f"shift_s must be >= 0 and finite, got {shift_s!r}")
        self._starts_s = tuple(starts_s)
        self._values = tuple(values)
        self._repeat_s = repeat_s
        self._shift_s = shift_s

    def at(self, time_s: float) -> tuple[int, float]:
        """The value at ``time_s``, and until when it holds (later than ``time_s``)."""
        entry = self._guess(time_s)
        while self._instant_s(entry) > time_s:
            entry -= 1
        while self._instant_s(entry + 1) <= time_s:
            entry += 1
        return self._value(entry), self._instant_s(entry + 1)

    def _guess(self, time_s: float) -> int:
        """Number of the entry that holds, or one that is next to it: rounding may be off by one."""
        cycle = 0 if math.isinf(self._repeat_s) else math.floor((time_s - self._shift_s) / self._repeat_s)
        within_s = time_s - self._shift_s - (cycle * self._repeat_s if cycle else 0.0)
        return cycle * len(self._values) + bisect_right(self._starts_s, within_s) - 1

    def _instant_s(self, entry: int) -> float:
        """When an entry begins to hold: entries are numbered through all repetitions."""
        cycle, place = divmod(entry, len(self._values))
        if math.isinf(self._repeat_s) and cycle:
            return math.copysign(math.inf, cycle)
        return self._shift_s + (cycle * self._repeat_s if cycle else 0.0) + self._starts_s[place]

    def _value(self, entry: int) -> int:
        if entry < 0 and math.isinf(self._repeat_s):
            return 0
        return self._values[entry % len(self._values)]


class Wanderer:
    """Stays at 0, goes away to one of 1 .. ``others``, each as likely, comes back to 0, and so on.

    It has wandered for 20 mean cycles before time 0, so that the run starts in the middle of ordinary life. Each
    piece of chance has a stream of its own: how long, and where to.
    """

    def __init__(
        self, stay_s: Law, away_s: Law, others: int, times_rng: np.random.Generator, places_rng: np.random.Generator
    ) -> None:
        self._stay_s = stay_s
        self._away_s = away_s
        self._others = others
        self._times_rng = times_rng
        self._places_rng = places_rng
        self._value = 0
        self._until_s = -_WARM_UP_CYCLES * (stay_s.mean + away_s.mean) + stay_s.draw(times_rng)

    def at(self, time_s: float) -> tuple[int, float]:
        """The value at ``time_s``, and until when it holds (later than ``time_s``)."""
        while self._until_s <= time_s:
            if self._value:
                self._value, law = 0, self._stay_s
            else:
                self._value, law = 1 + int(self._places_rng.integers(self._others)), self._away_s
            self._until_s += law.draw(self._times_rng)
        return self._value, self._until_s
