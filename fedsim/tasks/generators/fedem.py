"""FedEM's synthetic data: each device a mixture of a few linear classifiers."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.device_data import DeviceData, Streams, Truth
from fedsim.tasks.generators.draws import draws
from fedsim.tasks.generators.flat import Flat
from fedsim.tasks.generators.sizes import Sizes, check_seed, check_width

_PAPER_TESTS = 5000  # test examples of each device that the authors' code draws, in between the training ones
_LONGEST_MARGIN = 700.0  # beyond it exp overflows; the sigmoid is 0 or 1 long before


@dataclass(frozen=True, kw_only=True)
class FedEmMixture:
    """FedEM's mixture: each device draws from ``components`` linear classifiers in proportions of its own.

    Marfoq et al., NeurIPS 2021, in the order of the authors' code: sizes; pi_t ~ Dir(alpha); theta_m ~ U[-1, 1]^d;
    then, device by device, training and test examples: numbers of each component ~ Multinomial(n, pi_t),
    x ~ U[-1, 1]^d, s = <x, theta_z> + N(0, noise), y = round(sigmoid(s)), shuffled. Given s, y is certain:
    half-spaces with a blurred edge, and no logistic law.

    ``seed`` 12345 gives the data of their code; with a seed, 5,000 test examples of each device are drawn as there, of
    which the first ``test_examples`` are kept (all of them, for their 300 devices, are 1.8 GB). Without, the data come
    from the run's seed.
    """

    source: ClassVar[str] = "Marfoq et al., FedEM, NeurIPS 2021; the authors' code, github.com/omarfoq/FedEM"

    components: int = 3
    """Linear classifiers that are mixed; >= 1."""
    alpha: float = 0.4
    """Of the Dirichlet law of the devices' proportions: small ones are one-sided; > 0."""
    noise: float = 0.1
    """Standard deviation of what is added to the score; >= 0."""
    features: int = 150
    """Of an example; >= 1."""
    sizes: Sizes = field(default_factory=lambda: Sizes(most=1000))
    """Training examples of each device."""
    test_examples: int = 500
    """Test examples of each device."""
    seed: int | None = None
    """Of the data, as the authors' code draws them; null for the run's own."""

    def __post_init__(self) -> None:
        if not self.components >= 1 or not self.features >= 1 or not self.test_examples >= 1:
            got = f"{self.components!r}, {self.features!r} and {self.test_examples!r}"
            raise FedsimError(f"needs at least 1 component, 1 feature and 1 test example, got {got}")
        if not 0 < self.alpha < math.inf or not 0 <= self.noise < math.inf:
            raise FedsimError(f"alpha must be > 0 and noise >= 0, both finite, got {self.alpha!r} and {self.noise!r}")
        check_seed(self.seed)
        check_width(self.components * self.features)
        if self.seed is not None and not self.test_examples <= _PAPER_TESTS:
            raise FedsimError(f"test_examples must be <= {_PAPER_TESTS} with a seed, got {self.test_examples!r}")

    def deal(self, name: str, devices: int, streams: Streams) -> DeviceData:
        """See ``Source``; the truth has theta (M, d) and pi (m, M)."""
        luck = draws(self.seed, streams)
        sizes = self.sizes.draw(devices, luck)
        concentration = np.full(self.components, self.alpha)
        pi = np.array([luck("mixture", one).dirichlet(concentration) for one in range(devices)])
        theta = luck("components").uniform(-1.0, 1.0, size=(self.components, self.features))
        kept = np.full(devices, self.test_examples)
        train, test = Flat(sizes, self.features, classes=True), Flat(kept, self.features, classes=True)
        for one, size in enumerate(sizes):
            stream = luck("examples", one)
            train.put(one, *self._examples(int(size), pi[one], theta, stream))
            drawn = self.test_examples if self.seed is None else _PAPER_TESTS
            X, y = self._examples(drawn, pi[one], theta, stream)
            test.put(one, X[: self.test_examples], y[: self.test_examples])
        truth = Truth(weights=theta, mixture=pi)
        return DeviceData(name=name, train=train.examples(), test=test.examples(), classes=2, truth=truth)

    def _examples(self, rows: int, pi: Array, theta: Array, stream: np.random.RandomState) -> tuple[Array, IntArray]:
        component = np.repeat(np.arange(self.components), stream.multinomial(rows, pi))
        X = stream.uniform(-1.0, 1.0, size=(rows, self.features))
        score = np.einsum("nd,nd->n", X, theta[component])
        score += stream.normal(scale=self.noise, size=rows)
        y = np.round(1 / (1 + np.exp(-np.clip(score, -_LONGEST_MARGIN, _LONGEST_MARGIN)))).astype(np.int64)
        order = np.arange(rows)
        stream.shuffle(order)
        return X[order], y[order]
