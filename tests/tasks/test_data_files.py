"""Files in the data folder: what is read, and what is said about what cannot be."""

import gzip
import struct
import zipfile

import numpy as np
import pytest

import fedsim.data
from fedsim.errors import FedsimError, ScenarioError
from fedsim.tasks.files import table
from fedsim.tasks.files.csv import read_csv
from fedsim.tasks.files.folder import find
from fedsim.tasks.files.idx import read_idx, read_images
from fedsim.tasks.files.known import MNIST_FILES, load_mnist, load_npz
from fedsim.tasks.files.libsvm import read_libsvm
from fedsim.tasks.files.npz import read_npz


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def idx(array, kind=0x08):
    return struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape) + array.tobytes()


# the folder


def test_files_are_looked_for_in_the_folders_that_the_variable_names(tmp_path, monkeypatch):
    (tmp_path / "one").mkdir()
    (tmp_path / "two" / "sub").mkdir(parents=True)
    (tmp_path / "two" / "sub" / "x.csv.gz").write_bytes(b"")
    monkeypatch.setenv("FEDSIM_DATA", f"{tmp_path / 'one'}:{tmp_path / 'two'}")
    assert find("sub/x.csv") == tmp_path / "two" / "sub" / "x.csv.gz"
    (tmp_path / "one" / "y.csv").write_text("")
    assert find("y.csv", str(tmp_path / "one")).parent == tmp_path / "one"
    with pytest.raises(FedsimError, match=r"y\.csv: there is no such file in .*two; get it there"):
        find("y.csv", str(tmp_path / "two"), "get it there")  # a named folder stands in place of the variable's


def test_without_a_folder_it_is_said_how_to_name_one(monkeypatch, tmp_path):
    monkeypatch.delenv("FEDSIM_DATA", raising=False)
    with pytest.raises(FedsimError, match=r"har\.npz: no data folder is named: set FEDSIM_DATA, or 'folder'; make har"):
        load_npz("har")
    with pytest.raises(FedsimError, match=r"folder: '.*nowhere' is no folder of data"):
        find("x", str(tmp_path / "nowhere"))
    monkeypatch.setenv("FEDSIM_DATA", str(tmp_path / "gone"))
    with pytest.raises(FedsimError, match=r"FEDSIM_DATA: '.*gone' is no folder"):
        find("x")


@pytest.mark.parametrize("name", ["../secret.csv", "a/../../secret.csv", "link.csv"])
def test_nothing_outside_the_folder_is_read(tmp_path, name):
    (tmp_path / "secret.csv").write_text("x,y\n1,2\n")
    folder = tmp_path / "data"
    (folder / "a").mkdir(parents=True)
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(FedsimError, match="leads out of the data folder"):
        find(name, str(folder))
    with pytest.raises(FedsimError, match="leads out"):
        find(str(tmp_path / "secret.csv"), str(folder))


# npz


def test_npz_with_users_and_labels_of_any_value(tmp_path):
    X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=np.float32)
    path = save(
        tmp_path / "own.npz", X=X, y=np.int8([-1, 1, -1]), task=np.int16([4, 4, 9]), kind=np.array(["b", "a", "c"])
    )
    data = read_npz(path)
    assert (data.name, data.classes, data.features) == ("own", 2, 2)
    assert (data.y.tolist(), data.device.tolist()) == ([0, 1, 0], [0, 0, 1])
    assert data.X.tolist() == X.tolist()
    kinds = read_npz(path, label="kind", user=None)
    assert (kinds.y.tolist(), kinds.classes, kinds.device) == ([1, 0, 2], 3, None)
    assert read_npz(path, label="y", regression=True).y.tolist() == [-1.0, 1.0, -1.0]


def test_npz_says_every_array_that_is_missing_and_the_nearest_name(tmp_path):
    path = save(tmp_path / "own.npz", x=np.zeros((2, 1)), label=np.zeros(2), tasks=np.zeros(2))
    with pytest.raises(ScenarioError) as refused:
        read_npz(path)
    lines = str(refused.value).splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("own.npz: X: 'X' is not a known array; did you mean 'x'? (known: x, label, tasks)")
    assert "did you mean 'tasks'?" in lines[2]


