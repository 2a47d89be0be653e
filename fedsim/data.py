"""Data sets by name, for Python: ``fedsim.data.load("digits")``.

Those that come with scikit-learn are there; others are looked for in the folder that ``FEDSIM_DATA`` names. Files of
one's own are read by ``read_npz``, ``read_csv``, ``read_libsvm`` and ``read_images``. What comes back is a
``Dataset``: rows, labels, and the user of each row where the file says so.
"""

from fedsim.errors import FedsimError
from fedsim.problems import unknown
from fedsim.tasks import datasets
from fedsim.tasks.datasets import Dataset
from fedsim.tasks.files.csv import read_csv
from fedsim.tasks.files.idx import read_images
from fedsim.tasks.files.known import NPZ, load_mnist, load_npz
from fedsim.tasks.files.libsvm import read_libsvm
from fedsim.tasks.files.npz import read_npz

__all__ = ["Dataset", "load", "names", "read_csv", "read_images", "read_libsvm", "read_npz"]


def names() -> tuple[str, ...]:
    """Every data set that has a name."""
    return (*datasets.BUNDLED, *NPZ, "mnist")


def load(name: str, folder: str | None = None) -> Dataset:
    """The data set of this name.

    Args:
        name: one of ``names()``.
        folder: where files are looked for; if not given, where ``FEDSIM_DATA`` says.

    Raises:
        FedsimError: if there is no such set, or its file is not there or not as it should be.
    """
    if name in datasets.BUNDLED:
        return datasets.load(name)
    if name == "mnist":
        return load_mnist(folder=folder)
    if name not in NPZ:
        raise FedsimError(unknown(name, "data set", names()))
    return load_npz(name, folder=folder)
