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
        _check_room(sizes, features)
        self.offsets = offsets_of(sizes)
        rows = int(self.offsets[-1])
        self.X = np.empty((rows, features))
        self.y: LabelArray = np.empty(rows, dtype=np.int64 if classes else np.float64)

    def put(self, device: int, X: Array, y: LabelArray) -> None:
        """Write a device's examples."""
        rows = self.rows(device)
        self.X[rows], self.y[rows] = X, y

    def take(self, device: int, X: Array, y: LabelArray, chosen: IntArray) -> None:
        """Write some of these examples as a device's own."""
        rows = self.rows(device)
        X.take(chosen, axis=0, out=self.X[rows], mode="clip")  # straight to their place, which ``raise`` would not do
        self.y[rows] = y[chosen]

    def rows(self, device: int) -> slice:
        """Where the examples of a device lie."""
        return slice(int(self.offsets[device]), int(self.offsets[device + 1]))

    def examples(self) -> Examples:
        """What was written."""
        return Examples(X=self.X, y=self.y, offsets=self.offsets)

    def parts(self) -> tuple[Examples, Examples]:
        """What was written, both to train and to test on."""
        whole = self.examples()
        return whole, whole


class Parted:
    """Training and test examples of devices, parted while they are written device by device.

    Of a device's ``sizes`` (m,) examples as many random ones as ``tests`` (m,) says are for testing; both parts keep
    the order in which the examples were made.

    Raises:
        FedsimError: as ``Flat``, of both parts together.
    """

    def __init__(self, sizes: IntArray, tests: IntArray, features: int, streams: Streams) -> None:
        _check_room(sizes, features)
        self._tests, self._streams = tests, streams
        self._train = Flat(sizes - tests, features, classes=True)
        self._test = Flat(tests, features, classes=True)

    def put(self, device: int, X: Array, y: LabelArray) -> None:
        """Write a device's examples, by the stream "data", "split" and the device."""
        order, tests = self._streams("data", "split", device).permutation(len(y)), self._tests[device]
        self._train.take(device, X, y, np.sort(order[tests:]))
        self._test.take(device, X, y, np.sort(order[:tests]))

    def parts(self) -> tuple[Examples, Examples]:
        """What was written to train on, and to test on."""
        return self._train.examples(), self._test.examples()


def _check_room(sizes: IntArray, features: int) -> None:
    rows = int(sizes.sum())
    if not rows * features * 8 <= MOST_BYTES:
        raise FedsimError(
            f"data of {rows:,} examples with {features} features would need {rows * features * 8 / 1e9:.0f} GB: "
            f"take fewer devices, examples or test examples"
        )
