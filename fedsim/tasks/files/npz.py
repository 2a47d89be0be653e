"""NumPy archives with features, labels and the task that each row is of."""

import zipfile
from pathlib import Path

import numpy as np

from fedsim.errors import FedsimError, ScenarioError
from fedsim.problems import Mistakes
from fedsim.tasks.datasets import Dataset
from fedsim.tasks.files.table import Column, check_size, dataset_of


def read_npz(path: Path, *, label: str = "y", user: str | None = "task", regression: bool = False) -> Dataset:
    """An ``.npz`` file with the arrays ``X`` (n, d), ``label`` (n,) and ``user`` (n,).

    Python objects in it are not read: they could run anything.

    Args:
        path: the file.
        label: the array of labels, or of targets.
        user: the array that says which user a row is of, None for none.
        regression: take the labels as real targets.

    Raises:
        ScenarioError: file, array and rule of everything that does not fit.
        FedsimError: if the file cannot be read.
    """
    wanted = [key for key in ("X", label, user) if key is not None]
    try:
        _check_sizes(path, wanted)
        with path.open("rb") as stream:
            stored = np.load(stream, allow_pickle=False)
            if not isinstance(stored, np.lib.npyio.NpzFile):
                raise FedsimError(f"{path}: must be an archive of arrays (.npz), got a single array")
            with stored:
                arrays = _arrays(path, stored, wanted)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise FedsimError(f"{path}: cannot be read as .npz: {error}") from None
    owner = None if user is None else arrays[user]
    return dataset_of(path, arrays["X"], arrays[label], owner, regression=regression)


def _arrays(path: Path, stored: "np.lib.npyio.NpzFile", wanted: list[str]) -> dict[str, Column]:
    mistakes = Mistakes()
    for key in wanted:
        if key not in stored.files:
            mistakes.add_unknown(str(path), key, key, "array", stored.files)
    mistakes.raise_any()
    return {key: _array(path, stored, key) for key in wanted}


def _array(path: Path, stored: "np.lib.npyio.NpzFile", key: str) -> Column:
    try:
        return np.asarray(stored[key])
    except ValueError as error:  # an array of Python objects
        raise ScenarioError(f"{path}: {key}: cannot be read: {error}") from None


def _check_sizes(path: Path, wanted: list[str]) -> None:
    """The archive says how large its arrays are; as 64-bit numbers they may be eight times as large."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            key = member.filename.removesuffix(".npy")
            if key in wanted:
                check_size(path, key, 8 * _numbers(archive, member))


def _numbers(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape = read(stream)[0]
    return int(np.prod(shape, dtype=np.int64))
