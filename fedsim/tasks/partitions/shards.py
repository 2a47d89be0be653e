"""The pathological partition: few labels on each device."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import IntArray
from fedsim.tasks.rows import Rows


@dataclass(frozen=True, kw_only=True)
class Shards:
    """Label skew: rows sorted by label are cut into shards, and each device draws ``per_device`` of them.

    McMahan et al. 2017, section 3 ("pathological non-IID"): MNIST in 200 shards of 300, two to a device. Shards differ
    by one row at most, and one may straddle two labels. Targets of a regression are sorted, too.
    """

    source: ClassVar[str] = "McMahan et al., AISTATS 2017, section 3"

    per_device: int = 2
    """Shards of each device; >= 1."""

    def __post_init__(self) -> None:
        if not self.per_device >= 1:
            raise FedsimError(f"per_device must be >= 1, got {self.per_device!r}")

    def assign(self, rows: Rows, devices: int, rng: np.random.Generator) -> IntArray:
        """See ``Partition``."""
        shards = devices * self.per_device
        if not len(rows) >= shards:
            raise FedsimError(
                f"partition: {shards} shards, {self.per_device} for each of {devices} devices, cannot be cut of "
                f"{len(rows)} rows: take fewer devices, or a smaller per_device"
            )
        owner = rng.permutation(np.repeat(np.arange(devices), self.per_device))
        order = np.argsort(rows.y, kind="stable")
        device = np.empty(len(rows), dtype=np.int64)
        device[order] = owner[np.arange(len(rows)) * shards // len(rows)]
        return device
