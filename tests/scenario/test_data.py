"""Data blocks: what each stands for, and what is said when data cannot be had."""

import struct

import numpy as np
import pytest

from fedsim.errors import ScenarioError
from fedsim.kernel import Simulation
from fedsim.scenario import check, load, resolved
from fedsim.scenario.build import build
from fedsim.scenario.data import Bundled, BundledTargets
from fedsim.scenario.learning import learning_problem
from fedsim.study.run import run
from fedsim.tasks.files.known import MNIST_FILES
from fedsim.tasks.partitions.dirichlet import Dirichlet
from fedsim.tasks.partitions.iid import Iid
from fedsim.tasks.problem import Outline


def problem_of(tiny, data, **changes):
    return learning_problem(check({**tiny, "data": data, **changes}), Simulation(seed=3))


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FEDSIM_DATA", str(tmp_path))
    return tmp_path


def write_npz(path, users=4, each=10):
    number = np.arange(users * each)
    np.savez(path, X=number[:, None] / 10, y=number % 2, task=number // each, kind=number % 3)


@pytest.mark.parametrize(
    ("data", "train", "test"),
    [
        ({"name": "digits", "partition": "iid"}, 1348, 449),
        ({"name": "wine", "partition": {"name": "by-class", "classes_per_device": 3}}, 134, 44),
        ({"name": "breast_cancer", "partition": {"name": "shards", "per_device": 1}}, 425, 144),
        ({"name": "synthetic", "least": 20, "most": 20, "train_share": "80 %"}, 64, 16),
        ({"name": "feddyn-synthetic", "examples": 30}, 120, 120),
        ({"name": "fedem-mixture", "least": 20, "most": 20, "test_examples": 5}, 80, 20),
        ({"name": "linear-tasks", "relation": {"name": "clustered", "clusters": 2}, "test_examples": 7}, 400, 28),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_every_source_deals_to_the_fleet(tiny, data, train, test):
    problem = problem_of(tiny, data)
    assert (problem.devices, problem.name) == (4, data["name"])
    assert problem.sizes.sum() == train
    assert problem.test.sizes.sum() == test


def test_a_scenario_s_data_are_written_and_read_back(tiny, tmp_path):
    data = {"name": "linear-tasks", "relation": {"name": "low-rank", "rank": 2}, "outlier_share": "25 %", "seed": 5}
    first = check({**tiny, "data": data})
    assert "relation: {name: low-rank, rank: 2}" in resolved(first)
    (tmp_path / "again.yaml").write_text(resolved(first))
    assert load(tmp_path / "again.yaml") == first


def test_a_run_learns_from_a_generator_s_data_and_again_the_same(tiny):
    words = {**tiny, "data": {"name": "linear-tasks", "features": 5}, "stop": {"rounds": 3}}
    first, again = (run(check(words)).summary for _ in range(2))
    assert first.final["accuracy"] > 0.7
    assert first == again


def test_files_of_the_data_folder(tiny, data_folder):
    write_npz(data_folder / "landmine.npz")
    write_npz(data_folder / "own.npz")
    assert problem_of(tiny, "landmine").sizes.tolist() == [7] * 4  # floor(2.5 + 0.5) of ten are for testing
    assert problem_of(tiny, {"name": "landmine", "label": "kind"}).model.classes == 3
    mine = problem_of(tiny, {"name": "npz", "file": "own.npz", "label": "kind", "test_share": "50 %"})
    assert (mine.sizes.tolist(), mine.model.classes, mine.name) == ([5] * 4, 3, "own")
    no_users = {"name": "npz", "file": "own.npz", "user": None, "partition": "iid"}
    assert problem_of(tiny, no_users).sizes.sum() == 28
    (data_folder / "own.csv").write_text("a,b,who,y\n" + "".join(f"{i},1,{i % 4},{i % 2}\n" for i in range(16)))
    table = {"name": "csv", "file": "own.csv", "label": "y", "user": "who", "partition": "by-user"}
    assert problem_of(tiny, table).train.features == 2
    (data_folder / "own.txt").write_text("1 1:1\n-1 2:1\n" * 8)
    (data_folder / "own.t").write_text("1 1:1\n-1 2:1\n" * 4)
    lines = {"name": "libsvm", "file": "own.txt", "test_file": "own.t", "test_share": None}
    assert (problem_of(tiny, lines).sizes.sum(), problem_of(tiny, lines).test.sizes.sum()) == (16, 8)
    assert problem_of(tiny, {**lines, "features": 9, "test_share": "25 %"}).train.features == 9


def test_images_of_the_data_folder(tiny, data_folder):
    (data_folder / "mnist").mkdir()
    for name, n in zip(MNIST_FILES, (40, 40, 12, 12), strict=True):
        axes = (n, 2, 2) if "images" in name else (n,)
        numbers = (np.arange(np.prod(axes)) % 4).astype(np.uint8)
        content = struct.pack(f">HBB{len(axes)}I", 0, 8, len(axes), *axes) + numbers.tobytes()
        (data_folder / "mnist" / name).write_bytes(content)
    own = problem_of(tiny, "mnist")
    assert (own.sizes.sum(), own.test.sizes.sum(), own.train.features) == (40, 12, 4)
    shared = problem_of(tiny, {"name": "mnist", "test_share": "50 %"})
    assert (shared.sizes.sum(), shared.test.sizes.sum()) == (24, 28)  # 7 of 13 each
    with pytest.raises(ScenarioError, match=r"fashion/train-images.*there is no such file"):
        problem_of(tiny, {"name": "mnist", "subfolder": "fashion"})


def test_a_folder_is_relative_to_the_file_that_names_it(tiny, tmp_path, monkeypatch):
    monkeypatch.delenv("FEDSIM_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study" / "rows").mkdir(parents=True)
    write_npz(tmp_path / "study" / "rows" / "own.npz")
    data = {"name": "npz", "file": "own.npz", "folder": "rows"}
    words = resolved(check({**tiny, "data": data}))
    (tmp_path / "study" / "s.yaml").write_text(words)
    scenario = load(tmp_path / "study" / "s.yaml")
    assert learning_problem(scenario, Simulation(seed=1)).devices == 4
    with pytest.raises(ScenarioError, match="folder: 'rows' is no folder of data"):
        learning_problem(load(tmp_path / "study" / "s.yaml", ["data.folder=rows"]), Simulation(seed=1))


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ("har", r"tiny: data: har\.npz: there is no such file in .*; make har\.npz, an archive"),
        ({"name": "npz", "file": "../x.npz"}, "leads out of the data folder"),
        ("diabetes", "model: softmax tells classes apart, and diabetes has targets and no classes"),
        ({"name": "diabetes", "partition": "dirichlet"}, "diabetes has targets and no classes: take iid"),
        ({"name": "iris", "partition": {"name": "zipf", "min_examples": 40}}, "need 160, got 150"),
        ({"name": "digits", "partition": "by-user"}, "digits does not say which user a row is of"),
    ],
    ids=str,
)
def test_what_cannot_be_had_is_said_with_the_scenario_s_name(tiny, data, rule, data_folder):
    with pytest.raises(ScenarioError, match=rule):
        build(check({**tiny, "data": data}), Simulation(seed=1))


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        ({"name": "wine", "partition": {"name": "dirichlet", "alpha": 0}}, "data.partition: alpha must be > 0"),
        ({"name": "wine", "partition": "dirichlett"}, "did you mean 'dirichlet'"),
        ({"name": "wine", "test_share": 1}, "data: test_share must be > 0 and < 1"),
        ({"name": "har", "test_share": 0}, "data: test_share must be > 0 and < 1"),
        ({"name": "mnist", "test_share": 2}, "data: test_share must be > 0 and < 1"),
        ({"name": "npz"}, "data.file: is missing"),
        ({"name": "npz", "file": "a", "test_share": 0}, "test_share"),
        ({"name": "csv", "file": "a", "label": "y", "test_share": 0}, "test_share"),
        ({"name": "libsvm", "file": "a", "test_share": 0}, "test_share"),
        ({"name": "synthetic", "alpha": -1}, "data: alpha and beta must be >= 0"),
        ({"name": "synthetic", "gamma": 1}, "'gamma' is not a known key"),
        ({"name": "synthetic", "least": 9, "most": 3}, "most must be >= least"),
        ({"name": "linear-tasks", "relation": {"name": "low-rank", "rank": 0}}, "rank must be >= 1"),
    ],
    ids=str,
)
def test_mistakes_in_a_data_block_are_found_when_it_is_read(tiny, data, rule):
    with pytest.raises(ScenarioError, match=rule):
        check({**tiny, "data": data})


def test_a_timing_run_has_counts_and_no_data(tiny):
    problem = problem_of(tiny, {"name": "counts", "examples": 7})
    assert isinstance(problem, Outline)
    assert problem.sizes.tolist() == [7] * 4


def test_targets_are_shared_out_evenly_unless_said_otherwise():
    assert (BundledTargets().partition, Bundled().partition) == (Iid(), Dirichlet())
