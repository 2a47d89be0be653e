import json
import math

import pandas as pd
import pytest

from fedsim.scenario import load
from fedsim.study.folder import versions, write, write_comparison, write_json, write_table
from fedsim.version import __version__

CURVE = [(0.0, 0.1), (10.0, 0.5), (20.0, 0.92)]
FILES = ["devices.parquet", "events.parquet", "metrics.parquet", "quality.png", "scenario.yaml", "summary.json"]


@pytest.fixture
def folder(make_result, tmp_path):
    return write(make_result(CURVE, seed=5), tmp_path / "out")


def test_a_folder_holds_everything(folder):
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert (folder / "quality.png").read_bytes().startswith(b"\x89PNG")


def test_tables_are_read_with_pandas_alone(folder, make_result):
    curve = pd.read_parquet(folder / "metrics.parquet")
    pd.testing.assert_frame_equal(curve, make_result(CURVE).curve)
    events = pd.read_parquet(folder / "events.parquet")
    assert events["kind"].tolist() == ["a", "b"]
    assert events["round"].isna().tolist() == [True, False]
    assert pd.read_parquet(folder / "devices.parquet")["radio_tail_1_s"].tolist() == [5.0, 0.0]


def test_the_summary_is_plain_json(folder):
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["seed"] == 5
    assert summary["time_to_target_s"] == 20.0
    assert summary["final"]["worst_tenth"] == 0.46
    assert summary["spent"]["energy_j"]["compute"] == 20.0
    assert summary["waste"]["late"]["pieces"] == 1
    assert summary["versions"]["fedsim"] == __version__


def test_the_scenario_is_the_one_that_ran(folder):
    again = load(folder / "scenario.yaml")
    assert (again.name, again.seed, again.devices) == ("tiny", 5, 4)


def test_the_same_result_is_the_same_bytes(make_result, tmp_path):
    one, two = (write(make_result(CURVE), tmp_path / name) for name in ("one", "two"))
    for name in ("devices.parquet", "metrics.parquet", "events.parquet", "scenario.yaml", "summary.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_a_second_result_goes_beside_the_first(make_result, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(write(make_result(CURVE))) == "runs/tiny"
    assert str(write(make_result(CURVE))) == "runs/tiny-2"


def test_tables_carry_nothing_that_varies(tmp_path):
    write_table(pd.DataFrame({"a": [1, 2]}), tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    assert b"pandas" not in content
    assert pd.__version__.encode() not in content


def test_json_has_null_for_what_is_not_finite(tmp_path):
    write_json({"a": [1.5, math.inf], "b": {"c": math.nan}, "d": (None, True)}, tmp_path / "x.json")
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": [1.5, None], "b": {"c": None}, "d": [None, True]}


def test_versions_name_what_computed_it():
    found = versions()
    assert found["numpy"] == __import__("numpy").__version__
    assert "unknown" not in found.values()


def test_a_comparison_holds_its_tables_and_every_run(make_comparison, tmp_path):
    never = [(0.0, 0.1), (60.0, 0.5)]
    comparison = make_comparison({"star": [CURVE, CURVE], "ring": [CURVE, never]})
    folder = write_comparison(comparison, tmp_path / "out")
    assert sorted(path.name for path in (folder / "runs").iterdir()) == [
        "ring-seed-1", "ring-seed-2", "star-seed-1", "star-seed-2",
    ]  # fmt: skip
    assert sorted(path.name for path in (folder / "runs" / "ring-seed-2").iterdir()) == FILES
    table = pd.read_csv(folder / "table.csv").set_index("scenario")
    assert table["reached"].to_dict() == {"star": 2, "ring": 1}
    assert pd.read_csv(folder / "runs.csv")["time_to_target_s"].isna().tolist() == [False, False, False, True]
    differences = pd.read_csv(folder / "differences.csv").set_index("measure")
    assert differences.loc["rounds", "mean"] == -0.5
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["horizon_s"], summary["seeds"]) == (60.0, [1, 2])
    assert summary["table"][1]["time_to_target_s"] is None  # infinitely far


def test_a_comparison_is_named_after_its_scenarios(make_comparison, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(write_comparison(make_comparison({"star": [CURVE], "ring": [CURVE]}))) == "runs/compare-star-ring"
    many = {"long" * 12: [CURVE], "longer" * 12: [CURVE]}
    assert len(write_comparison(make_comparison(many)).name) == 100
