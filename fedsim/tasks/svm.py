"""Linear support vector machines."""

from dataclasses import dataclass, field

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array
from fedsim.tasks.linear import scores, sum_over_rows, weight_gradient
from fedsim.tasks.losses import DualLoss, Hinge
from fedsim.tasks.model import Labels
from fedsim.tasks.penalty import add_slope, check_l2, penalty


@dataclass(frozen=True, kw_only=True, slots=True)
class LinearSvm:
    """Hinge loss of linear scores, one-against-rest, plus ``l2 / 2`` times the squared weights.

    Two classes need one row of weights (class 1 is the positive one), more classes one row each; the loss is
    the sum over rows of max(0, 1 - t u), where t is +1 for the row's own class and -1 otherwise. Another margin loss
    may stand for the hinge. All weights start at 0. The bias is the weight of a constant feature 1: ``l2`` leaves it
    alone, but a dual learner that penalises weights penalises it as well.

    ``margin_loss`` and ``l2`` are what learners by gradients minimise; a dual learner says its own.
    """

    features: int
    """Of an example; the data say it."""
    classes: int
    """How many there are; the data say it."""
    bias: bool = True
    """Whether a constant feature stands for a bias."""
    margin_loss: DualLoss = field(default_factory=Hinge)
    """What learners by gradients minimise; a dual learner says its own."""
    l2: float = 0.0
    """Weight of half the squared weights in the loss; >= 0."""

    def __post_init__(self) -> None:
        if not self.classes >= 2:
            raise FedsimError(f"linear svm: classes must be >= 2, got {self.classes!r}")
        check_l2("linear svm", self.l2)

    @property
    def rows(self) -> int:
        """Rows of weights: one for two classes, else one per class."""
        return 1 if self.classes == 2 else self.classes

    @property
    def parameters(self) -> int:
        """One weight per row and feature, and one bias per row."""
        return self.rows * (self.features + self.bias)

    @property
    def forward_flops(self) -> float:
        """Two operations, multiply and add, for each parameter."""
        return 2.0 * self.parameters

    @property
    def backward_flops(self) -> float:
        """Twice the forward pass, the usual count."""
        return 2.0 * self.forward_flops

    @property
    def activations(self) -> int:
        """Its features, and a score for each row."""
        return self.features + self.rows

    def init(self, rng: np.random.Generator) -> Array:
        """Zeros (p,): nothing is drawn."""
        del rng
        return np.zeros(self.parameters)

    def targets(self, y: Labels) -> Array:
        """+1 where the row's class is the label and -1 elsewhere, (*shape of y, R)."""
        positive = np.arange(self.rows) if self.rows > 1 else np.array([1])
        return np.where(y[..., None] == positive, 1.0, -1.0)

    def losses(self, w: Array, x: Array, y: Labels) -> Array:
        """See ``Model``: summed over rows."""
        return sum_over_rows(self.margin_loss.loss(scores(w, x, bias=self.bias), self.targets(y)))

    def loss(self, w: Array, x: Array, y: Labels, weight: Array) -> Array:
        """See ``Model``."""
        own = (weight * self.losses(w, x, y)).sum(axis=1)
        return np.asarray(own + penalty(w, self.l2, self.rows, bias=self.bias))

    def gradient(self, w: Array, x: Array, y: Labels, weight: Array) -> Array:
        """See ``Model``: the subgradient that is 0 at the kink."""
        slope = self.margin_loss.slope(scores(w, x, bias=self.bias), self.targets(y))
        gradient = weight_gradient(slope * weight[:, :, None], x, bias=self.bias)
        add_slope(gradient, w, self.l2, self.rows, bias=self.bias)
        return gradient

    def predict(self, w: Array, x: Array) -> Labels:
        """The class with the highest score, the first of equals; of two classes, 1 where it is above 0."""
        score = scores(w, x, bias=self.bias)
        return np.asarray(score[:, :, 0] > 0 if self.rows == 1 else score.argmax(axis=2)).astype(np.int64)
