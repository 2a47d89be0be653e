"""The learning problem of all devices together: a model and every device's own examples."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, BoolArray, IntArray
from fedsim.tasks.datasets import Dataset
from fedsim.tasks.examples import Examples
from fedsim.tasks.model import Model
from fedsim.tasks.partition import split


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """m devices with a model to train, and their training and test examples.

    Raises:
        FedsimError: if model, training and test examples do not fit together.
    """

    model: Model
    train: Examples
    test: Examples
    name: str = ""

    def __post_init__(self) -> None:
        if self.train.devices != self.test.devices:
            raise FedsimError(
                f"problem {self.name}: {self.train.devices} devices have training examples and "
                f"{self.test.devices} have test examples"
            )
        for part in (self.train, self.test):
            if part.features != self.model.features:
                raise FedsimError(
                    f"problem {self.name}: the model takes {self.model.features} features, "
                    f"the examples have {part.features}"
                )
            if self.model.classes and not (
                np.issubdtype(part.y.dtype, np.integer) and 0 <= part.y.min() <= part.y.max() < self.model.classes
            ):
                raise FedsimError(
                    f"problem {self.name}: labels must be whole numbers from 0 to {self.model.classes - 1}"
                )

    @property
    def devices(self) -> int:
        """How many devices there are, m."""
        return self.train.devices

    @property
    def sizes(self) -> IntArray:
        """Training examples of each device, (m,)."""
        return self.train.sizes


@dataclass(frozen=True, kw_only=True, eq=False)
class Outline(Problem):
    """A problem of which only the numbers of examples are known: enough to say what learning costs, not to learn."""

    train: Examples = field(init=False, repr=False)
    test: Examples = field(init=False, repr=False)
    examples: IntArray

    def __post_init__(self) -> None:
        if self.examples.ndim != 1 or not (self.examples >= 1).all():
            raise FedsimError(f"outline {self.name}: every device needs at least one example")

    @property
    def devices(self) -> int:
        """How many devices there are, m."""
        return len(self.examples)

    @property
    def sizes(self) -> IntArray:
        """Training examples of each device, (m,)."""
        return self.examples


def deal(dataset: Dataset, device: IntArray, model: Model, test_share: float, rng: np.random.Generator) -> Problem:
    """The problem in which row i of the data set lies on ``device[i]``.

    Args:
        dataset: n labelled rows.
        device: (n,) from 0; every device up to the highest has at least two rows.
        model: what is to be trained.
        test_share: share of each device's rows kept for testing, in (0, 1); at least one row, and never all.
        rng: says which rows.

    Raises:
        FedsimError: if the share is not between 0 and 1, or a device has fewer than two rows.
    """
    train_part, test_part = parts(dataset, device, split(device, test_share, rng), int(device.max()) + 1)
    return Problem(model=model, train=train_part, test=test_part, name=dataset.name)


def parts(dataset: Dataset, device: IntArray, test: BoolArray, devices: int) -> tuple[Examples, Examples]:
    """Training and test examples: row i lies on ``device[i]``, and is for testing where ``test[i]``."""
    train_part, test_part = (
        Examples.of_rows(dataset.X, dataset.y, np.flatnonzero(chosen), device, devices) for chosen in (~test, test)
    )
    return train_part, test_part


def label_share(problem: Problem, labels: Sequence[int]) -> Array:
    """The share of each device's training examples whose label is one of these: (m,)."""
    wanted = np.isin(problem.train.y, np.asarray(labels))
    counts = np.bincount(problem.train.device, weights=wanted, minlength=problem.devices)
    return np.asarray(counts / problem.sizes)
