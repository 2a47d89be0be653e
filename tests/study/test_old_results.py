"""Results of older versions load, or say why not in one line; so does whatever damaged them."""

import json
import shutil

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import flipped, flips

import fedsim
from fedsim.errors import FedsimError
from fedsim.study.reading import read_result

PIECES = ("scenario.yaml", "summary.json", "metrics.parquet", "events.parquet", "devices.parquet", "links.parquet")


@pytest.fixture(scope="module")
def written(tiny, tmp_path_factory):
    """A run's folder, made once: not to be changed."""
    folder = tmp_path_factory.mktemp("results") / "run"
    fedsim.run({**tiny, "stop": {"rounds": 2}}, out=folder)
    return folder


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "run")


def changed(folder, name, change):
    """A piece in JSON or YAML with something else in it."""
    path = folder / name
    words = (json.loads if path.suffix == ".json" else yaml.safe_load)(path.read_text())
    change(words)
    path.write_text(json.dumps(words) if path.suffix == ".json" else yaml.safe_dump(words))
    return folder


def refusal(folder):
    """What is said of a folder, of one line that names it or one of its pieces."""
    with pytest.raises(FedsimError) as caught:
        read_result(folder)
    assert str(folder) in str(caught.value)
    return str(caught.value)


def test_a_folder_from_before_formats_loads(folder):
    old = changed(folder, "summary.json", lambda words: [words.pop(key) for key in ("format", "kind", "fingerprint")])
    (old / "trace.json").unlink(missing_ok=True)
    assert read_result(old).summary.rounds == 2


def test_a_scenario_from_before_a_key_was_there_loads(folder):
    """A key that is newer than the results has its default."""
    old = changed(folder, "scenario.yaml", lambda words: [words.pop(key) for key in ("lives", "outages", "evaluate")])
    assert read_result(old).scenario.lives == ()


@pytest.mark.parametrize("number", [2, 99, -1, "one", 1.5, None])
def test_formats_that_are_unknown_are_refused(folder, number):
    said = refusal(changed(folder, "summary.json", lambda words: words.update(format=number)))
    assert "this fedsim reads formats up to 1" in said


def test_a_key_that_is_unknown_names_the_scenario(folder):
    said = refusal(changed(folder, "scenario.yaml", lambda words: words.update(weather="rain")))
    assert "its scenario cannot be used here" in said
    assert "'weather' is not a known key" in said


@pytest.mark.parametrize("name", PIECES)
def test_a_piece_that_is_missing_is_named(folder, name):
    (folder / name).unlink()
    assert name in refusal(folder)


@pytest.mark.parametrize("name", PIECES)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_piece_that_is_cut_off_is_named_or_still_whole(folder, name, share):
    """A text may be cut where it still has a meaning; a table never."""
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(share * len(content))])
    assert name.split(".")[0] in refusal(folder)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(PIECES), what=flips)
def test_a_piece_with_flipped_bytes_loads_or_is_one_error(written, tmp_path, name, what):
    folder = shutil.copytree(written, tmp_path / "run", dirs_exist_ok=True)
    (folder / name).write_bytes(flipped((folder / name).read_bytes(), what))
    try:
        read_result(folder)
    except FedsimError as error:
        assert str(folder) in str(error)  # noqa: PT017  # either outcome is right
