"""Labelled rows: the data sets that scikit-learn ships, and arrays of one's own."""

import importlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import BoolArray, IntArray, LabelArray
from fedsim.tasks.rows import Rows


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """n labelled rows, with the device that each row comes from, and which are for testing, where the data say so."""

    name: str
    X: npt.NDArray[np.floating[Any]]  # (n, d)
    y: LabelArray  # (n,) class numbers from 0, or targets of a regression
    classes: int  # 0 for a regression
    device: IntArray | None = None  # (n,) from 0
    test: BoolArray | None = None  # (n,) rows that the publisher keeps for testing

    @property
    def features(self) -> int:
        """Numbers per row."""
        return int(self.X.shape[1])

    def rows(self, chosen: BoolArray | None = None) -> Rows:
        """What a partition may know of its rows, or of those that are ``chosen``, (n,)."""
        some = slice(None) if chosen is None else chosen
        user = None if self.device is None else self.device[some]
        return Rows(name=self.name, y=self.y[some], classes=self.classes, user=user)


# Pixels of the digits are counts from 0 to 16. The columns of the others are in unlike units: standardised.
_PIXEL_RANGE = MappingProxyType({
    "digits": 16.0, "iris": None, "wine": None, "breast_cancer": None, "diabetes": None,
})  # fmt: skip
BUNDLED = tuple(_PIXEL_RANGE)
REGRESSIONS = ("diabetes",)


def load(name: str) -> Dataset:
    """A data set that scikit-learn bundles: no download.

    ``digits`` (1,797 handwritten digits of 8 x 8 pixels, scaled to [0, 1]), ``iris``, ``wine`` and
    ``breast_cancer`` (columns standardised to mean 0 and deviation 1 over all rows). ``diabetes`` is a regression:
    442 people, 10 standardised columns, and a measure of the disease a year later, 25 to 346, as it is.

    Raises:
        FedsimError: if there is no data set of that name.
    """
    if name not in _PIXEL_RANGE:
        raise FedsimError(f"dataset must be one of {', '.join(BUNDLED)}, got {name!r}")
    bundle: Any = importlib.import_module("sklearn.datasets")  # slow to import, and not every run needs it
    X, y = getattr(bundle, f"load_{name}")(return_X_y=True)
    scale = _PIXEL_RANGE[name]
    X = X / scale if scale else (X - X.mean(axis=0)) / X.std(axis=0)
    if name in REGRESSIONS:
        return Dataset(name=name, X=X, y=y.astype(np.float64), classes=0)
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
