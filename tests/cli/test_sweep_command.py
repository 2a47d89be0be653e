import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from fedsim.cli import app
from fedsim.errors import FedsimError
from fedsim.study.run import simulate


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch, tiny):
    monkeypatch.chdir(tmp_path)
    words = {**tiny, "data": {"name": "counts", "features": 4, "classes": 3, "examples": 30}, "stop": {"time": "1 s"}}
    Path("tiny.yaml").write_text(yaml.safe_dump(words))
    study = {"name": "study", "question": "How many?", "scenario": "tiny.yaml", "vary": {"protocol.cohort": [1, 2]}}
    Path("study.yaml").write_text(yaml.safe_dump({**study, "seeds": 2}))


def fedsim(*arguments):
    return CliRunner().invoke(app, ["sweep", "study.yaml", "--workers", "1", *arguments])


def test_it_shows_what_will_run_then_runs_it_and_prints_the_points():
    done = fedsim()
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[:3] == ["study: 2 points x 2 seeds = 4 runs", "How many?", "  protocol.cohort  1, 2"]
    assert "study: 4 of 4 runs" in lines
    assert lines[-1] == "written to runs/study"
    assert done.stderr.splitlines()[0] == "0 of 4 runs are finished"
    assert done.stderr.splitlines()[-1].startswith("4 of 4 runs  cohort-2-seed-2: ")


def test_once_more_it_only_prints():
    fedsim()
    again = fedsim()
    assert again.stderr == "4 of 4 runs are finished\n"
    assert again.stdout.endswith("written to runs/study\n")


def test_a_plan_is_only_shown():
    done = fedsim("--plan")
    assert done.stdout.endswith("points\n  cohort-1\n  cohort-2\n")
    assert not Path("runs").exists()


def test_a_plan_has_no_summary():
    done = fedsim("--plan", "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "--json is the summary of runs, and --plan runs nothing: leave out one of them\n"


def test_quiet_is_where_and_json_is_what():
    assert (fedsim("--quiet", "--out", "a/b").stdout, Path("a/b/summary.json").exists()) == ("a/b\n", True)
    done = fedsim("--json", "--out", "a/b")
    assert done.stderr == ""
    assert json.loads(done.stdout)["scenarios"] == ["cohort-1", "cohort-2"]


def test_failed_runs_are_exit_2_after_the_report(monkeypatch):
    def fails(scenario):
        if scenario.seed == 1:
            raise FedsimError("no way")
        return simulate(scenario)

    monkeypatch.setattr("fedsim.study.parcel.simulate", fails)
    done = fedsim()
    assert done.exit_code == 2
    assert "study: 2 of 4 runs" in done.stdout
    assert done.stderr.endswith(
        "2 runs failed; the same command tries them again\ncohort-1, seed 1; cohort-2, seed 1: no way\n"
    )


def test_ctrl_c_says_what_is_kept_and_how_to_go_on(monkeypatch):
    def interrupted(scenario):
        if scenario.seed == 2:
            raise KeyboardInterrupt
        return simulate(scenario)

    with monkeypatch.context() as patched:
        patched.setattr("fedsim.study.parcel.simulate", interrupted)
        done = fedsim()
    assert done.exit_code == 130
    assert done.stderr.endswith("interrupted: what is finished is kept in runs/study; the same command does the rest\n")
    assert len(list(Path("runs/study/runs").iterdir())) == 2
    assert fedsim().exit_code == 0


def test_mistakes_are_exit_2_with_nothing_written():
    words = yaml.safe_load(Path("study.yaml").read_text())
    Path("study.yaml").write_text(yaml.safe_dump({**words, "vary": {"protocol.cohrt": [1]}}))
    done = fedsim()
    assert (done.exit_code, done.stdout) == (2, "")
    assert "did you mean 'cohort'?" in done.stderr
    assert sorted(path.name for path in Path().iterdir()) == ["study.yaml", "tiny.yaml"]


def test_runs_of_an_earlier_version_are_said():
    fedsim()
    words = yaml.safe_load(Path("study.yaml").read_text())
    Path("study.yaml").write_text(yaml.safe_dump({**words, "vary": {"protocol.cohort": [2]}}))
    done = fedsim()
    text = "2 runs of an earlier version of the study, kept in stale: cohort-1-seed-1, cohort-1-seed-2\n"
    assert done.stderr.endswith(text)
