"""Many seeds of one scenario."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.scenario import check
from fedsim.study.outcome import MEASURES
from fedsim.study.plot import plot_quality
from fedsim.study.reading import read_result
from fedsim.study.run import run
from fedsim.study.seeds import Seeds, over, run_seeds
from fedsim.study.seeds_folder import read_seeds, write_seeds
from fedsim.study.terms import with_seed

MEASURE = {measure.field: measure for measure in MEASURES}
TIME = MEASURE["time_to_target_s"]
NEVER = [(0.0, 0.1), (60.0, 0.5)]


def until(time_s):
    return [(0.0, 0.1), (time_s, 0.95)]


@pytest.fixture
def seven(make_result):
    """Six reach the target after 10, 20 ... 60 s, and the last never does."""
    curves = [*(until(10.0 * number) for number in range(1, 7)), NEVER]
    return Seeds(results=tuple(make_result(rows, seed=seed) for seed, rows in enumerate(curves, start=5)))


def test_runs_that_never_got_there_count(seven):
    assert (seven.reached, seven.seeds) == (6, (5, 6, 7, 8, 9, 10, 11))
    found = seven.over(TIME)
    assert (found.median, found.lowest, found.highest) == (40.0, 10.0, math.inf)
    assert (found.low, found.high) == (10.0, math.inf)  # of seven all: P(all on one side) = 2 / 2^7 = 1.6 %
    table = seven.table().set_index("measure")
    assert table["reached"].unique().tolist() == [6]
    assert table.loc["mean_accuracy", "median"] == 0.95
    assert seven.runs()["time_to_target_s"].isna().tolist() == [False] * 6 + [True]


@pytest.mark.parametrize(
    ("count", "ends"),
    [(5, (None, None)), (6, (1.0, 6.0)), (9, (2.0, 8.0)), (10, (2.0, 9.0)), (20, (6.0, 15.0))],
)
def test_the_interval_of_a_median_is_that_of_the_tables(count, ends):
    """Conover 1999, table A3: binomial(n, 1/2)."""
    found = over([float(number) for number in range(count, 0, -1)])
    assert (found.low, found.high) == ends
    assert found.median == (count + 1) / 2


@given(st.lists(st.floats(0, 100) | st.just(math.inf), min_size=1, max_size=30))
@settings(deadline=None, max_examples=50)
def test_the_interval_holds_the_median_and_lies_in_the_range(values):
    found = over(values)
    assert found.lowest <= found.median <= found.highest
    if found.low is not None:
        assert found.lowest <= found.low <= found.median <= found.high <= found.highest


def test_the_interval_covers_the_median_as_often_as_it_says():
    rng = np.random.default_rng(7)
    samples = rng.exponential(size=(400, 12))
    hits = sum(found.low <= math.log(2) <= found.high for found in map(over, samples.tolist()))
    assert hits / 400 >= 0.94  # at least 96.1 % for n = 12; four standard errors are 3.9 points


def test_timing_runs_have_no_target_to_reach(tiny):
    found = run_seeds(check({**tiny, "stop": {"rounds": 2, "target": 0.9}}), [1, 2], dry=True)
    assert found.over(TIME) is None
    assert found.over(MEASURE["mean_accuracy"]) is None
    assert found.over(MEASURE["rounds"]).median == 2
    assert set(found.table()["measure"]) == {"rounds", "round_s", "energy_j", "up_bytes", "down_bytes", "total_bytes"}


def test_every_seed_is_the_run_of_that_seed_on_any_number_of_workers(tiny, tmp_path):
    scenario = check({**tiny, "stop": {"rounds": 3, "target": 0.9}})
    alone, shared = (run_seeds(scenario, [3, 4, 5], workers=workers) for workers in (1, 2))
    for one, other, seed in zip(alone.results, shared.results, (3, 4, 5), strict=True):
        pd.testing.assert_frame_equal(one.events, other.events)
        pd.testing.assert_frame_equal(one.events, run(scenario, seed=seed).events)
    first, second = (write_seeds(found, tmp_path / name) for found, name in ((alone, "a"), (shared, "b")))
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    for file in files:
        assert (first / file).read_bytes() == (second / file).read_bytes(), file


def test_a_topology_that_is_drawn_is_drawn_anew(tiny):
    topology = {"generate": "watts-strogatz", "nodes": 9}
    fleet = [{**tiny["fleet"][0], "at": "node-0"}]
    scenario = check({**tiny, "topology": topology, "server": {"at": "node-5"}, "fleet": fleet})
    edges = [set(with_seed(scenario, seed).topology.graph.edges) for seed in (1, 2)]
    assert edges[0] != edges[1]
    assert edges[0] == set(scenario.topology.graph.edges)  # 1 is the scenario's own


def test_the_folder_holds_every_run_and_what_they_come_to(seven, tmp_path):
    folder = write_seeds(seven, tmp_path / "out")
    words = json.loads((folder / "summary.json").read_text())
    assert (words["kind"], words["format"], words["reached"]) == ("seeds", 1, 6)
    assert words["seeds"] == [5, 6, 7, 8, 9, 10, 11]
    assert words["table"][0] | {"highest": "?"} == words["table"][0] | {"median": 40.0, "highest": "?"}
    assert words["table"][0]["highest"] is None  # JSON has no infinity
    assert math.isinf(pd.read_csv(folder / "table.csv").set_index("measure").loc["time_to_target_s", "highest"])
    assert (folder / "quality.png").read_bytes().startswith(b"\x89PNG")
    assert read_result(folder / "runs" / "tiny-seed-7").seed == 7
    again = read_seeds(folder)
    assert again.seeds == seven.seeds
    pd.testing.assert_frame_equal(again.table(), seven.table())
    with pytest.raises(FedsimError, match="holds a run, not runs of many seeds"):
        read_seeds(folder / "runs" / "tiny-seed-7")


def test_the_picture_has_a_band_to_the_end_of_the_longest_run(seven):
    axes = plot_quality(seven)
    [band] = axes.collections
    assert band.get_paths()[0].vertices[:, 0].max() == 60.0
    assert axes.get_legend().get_texts()[0].get_text() == "tiny: 90 % in 40 s (6 of 7 seeds)"


def test_no_seeds_and_equal_seeds_are_refused(tiny):
    for seeds in ([], [1, 1]):
        with pytest.raises(FedsimError, match="seeds must be different, and at least one"):
            run_seeds(check(tiny), seeds)
