"""Examples of many devices, flat with offsets: ragged data are never padded."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.products import Products

_SLAB = 4096  # rows copied at once


def offsets_of(sizes: IntArray) -> IntArray:
    """Where the rows of each of m devices begin, and where the last one's end: (m + 1,)."""
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Devices that hold equally many examples; ``rows[i]`` are the rows of ``devices[i]``."""

    devices: IntArray  # (b,)
    rows: IntArray  # (b, examples per device)


@dataclass(frozen=True, kw_only=True, eq=False)
class Examples:
    """n examples of m devices; those of device t are the rows ``offsets[t]`` to ``offsets[t + 1]``.

    Every device has at least one example. ``y`` holds class numbers from 0 (integers) or targets (reals).

    Raises:
        FedsimError: if the shapes disagree, a number is not finite, or a device has no example.
    """

    X: Array  # (n, d)
    y: npt.NDArray[np.int64 | np.float64]  # (n,)
    offsets: IntArray  # (m + 1,)

    def __post_init__(self) -> None:
        n = len(self.X)
        if self.X.ndim != 2 or self.y.shape != (n,):
            raise FedsimError(f"examples: X must be (n, d) and y (n,), got {self.X.shape} and {self.y.shape}")
        if not np.isfinite(self.X).all() or not np.isfinite(self.y).all():
            raise FedsimError("examples: X and y must be finite numbers")
        if self.offsets[0] != 0 or self.offsets[-1] != n:
            raise FedsimError(f"examples: offsets must run from 0 to {n}, got {self.offsets!r}")
        if not (self.sizes > 0).all():
            empty = np.flatnonzero(self.sizes <= 0)
            raise FedsimError(f"examples: every device needs at least one, devices {empty.tolist()} have none")

    @classmethod
    def of(cls, X: Array, y: npt.NDArray[np.int64 | np.float64], device: IntArray, devices: int) -> "Examples":
        """Examples whose row i belongs to ``device[i]``, rows of a device in the order given.

        Args:
            X: (n, d) features.
            y: (n,) class numbers or targets.
            device: (n,) from 0 to ``devices - 1``.
            devices: how many devices there are.
        """
        return cls.of_rows(X, y, np.arange(len(y)), device, devices)

    @classmethod
    def of_rows(
        cls, X: npt.NDArray[Any], y: npt.NDArray[np.int64 | np.float64], rows: IntArray, device: IntArray, devices: int
    ) -> "Examples":
        """Some rows of a table as examples, without a second copy of them on the way.

        Args:
            X: (n, d) features, of any real type.
            y: (n,) class numbers or targets.
            rows: (k,) which rows.
            device: (n,) from 0 to ``devices - 1``.
            devices: how many devices there are.
        """
        owner = device[rows]
        order = rows[np.argsort(owner, kind="stable")]
        features = np.empty((len(order), X.shape[1]))
        for start in range(0, len(order), _SLAB):
            features[start : start + _SLAB] = X[order[start : start + _SLAB]]
        return cls(X=features, y=y[order], offsets=offsets_of(np.bincount(owner, minlength=devices)))

    @property
    def devices(self) -> int:
        """How many devices there are."""
        return len(self.offsets) - 1

    @property
    def features(self) -> int:
        """Numbers per example."""
        return int(self.X.shape[1])

    @cached_property
    def sizes(self) -> IntArray:
        """Examples of each device, (m,)."""
        return np.diff(self.offsets)

    @cached_property
    def device(self) -> IntArray:
        """The device of each example, (n,)."""
        return np.repeat(np.arange(self.devices), self.sizes)

    @cached_property
    def squared_norms(self) -> Array:
        """Squared length of each row of X, (n,)."""
        return np.asarray(np.square(self.X).sum(axis=1))

    @cached_property
    def products(self) -> Products:
        """Inner products of each device's examples with each other."""
        return Products(self.X, self.offsets)

    @cached_property
    def with_constant(self) -> "Examples":
        """The same examples with a last feature that is always 1."""
        constant = np.ones((len(self.X), 1))
        return Examples(X=np.hstack([self.X, constant]), y=self.y, offsets=self.offsets)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """All devices, those with equally many examples together: each block is one array operation."""
        blocks = []
        for size in np.unique(self.sizes):
            devices = np.flatnonzero(self.sizes == size)
            blocks.append(Block(devices=devices, rows=self.offsets[devices, None] + np.arange(size)))
        return tuple(blocks)

    def of_block(self, block: Block) -> tuple[Array, npt.NDArray[np.int64 | np.float64]]:
        """Features (b, size, d) and labels (b, size) of a block; not copied where its devices are neighbours."""
        if not (np.diff(block.devices) == 1).all():
            return self.X[block.rows], self.y[block.rows]
        rows = slice(self.offsets[block.devices[0]], self.offsets[block.devices[-1] + 1])
        return self.X[rows].reshape(*block.rows.shape, -1), self.y[rows].reshape(block.rows.shape)

    def rows(self, device: int) -> slice:
        """Where the examples of a device lie."""
        return slice(int(self.offsets[device]), int(self.offsets[device + 1]))
