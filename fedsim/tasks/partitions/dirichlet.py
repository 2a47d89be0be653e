"""Label skew: each class is shared out over devices in random proportions."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks import partition
from fedsim.tasks.arrays import IntArray
from fedsim.tasks.partitions.partition import check_minimum
from fedsim.tasks.rows import Rows


@dataclass(frozen=True, kw_only=True)
class Dirichlet:
    """Label skew: each class is shared out in proportions drawn from Dir(alpha) (``partition.dirichlet``).

    Yurochkin et al. 2019. Sizes vary, too: for devices of equal size see ``ClassPrior``.
    """

    source: ClassVar[str] = "Yurochkin et al., ICML 2019"

    alpha: float = 0.3
    """Of the Dirichlet law of the proportions: small ones are one-sided; > 0."""
    min_examples: int = 2
    """Examples that every device has at least."""

    def __post_init__(self) -> None:
        if not 0 < self.alpha < math.inf:
            raise FedsimError(f"alpha must be > 0 and finite, got {self.alpha!r}")
        check_minimum(self.min_examples)

    def assign(self, rows: Rows, devices: int, rng: np.random.Generator) -> IntArray:
        """See ``Partition``."""
        return partition.dirichlet(rows.labels, devices, self.alpha, rng, self.min_examples)