def test_npz_runs_nothing_of_what_is_in_it(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("the file ran code",))

    trap = np.empty(2, dtype=object)
    trap[:] = [Trap(), Trap()]
    path = save(tmp_path / "trap.npz", X=trap, y=np.zeros(2), task=np.zeros(2))
    with pytest.raises(FedsimError, match=r"trap\.npz: X: cannot be read: Object arrays"):
        read_npz(path)
    np.save(tmp_path / "single.npz.npy", np.zeros(3))
    single = (tmp_path / "single.npz.npy").rename(tmp_path / "single.npz")
    with pytest.raises(FedsimError, match="must be an archive"):
        read_npz(single)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"\x80\x04 a pickle"])
def test_npz_that_is_none_is_refused_with_its_name(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(FedsimError, match=r"bad\.npz: cannot be read as \.npz"):
        read_npz(tmp_path / "bad.npz")


def test_npz_with_shapes_that_disagree(tmp_path):
    path = save(tmp_path / "own.npz", X=np.zeros((3, 1)), y=np.zeros(2), task=np.zeros((3, 1)))
    with pytest.raises(ScenarioError) as refused:
        read_npz(path)
    assert [line.split(": ")[1] for line in str(refused.value).splitlines()] == ["y", "user"]
    words = save(tmp_path / "words.npz", X=np.array([["a"], ["b"]]), y=np.zeros(2), task=np.zeros(2))
    with pytest.raises(ScenarioError, match="X: must hold numbers, got <U1"):
        read_npz(words)
    nan = save(tmp_path / "nan.npz", X=np.full((2, 1), np.nan), y=np.arange(2), task=np.zeros(2))
    with pytest.raises(FedsimError, match="nan: X and y must be finite"):
        read_npz(nan)


def test_an_archive_of_zeros_that_would_fill_the_memory_is_refused_unread(tmp_path):
    """A header may promise more than there is; the promise is enough to be refused."""
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (2000000000, 10), }"
    header += b" " * (118 - len(header) - 1) + b"\n"
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w") as archive:
        archive.writestr("X.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    with pytest.raises(FedsimError, match=r"bomb\.npz: X: needs 160\.0 GB in memory, more than 8 GB"):
        read_npz(tmp_path / "bomb.npz")


# idx


def test_idx_files_of_every_type_and_gzipped(tmp_path):
    numbers = np.arange(6, dtype=np.uint8).reshape(2, 3)
    (tmp_path / "a").write_bytes(idx(numbers))
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx(numbers)))
    assert read_idx(tmp_path / "a").tolist() == read_idx(tmp_path / "a.gz").tolist() == [[0, 1, 2], [3, 4, 5]]
    (tmp_path / "f").write_bytes(idx(np.array([1.5, -2.0], dtype=">f4"), kind=0x0D))
    assert read_idx(tmp_path / "f").tolist() == [1.5, -2.0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as IDX"),
        (b"\x00\x00\x08", "cannot be read as IDX"),
        (b"\x1f\x8b\x08\x01rest", "is no IDX file: it begins with 1f8b0801"),
        (idx(np.zeros(4, np.uint8))[:-1], r"its header says \(4,\), which is 4 bytes; it has only 3"),
        (idx(np.zeros(4, np.uint8)) + b"x", ".*it has more"),
        (b"\x00\x00\x08\x02" + b"\xff" * 8, "GB in memory"),
    ],
)
def test_idx_that_is_none(tmp_path, content, message):
    (tmp_path / "bad").write_bytes(content)
    with pytest.raises(FedsimError, match=rf"bad: .*{message}" if "GB" in message else rf"bad: {message}"):
        read_idx(tmp_path / "bad")


def test_a_broken_gzip_is_refused(tmp_path):
    (tmp_path / "bad.gz").write_bytes(gzip.compress(idx(np.zeros(400, np.uint8)))[:-12])
    with pytest.raises(FedsimError, match=r"bad\.gz: cannot be read as IDX"):
        read_idx(tmp_path / "bad.gz")


