"""When devices are there: against a slow twin, and in the long run."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import DeviceCrashedError, DeviceLeftError
from fedsim.kernel import Simulation
from fedsim.system.law import Choice, Constant, Exponential, Lognormal, Uniform, Weibull
from fedsim.system.presence import WARM_UP_CYCLES, Availability, Crashes, OnOff, Presence

laws = st.one_of(
    st.builds(Constant, st.sampled_from([0.5, 1.0, 2.0])),
    st.builds(Exponential, st.floats(0.1, 10)),
    st.just(Uniform(0.0, 3.0)),
    st.just(Choice((0.0, 1.0, 2.5))),
)
times = st.lists(st.integers(0, 200).map(lambda number: number / 4), min_size=1, max_size=20).map(sorted)


def presence(streams, name="phone", *, availability=None, crashes=None):
    """As a device has it."""
    return Presence(
        availability=availability,
        crashes=crashes,
        availability_rng=streams("availability", name),
        crashes_rng=streams("crashes", name),
    )


def slow_switches(on_s, off_s, rng, end_s, start_s=0.0):
    """All switching times up to the first after ``end_s``: off, on, off, ..."""
    switches_s = []
    for law in itertools.cycle([on_s, off_s]):
        switches_s.append((switches_s or [start_s])[-1] + law.draw(rng))
        if switches_s[-1] > end_s:
            return switches_s
    raise AssertionError


@settings(deadline=None, max_examples=300)
@given(on_s=laws, off_s=laws, seed=st.integers(0, 1000), times_s=times)
def test_it_is_what_its_switches_say(on_s, off_s, seed, times_s):
    process = OnOff(on_s, off_s, np.random.default_rng(seed))
    switches_s = slow_switches(on_s, off_s, np.random.default_rng(seed), times_s[-1])
    for time_s in times_s:
        past = sum(switch_s <= time_s for switch_s in switches_s)
        is_on, until_s = process.at(time_s)
        assert (is_on, until_s) == (past % 2 == 0, switches_s[past])
        assert until_s > time_s


@settings(deadline=None, max_examples=100)
@given(laws=st.tuples(laws, laws, laws, laws), seed=st.integers(0, 1000), times_s=times)
def test_it_is_there_when_it_has_neither_left_nor_crashed(laws, seed, times_s):
    """Away comes first as the reason; it goes at the first switch of either."""
    stay_s, away_s, every_s, repair_s = laws
    streams = Simulation(seed=seed).rng
    both = presence(
        streams,
        availability=Availability(stay_s=stay_s, away_s=away_s),
        crashes=Crashes(every_s=every_s, repair_s=repair_s),
    )
    start_s = -WARM_UP_CYCLES * (stay_s.mean + away_s.mean)
    stays = OnOff(stay_s, away_s, streams("availability", "phone"), start_s=start_s)
    works = OnOff(every_s, repair_s, streams("crashes", "phone"))
    for time_s in times_s:
        (stayed, left_s), (worked, broken_s) = stays.at(time_s), works.at(time_s)
        expected = (
            None if stayed and worked else (DeviceCrashedError, broken_s) if stayed else (DeviceLeftError, left_s)
        )
        assert both.down(time_s) == expected
        if expected is None:
            assert both.goes_s(time_s) == min(left_s, broken_s)


def test_who_never_leaves_is_always_there():
    always = presence(Simulation().rng)
    assert always.down(1e9) is None
    assert always.goes_s(1e9) == math.inf


def test_it_is_in_order_at_the_start():
    fresh = presence(Simulation().rng, crashes=Crashes(every_s=Constant(3.0), repair_s=Constant(1.0)))
    assert [fresh.down(time_s) is None for time_s in (0.0, 2.9, 3.0, 3.9, 4.0, 6.9, 7.0)] == [
        True, True, False, False, True, True, False,
    ]  # fmt: skip
    assert fresh.down(7.5) == (DeviceCrashedError, 8.0)


@pytest.mark.parametrize("time_s", [0.0, 20_000.0])
def test_availability_in_the_long_run(time_s):
    """The sessions and gaps of the device notes, section 6, a thousand times shorter: from time 0 on, the share of
    those that are there is mean stay / (mean stay + mean gap), within four standard errors.
    """
    stays = Availability(stay_s=Lognormal(3.017, 1.390), away_s=Weibull(16.005, 0.656))
    streams = Simulation(seed=3).rng
    share = stays.stay_s.mean / (stays.stay_s.mean + stays.away_s.mean)
    phones = 1500 if time_s == 0 else 60
    there = [presence(streams, str(number), availability=stays).down(time_s) is None for number in range(phones)]
    assert np.mean(there) == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / phones))


def test_leaving_and_crashing_are_independent_in_the_long_run():
    """There 3 of 4 seconds and in order 4 of 5: both, 3 of 5."""
    streams = Simulation(seed=5).rng
    stays = Availability(stay_s=Exponential(3.0), away_s=Exponential(1.0))
    fails = Crashes(every_s=Exponential(4.0), repair_s=Exponential(1.0))
    downs = [presence(streams, str(number), availability=stays, crashes=fails).down(50.0) for number in range(1500)]
    error = math.sqrt(0.6 * 0.4 / 1500)
    assert np.mean([down is None for down in downs]) == pytest.approx(0.6, abs=4 * error)
    reasons = [down[0] for down in downs if down is not None]
    assert np.mean([reason is DeviceLeftError for reason in reasons]) == pytest.approx(0.25 / 0.4, abs=4 * 0.02)


def test_the_long_run_of_one_device():
    """One device over a thousand cycles: on for 2 s in the mean, off for 1 s."""
    process = OnOff(Exponential(2.0), Exponential(1.0), np.random.default_rng(1))
    now_s, on_s = 0.0, 0.0
    while now_s < 3000.0:
        is_on, until_s = process.at(now_s)
        on_s += is_on * (until_s - now_s)
        now_s = until_s
    # The asymptotic variance of the share of an alternating renewal process, with exponential laws.
    error = math.sqrt(2 * 2.0**2 * 1.0**2 / (2.0 + 1.0) ** 3 / 3000.0)
    assert on_s / now_s == pytest.approx(2 / 3, abs=4 * error)


def test_who_looks_often_sees_the_same_as_who_looks_once():
    stays = Availability(stay_s=Exponential(3.0), away_s=Exponential(1.0))
    often, once = (presence(Simulation(seed=9).rng, availability=stays) for _ in range(2))
    for tick in range(1000):
        often.down(tick / 10)
        often.goes_s(tick / 10)
    assert often.down(100.0) == once.down(100.0)


@settings(deadline=None, max_examples=20)
@given(others=st.lists(st.text("abc", min_size=1, max_size=3), unique=True, max_size=4), seed=st.integers(0, 99))
def test_one_more_device_changes_nobody_elses_comings_and_goings(make_world, others, seed):
    def diary(names):
        world = make_world(seed=seed)
        stays = Availability(stay_s=Exponential(3.0), away_s=Exponential(1.0))
        fails = Crashes(every_s=Exponential(4.0), repair_s=Exponential(1.0))
        phones = [world.phone(name, availability=stays, crashes=fails) for name in names]
        times_s = []

        async def watch(phone):
            while world.sim.now < 50.0:
                await phone.returned()
                times_s.append((phone.name, world.sim.now))
                await world.sim.timeout(1.0)

        world.run(*map(watch, phones))
        return [row for row in times_s if row[0] == "phone"]

    assert diary([*others, "phone"]) == diary(["phone"])


@pytest.mark.parametrize(
    ("on_s", "off_s", "rule"),
    [
        (Constant(0.0), Constant(0.0), "must be > 0 s and finite"),
        (Constant(math.inf), Constant(1.0), "must be > 0 s and finite"),
        (Uniform(-1.0, 5.0), Constant(1.0), "no time may be negative"),
    ],
)
def test_a_cycle_that_cannot_be_is_refused(on_s, off_s, rule):
    with pytest.raises(ValueError, match=f"availability: .*{rule}"):
        Availability(stay_s=on_s, away_s=off_s)
    with pytest.raises(ValueError, match=f"crashes: .*{rule}"):
        Crashes(every_s=on_s, repair_s=off_s)
