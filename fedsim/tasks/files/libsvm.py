"""Sparse text files of LIBSVM: ``label index:value index:value ...``."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.datasets import Dataset
from fedsim.tasks.files.table import Column, check_size, check_text, dataset_of, stacked

_BYTES_PER_CHARACTER = 8.0  # "1:1 " is an index and a number, each held twice


def read_libsvm(
    path: Path, *, test: Path | None = None, features: int | None = None, regression: bool = False
) -> Dataset:
    """A file of LIBSVM's format, also gzipped, read by scikit-learn; features that are not named are 0.

    Args:
        path: the file.
        test: a file with rows for testing.
        features: how many there are, where the highest index does not say so.
        regression: take the labels as real targets.

    Raises:
        FedsimError: if a file cannot be read, or needs too much memory as dense numbers.
    """
    paths = [path] if test is None else [path, test]
    parts = [_read(one, features) for one in paths]
    width = max(X.shape[1] for X, _ in parts)
    rows = sum(X.shape[0] for X, _ in parts)
    check_size(path, "features", 16.0 * rows * width)
    X, y, kept = stacked([(_dense(X, width), y) for X, y in parts])
    return dataset_of(path, X, y, None, regression=regression, test=None if test is None else kept)


def _read(path: Path, features: int | None) -> tuple[Any, Column]:
    reader: Any = importlib.import_module("sklearn.datasets")  # slow to import, and not every run needs it
    try:
        check_text(path, _BYTES_PER_CHARACTER)
        X, y = reader.load_svmlight_file(str(path), n_features=features)
    except (OSError, ValueError, EOFError) as error:
        raise FedsimError(f"{path}: cannot be read as LIBSVM: {error}") from None
    if not X.shape[0]:
        raise FedsimError(f"{path}: has no rows")
    return X, y


def _dense(X: Any, width: int) -> Column:
    dense = np.zeros((X.shape[0], width))
    dense[:, : X.shape[1]] = X.toarray()
    return dense
