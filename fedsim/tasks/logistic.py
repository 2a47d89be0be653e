"""Binary logistic regression."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array
from fedsim.tasks.linear import scores, weight_gradient
from fedsim.tasks.losses import LogLoss
from fedsim.tasks.model import Labels
from fedsim.tasks.penalty import add_slope, check_l2, penalty


@dataclass(frozen=True, kw_only=True, slots=True)
class Logistic:
    """log(1 + exp(-t u)) of one affine score u, plus ``l2 / 2`` times the squared weights.

    The target t is +1 for class 1 and -1 for class 0. Parameters: a weight for each feature and then the bias, where
    there is one. The bias is not penalised. All start at 0: the loss is convex.
    """

    features: int
    """Of an example; the data say it."""
    classes: int = 2
    """How many there are; the data say it."""
    bias: bool = True
    """Whether a score has a bias."""
    l2: float = 0.0
    """Weight of half the squared weights in the loss; >= 0."""

    def __post_init__(self) -> None:
        if self.classes != 2:
            raise FedsimError(f"logistic: tells 2 classes apart, got {self.classes!r}: take softmax for more")
        check_l2("logistic", self.l2)

    @property
    def rows(self) -> int:
        """One row of weights."""
        return 1

    @property
    def parameters(self) -> int:
        """One weight per feature, and a bias where there is one."""
        return self.features + self.bias

    @property
    def forward_flops(self) -> float:
        """Two operations, multiply and add, for each parameter; the exponential is left out."""
        return 2.0 * self.parameters

    @property
    def backward_flops(self) -> float:
        """Twice the forward pass, the usual count."""
        return 2.0 * self.forward_flops

    @property
    def activations(self) -> int:
        """Its features, and the score."""
        return self.features + 1

    def init(self, rng: np.random.Generator) -> Array:
        """Zeros (p,): nothing is drawn."""
        del rng
        return np.zeros(self.parameters)

    def targets(self, y: Labels) -> Array:
        """+1 for class 1 and -1 for class 0, (*shape of y, 1)."""
        return np.where(y == 1, 1.0, -1.0)[..., None]

    def losses(self, w: Array, x: Array, y: Labels) -> Array:
        """See ``Model``."""
        return LogLoss().loss(scores(w, x, bias=self.bias), self.targets(y))[:, :, 0]

    def loss(self, w: Array, x: Array, y: Labels, weight: Array) -> Array:
        """See ``Model``."""
        own = (weight * self.losses(w, x, y)).sum(axis=1)
        return np.asarray(own + penalty(w, self.l2, 1, bias=self.bias))

    def probabilities(self, w: Array, x: Array) -> Array:
        """See ``Likelihood``."""
        score = scores(w, x, bias=self.bias)
        return np.concatenate([expit(-score), expit(score)], axis=2)

    def gradient(self, w: Array, x: Array, y: Labels, weight: Array) -> Array:
        """See ``Model``: - t times the probability of the other class, times weight, for the score."""
        slope = LogLoss().slope(scores(w, x, bias=self.bias), self.targets(y))
        gradient = weight_gradient(slope * weight[:, :, None], x, bias=self.bias)
        add_slope(gradient, w, self.l2, 1, bias=self.bias)
        return gradient

    def predict(self, w: Array, x: Array) -> Labels:
        """1 where the score is above 0."""
        return np.asarray(scores(w, x, bias=self.bias)[:, :, 0] > 0).astype(np.int64)
