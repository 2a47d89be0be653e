from dataclasses import replace
from io import StringIO
from types import SimpleNamespace

import pytest
import yaml
from rich.console import Console

from fedsim.report.grid import show
from fedsim.report.study_report import failure_lines, plan_report, standing_lines, step_line, study_report
from fedsim.study.goal import Goal
from fedsim.study.parcel import Failure, Parcel
from fedsim.study.plan import read_plan
from fedsim.study.study import Study
from fedsim.study.study_folder import Standing
from fedsim.study.study_point import Failed, StudyPoint
from fedsim.study.sweep import Step

GOAL = Goal(metric="mean_accuracy", target=0.9)


@pytest.fixture
def study(tmp_path, make_comparison):
    """Two points of two seeds: cohort-5 reaches 90 % after 10 and 20 s, cohort-10 once in two, after 30 s."""
    curves = {
        "cohort-5": [[(0.0, 0.1), (10.0, 0.9)], [(0.0, 0.1), (20.0, 0.9)]],
        "cohort-10": [[(0.0, 0.1), (30.0, 0.9)], [(0.0, 0.1), (60.0, 0.5)]],
    }
    found = make_comparison(curves)
    points = tuple(StudyPoint(label=label, settings={"cohort": label}, fingerprint="") for label in curves)
    study = Study(
        folder=tmp_path,
        name="cohorts",
        question="How many at a time?",
        shows="",
        goal=GOAL,
        horizon_s=60.0,
        seeds=(1, 2),
        every_point=points,
        failed=(),
        complete=True,
    )
    for label in curves:
        for seed in study.seeds:
            (tmp_path / "runs" / f"{label}-seed-{seed}").mkdir(parents=True)
    study.__dict__["_alone"] = {
        label: replace(found, results={label: found.results[label]}) for label in curves
    }  # what would be read from the disk
    return study


def printed(report):
    console = Console(width=100, file=StringIO())
    show(console, report)
    return console.file.getvalue()


def test_points_stand_side_by_side_and_the_best_is_marked(study):
    assert printed(study_report(study)).splitlines() == [
        "cohorts: 4 of 4 runs",
        "How many at a time?",
        "target: 90 % mean accuracy",
        "",
        "             reached  time  energy  bytes",
        "  cohort-5    2 of 2  15 s    10 J   3 kB  best",
        "  cohort-10   1 of 2     -       -      -",
        "to the target: median over seeds; - where half of them or more did not reach it",
    ]


def test_runs_of_several_versions_are_said(study):
    results = study._alone["cohort-5"].results["cohort-5"]
    newer = replace(results[0], summary=replace(results[0].summary, version="2.0.0"))
    study._alone["cohort-5"] = replace(study._alone["cohort-5"], results={"cohort-5": (newer, results[1])})
    assert "different versions of fedsim: 1.2.3 (3), 2.0.0 (1)" in printed(study_report(study))


def test_failures_that_are_alike_are_said_once(study):
    failed = tuple(Failed(label=label, seed=1, error="no way") for label in ("cohort-5", "cohort-10"))
    text = failure_lines(replace(study, failed=failed))
    assert text.splitlines() == [
        "2 runs failed; the same command tries them again",
        "cohort-5, seed 1; cohort-10, seed 1: no way",
    ]


def test_a_plan_says_what_varies_and_how_many_runs_that_makes(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny))
    vary = {"protocol.cohort": [1, 2], "learner.step_size": {"grid": {"from": 0.1, "to": 0.8, "points": 8}}}
    words = {"name": "steps", "question": "Which?", "scenario": "tiny.yaml", "vary": vary, "seeds": 3}
    assert printed(plan_report(read_plan(words))).splitlines() == [
        "steps: 16 points x 3 seeds = 48 runs",
        "Which?",
        "  protocol.cohort    1, 2",
        "  learner.step_size  8 values from 0.1 to 0.8",
        "  target             90 % mean accuracy",
        "  terms              every run goes on for 1 min, the smallest stop.time",
    ]


def test_what_was_found_in_the_folder():
    standing = Standing(done=frozenset(), stale=tuple("abcdefgh"), damaged=("x",))
    assert standing_lines(standing) == [
        "8 runs of an earlier version of the study, kept in stale: a, b, c, d, e, f and 2 more",
        "1 damaged folder, kept in stale: x",
    ]
    assert standing_lines(Standing(done=frozenset("a"), stale=(), damaged=())) == []


def test_a_step_says_how_far_things_are():
    standing, run = Standing(done=frozenset(), stale=(), damaged=()), SimpleNamespace(name="cohort-5-seed-1")
    step = Step(done=3, total=15, standing=standing)
    assert step_line(step) == "3 of 15 runs are finished"
    parcel = Parcel(files={}, rounds=42, simulated_s=90.0, quality=0.9)
    done = replace(step, done=4, run=run, answer=parcel)
    assert step_line(done, "about 2 min left") == (
        "4 of 15 runs  cohort-5-seed-1: 42 rounds in 1.5 min, 90.0 %  about 2 min left"
    )
    assert step_line(replace(step, run=run, answer=Failure(error="no way\nat all"))) == (
        "3 of 15 runs  cohort-5-seed-1: failed: no way"
    )
