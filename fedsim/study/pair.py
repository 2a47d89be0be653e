"""One figure of two runs with the same seed, of which either may have missed its target."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A figure of one run: what it took to the target, or, where it is not ``complete``, by the end without it."""

    value: float
    complete: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """The same figure of a scenario's ``own`` run and of the ``first`` scenario's, with one seed.

    What is not complete is known to be larger than its value, by nobody knows how much, and may never be. So a
    difference is taken as far as both runs were watched, and *missing the target is never a saving*: who missed it
    is behind by what it had spent more by the end, or by nothing. Of times with a common horizon this is the
    difference of the times up to the horizon, whose mean is the difference of restricted means (Royston and Parmar,
    "Restricted mean survival time", 2013).
    """

    own: Figure
    first: Figure

    @property
    def complete(self) -> bool:
        """Whether both reached it."""
        return self.own.complete and self.first.complete

    @property
    def finite(self) -> bool:
        """Whether both are numbers that one can reckon with; what a learner that diverged measures is none."""
        return math.isfinite(self.own.value) and math.isfinite(self.first.value)

    @property
    def difference(self) -> float:
        """Own less first."""
        return self._bounded(self.own.value - self.first.value)

    @property
    def log_ratio(self) -> float | None:
        """The logarithm of own over first; None unless both are positive."""
        if not self.own.value > 0 or not self.first.value > 0:
            return None
        return self._bounded(math.log(self.own.value) - math.log(self.first.value))

    @property
    def order(self) -> int:
        """-1 where own needed less, 1 where it needed more, 0 where nobody can say.

        Who never reached the target comes behind whoever did (Lachin, "Worst-rank score analysis with informatively
        missing observations in clinical trials", 1999); two who did not are level.
        """
        if self.complete:
            return int(self.own.value > self.first.value) - int(self.own.value < self.first.value)
        return int(self.first.complete) - int(self.own.complete)

    def _bounded(self, by: float) -> float:
        if self.complete:
            return by
        if self.own.complete:
            return min(0.0, by)
        return max(0.0, by) if self.first.complete else 0.0
