"""The same law of rows on every device."""

from dataclasses import dataclass

import numpy as np

from fedsim.tasks import partition
from fedsim.tasks.arrays import IntArray
from fedsim.tasks.partitions.partition import check_minimum
from fedsim.tasks.rows import Rows


@dataclass(frozen=True, kw_only=True)
class Iid:
    """Shuffled rows in parts of nearly equal size (``partition.iid``)."""

    min_examples: int = 2
    """Examples that every device has at least."""

    def __post_init__(self) -> None:
        check_minimum(self.min_examples)

    def assign(self, rows: Rows, devices: int, rng: np.random.Generator) -> IntArray:
        """See ``Partition``."""
        return partition.iid(len(rows), devices, rng, self.min_examples)
