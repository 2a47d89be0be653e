import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fedsim.study.interval import t_interval

VALUES = st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 3)), min_size=2, max_size=20)
"""Not so small that scipy loses their squares."""


def test_three_differences_by_hand():
    found = t_interval([1.0, 2.0, 3.0])
    half = 4.302652729911275 / math.sqrt(3)  # t for 2 degrees of freedom, a standard deviation of 1
    assert found.mean == 2.0
    assert found.low == pytest.approx(2 - half)
    assert found.high == pytest.approx(2 + half)
    assert found.pairs == 3
    assert found.p == pytest.approx(2 * stats.t.sf(2 * math.sqrt(3), 2))


@given(VALUES)
@settings(deadline=None, max_examples=100)
def test_it_is_the_interval_of_a_t_test(values):
    found = t_interval(values)
    if len(set(values)) == 1:
        assert found.low == found.mean == found.high
        return
    test = stats.ttest_1samp(values, 0.0)
    low, high = test.confidence_interval(0.95)
    assert found.p == pytest.approx(test.pvalue, rel=1e-6, abs=1e-12)
    assert found.low == pytest.approx(low, rel=1e-9, abs=1e-9)
    assert found.high == pytest.approx(high, rel=1e-9, abs=1e-9)


def test_a_wider_confidence_gives_a_wider_interval():
    sure, surer = t_interval([1.0, 2.0, 4.0]), t_interval([1.0, 2.0, 4.0], confidence=0.99)
    assert surer.low < sure.low < sure.high < surer.high


def test_p_and_the_interval_say_the_same_on_both_sides():
    for values in ([9.0, 10.0, 11.0], [-9.0, -10.0, -11.0], [-1.0, 0.0, 2.0], [1.0, 2.0, 8.0]):
        found = t_interval(values)
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


def test_equal_differences_have_no_width():
    same = t_interval([2.0, 2.0, 2.0])
    assert (same.low, same.high, same.p) == (2.0, 2.0, 0.0)
    assert t_interval([0.0, 0.0]).p == 1.0


def test_one_difference_has_no_interval():
    one = t_interval([5.0])
    assert (one.mean, one.low, one.high, one.pairs, one.p) == (5.0, None, None, 1, None)


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf, 1.0]])
def test_what_is_no_number_is_refused(values):
    with pytest.raises(ValueError, match="finite, and at least one"):
        t_interval(values)
