"""What a model is: a function on flat parameter vectors, for a batch of devices at once."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from fedsim.tasks.arrays import Array

Labels = npt.NDArray[Any]  # class numbers, or targets of a regression


class Predictor(Protocol):
    """What reads parameters and answers: a small frozen value.

    The result for a device does not depend, not even in the last bit, on the other devices of the batch.
    """

    @property
    def classes(self) -> int:
        """How many classes are told apart; 0 for a regression."""

    @property
    def parameters(self) -> int:
        """Length p of the parameter vector."""

    def predict(self, w: Array, x: Array) -> Labels:
        """Class numbers, or predicted targets, (b, B), of parameters (b, p) and features (b, B, d)."""


@runtime_checkable
class Judge(Predictor, Protocol):
    """A predictor that says how wrong it is; b devices have one parameter vector and B examples each."""

    def losses(self, w: Array, x: Array, y: Labels) -> Array:
        """The loss of each example, without any penalty: (b, B). See ``loss``."""

    def loss(self, w: Array, x: Array, y: Labels, weight: Array) -> Array:
        """Weighted sum of the examples' losses, plus the model's own penalty: (b,).

        Args:
            w: (b, p) parameters.
            x: (b, B, d) features.
            y: (b, B) class numbers or targets.
            weight: (b, B) weight of each example, for a mean loss 1 / B.
        """


class Model(Judge, Protocol):
    """A predictor that can be trained."""

    @property
    def features(self) -> int:
        """Numbers per example, d."""

    @property
    def forward_flops(self) -> float:
        """Floating-point operations to evaluate one example."""

    @property
    def backward_flops(self) -> float:
        """Floating-point operations that the gradient of one example takes on top.

        The usual count is twice the forward pass; the effective speeds of devices are measured by it.
        """

    @property
    def activations(self) -> int:
        """Numbers that one example holds in memory between forward and backward pass, its features included."""

    def init(self, rng: np.random.Generator) -> Array:
        """Parameters before learning, (p,)."""

    def gradient(self, w: Array, x: Array, y: Labels, weight: Array) -> Array:
        """Gradient of ``loss`` with respect to w, (b, p); a subgradient at a kink."""


@runtime_checkable
class Likelihood(Model, Protocol):
    """A model whose loss is the negative logarithm of a probability, up to a constant: what can be mixed."""

    def losses(self, w: Array, x: Array, y: Labels) -> Array:
        """Each example's own loss, without the model's penalty: (b, B)."""

    def probabilities(self, w: Array, x: Array) -> Array:
        """The probability of each class, (b, B, classes); of a regression the mean of its target, (b, B, 1)."""


class LinearModel(Model, Protocol):
    """A model with R rows of weights, whose loss is a sum of margin losses: what dual solvers can train.

    Its parameters are the rows one after another, each with a weight per feature and then, where ``bias``,
    that of a constant feature 1.
    """

    @property
    def rows(self) -> int:
        """How many rows of weights, R."""

    @property
    def bias(self) -> bool:
        """Whether each row has a weight for a constant feature 1, as its last."""

    def targets(self, y: Labels) -> Array:
        """What each row should answer, (*shape of y, R)."""
