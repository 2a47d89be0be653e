"""Linear regression."""

from dataclasses import dataclass

import numpy as np

from fedsim.tasks.arrays import Array
from fedsim.tasks.linear import scores, weight_gradient
from fedsim.tasks.model import Labels
from fedsim.tasks.penalty import add_slope, check_l2, penalty


@dataclass(frozen=True, kw_only=True, slots=True)
class LeastSquares:
    """Half the squared error of one affine score, plus ``l2 / 2`` times the squared weights (ridge regression).

    Parameters: a weight for each feature and then the bias, where there is one. The bias is not penalised. All
    start at 0.
    """

    features: int
    """Of an example; the data say it."""
    bias: bool = False
    """Whether a score has a bias."""
    l2: float = 0.0
    """Weight of half the squared weights in the loss; >= 0."""

    def __post_init__(self) -> None:
        check_l2("least squares", self.l2)

    @property
    def classes(self) -> int:
        """No classes: a regression."""
        return 0

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
        """Two operations, multiply and add, for each parameter."""
        return 2.0 * self.parameters

    @property
    def backward_flops(self) -> float:
        """Twice the forward pass, the usual count."""
        return 2.0 * self.forward_flops

    @property
    def activations(self) -> int:
        """Its features, and the prediction."""
        return self.features + 1

    def init(self, rng: np.random.Generator) -> Array:
        """Zeros (p,): nothing is drawn."""
        del rng
        return np.zeros(self.parameters)

    def targets(self, y: Labels) -> Array:
        """The targets themselves, for the one row: (*shape of y, 1)."""
        return np.asarray(y, dtype=np.float64)[..., None]

    def losses(self, w: Array, x: Array, y: Labels) -> Array:
        """See ``Model``: the likelihood's, with noise of variance 1."""
        return np.asarray(np.square(self.predict(w, x) - y) / 2)

    def loss(self, w: Array, x: Array, y: Labels, weight: Array) -> Array:
        """See ``Model``."""
        own = (weight * self.losses(w, x, y)).sum(axis=1)
        return np.asarray(own + penalty(w, self.l2, 1, bias=self.bias))

    def probabilities(self, w: Array, x: Array) -> Array:
        """See ``Likelihood``: the prediction, (b, B, 1)."""
        return scores(w, x, bias=self.bias)

    def gradient(self, w: Array, x: Array, y: Labels, weight: Array) -> Array:
        """See ``Model``."""
        gradient = weight_gradient((weight * (self.predict(w, x) - y))[:, :, None], x, bias=self.bias)
        add_slope(gradient, w, self.l2, 1, bias=self.bias)
        return gradient

    def predict(self, w: Array, x: Array) -> Labels:
        """The predicted target."""
        return scores(w, x, bias=self.bias)[:, :, 0]
