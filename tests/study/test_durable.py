import errno
import os

import pytest

from fedsim.study.durable import write_file, write_folder

FILES = {"a": b"one", "b": b"two"}


@pytest.fixture
def staging(tmp_path):
    (tmp_path / "staging").mkdir()
    return tmp_path / "staging"


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_folder_is_there_with_all_its_files(tmp_path, staging):
    write_folder(tmp_path / "run", FILES, staging)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == FILES
    assert not list(staging.iterdir())


def test_a_file_replaces_another(tmp_path, staging):
    for content in (b"old", b"new"):
        write_file(tmp_path / "table", content, staging)
    assert (tmp_path / "table").read_bytes() == b"new"


@pytest.mark.parametrize("step", ["fsync", "rename", "mkdir"])
def test_a_full_disk_leaves_nothing_of_a_folder(tmp_path, staging, monkeypatch, step):
    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left"):
        write_folder(tmp_path / "run", FILES, staging)
    monkeypatch.undo()
    assert not (tmp_path / "run").exists()
    assert not list(staging.iterdir())


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_older_file(tmp_path, staging, monkeypatch, step):
    write_file(tmp_path / "table", b"old", staging)
    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left"):
        write_file(tmp_path / "table", b"new", staging)
    monkeypatch.undo()
    assert (tmp_path / "table").read_bytes() == b"old"
    assert not list(staging.iterdir())


def test_all_is_on_the_disk_before_a_name_is_given(tmp_path, staging, monkeypatch):
    """A power cut may lose what was not synchronised: files first, then their folder, then the name."""
    steps = []
    for name in ("fsync", "rename"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *given, real=real, name=name: (steps.append(name), real(*given))[1])
    write_folder(tmp_path / "run", FILES, staging)
    assert steps == ["fsync", "fsync", "fsync", "rename", "fsync"]
