"""The data block of a scenario: which part of a data set each device holds."""

from dataclasses import dataclass, field
from typing import Final

from fedsim.errors import FedsimError
from fedsim.system.law import Constant, Law
from fedsim.tasks import datasets
from fedsim.tasks.device_data import DeviceData, Streams, share_out
from fedsim.tasks.partitions.dirichlet import Dirichlet
from fedsim.tasks.partitions.iid import Iid
from fedsim.tasks.partitions.partition import Partition

_MOST_EXAMPLES: Final = 1e9


@dataclass(frozen=True, kw_only=True)
class Bundled:
    """A data set that comes with scikit-learn, shared out over all devices.

    ``min_examples`` of a partition counts training and test examples; of each device's, ``test_share`` are for
    testing.
    """

    test_share: float = 0.25
    """Share of a device's examples that are for testing; between 0 and 1."""
    partition: Partition = field(default_factory=Dirichlet)
    """How the rows are shared out over the devices."""

    def __post_init__(self) -> None:
        check_share(self.test_share)

    def deal(self, name: str, devices: int, streams: Streams) -> DeviceData:
        """See ``Source``."""
        return share_out(datasets.load(name), self.partition, devices, self.test_share, streams)


@dataclass(frozen=True, kw_only=True)
class BundledTargets(Bundled):
    """A regression that comes with scikit-learn, shared out over all devices: there are no classes to be skewed by."""

    partition: Partition = field(default_factory=Iid)
    """How the rows are shared out over the devices."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """No data, only how many training examples each device has: for timing runs, in which nothing is learned."""

    examples: Law = field(default_factory=lambda: Constant(100.0))
    """Training examples of each device, rounded, at least 1."""
    features: int = 784
    """Features of the examples that there would be; >= 1."""
    classes: int = 10
    """Classes that there would be; >= 2."""

    def __post_init__(self) -> None:
        least, mean = self.examples.support[0], self.examples.mean
        if not least >= 0 or not mean <= _MOST_EXAMPLES:
            rule = f"examples must be >= 0, with a mean of at most {_MOST_EXAMPLES:g}"
            raise FedsimError(f"{rule}, got at least {least:g}, and a mean of {mean:g}")
        if not self.features >= 1 or not self.classes >= 2:
            raise FedsimError(f"needs at least 1 feature and 2 classes, got {self.features!r} and {self.classes!r}")


def check_share(test_share: float | None) -> None:
    """Refuse a share that leaves nothing to train or to test on.

    Raises:
        FedsimError: if it is given and not between 0 and 1.
    """
    if test_share is not None and not 0 < test_share < 1:
        raise FedsimError(f"test_share must be > 0 and < 1, got {test_share!r}")
