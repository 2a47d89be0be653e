"""A rate that rises and falls as those of measured radio links do: two time scales through a table of quantiles."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Array = npt.NDArray[np.float64]
Luck = Callable[..., np.random.Generator]
"""Gives the random stream of a name; the same name gives the same stream from its start."""

BLOCK = 256  # steps made at a time, and kept
_LEAPS = 128  # leaps, from block to block, drawn at a time
_FORGOTTEN = 37.0  # exp(-37) is less than what a double can tell from nothing beside 1


@dataclass(frozen=True, kw_only=True)
class FadingShape:
    """How a rate divided by its long-run mean is distributed, and how long it stays what it is.

    ``quantiles`` are those of the rate over its mean at ``probabilities``, straight between them; a fade is where
    they are 0 or nearly so. ``slow_weight`` is the share of variance that changes with the time constant
    ``slow_s``; the rest changes with ``fast_s``.

    Raises:
        ValueError: a table that does not rise from probability 0 to 1 or is 0 everywhere, a share that is not
            between 0 and 1, or a time constant that is not > 0 and at most a day.
    """

    name: str
    slow_weight: float
    slow_s: float
    fast_s: float
    probabilities: tuple[float, ...]
    quantiles: tuple[float, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.slow_weight <= 1:
            raise ValueError(f"slow_weight of {self.name} must be from 0 to 1, got {self.slow_weight!r}")
        if not (0 < self.slow_s <= 86_400 and 0 < self.fast_s <= 86_400):
            raise ValueError(
                f"time constants of {self.name} must be > 0 and <= 1 day, got {self.slow_s!r}, {self.fast_s!r}"
            )
        steps, rises = np.diff(self.probabilities), np.diff(self.quantiles)
        spans = len(steps) > 0 and (self.probabilities[0], self.probabilities[-1]) == (0, 1) and bool((steps > 0).all())
        if not (spans and len(self.quantiles) == len(self.probabilities)):
            raise ValueError(f"probabilities of {self.name} must rise from 0 to 1, one for each quantile")
        if not (self.quantiles[0] >= 0 and (rises >= 0).all() and 0 < self.quantiles[-1] < math.inf):
            raise ValueError(f"quantiles of {self.name} must rise from >= 0 to a finite number > 0")

    @property
    def mean(self) -> float:
        """Of the table: 1, but for what its few points lose."""
        middles = (np.array(self.quantiles[1:]) + np.array(self.quantiles[:-1])) / 2
        return float((middles * np.diff(self.probabilities)).sum())

    def value(self, x: Array) -> Array:
        """Rate over mean where the standard normal process is ``x``: Q(Phi(x)), of the same shape."""
        return np.interp(ndtr(x), self.probabilities, self.quantiles)

    @cached_property
    def filters(self) -> "tuple[_Filter, _Filter]":
        """Of the slow and of the fast part."""
        return (
            _Filter(time_constant_s=self.slow_s, weight=self.slow_weight),
            _Filter(time_constant_s=self.fast_s, weight=1 - self.slow_weight),
        )


class Fading:
    """A fading capacity with a mean of 1 bit/s (device notes, section 1.1, rate process).

    ``rate(t) = Q(Phi(X(t)))``, ``X = sqrt(w) S + sqrt(1-w) F``, with S and F independent AR(1) processes of unit
    variance in steps of 1 s of the clock: ``S(i+1) = a S(i) + sqrt(1-a**2) n(i)``, ``a = exp(-1 s / tau)``.

    Any stretch can be had without what lies before it: see ``_Filter``. The last block asked for is kept, and
    nothing is drawn before somebody asks.
    """

    __slots__ = ("_from", "_luck", "_rates", "_shape")

    def __init__(self, shape: FadingShape, luck: Luck) -> None:
        self._shape = shape
        self._luck = luck
        self._from = -1
        self._rates: Array = np.empty(0)

    def at(self, time_s: float) -> tuple[float, float]:
        """Rate at ``time_s`` >= 0, and the end of its second."""
        step = math.floor(time_s)
        place = step - self._from
        if self._from < 0 or not 0 <= place < BLOCK:
            block, place = divmod(step, BLOCK)
            self._from, self._rates = block * BLOCK, self._shape.value(self.process(block))
        return float(self._rates[place]), step + 1.0

    def process(self, block: int) -> Array:
        """X at every step of a block: (BLOCK,)."""
        normals = self._luck("steps", block).standard_normal((2, BLOCK))
        leaps = self._leaps(block)
        parts = [part.path(normals[i], leaps[i]) * math.sqrt(part.weight) for i, part in enumerate(self._shape.filters)]
        return parts[0] + parts[1]

    def _leaps(self, block: int) -> Array:
        """Standard normals of the leaps over this block and those before it that are not forgotten: (2, memory)."""
        memory = max(part.memory for part in self._shape.filters)
        first, last = (block - memory + 1) // _LEAPS, block // _LEAPS
        drawn = [self._luck("leaps", page).standard_normal((2, _LEAPS)) for page in range(first, last + 1)]
        end = block - first * _LEAPS + 1
        leaps: Array = np.concatenate(drawn, axis=1)[:, end - memory : end]
        return leaps


@dataclass(frozen=True, kw_only=True)
class _Filter:
    """One AR(1) process of unit variance, block by block.

    Where a block begins, its value is a sum over the blocks before it: ``s(k+1) = A s(k) + sqrt(1-A**2) l(k)``, with
    ``A = a**BLOCK`` and one normal ``l`` for the leap over each block; terms beyond double precision are left out.
    Inside a block, a path drawn freely from 0 is bent so that it ends where the leap does: the law of an AR(1)
    process given both of its ends.
    """

    time_constant_s: float
    weight: float

    @property
    def memory(self) -> int:
        """Leaps that count: this block's and those before it."""
        return 1 + math.ceil(_FORGOTTEN * self.time_constant_s / BLOCK)

    @cached_property
    def _keep(self) -> float:
        """What is left of a value after one step."""
        return math.exp(-1.0 / self.time_constant_s)

    @cached_property
    def _weights(self) -> Array:
        """Of the leaps before this block, oldest first, in the value at its start: (memory - 1,)."""
        keep = math.exp(-BLOCK / self.time_constant_s)
        return math.sqrt(1 - keep**2) * keep ** np.arange(self.memory - 2, -1, -1.0)

    @cached_property
    def _decay(self) -> Array:
        """What is left of the block's first value at each of its steps: (BLOCK,)."""
        return np.exp(-np.arange(BLOCK) / self.time_constant_s)

    @cached_property
    def _pull(self) -> Array:
        """How much of a change of the block's end is seen at each step: Cov(y_i, y_end) / Var(y_end), (BLOCK,)."""
        i = np.arange(BLOCK)
        tau = self.time_constant_s
        pull: Array = np.exp((i - BLOCK) / tau) * np.expm1(-2 * i / tau) / math.expm1(-2 * BLOCK / tau)
        return pull

    def path(self, normals: Array, leaps: Array) -> Array:
        """The process at each step of a block: (BLOCK,).

        normals: (BLOCK,)    leaps: those of earlier blocks, oldest first, and of this one at the end
        """
        start = float((self._weights * leaps[-self.memory : -1]).sum())
        spread = math.sqrt(-math.expm1(-2 * BLOCK / self.time_constant_s))
        free = math.sqrt(1 - self._keep**2) * _summed(normals, self._keep)
        inside = np.concatenate(([0.0], free[:-1]))
        return self._decay * start + inside + self._pull * (spread * float(leaps[-1]) - float(free[-1]))


def _summed(terms: Array, keep: float) -> Array:
    """``y(i) = keep * y(i-1) + terms(i)``, from 0: (n,). By doubling: first sums of two terms, then of four, ...

    SciPy's ``lfilter`` does the same, and is not used because importing it takes 0.4 s.
    """
    sums = terms.copy()
    reach = 1
    while reach < len(sums):
        sums[reach:] += keep**reach * sums[:-reach]
        reach *= 2
    return sums
