"""Data sets with a name: which file each is in, where it is from, and where to get it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fedsim.errors import FedsimError
from fedsim.problems import unknown
from fedsim.tasks.datasets import Dataset
from fedsim.tasks.files.folder import find
from fedsim.tasks.files.idx import read_images
from fedsim.tasks.files.npz import read_npz

MNIST_FILES: Final = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_LAYOUT: Final = "an archive with arrays X (n, d), y (n,) and task (n,)"


@dataclass(frozen=True, kw_only=True)
class Known:
    """A set that is looked for in the data folder: what it is, whose it is, and how to get it."""

    about: str
    source: str
    get: str
    regression: bool = False


NPZ: Final[Mapping[str, Known]] = MappingProxyType({
    "har": Known(
        about="30 people's phones, 561 features, sitting or not (array activity: which of 6)",
        source="Anguita et al., ESANN 2013; UCI data set 240",
        get=f"make har.npz, {_LAYOUT}, of UCI's 'Human Activity Recognition Using Smartphones'",
    ),
    "vehicle_subset": Known(
        about="23 sensor nodes, 100 features, one of two vehicles; a subset of 1,860 rows",
        source="Duarte and Hu, JPDC 64(7), 2004; rows of github.com/litian96/ditto",
        get=f"make vehicle_subset.npz, {_LAYOUT}, of data/vehicle in github.com/litian96/ditto",
    ),
    "landmine": Known(
        about="29 mine fields, 9 radar features, mine (6 %) or clutter",
        source="Xue, Liao, Carin and Krishnapuram, JMLR 8, 2007",
        get=f"make landmine.npz, {_LAYOUT}, of LandmineData.mat",
    ),
    "fmtl_small": Known(
        about="a tenth of landmine, as MOCHA's authors ship it with their code",
        source="github.com/gingsmith/fmtl, data/small.mat",
        get=f"make fmtl_small.npz, {_LAYOUT}, of data/small.mat in github.com/gingsmith/fmtl",
    ),
    "school": Known(
        about="139 schools, 28 features, exam scores of 15,362 pupils: a regression",
        source="Inner London Education Authority; as packaged with MALSAR",
        get=f"make school.npz, {_LAYOUT}, of school.mat of MALSAR",
        regression=True,
    ),
})  # fmt: skip
"""One archive each, by the name of the set."""

MNIST: Final = Known(
    about="60,000 and 10,000 handwritten digits of 28 x 28 pixels",
    source="LeCun, Cortes and Burges, the MNIST database",
    get=f"get the four files {', '.join(MNIST_FILES)} (also .gz) of the MNIST database, for a folder mnist in it",
)


def load_npz(name: str, *, folder: str | None = None, label: str = "y") -> Dataset:
    """A known archive from the data folder.

    Args:
        name: one of ``NPZ``.
        folder: where to look; if not given, where ``FEDSIM_DATA`` says.
        label: the array of labels.

    Raises:
        FedsimError: if there is no such set, or its file is not there or not as it should be.
    """
    if name not in NPZ:
        raise FedsimError(unknown(name, "data set", NPZ))
    known = NPZ[name]
    return read_npz(find(f"{name}.npz", folder, known.get), label=label, regression=known.regression)


def load_mnist(name: str = "mnist", *, folder: str | None = None, subfolder: str = "mnist") -> Dataset:
    """MNIST, or another set in four files of the same names, from a folder in the data folder.

    Raises:
        FedsimError: if a file is not there or not as it should be.
    """
    images, labels, test_images, test_labels = (find(f"{subfolder}/{file}", folder, MNIST.get) for file in MNIST_FILES)
    return read_images(images, labels, test=(test_images, test_labels), name=name)
