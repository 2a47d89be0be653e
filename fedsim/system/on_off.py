"""On for a time, off for a time, and again: the renewal process of one thing, with a random stream of its own."""

import numpy as np

from fedsim.system.law import Law


class OnOff:
    """An alternating renewal process, looked at in order of time; it is on at ``start_s``."""

    def __init__(self, on_s: Law, off_s: Law, rng: np.random.Generator, *, start_s: float = 0.0) -> None:
        self._laws = (off_s, on_s)
        self._rng = rng
        self._is_on = True
        self._until_s = start_s + on_s.draw(rng)

    def at(self, time_s: float) -> tuple[bool, float]:
        """Whether it is on at ``time_s``, and until when that lasts (later than ``time_s``)."""
        while self._until_s <= time_s:
            self._is_on = not self._is_on
            self._until_s += self._laws[self._is_on].draw(self._rng)
        return self._is_on, self._until_s
