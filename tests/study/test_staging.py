import signal
import subprocess
import sys
import textwrap

import pytest

from fedsim.errors import FedsimError
from fedsim.study.staging import check_place, save


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def note(text):
    return lambda folder: (folder / "note").write_text(text)


def fail(folder):
    (folder / "half").write_text("written")
    raise ValueError("in the middle")


def test_a_second_result_takes_the_next_name(tmp_path):
    places = [save(note(text), name="quick") for text in ("first", "second", "third")]
    assert [str(place) for place in places] == ["runs/quick", "runs/quick-2", "runs/quick-3"]
    assert [(place / "note").read_text() for place in places] == ["first", "second", "third"]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["quick", "quick-2", "quick-3"]


def test_a_file_or_an_empty_folder_of_that_name_is_left_alone(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "quick").write_text("mine")
    (tmp_path / "runs" / "quick-2").mkdir()
    assert str(save(note("new"), name="quick")) == "runs/quick-3"
    assert (tmp_path / "runs" / "quick").read_text() == "mine"
    assert not list((tmp_path / "runs" / "quick-2").iterdir())


def test_a_folder_of_ones_own_may_be_new_or_empty(tmp_path):
    (tmp_path / "empty").mkdir()
    assert save(note("a"), name="quick", out="empty") == tmp_path / "empty"
    assert save(note("b"), name="quick", out="a/new/one") == tmp_path / "a" / "new" / "one"
    assert (tmp_path / "empty" / "note").read_text() == "a"


def test_a_folder_that_was_filled_meanwhile_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()

    def fill(folder):
        note("ours")(folder)
        (tmp_path / "out" / "theirs").write_text("theirs")

    assert save(fill, name="quick", out="out") == tmp_path / "out-2"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["theirs"]


def test_a_failure_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="in the middle"):
        save(fail, name="quick")
    assert not list((tmp_path / "runs").iterdir())


def test_a_kill_leaves_at_most_a_hidden_folder_that_does_no_harm(tmp_path):
    script = """
        import os, signal
        from fedsim.study.staging import save
        def fill(folder):
            (folder / "half").write_text("written")
            os.kill(os.getpid(), signal.SIGKILL)
        save(fill, name="quick")
    """
    root = str(__import__("pathlib").Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env={"PYTHONPATH": root}, cwd=tmp_path, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert all(path.name.startswith(".quick-") for path in (tmp_path / "runs").iterdir())
    assert str(save(note("new"), name="quick")) == "runs/quick"


def test_places_are_checked_before_any_work(tmp_path):
    for good in (None, "new", "a/b/new"):
        check_place(good)
    (tmp_path / "empty").mkdir()
    check_place("empty")
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]  # nothing was made


@pytest.mark.parametrize(
    ("out", "rule"),
    [
        ("full", "full: has files in it"),
        ("file", "file: is not a folder"),
        ("file/below", "file/below: cannot be made: .*file is not a folder"),
        ("/", "/: has files in it"),
    ],
)
def test_places_that_cannot_be_made_are_refused(tmp_path, out, rule):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "older").write_text("result")
    (tmp_path / "file").write_text("")
    with pytest.raises(FedsimError, match=rule):
        check_place(out)
    assert (tmp_path / "full" / "older").read_text() == "result"


def test_the_working_folder_cannot_be_replaced():
    with pytest.raises(FedsimError, match="cannot be replaced"):
        check_place(".")


def test_a_file_where_runs_should_be_is_refused(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(FedsimError, match=r"runs: cannot be made: .* is not a folder"):
        check_place(None)
    with pytest.raises(FedsimError, match="runs/quick: cannot be written"):
        save(note("new"), name="quick")


def test_a_folder_where_one_may_not_write_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # a superuser may write everywhere
    with pytest.raises(FedsimError, match=f"new: cannot be made: {tmp_path} may not be written to"):
        check_place("new")


def test_a_full_disk_is_one_clear_error(tmp_path):
    def fill(folder):
        raise OSError(28, "No space left on device")

    with pytest.raises(FedsimError, match="runs/quick: cannot be written: No space left on device"):
        save(fill, name="quick")
    assert not list((tmp_path / "runs").iterdir())
