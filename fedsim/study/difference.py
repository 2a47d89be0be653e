"""A figure of one scenario against the same figure of another, seed by seed."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from fedsim.study.interval import Interval, t_interval
from fedsim.study.outcome import Measure
from fedsim.study.pair import Pair
from fedsim.study.paired_tests import sign_test
from fedsim.study.seeds_needed import seeds_needed

_LARGEST: Final = math.log(sys.float_info.max)


@dataclass(frozen=True, kw_only=True, slots=True)
class Factor:
    """A geometric mean of ratios and the ends of its interval; None where one ratio gives none."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What ``measure`` is in a scenario, less what it is in the first one: a pair for each seed with the figure.

    The pairs are those of ``Pair``: who never reached a target is among them. ``interval`` and ``factor`` are
    None where there is no pair, or one with a number that is not finite.
    """

    measure: Measure
    pairs: tuple[Pair, ...]

    @cached_property
    def differences(self) -> list[float]:
        """Own less first, of each pair."""
        return [pair.difference for pair in self.pairs]

    @cached_property
    def interval(self) -> Interval | None:
        """The mean difference with Student's 95 % interval."""
        return t_interval(self.differences) if self._finite else None

    @cached_property
    def factor(self) -> Factor | None:
        """The geometric mean of own over first, its interval that of the mean logarithm.

        None unless all are > 0, and for shares, which differ by points.
        """
        logs = self._log_ratios
        if logs is None:
            return None
        found = t_interval(logs)
        low, high = (None if end is None else _exp(end) for end in (found.low, found.high))
        return Factor(mean=_exp(found.mean), low=low, high=high)

    @cached_property
    def p(self) -> float | None:
        """The larger p of the two t tests, of the difference and, if there is one, of the factor.

        So nothing is called different from which either interval does not tell it. None for a single pair.
        """
        if self.interval is None or self.interval.p is None:
            return None
        if self._log_ratios is None:
            return self.interval.p
        return max(self.interval.p, t_interval(self._log_ratios).p or 0.0)

    @property
    def complete(self) -> int:
        """With how many seeds both have the whole figure."""
        return sum(pair.complete for pair in self.pairs)

    @property
    def is_a_bound(self) -> bool:
        """Whether the true difference is farther from none: only the scenario that is behind ever missed the target.

        Behind in the factor, where there is one: it is what is told, and may go the other way than the difference.
        """
        if self.interval is None:
            return False
        by = self.interval.mean if self.factor is None else math.log(self.factor.mean)
        behind = int(by > 0) - int(by < 0)
        missed = {int(pair.first.complete) - int(pair.own.complete) for pair in self.pairs} - {0}
        return missed == {behind}

    @property
    def not_finite(self) -> int:
        """With how many seeds either is no number that one can reckon with."""
        return sum(not pair.finite for pair in self.pairs)

    @cached_property
    def among_complete(self) -> Interval | None:
        """The mean difference over the seeds with which both have the whole figure; None where there are none.

        A figure of the lucky ones: where reaching the target depends on what is compared, so does who is in it.
        """
        values = [pair.difference for pair in self.pairs if pair.complete]
        return t_interval(values) if values and self._finite else None

    @property
    def less(self) -> int:
        """With how many seeds it is less; see ``Pair.order``."""
        return sum(pair.order < 0 for pair in self.pairs)

    @property
    def more(self) -> int:
        """With how many seeds it is more."""
        return sum(pair.order > 0 for pair in self.pairs)

    @property
    def sign_p(self) -> float:
        """The p-value of ``less`` against ``more``, which asks nothing of how the figures are distributed."""
        return sign_test(self.less, self.more)

    @cached_property
    def correlation(self) -> float | None:
        """Pearson's, of the two figures over the seeds; None where either does not vary."""
        own, first = self._columns
        if not self._finite or len(own) < 2 or not _varies(own) or not _varies(first):
            return None
        return float(np.corrcoef(own, first)[0, 1])

    @cached_property
    def explained(self) -> float | None:
        """What part of the variance of an unpaired difference the pairing takes away, 1 - Var(d) / (Var a + Var b).

        Negative where what is luck for one is bad luck for the other; None where nothing varies.
        """
        own, first = self._columns
        if not self._finite or len(own) < 2 or not (_varies(own) or _varies(first)):
            return None
        apart = np.var(own, ddof=1) + np.var(first, ddof=1)
        return float(1 - np.var(np.subtract(own, first), ddof=1) / apart)

    @property
    def seeds_needed(self) -> int | None:
        """How many seeds may tell it from none, if its mean and its spread are what these seeds show."""
        if not self._finite:
            return None
        needed = [seeds_needed(values) for values in (self.differences, self._log_ratios) if values is not None]
        return None if None in needed else max(n for n in needed if n is not None)

    @property
    def _finite(self) -> bool:
        return bool(self.pairs) and self.not_finite == 0

    @cached_property
    def _log_ratios(self) -> list[float] | None:
        if not self._finite or self.measure.is_share:
            return None
        logs = [pair.log_ratio for pair in self.pairs]
        return None if None in logs else [log for log in logs if log is not None]

    @property
    def _columns(self) -> tuple[list[float], list[float]]:
        return [pair.own.value for pair in self.pairs], [pair.first.value for pair in self.pairs]


def _varies(values: Sequence[float]) -> bool:
    return len(set(values)) > 1


def _exp(value: float) -> float:
    """Never 0, and infinite where two wild ratios leave an interval that wide."""
    return max(math.exp(value), sys.float_info.min) if value < _LARGEST else math.inf
