import math

import pytest

from fedsim.study.goal import Goal
from fedsim.study.outcome import GOAL, MEASURES, measures, outcome, over_seeds
from fedsim.study.pair import Figure

MEASURE = {measure.field: measure for measure in MEASURES}
RISING = [(0.0, 0.1), (10.0, 0.8), (20.0, 0.9), (30.0, 0.85)]


def goal(metric, target):
    return Goal(metric=metric, target=target)


def test_figures_are_read_where_the_target_was_first_reached(make_result):
    found = outcome("tiny", make_result(RISING, seed=7), goal("mean_accuracy", 0.9))
    assert (found.scenario, found.seed) == ("tiny", 7)
    assert found.time_to_target_s == 20.0
    assert found.rounds_to_target == 2.0
    assert found.energy_to_target_j == 20.0
    assert found.up_to_target_bytes == 2000.0
    assert found.down_to_target_bytes == 4000.0
    assert found.total_to_target_bytes == 6000.0


def test_other_figures_are_those_of_the_end(make_result):
    found = outcome("tiny", make_result(RISING), goal("mean_accuracy", 0.9))
    assert found.mean_accuracy == 0.85
    assert (found.worst_tenth, found.bottom_decile) == (0.425, 0.425)
    assert (found.rounds, found.energy_j, found.up_bytes, found.down_bytes) == (3.0, 30.0, 3000.0, 6000.0)
    assert (found.total_bytes, found.goal_metric, found.time_s) == (9000.0, 0.85, 30.0)


def test_the_end_of_a_run_that_was_stopped_before_the_horizon_is_not_compared(make_result):
    stopped = make_result(RISING, stopped_because="target reached")
    found = outcome("tiny", stopped, goal("mean_accuracy", 0.9), horizon_s=60.0)
    assert (found.whole, found.time_s, found.time_to_target_s, found.mean_accuracy) == (False, 60.0, 20.0, 0.85)
    assert MEASURE["time_to_target_s"].figure(found) == Figure(value=20.0)
    assert MEASURE["mean_accuracy"].figure(found) is None
    assert MEASURE["energy_j"].figure(found) is None
    missed = outcome("tiny", stopped, goal("mean_accuracy", 0.99), horizon_s=60.0)
    assert MEASURE["time_to_target_s"].figure(missed) is None  # nobody knows what it would have taken until then
    nothing_went_on = outcome("tiny", make_result(RISING), goal("mean_accuracy", 0.9), horizon_s=60.0)
    assert nothing_went_on.whole
    assert MEASURE["rounds"].figure(nothing_went_on) == Figure(value=3.0)


def test_a_run_whose_own_time_was_up_before_the_horizon_is_not_whole(make_result):
    """Its bound is 60 s: what it would have come to by 90 s nobody knows, unless nothing could go on before."""
    rows = [(0.0, 0.1), (60.0, 0.8)]
    found = outcome("tiny", make_result(rows), goal("mean_accuracy", 0.9), horizon_s=90.0)
    assert not found.whole
    assert MEASURE["time_to_target_s"].figure(found) is None
    assert outcome("tiny", make_result(rows), goal("mean_accuracy", 0.9), horizon_s=60.0).whole
    assert outcome("tiny", make_result(RISING), goal("mean_accuracy", 0.9), horizon_s=90.0).whole


def test_a_figure_that_was_not_reached_is_what_it_took_until_the_end(make_result):
    missed = outcome("tiny", make_result(RISING), goal("mean_accuracy", 0.99), horizon_s=60.0)
    values = {"time_to_target_s": 60.0, "rounds_to_target": 3.0, "energy_to_target_j": 30.0}
    values |= {"up_to_target_bytes": 3000.0, "down_to_target_bytes": 6000.0, "total_to_target_bytes": 9000.0}
    for field, value in values.items():
        assert MEASURE[field].figure(missed) == Figure(value=value, complete=False)
    assert MEASURE["rounds"].figure(missed) == Figure(value=3.0)
    reached = outcome("tiny", make_result(RISING), goal("mean_accuracy", 0.9))
    assert MEASURE["time_to_target_s"].figure(reached) == Figure(value=20.0)
    timing = outcome("tiny", make_result(RISING, learned=False), goal("mean_accuracy", 0.9))
    assert MEASURE["accuracy"].figure(timing) is None


def test_a_metric_that_is_none_of_the_figures_is_one_of_its_own(make_result):
    assert measures(goal("worst_tenth", 0.5)) == MEASURES
    gap = next(
        measure for measure in measures(Goal(metric="duality_gap", target=0.1, falls=True)) if measure.field == GOAL
    )
    assert (gap.text, gap.unit, gap.is_share, gap.is_of_quality) == ("duality gap", "", False, True)
    unseen = next(measure for measure in measures(goal("unseen_accuracy", 0.5)) if measure.field == GOAL)
    assert (unseen.text, unseen.is_share) == ("unseen accuracy", True)
    result = make_result(RISING)
    result.curve["duality_gap"] = [4.0, 2.0, 1.0, 0.5]
    found = outcome("tiny", result, Goal(metric="duality_gap", target=1.0, falls=True))
    assert (found.time_to_target_s, found.goal_metric) == (20.0, 0.5)


def test_the_metric_and_the_target_matter(make_result):
    result = make_result(RISING)
    assert outcome("tiny", result, goal("mean_accuracy", 0.8)).time_to_target_s == 10.0
    assert outcome("tiny", result, goal("worst_tenth", 0.4)).time_to_target_s == 10.0
    assert outcome("tiny", result, goal("worst_tenth", 0.5)).time_to_target_s is None


def test_runs_that_never_reach_the_target_count_as_infinitely_far(make_result):
    times = [(10.0, 0.95), (20.0, 0.95), (30.0, 0.95)]
    reached = [outcome("a", make_result([(0.0, 0.0), row]), goal("mean_accuracy", 0.9)) for row in times]
    never = [outcome("a", make_result([(0.0, 0.0), (60.0, 0.5)]), goal("mean_accuracy", 0.9))]
    time = MEASURE["time_to_target_s"]
    assert over_seeds(time, reached) == 20.0
    assert over_seeds(time, reached + never) == 25.0
    assert over_seeds(time, reached + 2 * never) == 30.0
    assert over_seeds(time, reached + 3 * never) == math.inf
    assert over_seeds(time, never) == math.inf


def test_what_every_run_has_is_averaged(make_result):
    ends = [outcome("a", make_result([(0.0, 0.0), (60.0, end)]), goal("mean_accuracy", 0.9)) for end in (0.2, 0.4, 0.9)]
    assert over_seeds(MEASURE["mean_accuracy"], ends) == pytest.approx(0.5)
    assert over_seeds(MEASURE["energy_j"], ends) == 10.0


def test_measures_name_fields_of_an_outcome_with_their_units(make_result):
    found = outcome("tiny", make_result(RISING), goal("mean_accuracy", 0.9))
    suffix = {"s": "_s", "J": "_j", "bytes": "_bytes"}
    for measure in MEASURES:
        assert measure.of(found) is not None
        assert measure.field.endswith(suffix.get(measure.unit, ""))
