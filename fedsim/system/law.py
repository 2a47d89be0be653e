"""Laws of chance: what differs between devices, and how long things last.

A law is a frozen value. A ``Generator`` is an argument of every draw, so a law may be shared. For
every law, ``draws(rng, n)`` gives what n calls of ``draw(rng)`` would have given.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fedsim.errors import FedsimError

Array = npt.NDArray[np.float64]


class Law(Protocol):
    """A distribution of one real number, in the unit of whatever it describes."""

    @property
    def mean(self) -> float:
        """Expected value."""

    @property
    def support(self) -> tuple[float, float]:
        """The least interval that holds every value that can be drawn."""

    def draw(self, rng: np.random.Generator) -> float:
        """One value."""

    def draws(self, rng: np.random.Generator, n: int) -> Array:
        """The next n values: (n,)."""


class _DrawsOne:
    """A single draw as the first of one."""

    __slots__ = ()

    def draw(self: Law, rng: np.random.Generator) -> float:
        """One value."""
        return float(self.draws(rng, 1)[0])


@dataclass(frozen=True, slots=True)
class Constant(_DrawsOne):
    """Always the same value; takes nothing from the generator."""

    value: float

    def __post_init__(self) -> None:
        _require(not math.isnan(self.value), self, "value must be a number", self.value)

    @property
    def mean(self) -> float:
        """Expected value."""
        return self.value

    @property
    def support(self) -> tuple[float, float]:
        """The value, twice."""
        return self.value, self.value

    def draws(self, rng: np.random.Generator, n: int) -> Array:  # noqa: ARG002  # a constant needs no chance
        """The value n times: (n,)."""
        return np.full(n, self.value, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Uniform(_DrawsOne):
    """Every value from low to high alike."""

    low: float
    high: float

    def __post_init__(self) -> None:
        finite = math.isfinite(self.low) and math.isfinite(self.high)
        _require(finite and self.low <= self.high, self, "low must be <= high", (self.low, self.high))

    @property
    def mean(self) -> float:
        """Expected value."""
        return (self.low + self.high) / 2

    @property
    def support(self) -> tuple[float, float]:
        """From low to high."""
        return self.low, self.high

    def draws(self, rng: np.random.Generator, n: int) -> Array:
        """The next n values: (n,)."""
        return rng.uniform(self.low, self.high, n)


@dataclass(frozen=True, slots=True)
class Exponential(_DrawsOne):
    """Time to the next of events that come at a constant rate 1 / mean."""

    mean: float

    def __post_init__(self) -> None:
        _require_positive(self, "mean", self.mean)

    @property
    def support(self) -> tuple[float, float]:
        """From zero up."""
        return 0.0, math.inf

    def draws(self, rng: np.random.Generator, n: int) -> Array:
        """The next n values: (n,)."""
        return rng.exponential(self.mean, n)


@dataclass(frozen=True, slots=True)
class Lognormal(_DrawsOne):
    """median * exp(sigma * Z) with a standard normal Z; sigma is a plain number, 0 for no spread."""

    median: float
    sigma: float

    def __post_init__(self) -> None:
        _require_positive(self, "median", self.median)
        _require(0 <= self.sigma <= 10, self, "sigma must be from 0 to 10", self.sigma)

    @property
    def mean(self) -> float:
        """Expected value: median * exp(sigma**2 / 2)."""
        return self.median * math.exp(self.sigma**2 / 2)

    @property
    def support(self) -> tuple[float, float]:
        """From zero up, or the median alone where there is no spread."""
        return (0.0, math.inf) if self.sigma > 0 else (self.median, self.median)

    def draws(self, rng: np.random.Generator, n: int) -> Array:
        """The next n values: (n,)."""
        return self.median * np.exp(self.sigma * rng.standard_normal(n))


@dataclass(frozen=True, slots=True)
class Weibull(_DrawsOne):
    """P(X > x) = exp(-(x / scale)**shape); a shape below 1 means that what has lasted will last."""

    scale: float
    shape: float

    def __post_init__(self) -> None:
        _require_positive(self, "scale", self.scale)
        _require(0.1 <= self.shape <= 100, self, "shape must be from 0.1 to 100", self.shape)

    @property
    def mean(self) -> float:
        """Expected value: scale * Gamma(1 + 1 / shape)."""
        return self.scale * math.gamma(1 + 1 / self.shape)

    @property
    def support(self) -> tuple[float, float]:
        """From zero up."""
        return 0.0, math.inf

    def draws(self, rng: np.random.Generator, n: int) -> Array:
        """The next n values: (n,)."""
        return self.scale * rng.weibull(self.shape, n)


@dataclass(frozen=True, slots=True)
class Choice(_DrawsOne):
    """One of some values, with chances in proportion to their weights; no weights means all alike."""

    values: tuple[float, ...]
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        _require(len(self.values) > 0, self, "values must not be empty", self.values)
        _require(not any(map(math.isnan, self.values)), self, "values must be numbers", self.values)
        if self.weights:
            alike = len(self.weights) == len(self.values)
            _require(alike, self, "weights must be as many as values", len(self.weights))
            sound = all(0 <= weight < math.inf for weight in self.weights) and 0 < sum(self.weights) < math.inf
            _require(sound, self, "weights must be >= 0, finite and not all 0", self.weights)

    @property
    def mean(self) -> float:
        """Expected value."""
        return float(np.dot(self.values, self._chances()))

    @property
    def support(self) -> tuple[float, float]:
        """From the least to the greatest value that has a chance."""
        possible = [value for value, chance in zip(self.values, self._chances(), strict=True) if chance > 0]
        return min(possible), max(possible)

    def draws(self, rng: np.random.Generator, n: int) -> Array:
        """The next n values: (n,)."""
        values: Array = np.asarray(self.values, dtype=np.float64)
        drawn: Array = rng.choice(values, n, p=self._chances())
        return drawn

    def _chances(self) -> Array:
        weights: Array = np.asarray(self.weights or (1.0,) * len(self.values), dtype=np.float64)
        chances: Array = weights / weights.sum()
        return chances


def _require(condition: bool, law: object, rule: str, value: object) -> None:  # noqa: FBT001  # it reads as a sentence
    if not condition:
        raise FedsimError(f"{type(law).__name__.lower()}: {rule}, got {value!r}")


def _require_positive(law: object, what: str, value: float) -> None:
    _require(0 < value < math.inf, law, f"{what} must be > 0 and finite", value)
