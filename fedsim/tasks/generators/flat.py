"""Room for the examples of devices that are made one after another: filled in place, so that nothing is held twice."""

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray, LabelArray
from fedsim.tasks.device_data import Streams
from fedsim.tasks.examples import Examples, offsets_of

MOST_BYTES = 16_000_000_000
"""Features of more than this are refused before they are made."""


class Flat:
    """Examples of devices with the given numbers of them, (m,): to be written device by device.

    Raises:
        FedsimError: if they would need more than ``MOST_BYTES``.
    """

    def __init__(self, sizes: IntArray, features: int, *, classes: bool) -> None:
        rows = int(sizes.sum())
        if not rows * features * 8 <= MOST_BYTES:
            raise FedsimError(
                f"data of {rows:,} examples with {features} features would need {rows * features * 8 / 1e9:.0f} GB: "
                f"take fewer devices, examples or test examples"
            )
        self.offsets = offsets_of(sizes)
        self.X = np.empty((rows, features))
        self.y: LabelArray = np.empty(rows, dtype=np.int64 if classes else np.float64)

    def put(self, device: int, X: Array, y: LabelArray) -> None:
        """Write a device's examples."""
        rows = self.rows(device)
        self.X[rows], self.y[rows] = X, y

    def rows(self, device: int) -> slice:
        """Where the examples of a device lie."""
        return slice(int(self.offsets[device]), int(self.offsets[device + 1]))

    def examples(self) -> Examples:
        """What was written."""
        return Examples(X=self.X, y=self.y, offsets=self.offsets)


def parted(whole: Examples, tests: IntArray, streams: Streams) -> tuple[Examples, Examples]:
    """Training and test examples: of each device as many random ones as ``tests`` (m,) says are for testing."""
    test = np.zeros(len(whole.y), dtype=np.bool_)
    for one, count in enumerate(tests):
        order = streams("data", "split", one).permutation(int(whole.sizes[one]))
        test[whole.offsets[one] + order[:count]] = True
    train_part, test_part = (
        Examples.of_rows(whole.X, whole.y, np.flatnonzero(chosen), whole.device, whole.devices)
        for chosen in (~test, test)
    )
    return train_part, test_part