def write_images(folder, train=6, test=3):
    for (images, labels), n in zip((MNIST_FILES[:2], MNIST_FILES[2:]), (train, test), strict=True):
        pixels = np.repeat(np.arange(n, dtype=np.uint8) * 51, 4).reshape(n, 2, 2)
        (folder / images).write_bytes(idx(pixels))
        (folder / labels).write_bytes(idx(np.arange(n, dtype=np.uint8) % 3))


def test_images_become_rows_of_shares_of_white_with_the_set_s_own_test_rows(tmp_path):
    (tmp_path / "fashion").mkdir()
    write_images(tmp_path / "fashion")
    data = load_mnist("fashion", folder=str(tmp_path), subfolder="fashion")
    assert (data.name, data.classes, data.X.shape, data.X.dtype) == ("fashion", 3, (9, 4), np.float32)
    assert data.X[5].tolist() == [1.0] * 4
    assert data.test.tolist() == [False] * 6 + [True] * 3
    with pytest.raises(FedsimError, match=r"mnist/train-images.*get the four files"):
        load_mnist(folder=str(tmp_path))


def test_images_and_labels_must_fit_together(tmp_path):
    write_images(tmp_path)
    a, b, c, d = (tmp_path / name for name in MNIST_FILES)
    with pytest.raises(FedsimError, match=r"train-labels.*: must hold images \(n, rows, columns\) of bytes"):
        read_images(b, b, test=(c, d), name="x")
    with pytest.raises(FedsimError, match=r"t10k-labels.*: must hold 6 class numbers"):
        read_images(a, d, test=(c, d), name="x")


# csv


def test_csv_with_words_for_labels_and_users(tmp_path):
    (tmp_path / "own.csv").write_text("age,who,height,kind\n1,eve,2.5,dog\n3,adam,4,cat\n5,eve,6,dog\n")
    data = read_csv(tmp_path / "own.csv", label="kind", user="who")
    assert data.X.tolist() == [[1.0, 2.5], [3.0, 4.0], [5.0, 6.0]]
    assert (data.y.tolist(), data.device.tolist(), data.classes) == ([1, 0, 1], [1, 0, 1], 2)
    (tmp_path / "own.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2.5\n2,3.5\n"))
    targets = read_csv(tmp_path / "own.csv.gz", label="b", regression=True)
    assert (targets.y.tolist(), targets.classes, targets.device) == ([2.5, 3.5], 0, None)


def test_csv_says_column_and_row_of_everything_that_is_wrong(tmp_path):
    (tmp_path / "own.csv").write_text("a,b,user,y\n1,x,u,0\n2,3,,1\n,4,u,0\n")
    with pytest.raises(ScenarioError) as refused:
        read_csv(tmp_path / "own.csv", label="y", user="user")
    lines = [line.split("own.csv: ")[1] for line in str(refused.value).splitlines()]
    assert lines == [
        "a: must hold finite numbers, row 3 has nan",
        "b: must hold finite numbers, row 1 has x",
        "user: has no value in row 2",
    ]
    with pytest.raises(ScenarioError, match=r"label: 'yy' is not a known column; did you mean 'y'\?"):
        read_csv(tmp_path / "own.csv", label="yy")
    (tmp_path / "gap.csv").write_text("a,y\n1,0\n2,\n")
    with pytest.raises(ScenarioError, match="y: has no value in row 2"):
        read_csv(tmp_path / "gap.csv", label="y")


@pytest.mark.parametrize("content", ["", 'a,y\n"unclosed,1\n', "a,y\n1,2\n1,2,3\n"])
def test_csv_that_is_none(tmp_path, content):
    (tmp_path / "bad.csv").write_text(content)
    with pytest.raises(FedsimError, match=r"bad\.csv: cannot be read as CSV"):
        read_csv(tmp_path / "bad.csv", label="y")


def test_csv_without_features_or_rows(tmp_path):
    (tmp_path / "bad.csv").write_text("y\n1\n2\n")
    with pytest.raises(FedsimError, match="at least one row and one column of features"):
        read_csv(tmp_path / "bad.csv", label="y")


def test_a_text_that_would_fill_the_memory_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "MOST_BYTES", 100)
    (tmp_path / "long.csv").write_text("a,y\n" + "1,2\n" * 10)
    with pytest.raises(FedsimError, match="text: needs"):
        read_csv(tmp_path / "long.csv", label="y")
    (tmp_path / "long.txt").write_text("1 1:2\n" * 10)
    with pytest.raises(FedsimError, match="text: needs"):
        read_libsvm(tmp_path / "long.txt")


