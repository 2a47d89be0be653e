"""What a partition may know of the rows of a data set: everything but their features."""

from dataclasses import dataclass

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import IntArray, LabelArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """n rows to share out: their labels, and their users where the data say so."""

    name: str
    y: LabelArray  # (n,) class numbers from 0, or targets of a regression
    classes: int = 0  # 0 for a regression
    user: IntArray | None = None  # (n,) from 0

    def __len__(self) -> int:
        return len(self.y)

    @property
    def labels(self) -> IntArray:
        """Class numbers (n,).

        Raises:
            FedsimError: if the data are a regression's.
        """
        if not self.classes:
            raise FedsimError(
                f"partition: {self.name} has targets and no classes: take iid, lognormal, zipf, shards or by-user"
            )
        return self.y.astype(np.int64, copy=False)
