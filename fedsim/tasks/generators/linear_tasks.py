"""Families of related linear tasks, to regress or to classify."""

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, BoolArray, IntArray
from fedsim.tasks.device_data import DeviceData, Streams, Truth
from fedsim.tasks.generators.flat import Flat
from fedsim.tasks.generators.relations import CommonOwn, Luck, Relation
from fedsim.tasks.generators.sizes import check_seed, check_width


@dataclass(frozen=True, kw_only=True)
class LinearTasks:
    """Related linear tasks, one on each device: y = <w_t, x> + noise, or its sign, with w_t as ``relation`` says.

    ``inputs`` are N(0, 1) each ("normal"), divided by sqrt(d) ("scaled"), or rows divided by their length ("unit").
    ``noise`` is the standard deviation of what is added to <w_t, x>. In a classification the label, 1 where that sum is
    above 0, is turned round with chance ``flip_share``. Device t has between ``min_examples`` and ``max_examples``
    training examples, all numbers equally likely, and ``test_examples`` of the same law.

    ``outlier_share`` of the tasks, evenly spread, are related to nobody: their weights are N(0, I) scaled to the mean
    length of the others' (robust multi-task learning, Chen, Zhou and Ye, KDD 2011).

    With ``seed`` all is drawn in order from one ``numpy.random.default_rng(seed)``: weights, then the training inputs
    of each task, then the noise of each. Without, each task has streams of the run's.
    """

    relation: Relation = field(default_factory=CommonOwn)
    """How the tasks' weights relate."""
    kind: Literal["classification", "regression"] = "classification"
    """Whether labels are the sign, or the value itself."""
    features: int = 20
    """d, of an example; >= 1."""
    min_examples: int = 100
    """Least number of a device's training examples."""
    max_examples: int = 100
    """Largest number of a device's training examples."""
    test_examples: int = 100
    """Test examples of each device."""
    inputs: Literal["normal", "scaled", "unit"] = "normal"
    """N(0, 1) each (normal), divided by sqrt(d) (scaled), or rows of length 1 (unit)."""
    noise: float = 0.0
    """Standard deviation of what is added to the score; >= 0."""
    flip_share: float = 0.0
    """Chance of a label to be turned round; only of a classification."""
    outlier_share: float = 0.0
    """Share of the tasks that are related to nobody."""
    seed: int | None = None
    """Of the data; null for the run's own."""

    def __post_init__(self) -> None:
        if not self.features >= 1 or not self.test_examples >= 1:
            got = f"{self.features!r} and {self.test_examples!r}"
            raise FedsimError(f"needs at least 1 feature and 1 test example, got {got}")
        if not 1 <= self.min_examples <= self.max_examples:
            got = f"{self.min_examples!r} to {self.max_examples!r}"
            raise FedsimError(f"min_examples must be >= 1 and at most max_examples, got {got}")
        if not 0 <= self.noise < math.inf:
            raise FedsimError(f"noise must be >= 0 and finite, got {self.noise!r}")
        if not 0 <= self.flip_share <= 1 or not 0 <= self.outlier_share <= 1:
            got = f"{self.flip_share!r} and {self.outlier_share!r}"
            raise FedsimError(f"flip_share and outlier_share must be between 0 and 1, got {got}")
        if self.kind == "regression" and self.flip_share:
            raise FedsimError(f"flip_share is for classification, got {self.flip_share!r} with a regression")
        check_seed(self.seed)
        check_width(self.features)

    def deal(self, name: str, devices: int, streams: Streams) -> DeviceData:
        """See ``Source``; the truth has w_t (m, d), and the group of each task, -1 for outliers."""
        luck = _luck(self.seed, streams)
        weights, group = self._weights(devices, luck)
        sizes = self._sizes(devices, luck)
        train = self._examples("train", sizes, weights, luck)
        test = self._examples("test", np.full(devices, self.test_examples), weights, luck)
        classes = 2 if self._classifies else 0
        truth = Truth(weights=weights, group=group)
        return DeviceData(name=name, train=train.examples(), test=test.examples(), classes=classes, truth=truth)

    @property
    def _classifies(self) -> bool:
        return self.kind == "classification"

    def _weights(self, devices: int, luck: Luck) -> tuple[Array, IntArray | None]:
        weights, group = self.relation.weights(devices, self.features, luck), self.relation.groups(devices)
        outliers = self._outliers(devices)
        if outliers.any():
            length = np.linalg.norm(weights[~outliers] if not outliers.all() else weights, axis=1).mean()
            for task in np.flatnonzero(outliers):
                own = luck("outlier", int(task)).standard_normal(self.features)
                weights[task] = own * length / math.sqrt(self.features)
            group = np.where(outliers, -1, np.zeros(devices, dtype=np.int64) if group is None else group)
        return weights, group

    def _outliers(self, devices: int) -> BoolArray:
        """Which tasks are: task t if the share of the first t + 1 is one whole task more than that of the first t."""
        upto = np.floor(np.arange(devices + 1) * self.outlier_share + 1e-9)
        return np.asarray(np.diff(upto) > 0)

    def _sizes(self, devices: int, luck: Luck) -> IntArray:
        low, high = self.min_examples, self.max_examples
        if low == high:
            return np.full(devices, low)
        return np.array([luck("size", task).integers(low, high + 1) for task in range(devices)])

    def _examples(self, part: str, sizes: IntArray, weights: Array, luck: Luck) -> Flat:
        flat = Flat(sizes, self.features, classes=self._classifies)
        for task, size in enumerate(sizes):
            flat.X[flat.rows(task)] = self._inputs(int(size), luck(part, "inputs", task))
        for task, w in enumerate(weights):
            rows, stream = flat.rows(task), luck(part, "noise", task)
            X = flat.X[rows]
            score = X @ w + self.noise * stream.standard_normal(len(X))
            if self._classifies:
                flat.y[rows] = (score > 0) != (stream.random(len(X)) < self.flip_share)
            else:
                flat.y[rows] = score
        return flat

    def _inputs(self, rows: int, stream: np.random.Generator) -> Array:
        X = stream.standard_normal((rows, self.features))
        if self.inputs == "scaled":
            X /= math.sqrt(self.features)
        elif self.inputs == "unit":
            X /= np.linalg.norm(X, axis=1, keepdims=True)
        return X


def _luck(seed: int | None, streams: Streams) -> Luck:
    if seed is None:
        return lambda *names: streams("data", *names)
    one = np.random.default_rng(seed)
    return lambda *names: one  # noqa: ARG005  # whose draw it is does not matter
