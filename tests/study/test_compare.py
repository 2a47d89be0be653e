import pandas as pd
import pytest

from fedsim.errors import FedsimError
from fedsim.scenario import check
from fedsim.study.compare import compare
from fedsim.study.run import run


@pytest.fixture(scope="module")
def fast(tiny):
    """Reaches its target early, and would stop after five rounds."""
    return check({**tiny, "name": "fast", "stop": {"target": "50 %", "time": "8 s", "rounds": 5}})


@pytest.fixture(scope="module")
def slow(tiny):
    return check({**tiny, "name": "slow", "learner": {"name": "fedavg", "step_size": 0.01}, "stop": {"time": "20 s"}})


@pytest.fixture(scope="module")
def found(fast, slow):
    return compare([fast, slow], [3, 4])


def test_all_run_to_the_smallest_time_past_target_and_rounds(found):
    assert found.horizon_s == 8.0
    for results in found.results.values():
        for result in results:
            assert result.summary.simulated_s == 8.0
            assert result.summary.rounds > 5
            assert result.summary.stopped_because == "time is up"
    assert found.reached("fast") == 2


def test_target_is_the_first_scenarios_and_metric_the_mean_over_devices(found):
    assert (found.target, found.metric) == (0.5, "mean_accuracy")


def test_target_and_metric_can_be_given(fast):
    found = compare([fast], [1], target=0.99, metric="worst_tenth")
    assert (found.target, found.metric) == (0.99, "worst_tenth")


def test_every_scenario_runs_with_every_seed(found):
    assert found.seeds == (3, 4)
    for results in found.results.values():
        assert [result.seed for result in results] == [3, 4]
        assert [result.scenario.seed for result in results] == [3, 4]
        assert not results[0].curve.equals(results[1].curve)


def test_a_run_is_what_it_would_be_alone(found, tiny):
    evaluate = {"every_rounds": None, "every": 8 / 200}
    alone = check({**tiny, "name": "fast", "seed": 4, "stop": {"time": "8 s"}, "evaluate": evaluate})
    pd.testing.assert_frame_equal(run(alone).curve, found.results["fast"][1].curve)


def test_all_are_looked_at_at_the_same_instants(found):
    """Who is looked at more often would reach a target earlier on a curve that goes up and down."""
    one, other = (results[0].curve["time_s"] for results in found.results.values())
    assert one.tolist() == other.tolist()
    assert len(one) == 201


def test_seeds_share_their_luck(found):
    """Only the learner differs: the same devices are asked at the same times."""
    for one, other in zip(*found.results.values(), strict=True):
        assert one.curve["time_s"].tolist() == other.curve["time_s"].tolist()
    assert found.difference("slow", found_measure("rounds")).differences == [0, 0]


def found_measure(field):
    from fedsim.study.outcome import MEASURES

    return next(measure for measure in MEASURES if measure.field == field)


def test_the_number_of_workers_changes_nothing(found, fast, slow):
    told = []
    again = compare([fast, slow], [3, 4], workers=2, tell=told.append)
    pd.testing.assert_frame_equal(again.runs(), found.runs())
    for name in found.names:
        for one, other in zip(found.results[name], again.results[name], strict=True):
            pd.testing.assert_frame_equal(one.curve, other.curve)
            pd.testing.assert_frame_equal(one.events, other.events)
    assert sorted((result.scenario.name, result.seed) for result in told) == [
        ("fast", 3), ("fast", 4), ("slow", 3), ("slow", 4),
    ]  # fmt: skip


def test_scenarios_of_one_name_are_told_apart(fast, slow):
    found = compare([fast, slow.model_copy(update={"name": "fast"})], [1])
    assert found.names == ("fast", "fast-2")


def test_files_are_read(tiny, tmp_path):
    import yaml

    file = tmp_path / "tiny.yaml"
    file.write_text(yaml.safe_dump({**tiny, "stop": {"time": "2 s"}}))
    assert compare([file], [1], target=0.9).names == ("tiny",)


def test_a_run_that_fails_names_its_scenario_and_seed(tiny):
    data = {"name": "iris", "partition": {"name": "iid", "min_examples": 100}}
    with pytest.raises(FedsimError, match=r"^tiny, seed 7: .*need 400, got 150"):
        compare([check({**tiny, "data": data})], [7])


def test_what_cannot_be_compared_is_refused(fast, tiny):
    endless = check({**tiny, "stop": {"rounds": 5, "target": "50 %"}})
    aimless = check({**tiny, "stop": {"time": "5 s"}})
    refusals = [
        ("at least one scenario", lambda: compare([], [1])),
        (r"seeds must be different, and at least one, got \[\]", lambda: compare([fast], [])),
        (r"seeds must be different, and at least one, got \[1, 1\]", lambda: compare([fast], [1, 1])),
        (
            "'mean_acuracy' is not a known metric of fedavg; did you mean 'mean_accuracy'",
            lambda: compare([fast], [1], metric="mean_acuracy"),
        ),
        ("none of tiny has a stop.time", lambda: compare([endless], [1])),
        ("'tiny' has no stop.target", lambda: compare([aimless], [1])),
        ("target must be above 0 % and at most 100 %, got 150 %", lambda: compare([fast], [1], target=1.5)),
    ]
    for rule, attempt in refusals:
        with pytest.raises(FedsimError, match=rule):
            attempt()
