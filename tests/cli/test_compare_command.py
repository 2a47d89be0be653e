import csv
import io
import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from fedsim.cli import app
from fedsim.study.folder import write, write_comparison


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def scenarios(tiny):
    """Two that differ in the step size; a few simulated seconds each."""
    stop = {"metric": "mean_accuracy", "target": "90 %", "time": "4 s"}
    Path("tiny.yaml").write_text(yaml.safe_dump({**tiny, "stop": stop}))
    Path("slow.yaml").write_text("extends: tiny.yaml\nname: slow\nlearner: {step_size: 0.1}\n")
    return "tiny.yaml", "slow.yaml", "--seeds", "2", "--workers", "1"


@pytest.fixture(scope="module")
def finished(make_comparison, tmp_path_factory):
    """The folder of a comparison of three seeds; the ring misses its target with the second."""

    def until(time_s, end):
        return [(0.0, 0.1), (time_s, end), (60.0, end)]

    star, ring = [until(10.0, 0.95)] * 3, [until(14.0, 0.95), until(40.0, 0.5), until(36.0, 0.95)]
    return str(
        write_comparison(make_comparison({"star": star, "ring": ring}), tmp_path_factory.mktemp("finished") / "both")
    )


def fedsim(*arguments):
    return CliRunner().invoke(app, ["compare", *arguments])


def test_tables_for_a_paper_are_in_the_folder_and_on_the_screen(scenarios):
    done = fedsim(*scenarios, "--format", "latex", "--out", "out")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == Path("out/table.tex").read_text(encoding="utf-8")
    assert r"\toprule" in done.stdout
    assert (
        Path("out/table.md").read_text(encoding="utf-8").startswith("### 2 seeds of 4 s, target: 90 % mean accuracy\n")
    )
    assert "| time to target |" in Path("out/table.md").read_text(encoding="utf-8")
    assert {path.name for path in Path("out").glob("*.csv")} == {
        "table.csv",
        "differences.csv",
        "verdicts.csv",
        "runs.csv",
    }


def test_a_finished_comparison_is_printed_again_in_any_format(finished):
    text = fedsim(finished)
    assert text.exit_code == 0, text.stderr
    assert "ring against star, seed by seed" in text.stdout
    assert "written to" not in text.stdout
    assert "| reached the target | 3 of 3 | 2 of 3 |" in fedsim(finished, "--format", "markdown").stdout
    rows = list(csv.DictReader(io.StringIO(fedsim(finished, "--format", "csv").stdout)))
    [time] = [row for row in rows if (row["scenario"], row["measure"]) == ("ring", "time_to_target_s")]
    assert (time["value"], time["pairs"], time["both"], time["verdict"]) == ("36.0", "3.0", "2.0", "cannot tell")
    summary = json.loads(fedsim(finished, "--json").stdout)
    assert (summary["kind"], summary["scenarios"], summary["target"]) == ("comparison", ["star", "ring"], 0.9)
    assert summary["verdicts"][0]["measure"] == "reached"
    assert fedsim(finished, "--quiet").stdout == ""


def test_another_metric_and_target_need_no_new_run(finished):
    done = fedsim(finished, "--metric", "worst_tenth", "--target", "20 %")
    assert "target: 20 % accuracy of the worst tenth" in done.stdout
    assert "ring reaches the target with 3 of 3 seeds" in done.stdout


def test_single_runs_are_compared_and_written_where_it_is_said(make_result):
    curve = [(0.0, 0.1), (10.0, 0.95), (60.0, 0.95)]
    folders = [str(write(make_result(curve, name=name), name)) for name in ("star", "ring")]
    done = fedsim(*folders, "--out", "both")
    assert done.exit_code == 0, done.stderr
    assert "one seed: no interval" in done.stdout
    assert sorted(path.name for path in Path("both/runs").iterdir()) == ["ring-seed-1", "star-seed-1"]
    assert Path("both/table.tex").exists()


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (("--seeds", "3"), "--seeds says nothing of runs that are finished: it is for scenario files"),
        (("--workers", "2"), "--workers says nothing of runs that are finished: it is for scenario files"),
        (("--set", "seed=3"), "--set says nothing of runs that are finished: it is for scenario files"),
        (("--format", "latx"), "'latx' is not a known format; did you mean 'latex'?"),
        (("tiny.yaml",), "folders of finished runs and scenario files cannot be mixed: both is a folder"),
    ],
)
def test_what_says_nothing_is_refused(options, rule):
    Path("both").mkdir()
    done = fedsim("both", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(rule)


def test_a_folder_of_something_else_is_refused():
    Path("empty").mkdir()
    done = fedsim("empty", "empty")
    assert (done.exit_code, done.stderr) == (2, "empty: is no folder of results: it has no summary.json\n")
