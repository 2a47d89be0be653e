"""From the columns of a file to a data set: the rules that hold for every format."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fedsim.errors import FedsimError
from fedsim.problems import Mistakes
from fedsim.tasks.datasets import Dataset, from_arrays

MOST_BYTES = 8_000_000_000
"""What a file would need in memory beyond this is refused before it is read."""

_PACKED = 10  # how much longer than its gzip a text of numbers is

Column = npt.NDArray[Any]


def check_size(path: Path, key: str, size_bytes: float) -> None:
    """Refuse what would not fit into memory.

    Raises:
        FedsimError: if it needs more than ``MOST_BYTES``.
    """
    if not size_bytes <= MOST_BYTES:
        need, most = size_bytes / 1e9, MOST_BYTES / 1e9
        raise FedsimError(f"{path}: {key}: needs {need:.1f} GB in memory, more than {most:.0f} GB")


def check_text(path: Path, bytes_per_character: float) -> None:
    """Refuse a text that would not fit into memory when it is read.

    Raises:
        FedsimError: if it needs more than ``MOST_BYTES``.
        OSError: if the file cannot be asked.
    """
    characters = path.stat().st_size * (_PACKED if path.suffix == ".gz" else 1)
    check_size(path, "text", characters * bytes_per_character)


def dataset_of(
    path: Path,
    X: Column,
    y: Column,
    user: Column | None,
    *,
    regression: bool,
    test: npt.NDArray[np.bool_] | None = None,
) -> Dataset:
    """Checked columns as a data set; rows without users have none.

    Args:
        path: the file, for messages.
        X: (n, d).
        y: (n,) labels or targets.
        user: (n,) owners of rows.
        regression: take ``y`` as targets.
        test: (n,) which rows are for testing.

    Raises:
        ScenarioError: one line for each array that does not fit.
        FedsimError: as ``from_arrays``.
    """
    mistakes = Mistakes()
    for key, column, axes in (("X", X, 2), ("y", y, 1), ("user", user, 1)):
        if column is None:
            continue
        if column.ndim != axes or len(column) != len(X) or not len(column):
            mistakes.add(str(path), key, f"must have {axes} axes and as many rows as X, got shape {column.shape}")
        elif (key == "X" or (key == "y" and regression)) and not _is_number(column):
            mistakes.add(str(path), key, f"must hold numbers, got {column.dtype}")
    mistakes.raise_any()
    if not _is_number(y):
        y = np.unique(y, return_inverse=True)[1]
    owner = np.zeros(len(X), dtype=np.int64) if user is None else user
    made = from_arrays(X, y, owner, name=path.name.split(".")[0], regression=regression)
    return Dataset(
        name=made.name,
        X=made.X,
        y=made.y,
        classes=made.classes,
        device=None if user is None else made.device,
        test=test,
    )


def stacked(parts: Sequence[tuple[Column, Column]]) -> tuple[Column, Column, npt.NDArray[np.bool_]]:
    """Training and test rows as one table, and which of them are for testing."""
    X, y = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    test = np.repeat(np.arange(len(parts)) > 0, [len(part[1]) for part in parts])
    return X, y, test


def _is_number(column: Column) -> bool:
    return bool(np.issubdtype(column.dtype, np.number) or np.issubdtype(column.dtype, np.bool_))
