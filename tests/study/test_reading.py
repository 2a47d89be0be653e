"""What was written is read back, equal; what cannot be read says why."""

import json
from pathlib import Path

import pandas as pd
import pytest

import fedsim
from fedsim.errors import FedsimError
from fedsim.scenario import check, fingerprint, resolved
from fedsim.study.folder import write, write_comparison
from fedsim.study.reading import kind_of, read_comparison, read_result

CURVE = [(0.0, 0.1), (10.0, 0.5), (20.0, 0.92)]


@pytest.fixture
def folder(make_result, tmp_path):
    return write(make_result(CURVE, seed=5), tmp_path / "out")


def _change(folder, **words):
    path = folder / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **words}))


def _is_same(one, other):
    for name in ("curve", "events", "devices", "links"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    assert one.summary == other.summary
    assert (one.scenario, one.seed) == (other.scenario, other.seed)


def test_a_run_is_read_back_as_it_was(tiny, tmp_path):
    result = fedsim.run({**tiny, "stop": {"rounds": 3}}, out=tmp_path / "run")
    _is_same(fedsim.read_result(tmp_path / "run"), result)


def test_a_diverged_run_is_read_back(tiny, tmp_path):
    result = fedsim.run(tiny, overrides={"learner.step_size": 1e300, "stop.rounds": 2}, out=tmp_path / "run")
    again = read_result(tmp_path / "run")
    pd.testing.assert_frame_equal(again.curve, result.curve)


def test_a_comparison_is_read_back_as_it_was(make_comparison, tmp_path):
    comparison = make_comparison({"one": [CURVE, CURVE], "two": [CURVE[:2], CURVE]})
    again = read_comparison(write_comparison(comparison, tmp_path / "out"))
    pd.testing.assert_frame_equal(again.runs(), comparison.runs())
    assert (again.names, again.seeds, again.target) == (("one", "two"), (1, 2), 0.9)


def test_a_folder_says_what_it_holds(folder, make_comparison, tmp_path):
    assert kind_of(folder) == "run"
    assert kind_of(write_comparison(make_comparison({"one": [CURVE]}), tmp_path / "all")) == "comparison"


def test_a_folder_from_before_there_were_formats_is_read(folder, make_result):
    path = folder / "summary.json"
    words = json.loads(path.read_text())
    for name in ("format", "kind", "fingerprint"):
        del words[name]
    path.write_text(json.dumps(words))
    _is_same(read_result(folder), make_result(CURVE, seed=5))


def test_a_later_format_says_who_wrote_it(folder):
    _change(folder, format=2, versions={"fedsim": "9.1"})
    with pytest.raises(FedsimError, match=r"format 2 of 9\.1, and this fedsim reads formats up to 1"):
        read_result(folder)


def test_what_is_missing_or_damaged_is_named(folder, tmp_path):
    with pytest.raises(FedsimError, match="is no folder of results"):
        read_result(tmp_path)
    (folder / "events.parquet").unlink()
    with pytest.raises(FedsimError, match=r"it has no events\.parquet"):
        read_result(folder)
    (folder / "metrics.parquet").write_bytes(b"PAR1 half of it")
    with pytest.raises(FedsimError, match=r"metrics\.parquet: cannot be read"):
        read_result(folder)
    _change(folder, rounds="many")
    with pytest.raises(FedsimError, match=r"summary\.json: rounds: is not what fedsim writes"):
        read_result(_with_tables(folder))
    (folder / "summary.json").write_text('{"name": ')
    with pytest.raises(FedsimError, match="cannot be read"):
        kind_of(folder)


def _with_tables(folder):
    for name in ("metrics", "events", "links", "devices"):
        pd.DataFrame({"a": [1]}).to_parquet(folder / f"{name}.parquet")
    return folder


def test_one_kind_is_not_taken_for_another(folder, make_comparison, tmp_path):
    place = write_comparison(make_comparison({"one": [CURVE]}), tmp_path / "all")
    with pytest.raises(FedsimError, match="holds a comparison, not one run"):
        read_result(place)
    with pytest.raises(FedsimError, match="holds a run, not a comparison"):
        read_comparison(folder)
    _change(folder, kind="weather")
    with pytest.raises(FedsimError, match="holds a 'weather'"):
        kind_of(folder)


def test_the_fingerprint_is_of_the_scenario_and_not_of_its_seed_or_its_words(tiny, folder):
    scenario = check(tiny)
    mark = fingerprint(scenario)
    assert fingerprint(check(tiny, seed=8)) == mark
    again = Path(folder, "again.yaml")
    again.write_text(resolved(scenario))
    assert fingerprint(fedsim.scenario.load(again)) == mark
    assert fingerprint(check(tiny, {"protocol.cohort": 3})) != mark
    assert json.loads((folder / "summary.json").read_text())["fingerprint"] == mark
