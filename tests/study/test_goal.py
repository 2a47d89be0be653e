"""What counts as reached, whichever way a metric goes, and everywhere that it is asked."""

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError, ScenarioError
from fedsim.scenario import check, resolved
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.study.compare import compare
from fedsim.study.goal import Goal
from fedsim.study.run import run

FALLING = pd.DataFrame({"time_s": [0.0, 10.0, 20.0, 30.0], "gap": [1.0, math.nan, 0.25, 0.5]})
MOCHA = {
    "model": "svm",
    "learner": {"name": "mocha", "regulariser": {"name": "mean-regularised"}},
    "data": {"name": "breast_cancer", "partition": "iid"},
    "protocol": {"name": "synchronous-rounds", "cohort": 4},
}


def test_a_falling_metric_is_reached_from_above():
    goal = Goal(metric="gap", target=0.5, falls=True)
    assert goal.reached(FALLING).tolist() == [False, False, True, True]
    assert goal.time_s(FALLING) == 20.0
    assert goal.first(FALLING) == {"time_s": 20.0, "gap": 0.25}
    assert Goal(metric="gap", target=0.2, falls=True).time_s(FALLING) is None


def test_without_a_target_nothing_is_reached():
    assert not Goal(metric="gap", falls=True).reached(FALLING).any()
    assert not Goal(metric="gap").is_reached_by(math.inf)


def test_a_curve_without_the_metric_says_what_it_has():
    with pytest.raises(KeyError, match=r"no 'primal'; it has time_s, gap"):
        Goal(metric="primal", target=1.0).reached(FALLING)


@given(values=st.lists(st.floats(-5, 5) | st.just(math.nan), min_size=1, max_size=9), target=st.floats(-5, 5))
@settings(deadline=None, max_examples=60)
def test_turned_around_a_falling_metric_is_a_rising_one(values, target):
    curve = pd.DataFrame({"time_s": range(len(values)), "up": values, "down": [-value for value in values]})
    rising, falling = Goal(metric="up", target=target), Goal(metric="down", target=-target, falls=True)
    assert rising.reached(curve).tolist() == falling.reached(curve).tolist()
    assert rising.reached(curve).tolist() == [rising.is_reached_by(value) for value in values]


def test_a_run_stops_at_the_gap_that_it_is_asked_for(tiny):
    stop = {"metric": "gap", "target": 0.2, "rounds": 60}
    result = run(check({**tiny, **MOCHA, "stop": stop}))
    gaps = result.curve["gap"]
    assert result.summary.stopped_because == "target reached"
    assert gaps.iloc[-1] <= 0.2 < gaps.iloc[:-1].min()
    assert result.summary.falls
    assert result.summary.time_to_target_s == result.time_to("gap", 0.2) == result.curve["time_s"].iloc[-1]
    before, last = result.curve["round"].iloc[-2:]
    assert before < result.rounds_to("gap", 0.2) <= last
    assert result.time_to("dual", result.curve["dual"].iloc[3]) == result.curve["time_s"].iloc[3]  # it rises


def test_targets_are_written_as_they_are_read(tiny):
    share, number = (
        check({**tiny, "stop": {**stop, "rounds": 3}})
        for stop in ({"metric": "mean_accuracy", "target": 0.9}, {"metric": "objective", "target": "1e-3"})
    )
    assert "target: 90 %" in resolved(share)
    assert "target: 0.001" in resolved(number)
    assert number.stop.target == 1e-3


@pytest.mark.parametrize(
    ("stop", "learner", "message"),
    [
        ({"metric": "duality"}, "fedavg", r"stop.metric: 'duality' is not a known metric of fedavg.*, objective, "),
        ({"metric": "objectiv"}, "fedavg", "did you mean 'objective'"),
        ({"metric": "gap"}, "fedavg", "'gap' is not a known metric of fedavg"),
        ({"metric": "objective", "target": "inf"}, "fedavg", "stop.target: must be finite"),
        ({"metric": "unseen_accuracy"}, "fedavg", "say how many in evaluate.unseen"),
        ({"metric": 3}, "fedavg", "stop.metric: must be a text"),
    ],
)
def test_what_cannot_be_a_goal_is_refused(tiny, stop, learner, message):
    with pytest.raises(ScenarioError, match=message):
        check({**tiny, "learner": learner, "stop": {**stop, "rounds": 3}})


def test_all_mistakes_of_stop_are_told_at_once(tiny):
    with pytest.raises(ScenarioError) as caught:
        check({**tiny, "stop": {"metric": "gap", "rounds": 0, "tiem": "3 s"}})
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "stop.metric",
        "stop.rounds",
        "stop.tiem",
    ]


def test_devices_kept_out_have_a_goal_of_their_own(tiny):
    stop = {"metric": "unseen_accuracy", "target": "60 %", "rounds": 40}
    result = run(check({**tiny, "evaluate": {"unseen": 2}, "stop": stop}))
    assert result.summary.stopped_because == "target reached"
    assert result.curve["unseen_accuracy"].iloc[-1] >= 0.6


def test_a_measure_that_nobody_declared_is_looked_for_when_the_run_begins(tiny):
    scenario = check({**tiny, "stop": {"metric": "objective", "target": 0.1, "rounds": 2}})
    stop = scenario.stop.model_copy(update={"metric": "beauty"})
    with pytest.raises(FedsimError, match=r"stop.metric: 'beauty' is not a known metric of this run.*objective"):
        run(scenario.model_copy(update={"stop": stop}))


def test_a_timing_run_has_no_goal_to_reach(tiny):
    result = run(check({**tiny, "stop": {"metric": "objective", "target": 9.0, "rounds": 2}}), dry=True)
    assert result.summary.stopped_because == "rounds are over"
    assert result.summary.time_to_target_s is None


def test_scenarios_are_compared_by_a_measure_that_all_have(tiny):
    base = {**tiny, "stop": {"metric": "objective", "target": 0.7, "time": "8 s"}}
    slow = {**base, "name": "slow", "learner": {"name": "fedavg", "step_size": 1e-4}}
    found = compare([check(base), check(slow)], [1], metric="objective")
    assert found.goal == Goal(metric="objective", target=0.7, falls=True)
    assert (found.reached("tiny"), found.reached("slow")) == (1, 0)
    with pytest.raises(FedsimError, match="slow: 'gap' is not a known metric of fedavg"):
        compare([check({**base, **MOCHA, "stop": {"time": "8 s"}}), check(slow)], [1], metric="gap", target=0.1)
    with pytest.raises(FedsimError, match=r"has no stop.target of accuracy: give one, such as --target '85 %'"):
        compare([check(base)], [1], metric="accuracy")


def test_learners_say_which_of_their_measures_may_be_a_goal():
    kinds = standard_catalogue().kinds["learner"]
    silent = [name for name, kind in kinds.items() if not getattr(kind.type, "merits", None)]
    assert not silent
