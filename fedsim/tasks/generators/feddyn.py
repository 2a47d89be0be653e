"""FedDyn's synthetic data."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.device_data import DeviceData, Streams, Truth
from fedsim.tasks.generators import logistic
from fedsim.tasks.generators.draws import Draws, draws
from fedsim.tasks.generators.flat import Flat, Parted
from fedsim.tasks.generators.sizes import check_seed, check_width

_NUDGE = 1e-3  # the authors add it to the mean size, so that the whole part of an exact mean is the mean


@dataclass(frozen=True, kw_only=True)
class FedDynSynthetic:
    """FedDyn's synthetic data: own or shared solution, own or shared input mean, unequal or equal sizes.

    Acar et al., ICLR 2021, as the authors' code has it, draw by draw where ``seed`` is given (theirs, and that of the
    notes' numbers, is 0). ``solution_spread`` is None for one solution of all, entries N(0, 1), or the standard
    deviation alpha of the centres of each device's own; ``input_spread`` is None for inputs about 0, or the deviation
    beta of the centres of each device's own input mean; sizes are the whole parts of lognormal draws about ``examples``
    with deviation ``size_sd`` (their theta) of the logarithm. Their homogeneous case has None, None and 0.

    The authors score on the training examples: so does ``test_share`` None, where each device's test examples are its
    training examples. Otherwise that share of the examples made is kept for testing.
    """

    source: ClassVar[str] = "Acar et al., FedDyn, ICLR 2021; the authors' code, github.com/alpemreacar/FedDyn"

    solution_spread: float | None = None
    """alpha, how far the devices' own solutions are apart; null for one solution of all."""
    input_spread: float | None = None
    """beta, how far the devices' own input means are apart; null for inputs about 0."""
    size_sd: float = 0.0
    """Standard deviation of the logarithm of the numbers of examples; >= 0."""
    examples: int = 200
    """About how many a device has."""
    features: int = 30
    """Of an example; >= 1."""
    classes: int = 5
    """How many there are; >= 2."""
    test_share: float | None = None
    """Share of the examples that are for testing; null tests on the training examples."""
    seed: int | None = None
    """Of the data, as the authors' code draws them; null for the run's own."""

    def __post_init__(self) -> None:
        for name in ("solution_spread", "input_spread", "size_sd"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise FedsimError(f"{name} must be >= 0 and finite, got {value!r}")
        if not self.features >= 1 or not self.classes >= 2 or not self.examples >= 2:
            sizes = f"{self.features!r}, {self.classes!r} and {self.examples!r}"
            raise FedsimError(f"needs at least 1 feature, 2 classes and 2 examples, got {sizes}")
        if self.test_share is not None and not 0 < self.test_share < 1:
            raise FedsimError(f"test_share must be > 0 and < 1, got {self.test_share!r}")
        check_seed(self.seed)
        check_width(self.features * self.classes)

    def deal(self, name: str, devices: int, streams: Streams) -> DeviceData:
        """See ``Source``; the truth has the solution of each device."""
        luck = draws(self.seed, streams)
        sizes = self._sizes(devices, luck)
        centres = [luck("classifier", one).normal(0, self.solution_spread or 0.0) for one in range(devices)]
        means = self._means(devices, luck)
        of_all = luck("classifier of all")
        W, b = self._map(centres[0], of_all)  # drawn by the code, and never used
        if self.solution_spread is None:
            W, b = self._map(0.0, of_all)
        room, weights = self._room(sizes, streams), []
        for one, size in enumerate(sizes):
            stream = luck("examples", one)
            if self.solution_spread is not None:
                W, b = self._map(centres[one], stream)
            X = logistic.inputs(means[one], int(size), stream)
            room.put(one, X, logistic.labels(X, W, b))
            weights.append(logistic.as_parameters(W, b))
        train, test = room.parts()
        truth = Truth(weights=np.array(weights))
        return DeviceData(name=name, train=train, test=test, classes=self.classes, truth=truth)

    def _sizes(self, devices: int, luck: Draws) -> IntArray:
        centre = np.log(self.examples + _NUDGE)
        drawn = np.array([luck("size", one).lognormal(centre, self.size_sd) for one in range(devices)])
        return np.maximum(drawn.astype(np.int64), 1 if self.test_share is None else 2)

    def _means(self, devices: int, luck: Draws) -> Array:
        """Where the inputs of each device lie, (devices, d)."""
        spread = self.input_spread
        middles = [luck("middle", one).normal(0, spread or 0.0) for one in range(devices)]
        if spread is None:
            return np.zeros((devices, self.features))
        return np.array([luck("mean", one).normal(middle, 1, self.features) for one, middle in enumerate(middles)])

    def _map(self, centre: float, stream: np.random.RandomState) -> tuple[Array, Array]:
        W = stream.normal(centre, 1, (self.features, self.classes))
        return W, stream.normal(centre, 1, self.classes)

    def _room(self, sizes: IntArray, streams: Streams) -> Flat | Parted:
        if self.test_share is None:
            return Flat(sizes, self.features, classes=True)
        tests = np.clip(np.floor(self.test_share * sizes + 0.5), 1, sizes - 1).astype(np.int64)
        return Parted(sizes, tests, self.features, streams)
