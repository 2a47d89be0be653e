import math

import pytest

from fedsim.report.remaining import Remaining, counted, left_text, runs_left
from fedsim.study.goal import Goal
from fedsim.study.monitor import Bounds, Point


class Clock:
    """A host's clock that a test moves."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def point(**changes):
    zeros = dict.fromkeys(("mean_accuracy", "worst_tenth", "bottom_decile", "up_bytes", "down_bytes"), 0.0)
    given = {"time_s": 0.0, "round": 0.0, "accuracy": 0.0, "energy_j": 0.0, "measures": {}}
    return Point(**{**zeros, **given, **changes})


def left_after(bounds, *seen):
    """Seconds left after points at given seconds of the host's clock."""
    clock = Clock()
    remaining = Remaining(bounds, clock)
    for after_s, changes in seen:
        clock.now_s = 100.0 + after_s
        left_s = remaining.left_s(point(**changes))
    return left_s


@pytest.mark.parametrize(
    ("bounds", "changes", "left_s"),
    [
        ({"rounds": 100.0}, {"round": 25.0}, 30.0),
        ({"time_s": 60.0}, {"time_s": 30.0}, 10.0),
        ({"energy_j": 50.0}, {"energy_j": 40.0}, 2.5),
        ({"rounds": 100.0, "time_s": 60.0}, {"round": 25.0, "time_s": 30.0}, 10.0),  # what comes first
        ({}, {"round": 25.0}, math.inf),
        ({"rounds": 100.0}, {}, math.inf),
    ],
)
def test_bounds_are_approached_in_proportion(bounds, changes, left_s):
    assert left_after(Bounds(**bounds), (10.0, changes)) == pytest.approx(left_s)


def test_a_target_is_approached_as_lately():
    goal = Goal(metric="accuracy", target=0.9)
    seen = [(0.0, {"accuracy": 0.1}), (5.0, {"accuracy": 0.6}), (10.0, {"accuracy": 0.7})]
    assert left_after(Bounds(goal=goal), *seen) == pytest.approx(10.0)  # 0.2 to go, at 0.1 in 5 s
    later = (10.0, {"accuracy": 0.7, "round": 80.0})
    assert left_after(Bounds(goal=goal, rounds=100.0), *seen[:2], later) == pytest.approx(2.5)
    assert left_after(Bounds(goal=goal), *seen[:2], (10.0, {"accuracy": 0.5})) == math.inf


def test_a_falling_metric_is_approached_from_above():
    goal = Goal(metric="gap", target=0.1, falls=True)
    seen = [(5.0, {"measures": {"gap": 0.5}}), (10.0, {"measures": {"gap": 0.3}})]
    assert left_after(Bounds(goal=goal), *seen) == pytest.approx(5.0)


def test_nothing_is_said_at_first():
    assert left_after(Bounds(rounds=100.0), (1.5, {"round": 50.0})) == math.inf


@pytest.mark.parametrize(
    ("left_s", "text"),
    [
        (math.inf, ""),
        (math.nan, ""),
        (0.0, ""),
        (0.3, "about 1 s left"),
        (43.7, "about 44 s left"),
        (754.0, "about 12.5 min left"),
    ],
)
def test_in_words(left_s, text):
    assert left_text(left_s) == text


def test_runs_take_their_share():
    clock = Clock()
    left = runs_left(clock)
    clock.now_s += 30.0
    assert left(3, 12) == "about 1.5 min left"
    assert left(12, 12) == ""


def test_the_text_is_that_of_the_time():
    clock = Clock()
    remaining = Remaining(Bounds(rounds=4.0), clock)
    clock.now_s += 10.0
    assert remaining.text(point(round=1.0)) == "about 30 s left"


def test_many_runs_are_counted_whether_they_tell_much_or_only_their_name(make_result):
    said = []
    tell = counted(2, said.append)
    tell(make_result([(0.0, 0.1), (10.0, 0.5)], name="star"))
    tell("ring, seed 3")
    assert said[0].startswith("1 of 2 runs  star, seed 1: mean accuracy 50.0 % after 10 s")
    assert said[1] == "2 of 2: ring, seed 3"
