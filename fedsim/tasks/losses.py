"""Losses of a linear score and their duals, for stochastic dual coordinate ascent.

A loss here is quadratic or linear between kinks, so that the best step of one dual variable has a closed form
(Shalev-Shwartz and Zhang 2013, "Stochastic dual coordinate ascent methods for regularized loss
minimization"). Scores u, targets t and dual variables alpha are arrays of one shape.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array


class DualLoss(Protocol):
    """A small frozen value."""

    def loss(self, u: Array, t: Array) -> Array:
        """Loss of score u against target t."""

    def dual(self, alpha: Array, t: Array) -> Array:
        """Minus the conjugate at -alpha, what alpha adds to the dual objective; -inf outside its domain."""

    def step(self, alpha: Array, t: Array, u: Array, curvature: Array) -> Array:
        """The best dual variable where one unit more of it raises u by ``curvature``; no change at inf."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hinge:
    """max(0, 1 - t u), with the kink rounded over a stretch of the given width; targets are -1 and +1."""

    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < np.inf:
            raise FedsimError(f"hinge: smoothing must be >= 0 and finite, got {self.smoothing!r}")

    def loss(self, u: Array, t: Array) -> Array:
        """See ``DualLoss``: linear below 1 - smoothing, quadratic up to 1, then 0."""
        short = np.maximum(0.0, 1.0 - t * u)
        if not self.smoothing:
            return short
        return np.where(short < self.smoothing, short**2 / (2 * self.smoothing), short - self.smoothing / 2)

    def dual(self, alpha: Array, t: Array) -> Array:
        """See ``DualLoss``: the domain is 0 <= t alpha <= 1."""
        share = t * alpha
        return np.where((share >= 0) & (share <= 1), share - self.smoothing / 2 * alpha**2, -np.inf)

    def step(self, alpha: Array, t: Array, u: Array, curvature: Array) -> Array:
        """See ``DualLoss``."""
        move = t - u
        if self.smoothing:
            move -= self.smoothing * alpha
            move /= self.smoothing + curvature
        else:
            move /= curvature
        move += alpha
        return np.minimum(np.maximum(move, np.minimum(t, 0.0)), np.maximum(t, 0.0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Squared:
    """(u - t)^2 / 2, for any target."""

    def loss(self, u: Array, t: Array) -> Array:
        """See ``DualLoss``."""
        return (u - t) ** 2 / 2

    def dual(self, alpha: Array, t: Array) -> Array:
        """See ``DualLoss``: defined everywhere."""
        return t * alpha - alpha**2 / 2

    def step(self, alpha: Array, t: Array, u: Array, curvature: Array) -> Array:
        """See ``DualLoss``."""
        return alpha + (t - u - alpha) / (1.0 + curvature)
