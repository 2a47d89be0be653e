"""The data block of a scenario: which part of a data set each device holds."""

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from fedsim.errors import FedsimError
from fedsim.system.law import Constant, Law
from fedsim.tasks import partition
from fedsim.tasks.arrays import IntArray

_MOST_EXAMPLES: Final = 1e9


@dataclass(frozen=True, kw_only=True)
class Dirichlet:
    """Label skew: each class is shared out in proportions drawn from Dir(alpha) (``partition.dirichlet``)."""

    alpha: float = 0.3
    min_examples: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.alpha < math.inf:
            raise FedsimError(f"alpha must be > 0 and finite, got {self.alpha!r}")
        _check_minimum(self.min_examples)

    def assign(self, labels: IntArray, devices: int, rng: np.random.Generator) -> IntArray:
        """The device of each row, (n,), given its label, (n,)."""
        return partition.dirichlet(labels, devices, self.alpha, rng, self.min_examples)


@dataclass(frozen=True, kw_only=True)
class Iid:
    """Shuffled rows in parts of nearly equal size (``partition.iid``)."""

    min_examples: int = 2

    def __post_init__(self) -> None:
        _check_minimum(self.min_examples)

    def assign(self, labels: IntArray, devices: int, rng: np.random.Generator) -> IntArray:
        """The device of each row, (n,), given its label, (n,)."""
        return partition.iid(len(labels), devices, rng, self.min_examples)


@dataclass(frozen=True, kw_only=True)
class Bundled:
    """A data set that comes with scikit-learn, shared out over all devices.

    ``min_examples`` of a partition counts training and test examples; of each device's, ``test_share`` are for
    testing.
    """

    test_share: float = 0.25
    partition: Dirichlet | Iid = field(default_factory=Dirichlet)

    def __post_init__(self) -> None:
        if not 0 < self.test_share < 1:
            raise FedsimError(f"test_share must be between 0 and 1, got {self.test_share!r}")


@dataclass(frozen=True, kw_only=True)
class Counts:
    """No data, only how many training examples each device has: for timing runs, in which nothing is learned.

    examples: law, rounded, at least 1    features, classes: of the examples that there would be
    """

    examples: Law = field(default_factory=lambda: Constant(100.0))
    features: int = 784
    classes: int = 10

    def __post_init__(self) -> None:
        least, mean = self.examples.support[0], self.examples.mean
        if not least >= 0 or not mean <= _MOST_EXAMPLES:
            rule = f"examples must be >= 0, with a mean of at most {_MOST_EXAMPLES:g}"
            raise FedsimError(f"{rule}, got at least {least:g}, and a mean of {mean:g}")
        if not self.features >= 1 or not self.classes >= 2:
            raise FedsimError(f"needs at least 1 feature and 2 classes, got {self.features!r} and {self.classes!r}")


def _check_minimum(min_examples: int) -> None:
    if not min_examples >= 2:
        raise FedsimError(f"min_examples must be >= 2, one to train and one to test, got {min_examples!r}")
