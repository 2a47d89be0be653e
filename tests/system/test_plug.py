"""When devices are plugged in."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.system.law import Constant, Exponential
from fedsim.system.plug import Always, Opportunistic, Overnight

HOUR = 3600.0


def switches(plug, days, seed=1):
    """The hours at which it is plugged in or out, from time 0 on."""
    times, now_s, found = plug.times(np.random.default_rng(seed)), 0.0, []
    while now_s < days * 24 * HOUR:
        is_on, now_s = times.at(now_s)
        found.append((is_on, now_s / HOUR))
    return found


def test_always():
    assert Always().times(np.random.default_rng(1)).at(5.0) == (True, math.inf)


def test_every_night_by_the_clock():
    """From 22 to 7, at time 0 it is midnight."""
    assert switches(Overnight(spread_s=0.0), 2) == [(True, 7), (False, 22), (True, 31), (False, 46), (True, 55)]


def test_the_clock_at_time_0_is_said():
    """It is 20 o'clock: two hours to the evening."""
    assert switches(Overnight(spread_s=0.0, start_hour=20.0), 1) == [(False, 2), (True, 11), (False, 26)]


def test_a_day_may_be_the_night():
    assert switches(Overnight(from_hour=9.0, to_hour=17.0, spread_s=0.0), 1) == [(False, 9), (True, 17), (False, 33)]


def test_ends_spread_evenly():
    """Evenings uniform on 21 to 23: their mean within four standard errors, none outside."""
    evenings = [hour % 24 for is_on, hour in switches(Overnight(), 1000) if not is_on]
    assert 21 <= min(evenings) < 21.1
    assert 22.9 < max(evenings) <= 23
    assert np.mean(evenings) == pytest.approx(22.0, abs=4 * math.sqrt(1 / 3 / len(evenings)))


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 24), st.floats(0, 24), st.floats(0, 1), st.integers(0, 9), st.floats(0, 24))
def test_nights_alternate_and_never_overlap(begin, end, share, seed, start):
    length = (end - begin) % 24
    if not 0.1 < length < 23.9:
        return
    spread_s = 0.499 * share * min(length, 24 - length) * HOUR
    nights = Overnight(from_hour=begin, to_hour=end, spread_s=spread_s, start_hour=start)
    found = switches(nights, 5, seed)
    assert all(a[0] != b[0] and a[1] < b[1] for a, b in itertools.pairwise(found))


def test_now_and_then_begins_in_the_middle_of_life():
    """Half an hour in, one and a half out: over many phones a quarter is plugged in at time 0."""
    plug = Opportunistic(plugged_s=Exponential(0.5 * HOUR), unplugged_s=Exponential(1.5 * HOUR))
    count = sum(plug.times(np.random.default_rng(seed)).at(0.0)[0] for seed in range(400))
    assert count / 400 == pytest.approx(0.25, abs=4 * math.sqrt(0.25 * 0.75 / 400))


@pytest.mark.parametrize(
    ("hours", "rule"),
    [
        ({"from_hour": 25.0}, "from_hour must be from 0 to 24, got 25"),
        ({"to_hour": 22.0}, "must differ"),
        ({"spread_s": 5 * HOUR}, "below half of night and day"),
        ({"spread_s": math.nan}, "below half of night and day"),
    ],
)
def test_nights_that_cannot_be_are_refused(hours, rule):
    with pytest.raises(ValueError, match=rule):
        Overnight(**hours)


def test_times_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="finite mean cycle"):
        Opportunistic(plugged_s=Constant(0.0), unplugged_s=Constant(0.0))