# libsvm


def test_libsvm_with_a_file_for_testing(tmp_path):
    (tmp_path / "a.txt").write_text("+1 1:0.5 3:2\n-1 2:1\n")
    (tmp_path / "a.t").write_text("-1 1:7\n")
    data = read_libsvm(tmp_path / "a.txt", test=tmp_path / "a.t")
    assert data.X.tolist() == [[0.5, 0.0, 2.0], [0.0, 1.0, 0.0], [7.0, 0.0, 0.0]]
    assert (data.y.tolist(), data.test.tolist(), data.device) == ([1, 0, 0], [False, False, True], None)
    assert read_libsvm(tmp_path / "a.txt", features=5).features == 5
    targets = read_libsvm(tmp_path / "a.txt", regression=True)
    assert (targets.y.tolist(), targets.classes, targets.test) == ([1.0, -1.0], 0, None)


def test_libsvm_that_is_none(tmp_path, monkeypatch):
    (tmp_path / "bad.txt").write_text("one two three\n")
    with pytest.raises(FedsimError, match=r"bad\.txt: cannot be read as LIBSVM"):
        read_libsvm(tmp_path / "bad.txt")
    (tmp_path / "bad.txt").write_text("")
    with pytest.raises(FedsimError, match=r"bad\.txt: "):
        read_libsvm(tmp_path / "bad.txt")
    (tmp_path / "wide.txt").write_text("1 1000000000:1\n2 1:1\n")
    with pytest.raises(FedsimError, match=r"features: needs 32\.0 GB"):
        read_libsvm(tmp_path / "wide.txt")


# the sets of the notes, and the door for Python


@pytest.mark.parametrize(
    ("name", "users", "features", "rows", "positive"),
    [
        ("har", 30, 561, 10_299, 0.1725),
        ("vehicle_subset", 23, 100, 1_860, 0.550),
        ("landmine", 29, 9, 14_820, 0.0610),
        ("fmtl_small", 29, 9, 1_464, 0.0608),
        ("school", 139, 28, 15_362, None),
    ],
)
def test_known_sets_are_what_their_readme_says(name, users, features, rows, positive, shared_data):
    data = fedsim.data.load(name, folder=str(shared_data(f"{name}.npz").parent))
    assert (int(data.device.max()) + 1, data.features, len(data.y)) == (users, features, rows)
    if positive is None:
        assert data.classes == 0
        assert (data.y.mean(), data.y.var()) == pytest.approx((20.597318, 161.835243), abs=1e-6)
    else:
        assert data.y.mean() == pytest.approx(positive, abs=5e-4)


def test_har_has_six_activities_besides(shared_data):
    data = load_npz("har", folder=str(shared_data("har.npz").parent), label="activity")
    assert data.classes == 6


def test_mnist_is_mnist(shared_data):
    data = fedsim.data.load("mnist", folder=str(shared_data("mnist").parent))
    assert data.X.shape == (70_000, 784)
    assert data.test.sum() == 10_000
    shades = np.bincount(np.rint(data.X[:60_000] * np.float32(255)).astype(np.uint8).ravel(), minlength=256)
    mean = np.average(np.arange(256) / 255, weights=shades)
    deviation = np.sqrt(np.average((np.arange(256) / 255 - mean) ** 2, weights=shades))
    assert (mean, deviation) == pytest.approx((0.13066, 0.30811), abs=1e-5)
    assert np.bincount(data.y[:60_000]).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def test_the_door_for_python_lists_what_it_loads():
    assert fedsim.data.load("diabetes").classes == 0
    assert fedsim.data.names() == (
        *("digits", "iris", "wine", "breast_cancer", "diabetes"),
        *("har", "vehicle_subset", "landmine", "fmtl_small", "school", "mnist"),
    )
    with pytest.raises(FedsimError, match="'digit' is not a known data set; did you mean 'digits'"):
        fedsim.data.load("digit")
    with pytest.raises(FedsimError, match="not a known data set"):
        load_npz("digits")
