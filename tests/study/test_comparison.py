import math

import pytest

from fedsim.study.outcome import MEASURES

MEASURE = {measure.field: measure for measure in MEASURES}
TIME = MEASURE["time_to_target_s"]


def until(time_s, end=0.95):
    """A curve that reaches its end at a time, and stays there until the horizon."""
    return [(0.0, 0.1), (time_s, end), (60.0, end)]


NEVER = [(0.0, 0.1), (60.0, 0.5)]


@pytest.fixture
def two(make_comparison):
    return make_comparison({"star": [until(10.0), until(20.0), until(30.0)], "ring": [until(14.0), NEVER, until(36.0)]})


def test_typical_figures_stand_side_by_side(two):
    table = two.table().set_index("scenario")
    assert table["seeds"].tolist() == [3, 3]
    assert table["reached"].tolist() == [3, 2]
    assert table["time_to_target_s"].tolist() == [20.0, 36.0]
    assert table.loc["ring", "mean_accuracy"] == pytest.approx((0.95 + 0.5 + 0.95) / 3)


def test_a_scenario_that_mostly_fails_is_infinitely_far(make_comparison):
    found = make_comparison({"star": [until(10.0), NEVER, NEVER]})
    assert found.reached("star") == 1
    assert found.typical("star", TIME) == math.inf


def test_differences_are_paired_by_seed_and_say_on_how_many(two):
    found = two.difference("ring", TIME)
    assert found.pairs == 2  # seed 2 never reached the target on the ring
    assert found.mean == 5.0  # of 4 s and 6 s
    assert found.low == pytest.approx(5 - 12.706204736 * 1.0)
    assert two.difference("ring", MEASURE["rounds"]).pairs == 3


def test_without_a_pair_there_is_no_difference(make_comparison):
    found = make_comparison({"star": [until(10.0), NEVER], "ring": [NEVER, until(10.0)]})
    assert found.difference("ring", TIME) is None
    row = found.differences().set_index("measure").loc["time_to_target_s"]
    assert row["pairs"] == 0
    assert math.isnan(row["mean"])


def test_one_seed_gives_a_difference_and_no_interval(make_comparison):
    found = make_comparison({"star": [until(10.0)], "ring": [until(14.0)]}).difference("ring", TIME)
    assert (found.mean, found.low, found.high) == (4.0, None, None)


def test_differences_has_a_row_for_each_other_scenario_and_figure(two):
    rows = two.differences()
    assert set(rows["scenario"]) == {"ring"}
    assert set(rows["less"]) == {"star"}
    assert rows["measure"].tolist() == list(MEASURE)


def test_runs_has_a_row_for_each_run(two):
    runs = two.runs()
    assert runs[["scenario", "seed"]].to_numpy().tolist() == [
        [name, seed] for name in ("star", "ring") for seed in (1, 2, 3)
    ]
    assert runs["time_to_target_s"].isna().tolist() == [False] * 4 + [True, False]


def test_the_target_and_the_metric_are_those_of_the_comparison(make_comparison):
    curves = {"star": [until(10.0, end=0.8)]}
    assert make_comparison(curves).reached("star") == 0
    assert make_comparison(curves, target=0.8).reached("star") == 1
    assert make_comparison(curves, target=0.4, metric="worst_tenth").reached("star") == 1
    assert make_comparison(curves, target=0.5, metric="worst_tenth").reached("star") == 0
