"""On for a time, off for a time, and again: alternating renewal processes of many devices."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fedsim.kernel import Luck
from fedsim.system.law import Law
from fedsim.system.process import Array, Bools, Crowd, Numbers, Ranks

Gaps = Callable[[Ranks, Array], Array]


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """Laws of how long it is on and then off, and by what each device stretches them: (n,), or 1 for all."""

    on_s: Law
    off_s: Law
    on_factor: Array
    off_factor: Array

    @property
    def mean_s(self) -> Array:
        """The mean length of each device's cycle: (n,)."""
        return self.on_s.mean * self.on_factor + self.off_s.mean * self.off_factor

    def on_share(self, ranks: Ranks) -> Array:
        """The share of time that these devices are on in the long run: (n,) to (n,)."""
        on_s, off_s = self.on_s.mean * self.on_factor[ranks], self.off_s.mean * self.off_factor[ranks]
        return on_s / (on_s + off_s)


def cycle(on_s: Law, off_s: Law, n: int) -> Cycle:
    """The laws alone, for n devices."""
    ones = np.broadcast_to(np.ones(1), (n,))
    return Cycle(on_s=on_s, off_s=off_s, on_factor=ones, off_factor=ones)


class Renewal:
    """Alternating renewal processes with one cycle of laws.

    Period number k of a device takes its draw number k, so its switching times are a function of its luck alone.

    start_s: when each begins, (n,); None for all at 0 s. They begin ``fresh`` (just turned on) or else in
    equilibrium: on with the long-run share, in the middle of a period of the length-biased law (Cox, *Renewal Theory*,
    section 7.3), so that they are stationary.
    """

    def __init__(self, laws: Cycle, luck: Luck, things: Numbers, *, fresh: bool, start_s: Array | None = None) -> None:
        self._laws = laws
        self._luck = luck
        self._things = things
        self._fresh = fresh
        self._start_s = np.broadcast_to(np.zeros(1), (len(things),)) if start_s is None else start_s
        self._draw = np.zeros(len(things), dtype=np.uint32)
        self._is_on = np.zeros(len(things), dtype=np.bool_)
        self._until_s = np.full(len(things), -np.inf)

    def at(self, ranks: Ranks, time_s: float) -> tuple[Bools, Array]:
        """Whether these are on at ``time_s``, and until when."""
        late = ranks[self._until_s[ranks] <= time_s]
        if len(late):
            fresh = late[self._draw[late] == 0]
            if len(fresh):
                self._begin(fresh)
                late = late[self._until_s[late] <= time_s]
        while len(late):
            self._turn(late)
            late = late[self._until_s[late] <= time_s]
        return self._is_on[ranks], self._until_s[ranks]

    def one(self, rank: int, time_s: float) -> tuple[bool, float]:
        """The same for one."""
        if not self._until_s[rank] > time_s:
            self.at(np.array([rank]), time_s)
        return bool(self._is_on[rank]), float(self._until_s[rank])

    def _begin(self, ranks: Ranks) -> None:
        if self._fresh:
            self._is_on[ranks] = True
            self._until_s[ranks] = self._start_s[ranks] + self._periods(ranks, self._next(ranks)[0])
            return
        things, n = self._things[ranks], len(ranks)
        pairs = self._luck.pairs(np.concatenate([things, things]), np.repeat((0, 1), n))
        self._draw[ranks] = 2
        (share, place), length = pairs[:, :n], pairs[0, n:]
        self._is_on[ranks] = share < self._laws.on_share(ranks)
        self._until_s[ranks] = self._start_s[ranks] + place * self._periods(ranks, length, spread=True)

    def _turn(self, ranks: Ranks) -> None:
        """Everybody's next period."""
        self._is_on[ranks] = ~self._is_on[ranks]
        periods_s = self._periods(ranks, self._next(ranks)[0])
        with np.errstate(over="ignore"):  # what lasts for ever and a day lasts for ever
            self._until_s[ranks] += periods_s

    def _periods(self, ranks: Ranks, q: Array, *, spread: bool = False) -> Array:
        """Lengths that are exceeded with probability q, of the periods in which these devices are."""
        laws, is_on = self._laws, self._is_on[ranks]
        periods_s = np.empty(len(ranks))
        for state, law, factor in ((True, laws.on_s, laws.on_factor), (False, laws.off_s, laws.off_factor)):
            chosen = is_on == state
            if chosen.any():
                values_s = law.spread(q[chosen]) if spread else law.isf(q[chosen])
                periods_s[chosen] = values_s * factor[ranks[chosen]]
        return periods_s

    def _next(self, ranks: Ranks) -> Array:
        """Everybody's next pair of numbers: (2, n)."""
        draw = self._draw[ranks]
        self._draw[ranks] = draw + 1
        return self._luck.pairs(self._things[ranks], draw)


def stationary(laws: Cycle, luck: Luck, crowd: Crowd) -> Renewal:
    """In the middle of ordinary life at time 0."""
    return Renewal(laws, luck, crowd.things, fresh=False)


def from_new(laws: Cycle, luck: Luck, crowd: Crowd) -> Renewal:
    """Just turned on at time 0."""
    return Renewal(laws, luck, crowd.things, fresh=True)
