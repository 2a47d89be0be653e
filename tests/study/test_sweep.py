"""A study is swept into its folder, in one go or in many, and the answer is the same."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
import yaml

import fedsim
from fedsim.errors import FedsimError
from fedsim.study import study_folder as folders
from fedsim.study.parcel import Failure, Parcel
from fedsim.study.run import simulate

ROOT = Path(__file__).resolve().parents[2]
POINTS = ("cohort-1", "cohort-2", "cohort-3")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch, tiny):
    """Timing runs: they take a moment, and no pictures are drawn of them."""
    monkeypatch.chdir(tmp_path)
    words = {**tiny, "data": {"name": "counts", "features": 4, "classes": 3, "examples": 30}, "stop": {"time": "1 s"}}
    Path("tiny.yaml").write_text(yaml.safe_dump(words))


@pytest.fixture
def study():
    return written()


def written(cohorts=(1, 2, 3), **words):
    vary = {"protocol.cohort": list(cohorts)}
    content = {"name": "study", "scenario": "tiny.yaml", "seeds": 2, "vary": vary, **words}
    Path("study.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return "study.yaml"


def swept(study, out="out", **options):
    """The names of the runs that were run, and the study."""
    ran = []
    told = lambda step: ran.append(step.run.name) if step.run else None  # noqa: E731
    return ran, fedsim.sweep(study, out=out, tell=told, **options)


def bytes_of(folder):
    paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def names(*points, seeds=(1, 2)):
    return {f"{point}-seed-{seed}" for point in points for seed in seeds}


def test_every_point_runs_with_every_seed_into_a_folder_of_its_own(study):
    ran, found = swept(study)
    assert set(ran) == names(*POINTS) == {path.name for path in Path("out/runs").iterdir()}
    assert found.complete
    assert sorted(path.name for path in Path("out").iterdir()) == [
        ".lock", "differences.csv", "points.json", "runs", "runs.csv", "runs.parquet", "study.yaml", "summary.json",
        "table.csv", "verdicts.csv",
    ]  # fmt: skip
    assert fedsim.read_result("out/runs/cohort-2-seed-1").scenario.protocol.value.cohort == 2


def test_a_run_is_what_it_would_be_alone(study):
    swept(study)
    settings = {"protocol.cohort": 2, "evaluate": {"every_rounds": None, "every": "5 ms"}}
    alone = fedsim.run("tiny.yaml", seed=2, overrides=settings)
    pd.testing.assert_frame_equal(alone.events, fedsim.read_result("out/runs/cohort-2-seed-2").events)


def test_once_more_there_is_nothing_to_do_and_nothing_changes(study):
    swept(study)
    Path("out/report.html").write_text("what fedsim report made of it")
    before = bytes_of("out")
    ran, found = swept(study)
    assert (ran, found.complete) == ([], True)
    assert bytes_of("out") == before


def test_what_was_made_of_other_runs_goes_when_there_are_others(study):
    swept(study)
    Path("out/report.html").write_text("what fedsim report made of it")
    written((1, 2))
    swept("study.yaml")
    assert not Path("out/report.html").exists()
    assert pd.read_csv("out/table.csv")["point"].tolist() == ["cohort-1", "cohort-2"]


def test_how_many_work_and_who_and_that_one_of_them_dies_changes_no_byte(study):
    swept(study, "one")
    killed = []

    def kill_one(step):
        if step.run is not None and not killed:
            killed.append(children_of(os.getpid())[-1])
            os.kill(killed[0], signal.SIGKILL)

    assert fedsim.sweep(study, out="two", workers=2, tell=kill_one).complete
    assert killed
    with ThreadPoolExecutor(2) as executor:
        swept(study, "threads", executor=executor, workers=2)
    assert bytes_of("one") == bytes_of("two") == bytes_of("threads")


def test_a_changed_study_runs_what_is_new_and_sets_the_rest_aside(study):
    swept(study)
    written((2, 3, 4))
    ran, found = swept("study.yaml")
    assert set(ran) == names("cohort-4")
    assert found.labels == ("cohort-2", "cohort-3", "cohort-4")
    assert {path.name for path in Path("out/stale").iterdir()} == names("cohort-1")
    assert set(found.runs()["point"]) == set(found.labels)


def test_a_study_that_is_changed_back_finds_its_runs_again(study):
    swept(study)
    before = bytes_of("out")
    written((3,))
    swept("study.yaml")
    assert swept(written())[0] == []
    assert bytes_of("out") == before


def test_a_changed_scenario_is_another_one_whatever_its_points_are_called(study):
    swept(study)
    words = yaml.safe_load(Path("tiny.yaml").read_text())
    Path("tiny.yaml").write_text(yaml.safe_dump({**words, "fleet": [{**words["fleet"][0], "link": "wifi"}]}))
    steps = []
    fedsim.sweep(study, out="out", tell=steps.append)
    assert sum(step.run is not None for step in steps) == 6
    assert set(steps[0].standing.stale) == names(*POINTS)


def test_a_run_is_found_under_another_name(study):
    """More seeds, another name of the point: what has been computed is not computed again."""
    swept(study)
    variant = {"label": "pair", "file": "tiny.yaml", "set": {"protocol.cohort": 2}}
    Path("other.yaml").write_text(yaml.safe_dump({"name": "study", "scenarios": [variant], "seeds": 3}))
    assert swept("other.yaml")[0] == ["pair-seed-3"]


def test_a_damaged_run_is_set_aside_and_run_again(study):
    swept(study)
    before = bytes_of("out")
    Path("out/runs/cohort-1-seed-1/events.parquet").unlink()
    Path("out/runs/cohort-2-seed-1/summary.json").write_text("{")
    steps = []
    fedsim.sweep(study, out="out", tell=steps.append)
    assert sorted(steps[0].standing.damaged) == ["cohort-1-seed-1", "cohort-2-seed-1"]
    shutil.rmtree("out/stale")
    assert bytes_of("out") == before


def test_a_run_that_fails_is_told_and_tried_again_and_the_others_go_on(monkeypatch):
    study = written((1, 2))
    with monkeypatch.context() as patched:
        patched.setattr("fedsim.study.parcel.simulate", fails_with_two)
        ran, found = swept(study)
    assert set(ran) == names("cohort-1", "cohort-2")
    first, second = found.failed
    assert (first.label, first.seed, first.error) == ("cohort-2", 1, "no way")
    assert second.error.startswith("ZeroDivisionError: oops (test_sweep.py, line ")
    assert not found.complete
    assert (found.seeds_of("cohort-1"), found.seeds_of("cohort-2")) == ((1, 2), ())
    assert json.loads(Path("out/summary.json").read_text())["failed"][0]["error"] == "no way"
    assert found.table()["point"].tolist() == ["cohort-1"]
    again, found = swept(study)
    assert set(again) == names("cohort-2")
    assert (found.failed, found.complete) == ((), True)


def fails_with_two(scenario):
    if scenario.protocol.value.cohort != 2:
        return simulate(scenario)
    raise FedsimError("no way") if scenario.seed == 1 else ZeroDivisionError("oops")


def test_a_full_disk_ends_the_sweep_and_keeps_what_is_finished(study, monkeypatch):
    swept(study, "whole")
    writes, real = [], os.fsync

    def full(number):
        writes.append(number)
        if len(writes) > 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(number)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(FedsimError, match="out: cannot be written: No space left on device; what is finished"):
            swept(study)
    finished = len(list(Path("out/runs").iterdir()))
    assert 0 < finished < 6
    assert not fedsim.read_study("out").complete
    assert len(swept(study)[0]) == 6 - finished
    assert bytes_of("out") == bytes_of("whole")


def test_a_full_disk_where_runs_are_prepared_ends_the_sweep_as_well(study, monkeypatch):
    def full(result, folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("fedsim.study.parcel.write_run", full)
    with pytest.raises(FedsimError, match="No space left on device"):
        swept(study)


def test_files_that_may_not_grow_end_a_sweep_in_words(study):
    """A real limit of the system on the size of files, such as a quota."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    try:
        with pytest.raises(FedsimError, match=r"out: cannot be written: .*too large"):
            swept(study)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    ran, found = swept(study)
    assert len(ran) == 6
    assert found.complete


