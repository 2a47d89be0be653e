"""Rounds to a target as papers count them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsim.study.crossing import crossing


@pytest.mark.parametrize(
    ("values", "target", "wanted"),
    [
        ([0.0, 0.5, 1.0], 0.75, 15.0),  # half of the way from round 10 to 20
        ([0.0, 0.5, 1.0], 0.5, 10.0),
        ([0.8, 0.5, 1.0], 0.75, 0.0),  # reached before the first round
        ([0.6, 0.2, 1.0], 0.8, 15.0),  # the fall in between is forgotten: from 0.6 to 1.0
        ([0.0, float("nan"), 1.0], 0.5, 15.0),
        ([float("nan"), 0.9, 1.0], 0.5, 10.0),
        ([0.0, 0.5, 0.7], 0.75, None),
        ([-2.0, -1.0, -0.5], -0.75, 15.0),  # a loss, turned
    ],
)
def test_by_hand(values, target, wanted):
    assert crossing([0, 10, 20], values, target) == (None if wanted is None else pytest.approx(wanted))


def test_no_evaluations():
    assert crossing([], [], 0.5) is None


@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=20), low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_higher_target_is_never_reached_earlier(values, low, high):
    low, high = sorted([low, high])
    first, second = (crossing(range(len(values)), values, target) for target in (low, high))
    assert second is None or first <= second


def test_of_a_result(make_result):
    result = make_result([(0.0, 0.2), (10.0, 0.6), (20.0, 0.4), (30.0, 1.0)])
    assert result.rounds_to("mean_accuracy", 0.8) == pytest.approx(2.5)
    assert result.rounds_to("mean_accuracy", 1.1) is None
    with pytest.raises(KeyError):
        result.rounds_to("beauty", 0.5)
