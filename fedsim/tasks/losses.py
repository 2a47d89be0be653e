"""Losses of a linear score, their slopes, and their duals for stochastic dual coordinate ascent.

All but the logistic loss are quadratic or linear between kinks, so that the best step of one dual variable has a
closed form (Shalev-Shwartz and Zhang 2013, "Stochastic dual coordinate ascent methods for regularized loss
minimization", section 6.2). Scores u, targets t and dual variables alpha are arrays of one shape; each number is
treated apart from the others.
"""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from scipy.special import entr, expit

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array

_MOST_NEWTON_STEPS: Final = 100  # 10 do in practice, halving alone would take 60
_NEWTON_TOLERANCE: Final = 1e-15


class DualLoss(Protocol):
    """A small frozen value."""

    def loss(self, u: Array, t: Array) -> Array:
        """Loss of score u against target t."""

    def slope(self, u: Array, t: Array) -> Array:
        """Derivative of the loss with respect to u; 0 at the kink of a hinge."""

    def dual(self, alpha: Array, t: Array) -> Array:
        """Minus the conjugate at -alpha, what alpha adds to the dual objective; -inf outside its domain."""

    def step(self, alpha: Array, t: Array, u: Array, curvature: Array) -> Array:
        """The best dual variable where one unit more of it raises u by ``curvature``; no change at inf."""

    @property
    def steepest(self) -> float:
        """The most by which the slope changes per unit of u, inf at a kink."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hinge:
    """max(0, 1 - t u), with the kink rounded over a stretch of the given width; targets are -1 and +1."""

    smoothing: float = 0.0
    """Width over which the kink is rounded; >= 0."""

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < np.inf:
            raise FedsimError(f"hinge: smoothing must be >= 0 and finite, got {self.smoothing!r}")

    @property
    def steepest(self) -> float:
        """See ``DualLoss``: within the rounded stretch, if there is one."""
        return 1.0 / self.smoothing if self.smoothing else np.inf

    def loss(self, u: Array, t: Array) -> Array:
        """See ``DualLoss``: linear below 1 - smoothing, quadratic up to 1, then 0."""
        short = np.maximum(0.0, 1.0 - t * u)
        if not self.smoothing:
            return short
        return np.where(short < self.smoothing, short**2 / (2 * self.smoothing), short - self.smoothing / 2)

    def slope(self, u: Array, t: Array) -> Array:
        """See ``DualLoss``: - t below the stretch, 0 above it."""
        short = 1.0 - t * u
        share = np.clip(short / self.smoothing, 0.0, 1.0) if self.smoothing else short > 0
        return -t * share

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

    @property
    def steepest(self) -> float:
        """See ``DualLoss``."""
        return 1.0

    def loss(self, u: Array, t: Array) -> Array:
        """See ``DualLoss``."""
        return (u - t) ** 2 / 2

    def slope(self, u: Array, t: Array) -> Array:
        """See ``DualLoss``."""
        return u - t

    def dual(self, alpha: Array, t: Array) -> Array:
        """See ``DualLoss``: defined everywhere."""
        return t * alpha - alpha**2 / 2

    def step(self, alpha: Array, t: Array, u: Array, curvature: Array) -> Array:
        """See ``DualLoss``."""
        return alpha + (t - u - alpha) / (1.0 + curvature)


@dataclass(frozen=True, kw_only=True, slots=True)
class SquaredHinge:
    """max(0, 1 - t u)^2, scikit-learn's and LIBLINEAR's ``squared_hinge``; targets are -1 and +1."""

    @property
    def steepest(self) -> float:
        """See ``DualLoss``."""
        return 2.0

    def loss(self, u: Array, t: Array) -> Array:
        """See ``DualLoss``."""
        return np.maximum(0.0, 1.0 - t * u) ** 2

    def slope(self, u: Array, t: Array) -> Array:
        """See ``DualLoss``."""
        return -2.0 * t * np.maximum(0.0, 1.0 - t * u)

    def dual(self, alpha: Array, t: Array) -> Array:
        """See ``DualLoss``: the domain is t alpha >= 0."""
        share = t * alpha
        return np.where(share >= 0, share - alpha**2 / 4, -np.inf)

    def step(self, alpha: Array, t: Array, u: Array, curvature: Array) -> Array:
        """See ``DualLoss``."""
        move = alpha + (t - u - alpha / 2) / (0.5 + curvature)
        return t * np.maximum(t * move, 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLoss:
    """log(1 + exp(-t u)), the loss of logistic regression; targets are -1 and +1.

    Its best step has no closed form: it is found by Newton's method to about 1e-15 (compare Yu, Huang and Lin 2011,
    "Dual coordinate descent methods for logistic regression and maximum entropy models").
    """

    @property
    def steepest(self) -> float:
        """See ``DualLoss``: at u = 0."""
        return 0.25

    def loss(self, u: Array, t: Array) -> Array:
        """See ``DualLoss``."""
        return np.logaddexp(0.0, -t * u)

    def slope(self, u: Array, t: Array) -> Array:
        """See ``DualLoss``: - t times the probability of the other class."""
        return np.asarray(-t * expit(-t * u))

    def dual(self, alpha: Array, t: Array) -> Array:
        """See ``DualLoss``: the entropy of the probabilities t alpha and 1 - t alpha; none outside [0, 1]."""
        share = t * alpha
        return np.asarray(entr(share) + entr(1.0 - share))

    def step(self, alpha: Array, t: Array, u: Array, curvature: Array) -> Array:
        """See ``DualLoss``: the share b = t alpha for which logit(b) + t u + curvature (b - b before) = 0."""
        before = t * alpha
        finite = np.isfinite(curvature)
        logit = _logit_of_step(before, t * u, np.where(finite, curvature, 0.0))
        return np.where(finite, t * expit(logit), alpha)


def _logit_of_step(before: Array, margin: Array, curvature: Array) -> Array:
    """The root s of s + margin + curvature (expit(s) - before), a function whose slope is at least 1.

    Newton's method within a bracket that shrinks: where it would leave it, the bracket is halved. A number that has
    arrived stays as it is, however long others take.
    """
    low, high = -margin - curvature * (1.0 - before), -margin + curvature * before
    s = np.clip(-(margin + curvature * (0.5 - before)) / (1.0 + curvature / 4), low, high)
    for _ in range(_MOST_NEWTON_STEPS):
        share = expit(s)
        value = s + margin + curvature * (share - before)
        arrived = np.abs(value) <= _NEWTON_TOLERANCE * (1.0 + np.abs(margin) + curvature)
        if arrived.all():
            break
        low, high = np.where(value < 0, s, low), np.where(value > 0, s, high)
        newton = s - value / (1.0 + curvature * share * (1.0 - share))
        inside = (newton > low) & (newton < high)
        s = np.where(arrived, s, np.where(inside, newton, (low + high) / 2))
    return s
