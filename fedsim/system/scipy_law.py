"""Any continuous distribution of ``scipy.stats``, by its name and parameters."""

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Final

import numpy as np

from fedsim import problems
from fedsim.errors import FedsimError
from fedsim.system.law import Array, Draws, require

_TAIL: Final = 1e-12


@dataclass(frozen=True, slots=True)
class ScipyLaw(Draws):
    """``scipy.stats.<name>`` with its own parameters; ``loc`` and ``scale`` carry the unit of what is drawn.

    Raises:
        FedsimError: an unknown name, parameters that the distribution does not have, or a mean that is not finite.
    """

    name: str
    parameters: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if self.name not in distributions():
            raise FedsimError(problems.unknown(self.name, "scipy distribution", distributions()))
        known = scipy_parameters(self.name)
        for key, _ in self.parameters:
            if key not in known:
                raise FedsimError(problems.unknown(key, f"parameter of {self.name}", known))
        absent = [key for key in known[:-2] if key not in dict(self.parameters)]
        require(not absent, self, f"{self.name} needs {', '.join(absent)}", dict(self.parameters))
        low, _ = self.support
        require(low == low, self, f"{self.name} must have possible parameters", dict(self.parameters))  # noqa: PLR0124  # NaN
        require(bool(np.isfinite(self.mean)), self, f"{self.name} must have a finite mean", self.mean)

    @property
    def mean(self) -> float:
        """Expected value."""
        return float(_frozen(self.name, self.parameters).mean())

    @property
    def support(self) -> tuple[float, float]:
        """The least interval that holds every value."""
        low, high = _frozen(self.name, self.parameters).support()
        return float(low), float(high)

    def isf(self, q: Array) -> Array:
        """As scipy computes it."""
        return np.asarray(_frozen(self.name, self.parameters).isf(q))

    def spread(self, q: Array) -> Array:
        """From a table of 20,001 places: good to about 1e-4 of its probabilities; scipy knows no better."""
        shares, values = _spread_table(self.name, self.parameters)
        return np.interp(q, shares, values)


def distributions() -> tuple[str, ...]:
    """The names of the continuous distributions that scipy has."""
    stats = _stats()
    return tuple(sorted(name for name, value in vars(stats).items() if isinstance(value, stats.rv_continuous)))


def scipy_parameters(name: str) -> tuple[str, ...]:
    """The parameters of a distribution: its shapes, then loc and scale."""
    shapes = getattr(_stats(), name).shapes
    return (*(part.strip() for part in (shapes or "").split(",") if part), "loc", "scale")


@cache
def _stats() -> Any:
    """Slow to import, and seldom needed."""
    return import_module("scipy.stats")


@lru_cache(maxsize=64)
def _frozen(name: str, parameters: tuple[tuple[str, float], ...]) -> Any:
    return getattr(_stats(), name)(**dict(parameters))


@lru_cache(maxsize=64)
def _spread_table(name: str, parameters: tuple[tuple[str, float], ...]) -> tuple[Array, Array]:
    """Shares of the mean that lie above values, from 0 up, and these values.

    The share above isf(p) is the integral of isf from 0 to p over the mean; in each step of p, which are fine towards
    both ends, isf is taken as a straight line.
    """
    rises = np.concatenate([np.geomspace(_TAIL, 0.5, 10_000), 1 - np.geomspace(0.5, _TAIL, 10_001)[1:]])
    values = np.asarray(_frozen(name, parameters).isf(rises))
    areas = np.concatenate([[values[0] * rises[0]], np.diff(rises) * (values[1:] + values[:-1]) / 2])
    shares = np.cumsum(areas)
    return shares / shares[-1], values
