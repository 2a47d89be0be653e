"""Numbers as they travel: rounded to a precision, and charged for it."""

from typing import Literal, get_args

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array

Precision = Literal["float32", "float64"]


def check_precision(precision: str) -> None:
    """Refuse a precision that is not known.

    Raises:
        FedsimError: if it is not.
    """
    if precision not in get_args(Precision):
        raise FedsimError(f"precision must be one of {', '.join(get_args(Precision))}, got {precision!r}")


def rounded(numbers: Array, precision: Precision) -> Array:
    """The numbers as the receiver will read them."""
    return numbers.astype(precision, copy=False).astype(np.float64, copy=False)


def size_bytes(numbers: int, precision: Precision) -> int:
    """Bytes of so many numbers."""
    return numbers * np.dtype(precision).itemsize
