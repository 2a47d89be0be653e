"""What a partition is: a rule that says which device gets which row."""

from typing import Protocol

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import IntArray
from fedsim.tasks.rows import Rows


class Partition(Protocol):
    """A frozen dataclass of validated parameters; every row goes to exactly one device."""

    def assign(self, rows: Rows, devices: int, rng: np.random.Generator) -> IntArray:
        """The device of each row, (n,), from 0 to ``devices - 1``.

        Raises:
            FedsimError: if the rows do not go around.
        """


def check_minimum(min_examples: int, least: int = 2) -> None:
    """Refuse a number of rows per device that leaves nothing to train or to test on.

    Raises:
        FedsimError: if it is below ``least``.
    """
    if not min_examples >= least:
        raise FedsimError(f"min_examples must be >= {least}, one to train and one to test, got {min_examples!r}")
