"""Synthetic(alpha, beta) of FedProx."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array
from fedsim.tasks.device_data import DeviceData, Streams, Truth
from fedsim.tasks.generators import logistic
from fedsim.tasks.generators.draws import Draws, draws
from fedsim.tasks.generators.flat import Parted
from fedsim.tasks.generators.sizes import Sizes, check_seed, check_width


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """Synthetic(alpha, beta): each device has a linear classifier and inputs of its own.

    Li et al., "Federated optimization in heterogeneous networks" (FedProx), MLSys 2020, section 5.1, in the order of
    the authors' code. Device k: u ~ N(0, alpha), B ~ N(0, beta), entries of W and b ~ N(u, 1), of v ~ N(B, 1);
    x ~ N(v, diag(j^-1.2)), y = argmax(x W + b). ``alpha`` and ``beta`` are standard deviations there, although the
    paper writes them like variances. So (0, 0) is not IID: W and v differ from device to device all the same. ``iid``
    is the code's fourth data set: one W, b ~ N(0, 1), and v the constant vector B.

    Of a device's examples, shuffled, the first ``train_share`` are for training, the whole part of it. Their 30 devices
    are the fleet's to give. ``seed`` is that of NumPy's legacy generator, for the data of the authors' code; it
    shuffles by Python's own generator, which this does not follow. Without, data come from the run's seed.
    """

    source: ClassVar[str] = (
        "Li et al., FedProx, MLSys 2020, section 5.1; the authors' code, github.com/litian96/FedProx"
    )

    alpha: float = 1.0
    """How far the devices' classifiers are apart; >= 0."""
    beta: float = 1.0
    """How far the devices' inputs are apart; >= 0."""
    iid: bool = False
    """Whether all devices have one classifier."""
    features: int = 60
    """Of an example; >= 1."""
    classes: int = 10
    """How many there are; >= 2."""
    sizes: Sizes = field(default_factory=Sizes)
    """Examples of each device."""
    train_share: float = 0.9
    """Share of a device's examples that are for training; between 0 and 1."""
    seed: int | None = None
    """Of the data, as the authors' code draws them; null for the run's own."""

    def __post_init__(self) -> None:
        if not (0 <= self.alpha < math.inf and 0 <= self.beta < math.inf):
            raise FedsimError(f"alpha and beta must be >= 0 and finite, got {self.alpha!r} and {self.beta!r}")
        if not self.features >= 1 or not self.classes >= 2:
            raise FedsimError(f"needs at least 1 feature and 2 classes, got {self.features!r} and {self.classes!r}")
        if not 0 < self.train_share < 1:
            raise FedsimError(f"train_share must be > 0 and < 1, got {self.train_share!r}")
        check_seed(self.seed)
        check_width(self.features * self.classes)

    def deal(self, name: str, devices: int, streams: Streams) -> DeviceData:
        """See ``Source``; the truth has the classifier of each device."""
        luck = draws(self.seed, streams)
        sizes = self.sizes.draw(devices, luck)
        centres = [luck("classifier", one).normal(0, self.alpha) for one in range(devices)]
        means = self._means(devices, luck)
        shared = self._map(0.0, luck("classifier of all")) if self.iid else None
        trains = np.clip(np.floor(self.train_share * sizes), 1, sizes - 1).astype(np.int64)
        room, weights = Parted(sizes, sizes - trains, self.features, streams), []
        for one, size in enumerate(sizes):
            stream = luck("examples", one)
            own = self._map(centres[one], stream)  # drawn by the code in the IID case, too
            W, b = own if shared is None else shared
            X = logistic.inputs(means[one], int(size), stream)
            room.put(one, X, logistic.labels(X, W, b))
            weights.append(logistic.as_parameters(W, b))
        train, test = room.parts()
        truth = Truth(weights=np.array(weights))
        return DeviceData(name=name, train=train, test=test, classes=self.classes, truth=truth)

    def _means(self, devices: int, luck: Draws) -> Array:
        """Where the inputs of each device lie, (devices, d)."""
        middles = [luck("middle", one).normal(0, self.beta) for one in range(devices)]
        if self.iid:
            return np.repeat(np.array(middles)[:, None], self.features, axis=1)
        return np.array([luck("mean", one).normal(middle, 1, self.features) for one, middle in enumerate(middles)])

    def _map(self, centre: float, stream: np.random.RandomState) -> tuple[Array, Array]:
        W = stream.normal(centre, 1, (self.features, self.classes))
        return W, stream.normal(centre, 1, self.classes)
