"""Replayed traces: instants that are always the same, laps, offsets."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.system.replay import Replay
from fedsim.system.trace import Trace, merged


def trace(*pieces):
    """Pieces as (seconds, bit/s)."""
    lengths, rates = zip(*pieces, strict=True)
    return Trace(np.cumsum(lengths, dtype=float), np.array(rates, dtype=float))


HILL = trace((1.0, 10.0), (2.0, 40.0), (1.0, 0.0))
"""Four seconds with a mean of 22.5 bit/s."""

pieces = st.lists(
    st.tuples(st.floats(1e-3, 100.0), st.sampled_from([0.0, 1.0, 3.0, 1e6])), min_size=1, max_size=6
).filter(lambda found: any(rate for _, rate in found))


def course(capacity, until_s):
    """(start, rate) of every piece up to a time."""
    found, time_s = [], 0.0
    while time_s < until_s:
        rate_bps, end_s = capacity.at(time_s)
        found.append((time_s, rate_bps))
        assert end_s > time_s
        time_s = end_s
    return found


def plain_rate(of, time_s):
    """By looking through all pieces."""
    return next(rate for end_s, rate in zip(of.ends_s, of.rates_bps, strict=True) if time_s < end_s)


def test_a_trace_begins_anew_where_it_ends():
    assert course(Replay(HILL), 9.0) == [(0, 10), (1, 40), (3, 0), (4, 10), (5, 40), (7, 0), (8, 10)]


def test_an_offset_is_where_it_begins():
    assert course(Replay(HILL, offset_s=2.5), 6.0) == [(0, 40), (0.5, 0), (1.5, 10), (2.5, 40), (4.5, 0), (5.5, 10)]
    assert course(Replay(HILL, offset_s=4 * 1000 + 2.5), 6.0) == course(Replay(HILL, offset_s=2.5), 6.0)


def test_without_a_loop_the_last_rate_holds():
    step = trace((1.0, 10.0), (1.0, 20.0))
    assert course(Replay(step, loop=False), 99.0) == [(0, 10), (1, 20)]
    assert Replay(step, loop=False, offset_s=0.5).at(0.25) == (10.0, 0.5)
    assert Replay(step, loop=False, offset_s=50.0).at(7.0) == (20.0, math.inf)


def test_one_rate_holds_for_ever():
    assert Replay(trace((5.0, 3.0)), offset_s=1.0).at(1e12) == (3.0, math.inf)


@settings(deadline=None, max_examples=150)
@given(found=pieces, offset_s=st.floats(0, 1e4), loop=st.booleans(), times_s=st.lists(st.floats(0, 1e6), max_size=5))
def test_a_rate_is_a_function_of_time_however_one_asks(found, offset_s, loop, times_s):
    """Following the pieces and jumping anywhere meet the same instants, and each rate is the trace's there."""
    if not loop and found[-1][1] == 0:
        found = [*found, (1.0, 2.0)]
    of = trace(*found)
    replay = Replay(of, offset_s=offset_s, loop=loop)
    ends_s = []
    time_s = 0.0
    for _ in range(20):
        rate_bps, end_s = replay.at(time_s)
        middle_s = (time_s + min(end_s, time_s + 1.0)) / 2
        assert replay.at(middle_s) == (rate_bps, end_s)
        into_s = middle_s + offset_s
        wide_enough = min(middle_s - time_s, end_s - middle_s) > 1e-6
        if wide_enough:
            into_s = into_s % of.length_s if loop else min(into_s, of.length_s * (1 - 1e-9))
            assert rate_bps == plain_rate(of, into_s)
        if math.isinf(end_s):
            break
        ends_s.append(end_s)
        time_s = end_s
    assert ends_s == sorted(set(ends_s))
    for asked_s in times_s:
        rate_bps, end_s = replay.at(asked_s)
        assert end_s > asked_s
        if len(of.ends_s) > 1 and math.isfinite(end_s):
            assert replay.at(math.nextafter(end_s, 0))[1] == end_s
            assert replay.at(end_s)[1] > end_s


def test_the_mean_of_a_trace_is_over_time():
    assert (HILL.length_s, HILL.mean_bps) == (4.0, 22.5)


def test_neighbours_of_one_rate_are_one_piece():
    joined = merged(np.array([1.0, 2.0, 3.0, 4.0]), np.array([5.0, 5.0, 0.0, 5.0]))
    assert (joined.ends_s.tolist(), joined.rates_bps.tolist()) == ([2.0, 3.0, 4.0], [5.0, 0.0, 5.0])


@pytest.mark.parametrize(
    ("ends_s", "rates_bps", "rule"),
    [
        ([], [], "one rate for each"),
        ([1.0], [1.0, 2.0], "one rate for each"),
        ([1.0, 1.0], [1.0, 2.0], "one after the other"),
        ([0.0, 1.0], [1.0, 2.0], "the first after 0 s"),
        ([1.0, math.nan], [1.0, 2.0], "one after the other"),
        ([1.0, math.inf], [1.0, 2.0], "one after the other"),
        ([1.0], [-1.0], "must be >= 0 and finite"),
        ([1.0], [math.nan], "must be >= 0 and finite"),
        ([1.0], [math.inf], "must be >= 0 and finite"),
    ],
)
def test_a_trace_that_is_none_is_refused(ends_s, rates_bps, rule):
    with pytest.raises(ValueError, match=rule):
        Trace(np.array(ends_s), np.array(rates_bps))


def test_a_rate_of_zero_for_ever_is_refused():
    with pytest.raises(ValueError, match="must not be 0 throughout"):
        Replay(trace((1.0, 0.0), (1.0, 0.0)))
    with pytest.raises(ValueError, match="not looped must not end with a rate of 0"):
        Replay(HILL, loop=False)


@pytest.mark.parametrize("offset_s", [-1.0, math.inf, math.nan])
def test_an_offset_before_the_trace_is_refused(offset_s):
    with pytest.raises(ValueError, match="offset must be >= 0 and finite"):
        Replay(HILL, offset_s=offset_s)