def in_a_process(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def sweep_in_a_process(workers=2):
    return in_a_process("-m", "fedsim", "sweep", "study.yaml", "--out", "out", "--workers", str(workers))


def wait_for(condition, limit_s=60):
    for _ in range(int(limit_s / 0.005)):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("it did not happen")


def test_killed_it_leaves_no_workers_behind_and_another_goes_on_where_it_was(study):
    swept(study, "whole")
    process = sweep_in_a_process()
    wait_for(lambda: len(list(Path("out/runs").glob("*"))) >= 2)
    children = children_of(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    finished = {path.name: path.stat().st_mtime_ns for path in Path("out/runs").iterdir()}
    wait_for(lambda: not any(map(is_alive, children)))
    ran, _ = swept(study)
    assert set(ran) == names(*POINTS) - set(finished)
    assert all(Path("out/runs", name).stat().st_mtime_ns == at for name, at in finished.items())
    assert bytes_of("out") == bytes_of("whole")


@pytest.mark.long
def test_killed_at_any_instant_again_and_again_it_comes_to_the_same_end(study):
    study = written(range(1, 5), seeds=6)
    swept(study, "whole")
    luck = random.Random(7)
    for _ in range(12):
        process = sweep_in_a_process()
        time.sleep(luck.uniform(1.5, 6))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        for folder in Path("out/runs").glob("*"):
            assert folders.identity_of(folder) is not None, folder
    swept(study)
    assert bytes_of("out") == bytes_of("whole")


def children_of(pid):
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if not listed.exists():
        pytest.skip("needs /proc to find the workers")
    return [int(child) for child in listed.read_text().split()]


def is_alive(pid):
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


@pytest.mark.parametrize(
    ("every", "cohorts"),
    [
        (14, (1, 2)),
        pytest.param(1, (1, 2), marks=pytest.mark.long),
        pytest.param(3, (2, 3), marks=pytest.mark.long),
    ],
)
def test_dead_before_any_step_on_the_disk_it_comes_to_the_same_end(every, cohorts):
    """A process that makes folders, writes, renames and deletes ends before one such step, and then the next.

    A new study, and one of which a point has gone and another come.
    """
    Path(written(cohorts, seeds=1)).rename("before.yaml")
    written((1, 2), seeds=1)
    before = "study.yaml" if cohorts == (1, 2) else "before.yaml"
    done = in_a_process(str(ROOT / "tests" / "helpers" / "crash_points.py"), str(every), before, "study.yaml")
    output, errors = done.communicate(timeout=600)
    assert done.returncode == 0, output + errors
    assert int(output.split()[0]) >= 4, output


def test_two_sweeps_do_not_share_a_folder(study):
    with folders.study_folder(Path("out")), pytest.raises(FedsimError, match="out: another sweep is at work there"):
        swept(study)
    assert swept(study)[1].complete  # a lock that nobody holds any more is no obstacle


def test_leftovers_of_a_killed_sweep_are_cleared_away(study):
    Path("out/.staging/run-abc").mkdir(parents=True)
    Path("out/.staging/run-abc/half").write_text("written")
    Path("out/.lock").touch()
    swept(study)
    assert not Path("out/.staging").exists()


def test_a_folder_of_something_else_is_left_alone(study):
    Path("out").mkdir()
    Path("out/thesis.tex").write_text("mine")
    with pytest.raises(FedsimError, match="out: has files in it, and is no study's folder"):
        swept(study)
    assert [path.name for path in Path("out").iterdir()] == ["thesis.tex"]
    with pytest.raises(FedsimError, match=r"thesis\.tex: is not a folder"):
        swept(study, "out/thesis.tex")


def test_a_file_of_ones_own_beside_the_runs_is_left_alone(study):
    swept(study)
    Path("out/notes.txt").write_text("mine")
    written((1, 2))
    swept("study.yaml")
    assert Path("out/notes.txt").read_text() == "mine"


def test_it_is_told_how_far_things_are(study):
    swept(study)
    shutil.rmtree("out/runs/cohort-1-seed-1")
    steps = []
    fedsim.sweep(study, out="out", tell=steps.append)
    assert [(step.done, step.total, step.run and step.run.name) for step in steps] == [
        (5, 6, None), (6, 6, "cohort-1-seed-1"),
    ]  # fmt: skip
    assert isinstance(steps[1].answer, Parcel)
    assert steps[1].answer.simulated_s == 1.0


def test_mistakes_are_said_before_anything_is_written():
    with pytest.raises(FedsimError, match="did you mean 'cohort'"):
        fedsim.sweep({"name": "x", "scenario": "tiny.yaml", "vary": {"protocol.cohrt": [1]}})
    assert not Path("runs").exists()


def test_by_default_it_goes_to_a_folder_by_the_name_of_the_study(study):
    assert fedsim.sweep(study).folder == Path("runs/study")


def test_failures_are_told_as_they_come(study, monkeypatch):
    monkeypatch.setattr("fedsim.study.parcel.simulate", fails_with_two)
    answers = []
    fedsim.sweep(study, out="out", tell=lambda step: answers.append(step.answer))
    assert sum(isinstance(answer, Failure) for answer in answers) == 2
