"""Names for the arrays that all numerics use."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
LabelArray = npt.NDArray[np.int64 | np.float64]
"""Class numbers from 0, or targets of a regression."""
