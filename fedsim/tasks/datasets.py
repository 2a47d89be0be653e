"""Labelled rows: the data sets that scikit-learn ships, and arrays of one's own."""

import importlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """n labelled rows, with the device that each row comes from where the data say so."""

    name: str
    X: Array  # (n, d)
    y: npt.NDArray[np.int64 | np.float64]  # (n,) class numbers from 0, or targets of a regression
    classes: int  # 0 for a regression
    device: IntArray | None = None  # (n,) from 0

    @property
    def features(self) -> int:
        """Numbers per row."""
        return int(self.X.shape[1])


# Pixels of the digits are counts from 0 to 16. The columns of the others are in unlike units: standardised.
_PIXEL_RANGE = MappingProxyType({"digits": 16.0, "iris": None, "wine": None, "breast_cancer": None})
BUNDLED = tuple(_PIXEL_RANGE)


def load(name: str) -> Dataset:
    """A data set that scikit-learn bundles: no download.

    ``digits`` (1,797 handwritten digits of 8 x 8 pixels, scaled to [0, 1]), ``iris``, ``wine`` and
    ``breast_cancer`` (columns standardised to mean 0 and deviation 1 over all rows).

    Raises:
        FedsimError: if there is no data set of that name.
    """
    if name not in _PIXEL_RANGE:
        raise FedsimError(f"dataset must be one of {', '.join(BUNDLED)}, got {name!r}")
    bundle: Any = importlib.import_module("sklearn.datasets")  # slow to import, and not every run needs it
    X, y = getattr(bundle, f"load_{name}")(return_X_y=True)
    scale = _PIXEL_RANGE[name]
    X = X / scale if scale else (X - X.mean(axis=0)) / X.std(axis=0)
    return Dataset(name=name, X=X, y=y.astype(np.int64), classes=int(y.max()) + 1)


def from_arrays(
    X: npt.ArrayLike, y: npt.ArrayLike, task: npt.ArrayLike, *, name: str = "arrays", regression: bool = False
) -> Dataset:
    """Rows with a label and a task (the device that owns the row), for example from an ``npz`` file.

    Labels may be any values, such as -1 and +1: they become class numbers in sorted order. So do tasks.

    Args:
        X: (n, d) features.
        y: (n,) labels, or targets where ``regression``.
        task: (n,) owner of each row.
        name: what to call the data.
        regression: take ``y`` as real targets.

    Raises:
        FedsimError: if the shapes disagree, a number is not finite, or there is only one class.
    """
    features, labels, owner = np.asarray(X, dtype=np.float64), np.asarray(y), np.asarray(task)
    if features.ndim != 2 or labels.shape != (len(features),) or owner.shape != (len(features),):
        raise FedsimError(
            f"{name}: X must be (n, d), y and task (n,), got {features.shape}, {labels.shape} and {owner.shape}"
        )
    if not np.isfinite(features).all() or not np.isfinite(labels).all():
        raise FedsimError(f"{name}: X and y must be finite numbers")
    device = np.unique(owner, return_inverse=True)[1].astype(np.int64)
    if regression:
        return Dataset(name=name, X=features, y=labels.astype(np.float64), classes=0, device=device)
    values, number = np.unique(labels, return_inverse=True)
    if len(values) < 2:
        raise FedsimError(f"{name}: a classification needs at least two labels, got {values.tolist()}")
    return Dataset(name=name, X=features, y=number.astype(np.int64), classes=len(values), device=device)
