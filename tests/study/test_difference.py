import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fedsim.study.difference import Difference
from fedsim.study.effect import effect
from fedsim.study.outcome import MEASURES
from fedsim.study.pair import Figure, Pair

MEASURE = {measure.field: measure for measure in MEASURES}
POSITIVE = st.lists(st.tuples(st.floats(0.1, 1e4), st.floats(0.1, 1e4)), min_size=2, max_size=12)


def figure(word):
    """A number that was reached, or a text such as ``>60``, that was not."""
    return Figure(value=float(str(word).lstrip(">")), complete=not str(word).startswith(">"))


def difference(own, first, field="time_to_target_s"):
    pairs = tuple(Pair(own=figure(a), first=figure(b)) for a, b in zip(own, first, strict=True))
    return Difference(measure=MEASURE[field], pairs=pairs)


def test_the_extra_hours_of_sleep():
    """Student, "The probable error of a mean", 1908: ten sleepers, two drugs; t = 4.062, p = 0.0028, R's example."""
    one = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    other = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = difference(other, one)
    assert found.interval.mean == pytest.approx(1.58)
    assert (found.interval.low, found.interval.high) == pytest.approx((0.7001142, 2.4598858))
    assert found.p == pytest.approx(0.002832890)
    assert found.factor is None  # hours lost have no ratio
    assert (found.less, found.more, found.sign_p) == (0, 9, 2 * 0.5**9)
    assert found.correlation == pytest.approx(0.7951702)


@given(POSITIVE)
@settings(deadline=None, max_examples=100)
def test_intervals_are_those_of_paired_t_tests(pairs):
    own, first = np.array(pairs).T
    found = difference(own, first)
    if np.ptp(own - first) < 1e-6 or np.ptp(np.log(own / first)) < 1e-6:
        return
    plain, logs = stats.ttest_rel(own, first), stats.ttest_rel(np.log(own), np.log(first))
    low, high = plain.confidence_interval()
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high), rel=1e-6, abs=1e-6)
    low, high = np.exp(logs.confidence_interval())
    assert (found.factor.low, found.factor.high) == pytest.approx((low, high), rel=1e-6)
    assert found.factor.mean == pytest.approx(stats.gmean(own / first))
    assert found.p == pytest.approx(max(plain.pvalue, logs.pvalue), rel=1e-6, abs=1e-12)


def test_runs_that_never_reach_the_target_count_and_the_lucky_ones_are_told_apart():
    found = difference([14, ">60", 36], [10, 20, 30])
    assert (found.complete, found.interval.pairs) == (2, 3)
    assert found.interval.mean == pytest.approx((4 + 40 + 6) / 3)
    assert (found.among_complete.mean, found.among_complete.pairs) == (5.0, 2)
    assert found.factor.mean == pytest.approx((1.4 * 3 * 1.2) ** (1 / 3))
    assert (found.less, found.more) == (0, 3)


def test_a_mean_of_ratios_is_geometric():
    """Twice as long and half as long is as long."""
    assert difference([20, 10], [10, 20]).factor.mean == pytest.approx(1.0)


def test_who_goes_first_turns_the_factor_and_the_sign():
    there, back = difference([20, 31, 44], [10, 15, 20]), difference([10, 15, 20], [20, 31, 44])
    assert there.interval.mean == -back.interval.mean
    assert there.factor.mean == pytest.approx(1 / back.factor.mean)
    assert there.factor.low == pytest.approx(1 / back.factor.high)
    assert there.p == pytest.approx(back.p)


def test_nothing_is_called_different_from_which_either_interval_does_not_tell_it():
    """One long night makes the mean uncertain; the ratios are all alike."""
    found = difference([2, 4.1, 6, 200], [1, 2, 3.1, 100])
    assert found.factor.low > 1.9
    assert found.interval.low < 0 < found.interval.high
    assert found.p == found.interval.p > 0.05


def test_pairing_takes_common_luck_away():
    """Luck of 10 and 30 s moves both alike; 1 s of each is its own."""
    luck, own = np.array([10.0, 20, 30, 40, 50]), np.array([1.0, -1, 0, 1, -1])
    found = difference(luck + own + 5, luck)
    assert found.correlation > 0.99
    assert found.explained == pytest.approx(
        1 - np.var(own, ddof=1) / (np.var(luck + own, ddof=1) + np.var(luck, ddof=1))
    )
    assert found.explained > 0.99
    apart = difference(luck[::-1] + 5, luck)
    assert apart.correlation == pytest.approx(-1)
    assert apart.explained == pytest.approx(-1)


def test_one_seed_all_equal_and_nobody():
    one = difference([14], [10])
    assert (one.interval.mean, one.interval.low, one.p, one.correlation, one.explained) == (4, None, None, None, None)
    assert (one.factor.mean, one.factor.low, one.seeds_needed) == (pytest.approx(1.4), None, None)
    equal = difference([10, 10, 10], [10, 10, 10])
    assert (equal.p, equal.interval.low, equal.interval.high, equal.sign_p) == (1.0, 0.0, 0.0, 1.0)
    assert (equal.correlation, equal.explained) == (None, None)
    nobody = difference([">60", ">60"], [">60", ">60"])
    assert (nobody.complete, nobody.interval.mean, nobody.factor.mean, nobody.among_complete) == (0, 0.0, 1.0, None)
    none = difference([], [])
    assert (none.interval, none.factor, none.p, none.among_complete, none.seeds_needed) == (None,) * 5


@pytest.mark.parametrize("strange", [math.nan, math.inf])
def test_numbers_that_are_none_are_counted_and_give_no_interval(strange):
    found = difference([0.5, strange, 0.7], [0.4, 0.5, 0.6], "mean_accuracy")
    assert found.not_finite == 1
    values = (found.interval, found.factor, found.p, found.among_complete, found.correlation, found.explained)
    assert values == (None,) * 6
    assert found.seeds_needed is None


def test_a_zero_has_no_ratio():
    found = difference([0, 10], [10, 10])
    assert found.factor is None
    assert found.p == found.interval.p


def test_shares_differ_by_points_and_have_no_factor():
    assert difference([0.8, 0.9], [0.4, 0.5], "mean_accuracy").factor is None
    assert difference([0.8, 0.9], [0.4, 0.5], "energy_j").factor is not None


def test_the_seeds_that_both_tests_need():
    found = difference([2, 4.1, 6, 200], [1, 2, 3.1, 100])
    assert found.seeds_needed > 4


def test_two_wild_ratios_have_an_interval_without_end():
    found = difference([1e300, 1e-300], [1e-300, 1e300], "energy_j")
    assert found.factor.mean == pytest.approx(1)
    assert (found.factor.low, found.factor.high) == (pytest.approx(0, abs=1e-300), math.inf)
    tiny = difference([5e-324], [60])
    assert tiny.factor.mean > 0
    assert effect("ring", tiny).endswith("x faster to the target")
