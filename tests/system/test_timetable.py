"""Values that switch by timetable or by law: against slow twins, and however often somebody looks."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.system.law import Choice, Constant, Exponential, Uniform
from fedsim.system.timetable import Timetable, Wanderer

HOUR = 3600.0
INF = math.inf

quarters = st.integers(0, 200).map(lambda number: number / 4)
times = st.lists(quarters, min_size=1, max_size=20).map(sorted)
durations = st.sampled_from([Constant(0.5), Exponential(2.0), Uniform(0.0, 3.0), Choice((0.0, 1.0, 2.5))])


def test_a_timetable_holds_from_each_of_its_times_on():
    table = Timetable([5.0, 8.0], [2, 1])
    assert [table.at(time_s) for time_s in (0, 4.9, 5, 7, 8, 1e9)] == [
        (0, 5.0), (0, 5.0), (2, 8.0), (2, 8.0), (1, INF), (1, INF),
    ]  # fmt: skip


def test_a_working_day_repeats_and_has_always_done_so():
    """At work from 8 to 18 h; at midnight somebody still has the evening of the day before."""
    table = Timetable([8 * HOUR, 18 * HOUR], [1, 2], repeat_s=24 * HOUR)
    for day in (0, 1, 365):
        midnight_s = day * 24 * HOUR
        assert table.at(midnight_s) == (2, midnight_s + 8 * HOUR)
        assert table.at(midnight_s + 8 * HOUR) == (1, midnight_s + 18 * HOUR)
        assert table.at(midnight_s + 20 * HOUR) == (2, midnight_s + 32 * HOUR)


def test_a_shift_makes_all_of_it_later():
    assert Timetable([5.0], [1], shift_s=2.0).at(6.5) == (0, 7.0)
    assert Timetable([5.0, 6.0], [1, 2], repeat_s=10.0, shift_s=6.0).at(1.5) == (1, 2.0)


@settings(deadline=None, max_examples=200)
@given(
    starts=st.lists(st.integers(0, 30), min_size=1, max_size=5, unique=True).map(sorted),
    more=st.none() | st.integers(1, 9),
    shift_s=st.sampled_from([0.0, 0.25, 7.0]),
    times_s=st.lists(quarters, min_size=1, max_size=20),
)
def test_a_timetable_is_what_it_says_in_any_order(starts, more, shift_s, times_s):
    values = list(range(1, len(starts) + 1))
    repeat_s = INF if more is None else starts[-1] + more
    table = Timetable([float(start) for start in starts], values, repeat_s=repeat_s, shift_s=shift_s)
    cycles = [0] if more is None else range(-20, 60)
    switches = [
        (shift_s + c * repeat_s + s if c else shift_s + s, v)
        for c in cycles
        for s, v in zip(starts, values, strict=True)
    ]
    for time_s in times_s:
        past = [value for at_s, value in switches if at_s <= time_s]
        later = [at_s for at_s, _ in switches if at_s > time_s]
        assert table.at(time_s) == (past[-1] if past else 0, later[0] if later else INF)


@settings(deadline=None, max_examples=100)
@given(times_s=st.lists(st.floats(0, 1e7), min_size=1, max_size=10), repeat_s=st.floats(0.31, 1e5))
def test_a_switch_is_later_than_now_whatever_the_rounding(times_s, repeat_s):
    table = Timetable([0.1, 0.3], [1, 2], repeat_s=repeat_s)
    for time_s in times_s:
        value, until_s = table.at(time_s)
        assert until_s > time_s
        assert table.at(until_s)[0] != value


@pytest.mark.parametrize(
    ("starts_s", "values", "changes"),
    [([], [], {}), ([1.0], [1, 2], {}), ([2.0, 1.0], [1, 2], {}), ([1.0, 1.0], [1, 2], {}), ([-1.0], [1], {}),
     ([math.nan], [1], {}), ([INF], [1], {}), ([5.0], [1], {"repeat_s": 5.0}), ([5.0], [1], {"shift_s": -1.0}),
     ([5.0], [1], {"shift_s": math.nan})],
)  # fmt: skip
def test_a_timetable_that_cannot_be_is_refused(starts_s, values, changes):
    with pytest.raises(ValueError, match="got"):
        Timetable(starts_s, values, **changes)


def slow_wandering(stay_s, away_s, others, rngs, end_s):
    """All (from, value) up to the first after ``end_s``."""
    times_rng, places_rng = rngs
    at_s, found = -20 * (stay_s.mean + away_s.mean), []
    for value in itertools.cycle([0, 1]):
        found.append((at_s, value and 1 + int(places_rng.integers(others))))
        if at_s > end_s:
            return found
        at_s += (away_s if value else stay_s).draw(times_rng)
    raise AssertionError


@settings(deadline=None, max_examples=200)
@given(stay_s=durations, away_s=durations, others=st.integers(1, 3), seed=st.integers(0, 1000), times_s=times)
def test_a_wanderer_is_what_its_draws_say_however_often_one_looks(stay_s, away_s, others, seed, times_s):
    def rngs():
        return np.random.default_rng(seed), np.random.default_rng(seed + 1)

    wanderer = Wanderer(stay_s, away_s, others, *rngs())
    switches = slow_wandering(stay_s, away_s, others, rngs(), times_s[-1])
    for time_s in times_s:
        value, until_s = wanderer.at(time_s)
        assert value == [there for at_s, there in switches if at_s <= time_s][-1]
        assert until_s == next(at_s for at_s, _ in switches if at_s > time_s)


def test_a_wanderer_is_away_as_much_as_its_means_say_from_the_start_on():
    """3 h at home, 1 h elsewhere, a thousand of them at time 0; each of two places is half of elsewhere."""
    found = [
        Wanderer(Exponential(3.0), Exponential(1.0), 2, np.random.default_rng(n), np.random.default_rng(n + 5000)).at(
            0.0
        )[0]
        for n in range(1000)
    ]
    deviation = math.sqrt(1000 * 0.25 * 0.75)
    assert 1000 - found.count(0) == pytest.approx(250, abs=4 * deviation)
    assert found.count(1) == pytest.approx(125, abs=4 * deviation)
