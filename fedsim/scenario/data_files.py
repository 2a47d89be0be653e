"""Data blocks whose rows come from files in the data folder: that of ``FEDSIM_DATA``, or ``folder``."""

from dataclasses import dataclass, field

from fedsim.scenario.data import check_share
from fedsim.tasks.device_data import DeviceData, Streams, share_out
from fedsim.tasks.files.csv import read_csv
from fedsim.tasks.files.folder import find
from fedsim.tasks.files.known import load_mnist, load_npz
from fedsim.tasks.files.libsvm import read_libsvm
from fedsim.tasks.files.npz import read_npz
from fedsim.tasks.partitions.by_user import ByUser
from fedsim.tasks.partitions.iid import Iid
from fedsim.tasks.partitions.partition import Partition


@dataclass(frozen=True, kw_only=True)
class Users:
    """A known set of users' own rows, from NAME.npz in the data folder; ``label`` is the array of labels in it."""

    label: str = "y"
    """Array of the labels in the archive."""
    test_share: float = 0.25
    """Share of a device's examples that are for testing; between 0 and 1."""
    partition: Partition = field(default_factory=ByUser)
    """How the rows are shared out over the devices."""
    folder: str | None = None
    """Folder of the data, relative to the scenario; null for those of FEDSIM_DATA."""

    def __post_init__(self) -> None:
        check_share(self.test_share)

    def deal(self, name: str, devices: int, streams: Streams) -> DeviceData:
        """See ``Source``."""
        dataset = load_npz(name, folder=self.folder, label=self.label)
        return share_out(dataset, self.partition, devices, self.test_share, streams)


@dataclass(frozen=True, kw_only=True)
class Images:
    """The four files of MNIST, or of another set of the same names, in ``subfolder`` of the data folder.

    ``test_share`` null is the set's own test images: each device gets of them what fits its own labels, and all
    devices together test on each once.
    """

    subfolder: str = "mnist"
    """Folder of the four files below the data folder."""
    test_share: float | None = None
    """Share of a device's examples that are for testing, between 0 and 1; null for the set's own test images."""
    partition: Partition = field(default_factory=Iid)
    """How the rows are shared out over the devices."""
    folder: str | None = None
    """Folder of the data, relative to the scenario; null for those of FEDSIM_DATA."""

    def __post_init__(self) -> None:
        check_share(self.test_share)

    def deal(self, name: str, devices: int, streams: Streams) -> DeviceData:
        """See ``Source``."""
        dataset = load_mnist(name, folder=self.folder, subfolder=self.subfolder)
        return share_out(dataset, self.partition, devices, self.test_share, streams)


@dataclass(frozen=True, kw_only=True)
class NpzFile:
    """An .npz archive with arrays X (n, d), ``label`` (n,) and, if not null, ``user`` (n,)."""

    file: str
    """Path of the archive below the data folder."""
    label: str = "y"
    """Array of the labels."""
    user: str | None = "task"
    """Array that says whose row it is; null if nobody's."""
    regression: bool = False
    """Whether labels are targets of a regression."""
    test_share: float = 0.25
    """Share of a device's examples that are for testing; between 0 and 1."""
    partition: Partition = field(default_factory=ByUser)
    """How the rows are shared out over the devices."""
    folder: str | None = None
    """Folder of the data, relative to the scenario; null for those of FEDSIM_DATA."""

    def __post_init__(self) -> None:
        check_share(self.test_share)

    def deal(self, name: str, devices: int, streams: Streams) -> DeviceData:
        """See ``Source``."""
        del name  # the file's
        path = find(self.file, self.folder)
        dataset = read_npz(path, label=self.label, user=self.user, regression=self.regression)
        return share_out(dataset, self.partition, devices, self.test_share, streams)


@dataclass(frozen=True, kw_only=True)
class CsvFile:
    """A .csv table with a header; columns other than ``label`` and ``user`` are features."""

    file: str
    """Path of the file below the data folder."""
    label: str
    """Column of the label."""
    user: str | None = None
    """Column that says whose row it is; null if nobody's."""
    regression: bool = False
    """Whether labels are targets of a regression."""
    test_share: float = 0.25
    """Share of a device's examples that are for testing; between 0 and 1."""
    partition: Partition = field(default_factory=Iid)
    """How the rows are shared out over the devices."""
    folder: str | None = None
    """Folder of the data, relative to the scenario; null for those of FEDSIM_DATA."""

    def __post_init__(self) -> None:
        check_share(self.test_share)

    def deal(self, name: str, devices: int, streams: Streams) -> DeviceData:
        """See ``Source``."""
        del name  # the file's
        path = find(self.file, self.folder)
        dataset = read_csv(path, label=self.label, user=self.user, regression=self.regression)
        return share_out(dataset, self.partition, devices, self.test_share, streams)


@dataclass(frozen=True, kw_only=True)
class LibsvmFile:
    """A file of LIBSVM's format; with ``test_file``, and ``test_share`` null, that is what devices test on."""

    file: str
    """Path of the file below the data folder."""
    test_file: str | None = None
    """Path of another with the examples to test on; test_share is then null."""
    features: int | None = None
    """How many features there are; null for the largest index in the file."""
    regression: bool = False
    """Whether labels are targets of a regression."""
    test_share: float | None = 0.25
    """Share of a device's examples that are for testing, between 0 and 1; null with a test_file."""
    partition: Partition = field(default_factory=Iid)
    """How the rows are shared out over the devices."""
    folder: str | None = None
    """Folder of the data, relative to the scenario; null for those of FEDSIM_DATA."""

    def __post_init__(self) -> None:
        check_share(self.test_share)

    def deal(self, name: str, devices: int, streams: Streams) -> DeviceData:
        """See ``Source``."""
        del name  # the file's
        test = None if self.test_file is None else find(self.test_file, self.folder)
        path = find(self.file, self.folder)
        dataset = read_libsvm(path, test=test, features=self.features, regression=self.regression)
        return share_out(dataset, self.partition, devices, self.test_share, streams)
