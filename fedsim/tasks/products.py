"""Inner products of a device's examples with each other."""

import numpy as np

from fedsim.tasks.arrays import Array, IntArray


class Products:
    """x_i . x_j for any examples i, j of one device, for many devices at once.

    A device with at most as many examples as features has all its products computed when it is first asked, and kept:
    they take no more memory than its examples. Others are computed when they are asked. Which of the two depends on
    the device alone, and so do its products, to the last bit.
    """

    def __init__(self, X: Array, offsets: IntArray) -> None:
        self._X = X
        self._offsets = offsets
        self._sizes = np.diff(offsets)
        self._kept = self._sizes <= X.shape[1]
        squares = np.where(self._kept, self._sizes**2, 0)
        self._begins = np.cumsum(squares) - squares
        self._all = np.empty(int(squares.sum()))  # a page of it costs nothing before it is written
        self._known = np.zeros(len(squares), dtype=np.bool_)

    def between(self, devices: IntArray, visits: IntArray, x: Array) -> Array:
        """Products (b, T, T) of T examples of each of b devices.

        Args:
            devices: (b,) whose examples.
            visits: (b, T) their numbers among the device's own.
            x: (b, T, d) the same examples.
        """
        kept = self._kept[devices]
        if not kept.any():
            return np.asarray(x @ x.transpose(0, 2, 1))
        if kept.all():
            return self._look_up(devices, visits)
        products = np.empty((*visits.shape, visits.shape[1]))
        products[kept] = self._look_up(devices[kept], visits[kept])
        products[~kept] = x[~kept] @ x[~kept].transpose(0, 2, 1)
        return products

    def _look_up(self, devices: IntArray, visits: IntArray) -> Array:
        for device in devices[~self._known[devices]].tolist():
            own, size = self._X[self._offsets[device] : self._offsets[device + 1]], int(self._sizes[device])
            begin = self._begins[device]
            np.matmul(own, own.T, out=self._all[begin : begin + size**2].reshape(size, size))
            self._known[device] = True
        rows = self._begins[devices, None] + visits * self._sizes[devices, None]
        return np.take(self._all, rows[:, :, None] + visits[:, None, :])
