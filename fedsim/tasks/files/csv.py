"""Tables as text, with a header: a column of labels, perhaps one of users, and features."""

from pathlib import Path

import numpy as np
import pandas as pd

from fedsim.errors import FedsimError
from fedsim.problems import Mistakes
from fedsim.tasks.datasets import Dataset
from fedsim.tasks.files.table import check_text, dataset_of

_BYTES_PER_CHARACTER = 8.0  # a number has two characters or more, and is held twice in 8 bytes


def read_csv(path: Path, *, label: str, user: str | None = None, regression: bool = False) -> Dataset:
    """A ``.csv`` file, also gzipped; every column that is neither label nor user is a feature.

    Args:
        path: the file.
        label: the column of labels (numbers or texts, numbered in sorted order), or of targets.
        user: the column that says which user a row is of, None for none.
        regression: take the labels as real targets.

    Raises:
        ScenarioError: file, column, row and rule of everything that does not fit.
        FedsimError: if the file cannot be read.
    """
    try:
        check_text(path, _BYTES_PER_CHARACTER)
        table = pd.read_csv(path, skipinitialspace=True)
    except (OSError, ValueError, EOFError) as error:
        raise FedsimError(f"{path}: cannot be read as CSV: {error}") from None
    mistakes = Mistakes()
    for key, name in (("label", label), ("user", user)):
        if name is not None and name not in table.columns:
            mistakes.add_unknown(str(path), key, name, "column", table.columns)
    mistakes.raise_any()
    features = table.drop(columns=[name for name in (label, user) if name is not None])
    _check_features(path, features, mistakes)
    y, owner = table[label].to_numpy(), None if user is None else table[user]
    if table[label].isna().any():
        mistakes.add(str(path), label, f"has no value in row {int(table[label].isna().to_numpy().argmax()) + 1}")
    if owner is not None and owner.isna().any():
        mistakes.add(str(path), str(user), f"has no value in row {int(owner.isna().to_numpy().argmax()) + 1}")
    mistakes.raise_any()
    users = None if owner is None else pd.factorize(owner, sort=True)[0]
    if not regression and not pd.api.types.is_numeric_dtype(table[label]):
        y = pd.factorize(table[label], sort=True)[0]
    return dataset_of(path, features.to_numpy(np.float64), y, users, regression=regression)


def _check_features(path: Path, features: pd.DataFrame, mistakes: Mistakes) -> None:
    if not len(features.columns) or not len(features):
        mistakes.add(str(path), "", f"needs at least one row and one column of features, has {features.shape}")
    for name in features.columns:
        numbers = pd.to_numeric(features[name], errors="coerce").to_numpy(np.float64)
        wrong = np.flatnonzero(~np.isfinite(numbers))
        if len(wrong):
            value = features[name].iloc[int(wrong[0])]
            mistakes.add(str(path), str(name), f"must hold finite numbers, row {int(wrong[0]) + 1} has {value}")
