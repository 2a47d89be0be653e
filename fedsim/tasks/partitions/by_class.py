"""A fixed number of classes on each device."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import BoolArray, IntArray
from fedsim.tasks.rows import Rows


@dataclass(frozen=True, kw_only=True)
class ByClass:
    """Label skew: each device has exactly ``classes_per_device`` classes; a class's holders share its rows equally.

    Classes are drawn so that the numbers of their holders differ by one at most (Li et al., "Federated learning on
    non-IID data silos", ICDE 2022, "quantity-based label imbalance"; there holders are drawn without that balance).
    """

    source: ClassVar[str] = "Li et al., ICDE 2022, quantity-based label imbalance, balanced"

    classes_per_device: int = 2
    """Classes of each device; >= 1."""

    def __post_init__(self) -> None:
        if not self.classes_per_device >= 1:
            raise FedsimError(f"classes_per_device must be >= 1, got {self.classes_per_device!r}")

    def assign(self, rows: Rows, devices: int, rng: np.random.Generator) -> IntArray:
        """See ``Partition``."""
        labels = rows.labels
        holds = self._holders(rows.classes, devices, rng)
        device = np.empty(len(rows), dtype=np.int64)
        for label in range(rows.classes):
            own = rng.permutation(np.flatnonzero(labels == label))
            holders = rng.permutation(np.flatnonzero(holds[:, label]))
            device[own] = holders[np.arange(len(own)) % len(holders)]
        return device

    def _holders(self, classes: int, devices: int, rng: np.random.Generator) -> BoolArray:
        """Which device holds which class, (devices, classes): each device takes those that fewest hold, ties by lot."""
        each = self.classes_per_device
        if not each <= classes:
            raise FedsimError(f"partition: classes_per_device must be <= {classes}, the classes there are, got {each}")
        if not devices * each >= classes:
            raise FedsimError(
                f"partition: {devices} devices with {each} classes each cannot hold all {classes}: take more devices, "
                f"or classes_per_device of at least {-(-classes // devices)}"
            )
        holds = np.zeros((devices, classes), dtype=np.bool_)
        holders = np.zeros(classes, dtype=np.int64)
        for own in holds:
            taken = np.lexsort((rng.random(classes), holders))[:each]
            own[taken] = True
            holders[taken] += 1
        return holds
