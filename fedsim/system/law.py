"""Laws of chance: what differs between devices, and how long things last.

A law is a frozen value, told by two functions of a probability. ``isf(q)`` is the value that is exceeded with
probability q: with q uniform on (0, 1) it is one draw, and its long tail is exact where q is small. ``spread(q)`` is
the same of the *length-biased* law, of density x f(x) / mean: of the period in which a random instant falls, which
is a long one more often than a short one (Cox, *Renewal Theory*, 1962, section 5.2). The residual life of that
period is ``U * spread(Q)`` with independent uniforms.

A ``Generator`` is an argument of ``draw``, so a law may be shared; ``draws(rng, n)`` gives what n calls of
``draw(rng)`` would have given.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import special

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

    def isf(self, q: Array) -> Array:
        """The values that are exceeded with probabilities q in (0, 1): (n,) to (n,)."""

    def spread(self, q: Array) -> Array:
        """The same for the length-biased law, for laws of what is >= 0: (n,) to (n,)."""

    def draw(self, rng: np.random.Generator) -> float:
        """One value."""

    def draws(self, rng: np.random.Generator, n: int) -> Array:
        """The next n values: (n,)."""


class Draws:
    """Draws from a generator, one uniform number for each."""

    __slots__ = ()

    def draw(self: Law, rng: np.random.Generator) -> float:
        """One value."""
        return float(self.draws(rng, 1)[0])

    def draws(self: Law, rng: np.random.Generator, n: int) -> Array:
        """The next n values: (n,)."""
        return self.isf(1.0 - rng.random(n))


@dataclass(frozen=True, slots=True)
class Constant(Draws):
    """Always the same value."""

    value: float

    def __post_init__(self) -> None:
        require(not math.isnan(self.value), self, "value must be a number", self.value)

    @property
    def mean(self) -> float:
        """Expected value."""
        return self.value

    @property
    def support(self) -> tuple[float, float]:
        """The value, twice."""
        return self.value, self.value

    def isf(self, q: Array) -> Array:
        """The value, for every q."""
        return np.full(len(q), self.value, dtype=np.float64)

    def spread(self, q: Array) -> Array:
        """The value, for every q."""
        return self.isf(q)


@dataclass(frozen=True, slots=True)
class Uniform(Draws):
    """Every value from low to high alike."""

    low: float
    high: float

    def __post_init__(self) -> None:
        finite = math.isfinite(self.low) and math.isfinite(self.high)
        require(finite and self.low <= self.high, self, "low must be <= high", (self.low, self.high))

    @property
    def mean(self) -> float:
        """Expected value."""
        return (self.low + self.high) / 2

    @property
    def support(self) -> tuple[float, float]:
        """From low to high."""
        return self.low, self.high

    def isf(self, q: Array) -> Array:
        """``low + (1 - q) (high - low)``."""
        return self.low + (1.0 - q) * (self.high - self.low)

    def spread(self, q: Array) -> Array:
        """``sqrt(low**2 + (1 - q) (high**2 - low**2))``."""
        return np.asarray(np.sqrt(self.low**2 + (1.0 - q) * (self.high**2 - self.low**2)))


@dataclass(frozen=True, slots=True)
class Exponential(Draws):
    """Time to the next of events that come at a constant rate 1 / mean."""

    mean: float

    def __post_init__(self) -> None:
        require_positive(self, "mean", self.mean)

    @property
    def support(self) -> tuple[float, float]:
        """From zero up."""
        return 0.0, math.inf

    def isf(self, q: Array) -> Array:
        """``-mean ln q``."""
        return np.asarray(-self.mean * np.log(q))

    def spread(self, q: Array) -> Array:
        """Gamma of shape 2."""
        return np.asarray(self.mean * special.gammainccinv(2.0, q))


@dataclass(frozen=True, slots=True)
class Lognormal(Draws):
    """median * exp(sigma * Z) with a standard normal Z; sigma is a plain number, 0 for no spread."""

    median: float
    sigma: float

    def __post_init__(self) -> None:
        require_positive(self, "median", self.median)
        require(0 <= self.sigma <= 10, self, "sigma must be from 0 to 10", self.sigma)

    @property
    def mean(self) -> float:
        """Expected value: median * exp(sigma**2 / 2)."""
        return self.median * math.exp(self.sigma**2 / 2)

    @property
    def support(self) -> tuple[float, float]:
        """From zero up, or the median alone where there is no spread."""
        return (0.0, math.inf) if self.sigma > 0 else (self.median, self.median)

    def isf(self, q: Array) -> Array:
        """``median exp(-sigma Phi^-1(q))``."""
        return np.asarray(self.median * np.exp(-self.sigma * special.ndtri(q)))

    def spread(self, q: Array) -> Array:
        """Lognormal again, with the median ``median exp(sigma**2)``."""
        return self.isf(q) * math.exp(self.sigma**2)


@dataclass(frozen=True, slots=True)
class Weibull(Draws):
    """P(X > x) = exp(-(x / scale)**shape); a shape below 1 means that what has lasted will last."""

    scale: float
    shape: float

    def __post_init__(self) -> None:
        require_positive(self, "scale", self.scale)
        require(0.1 <= self.shape <= 100, self, "shape must be from 0.1 to 100", self.shape)

    @property
    def mean(self) -> float:
        """Expected value: scale * Gamma(1 + 1 / shape)."""
        return self.scale * math.gamma(1 + 1 / self.shape)

    @property
    def support(self) -> tuple[float, float]:
        """From zero up."""
        return 0.0, math.inf

    def isf(self, q: Array) -> Array:
        """``scale (-ln q)**(1 / shape)``."""
        return np.asarray(self.scale * (-np.log(q)) ** (1.0 / self.shape))

    def spread(self, q: Array) -> Array:
        """``(X / scale)**shape`` is Gamma of shape ``1 + 1 / shape``."""
        power = 1.0 / self.shape
        return np.asarray(self.scale * special.gammainccinv(1.0 + power, q) ** power)


@dataclass(frozen=True, slots=True)
class Choice(Draws):
    """One of some values, with chances in proportion to their weights; no weights means all alike."""

    values: tuple[float, ...]
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        require(len(self.values) > 0, self, "values must not be empty", self.values)
        require(not any(map(math.isnan, self.values)), self, "values must be numbers", self.values)
        if self.weights:
            alike = len(self.weights) == len(self.values)
            require(alike, self, "weights must be as many as values", len(self.weights))
            sound = all(0 <= weight < math.inf for weight in self.weights) and 0 < sum(self.weights) < math.inf
            require(sound, self, "weights must be >= 0, finite and not all 0", self.weights)

    @property
    def mean(self) -> float:
        """Expected value."""
        return float(np.dot(self.values, self._chances()))

    @property
    def support(self) -> tuple[float, float]:
        """From the least to the greatest value that has a chance."""
        possible = [value for value, chance in zip(self.values, self._chances(), strict=True) if chance > 0]
        return min(possible), max(possible)

    def isf(self, q: Array) -> Array:
        """The values from the greatest down, each over a stretch of q as wide as its chance."""
        return self._pick(self._chances(), q)

    def spread(self, q: Array) -> Array:
        """The same with chances in proportion to weight times value."""
        chances = self._chances() * np.asarray(self.values)
        return self._pick(chances / chances.sum(), q)

    def _pick(self, chances: Array, q: Array) -> Array:
        values: Array = np.asarray(self.values, dtype=np.float64)
        order = np.argsort(-values, kind="stable")
        place = np.searchsorted(np.cumsum(chances[order]), q, side="right")
        possible = order[chances[order] > 0]
        picked = order[np.minimum(place, len(order) - 1)]
        return np.where(chances[picked] > 0, values[picked], values[possible[-1]])

    def _chances(self) -> Array:
        weights: Array = np.asarray(self.weights or (1.0,) * len(self.values), dtype=np.float64)
        chances: Array = weights / weights.sum()
        return chances


def require(condition: bool, law: object, rule: str, value: object) -> None:  # noqa: FBT001  # it reads as a sentence
    """Refuse parameters that a law cannot have."""
    if not condition:
        raise FedsimError(f"{type(law).__name__.lower()}: {rule}, got {value!r}")


def require_positive(law: object, what: str, value: float) -> None:
    """Refuse what is not > 0 and finite."""
    require(0 < value < math.inf, law, f"{what} must be > 0 and finite", value)
