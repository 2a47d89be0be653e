"""Multinomial logistic regression."""

from dataclasses import dataclass

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.linear import scores, sum_over_rows, weight_gradient
from fedsim.tasks.model import Labels
from fedsim.tasks.penalty import add_slope, check_l2, penalty


@dataclass(frozen=True, kw_only=True, slots=True)
class Softmax:
    """Cross-entropy of a softmax over affine scores, plus ``l2 / 2`` times the squared weights.

    Parameters: one row per class, its weight for each feature and then its bias, where there is one. Biases
    are not penalised. All start at 0: the loss is convex.
    """

    features: int
    """Of an example; the data say it."""
    classes: int
    """How many there are; the data say it."""
    bias: bool = True
    """Whether a score has a bias."""
    l2: float = 0.0
    """Weight of half the squared weights in the loss; >= 0."""

    def __post_init__(self) -> None:
        if not self.classes >= 2:
            raise FedsimError(f"softmax: classes must be >= 2, got {self.classes!r}")
        check_l2("softmax", self.l2)

    @property
    def parameters(self) -> int:
        """One weight per class and feature, and one bias per class."""
        return self.classes * (self.features + self.bias)

    @property
    def forward_flops(self) -> float:
        """Two operations, multiply and add, for each parameter; the exponentials are left out."""
        return 2.0 * self.parameters

    @property
    def backward_flops(self) -> float:
        """Twice the forward pass, the usual count."""
        return 2.0 * self.forward_flops

    @property
    def activations(self) -> int:
        """Its features, and a score for each class."""
        return self.features + self.classes

    def init(self, rng: np.random.Generator) -> Array:
        """Zeros (p,): nothing is drawn."""
        del rng
        return np.zeros(self.parameters)

    def losses(self, w: Array, x: Array, y: Labels) -> Array:
        """See ``Model``."""
        score = scores(w, x, bias=self.bias)
        score -= score.max(axis=2, keepdims=True)
        right = _flat(score)[_of_right_class(y)].reshape(y.shape)
        return np.asarray(np.log(sum_over_rows(np.exp(score, out=score))) - right)

    def loss(self, w: Array, x: Array, y: Labels, weight: Array) -> Array:
        """See ``Model``."""
        own = (weight * self.losses(w, x, y)).sum(axis=1)
        return np.asarray(own + penalty(w, self.l2, self.classes, bias=self.bias))

    def probabilities(self, w: Array, x: Array) -> Array:
        """See ``Likelihood``."""
        score = scores(w, x, bias=self.bias)
        score -= score.max(axis=2, keepdims=True)
        np.exp(score, out=score)
        score /= score.sum(axis=2, keepdims=True)
        return score

    def gradient(self, w: Array, x: Array, y: Labels, weight: Array) -> Array:
        """See ``Model``: (probability - [right class]) times weight, for each score."""
        score = scores(w, x, bias=self.bias)
        score -= score.max(axis=2, keepdims=True)
        np.exp(score, out=score)
        score *= (weight / sum_over_rows(score))[:, :, None]
        _flat(score)[_of_right_class(y)] -= weight.ravel()
        gradient = weight_gradient(score, x, bias=self.bias)
        add_slope(gradient, w, self.l2, self.classes, bias=self.bias)
        return gradient

    def predict(self, w: Array, x: Array) -> Labels:
        """The class with the highest score, the first of equals."""
        return np.asarray(scores(w, x, bias=self.bias).argmax(axis=2))


def _flat(score: Array) -> Array:
    """Scores as they lie in memory, class by class: (b, B, C) to (C * b * B,), a view."""
    return score.transpose(2, 0, 1).reshape(-1)


def _of_right_class(y: Labels) -> IntArray:
    """Where in flat scores those of the right classes are, (b * B,)."""
    return np.asarray(y.ravel() * y.size + np.arange(y.size))
