"""When devices are there: many at once against one by one, against a slow twin, and in the long run."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from fedsim.errors import DeviceCrashedError, DeviceDepartedError, DeviceLeftError
from fedsim.kernel import Simulation
from fedsim.system.availability import AVAILABILITIES, Availability, Conditions, Leaning
from fedsim.system.churn import Churn
from fedsim.system.daily import Daily
from fedsim.system.law import Choice, Constant, Exponential, Lognormal, Uniform, Weibull
from fedsim.system.presence import Crashes, GroupPresence
from fedsim.system.process import Crowd
from fedsim.system.renewal import Renewal, cycle

H = 3600.0
laws = st.one_of(
    st.builds(Constant, st.sampled_from([0.5, 1.0, 2.0])),
    st.builds(Exponential, st.floats(0.1, 10)),
    st.just(Uniform(0.0, 3.0)),
    st.just(Choice((0.0, 1.0, 2.5))),
)
times = st.lists(st.integers(0, 200).map(lambda number: number / 4), min_size=1, max_size=12).map(sorted)


def crowd(n, *, seed=1, measure=None):
    """n phones."""
    luck = Simulation(seed=seed).luck
    measures = {} if measure is None else {"measure": lambda _: measure}
    return Crowd(things=np.arange(n, dtype=np.uint64), luck=lambda *names: luck("phones", *names), **measures)


def share_up(rules, n, time_s, **changes):
    """The share of n phones that are there, the first time that anybody looks."""
    return GroupPresence(crowd(n, **changes), rules).at(np.arange(n), time_s)[0].mean()


def slow_switches(on_s, off_s, luck, thing, end_s, *, fresh):
    """All switching times of one device up to the first after ``end_s``, and whether it is on before the first."""
    numbers = (luck.pairs(np.array([thing], dtype=np.uint64), k)[:, 0] for k in itertools.count())
    if fresh:
        is_on, first_s = True, float(on_s.isf(next(numbers)[:1])[0])
    else:
        share, place = next(numbers)
        is_on = share < on_s.mean / (on_s.mean + off_s.mean)
        first_s = place * float((on_s if is_on else off_s).spread(next(numbers)[:1])[0])
    switches_s, now_on = [first_s], is_on
    while switches_s[-1] <= end_s:
        now_on = not now_on
        switches_s.append(switches_s[-1] + float((on_s if now_on else off_s).isf(next(numbers)[:1])[0]))
    return is_on, switches_s


@settings(deadline=None, max_examples=200)
@given(on_s=laws, off_s=laws, seed=st.integers(0, 1000), times_s=times, fresh=st.booleans())
def test_it_is_what_its_switches_say(on_s, off_s, seed, times_s, fresh):
    luck = Simulation(seed=seed).luck("x")
    process = Renewal(cycle(on_s, off_s, 3), luck, np.array([7, 8, 9], dtype=np.uint64), fresh=fresh)
    starts_on, switches_s = slow_switches(on_s, off_s, luck, 8, times_s[-1], fresh=fresh)
    for time_s in times_s:
        past = sum(switch_s <= time_s for switch_s in switches_s)
        assert process.one(1, time_s) == (starts_on == (past % 2 == 0), switches_s[past])


RULES = [
    [Crashes(every_s=Exponential(4.0), repair_s=Constant(1.0))],
    [Availability(stay_s=Exponential(3.0), away_s=Uniform(0.0, 2.0), level=Uniform(0.1, 0.9))],
    [
        Availability(stay_s=Lognormal(2.0, 1.0), away_s=Weibull(3.0, 0.7)),
        Crashes(every_s=Exponential(9.0), repair_s=Uniform(0.0, 1.0)),
        Churn(arrives_s=Exponential(2.0), belongs_s=Exponential(20.0)),
    ],
    [Availability(stay_s=Exponential(3 * H), away_s=Exponential(H), daily=Daily(swing=0.9))],
    [Availability(stay_s=Exponential(3.0), away_s=Exponential(2.0), level=Uniform(0.1, 0.9), daily=Daily(swing=0.9))],
    [Conditions(idle=Availability(stay_s=Exponential(3.0), away_s=Exponential(1.0)), charging=None)],
]


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(RULES), st.integers(0, 99), st.lists(st.sets(st.integers(0, 29)), min_size=1, max_size=6))
def test_nobody_minds_when_and_with_whom_others_are_looked_at(rules, seed, looks):
    """Groups looked at together, in this order, and each device alone, often and seldom: the same instants."""
    together = GroupPresence(crowd(30, seed=seed), rules)
    alone = [GroupPresence(crowd(30, seed=seed), rules).of(rank) for rank in range(30)]
    shorter = GroupPresence(crowd(25, seed=seed), rules)
    for number, group in enumerate(looks, start=1):
        time_s = 3.0 * number if number % 2 else 2.5 * number
        ranks = np.array(sorted(group), dtype=np.int64)
        up, until_s = together.at(ranks, time_s)
        assert (until_s > time_s).all()
        for rank, is_up, end_s in zip(ranks.tolist(), up.tolist(), until_s.tolist(), strict=True):
            down = alone[rank].down(time_s)
            assert is_up == (down is None)
            if is_up:
                assert alone[rank].goes_s(time_s) == end_s
            else:
                assert down[1] <= end_s
        few = ranks[ranks < 25]
        assert shorter.at(few, time_s)[1].tolist() == until_s[ranks < 25].tolist()


def test_who_has_no_rules_is_always_there():
    always = GroupPresence(crowd(2), [])
    assert always.at(np.arange(2), 1e9)[0].all()
    assert always.of(1).down(1e9) is None
    assert always.of(1).goes_s(1e9) == math.inf


def test_it_is_in_order_at_the_start():
    fresh = GroupPresence(crowd(1), [Crashes(every_s=Constant(3.0), repair_s=Constant(1.0))]).of(0)
    assert [fresh.down(time_s) is None for time_s in (0.0, 2.9, 3.0, 3.9, 4.0, 6.9, 7.0)] == [
        True, True, False, False, True, True, False,
    ]  # fmt: skip
    assert fresh.down(7.5) == (DeviceCrashedError, 8.0)


def test_the_first_rule_that_fails_is_the_reason():
    stays = Availability(stay_s=Constant(0.0), away_s=Constant(8.0))
    both = GroupPresence(crowd(1), [stays, Crashes(every_s=Constant(0.0), repair_s=Constant(100.0))]).of(0)
    assert both.down(1.0)[0] is DeviceLeftError


FITTED = [
    (Lognormal(3017.0, 1.390), Weibull(16_005.0, 0.656)),
    (Exponential(100.0), Exponential(20.0)),
    (Uniform(10.0, 30.0), Constant(40.0)),
    (Choice((1.0, 10.0)), Exponential(7.0)),
]


@pytest.mark.parametrize(("stay_s", "away_s"), FITTED, ids=lambda law: type(law).__name__)
@pytest.mark.parametrize("cycles", [0.0, 0.3, 7.0])
def test_it_is_stationary_from_the_start(stay_s, away_s, cycles):
    """The share there is mean stay / mean cycle at every time, within four standard errors, long tails or not."""
    n, mean_s = 20_000, stay_s.mean + away_s.mean
    share = stay_s.mean / mean_s
    found = share_up([Availability(stay_s=stay_s, away_s=away_s)], n, cycles * mean_s)
    assert found == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / n))


def test_rest_of_a_stay_at_the_start_is_that_of_a_random_instant():
    """P(rest > x) = integral over y > x of P(stay > y), over the mean stay."""
    n, stay_s = 20_000, Weibull(100.0, 0.7)
    process = Renewal(cycle(stay_s, Exponential(1.0), n), Simulation().luck("x"), crowd(n).things, fresh=False)
    is_on, until_s = process.at(np.arange(n), 0.0)
    survival = stats.kstest(until_s[is_on], lambda x: special.gammainc(1 / 0.7, (x / 100.0) ** 0.7))
    assert survival.pvalue > 0.01


@pytest.mark.parametrize("case", ["weibull_1_100", "weibull_0.7_100", "weibull_1.5_3600"])
def test_weibull_devices_against_the_closed_forms(analytic, case):
    """Long-run availability, a fresh device's and a found device's chance to live through w, each by its own error."""
    inputs, value, n = analytic[case]["inputs"], analytic[case]["value"], 20_000
    up_s, down_s, w = Weibull(inputs["c"], inputs["k"]), Exponential(inputs["MTTR"]), inputs["w"]

    def close(found, expected, count):
        assert found == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / count))

    assert up_s.mean == pytest.approx(value["MTTF"], rel=1e-9)
    crashes = GroupPresence(crowd(n), [Crashes(every_s=up_s, repair_s=down_s)])
    close((crashes.at(np.arange(n), 0.0)[1] > w).mean(), value["survive_fresh"], n)
    close(crashes.at(np.arange(n), 20 * (up_s.mean + down_s.mean))[0].mean(), value["availability"], n)
    stays = GroupPresence(crowd(n), [Availability(stay_s=up_s, away_s=down_s)])
    is_up, until_s = stays.at(np.arange(n), 0.0)
    close(is_up.mean(), value["availability"], n)
    close((until_s[is_up] > w).mean(), value["survive_found_up"], is_up.sum())


def test_number_of_failures_in_a_long_time(analytic):
    """One device for 1e6 s: failures have the mean rate, with variance cv2 * failures (renewal central limit)."""
    inputs, value = analytic["weibull_0.7_100"]["inputs"], analytic["weibull_0.7_100"]["value"]
    crashes = Crashes(every_s=Weibull(inputs["c"], inputs["k"]), repair_s=Exponential(inputs["MTTR"]))
    devices, lasts_s = 200, 5000.0
    presence, failures = GroupPresence(crowd(devices), [crashes]), 0
    for rank in range(devices):
        now_s = 0.0
        while now_s < lasts_s:
            up, until_s = presence.at(np.array([rank]), now_s)
            failures += bool(up[0]) and until_s[0] < lasts_s
            now_s = until_s[0]
    cycle_s, variance = value["MTTF"] + inputs["MTTR"], value["cv2_of_up"] * value["MTTF"] ** 2 + inputs["MTTR"] ** 2
    # A fresh start has (cv2 - 1) / 2 failures more than the rate says, where cv2 is that of the cycle.
    expected = devices * (lasts_s / cycle_s + (variance / cycle_s**2 - 1) / 2 + inputs["MTTR"] / cycle_s)
    assert failures == pytest.approx(expected, abs=4 * math.sqrt(devices * lasts_s * variance / cycle_s**3))


def test_the_transient_of_availability(analytic):
    """Up at time 0: A(t), at every t of the oracle."""
    inputs, n = analytic["availability_transient"]["inputs"], 20_000
    presence = GroupPresence(
        crowd(n), [Crashes(every_s=Exponential(inputs["MTTF"]), repair_s=Exponential(inputs["MTTR"]))]
    )
    for time_s, expected in zip(inputs["t"], analytic["availability_transient"]["value"]["A"], strict=True):
        found = presence.at(np.arange(n), time_s)[0].mean()
        assert found == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / n))


def test_how_often_enough_devices_are_there(analytic):
    """At least 15 of 20: in 4,000 groups of twenty."""
    inputs, value = analytic["at_least_k_up"]["inputs"], analytic["at_least_k_up"]["value"]
    stays = Availability(stay_s=Exponential(inputs["a"]), away_s=Exponential(1 - inputs["a"]))
    up = GroupPresence(crowd(80_000), [stays]).at(np.arange(80_000), 3.0)[0].reshape(-1, inputs["n"])
    enough, p = (up.sum(axis=1) >= inputs["k"]).mean(), value["P"]
    assert enough == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / len(up)))


def test_conditions_must_all_hold():
    """Idle 1/2, charging 2/3, unmetered 3/4 of the time, independently: 1/4."""
    rules = Conditions(
        idle=Availability(stay_s=Exponential(1.0), away_s=Exponential(1.0)),
        charging=Availability(stay_s=Exponential(2.0), away_s=Exponential(1.0)),
        unmetered=Availability(stay_s=Exponential(3.0), away_s=Exponential(1.0)),
    )
    assert share_up([rules], 20_000, 5.0) == pytest.approx(0.25, abs=4 * math.sqrt(0.25 * 0.75 / 20_000))


def test_leaving_and_crashing_are_independent():
    """There 3 of 4 seconds and in order 4 of 5: both, 3 of 5."""
    stays = Availability(stay_s=Exponential(3.0), away_s=Exponential(1.0))
    fails = Crashes(every_s=Exponential(4.0), repair_s=Exponential(1.0))
    assert share_up([stays, fails], 20_000, 50.0) == pytest.approx(0.6, abs=4 * math.sqrt(0.24 / 20_000))


def test_every_phone_has_its_level():
    """One that is there 10 % of the time, one 90 %: shares of time over 400 mean cycles."""
    rule = Availability(stay_s=Exponential(1.0), away_s=Exponential(1.0), level=Choice((0.1, 0.9)))
    n = 400
    presence = GroupPresence(crowd(n), [rule])
    shares = np.mean([presence.at(np.arange(n), 0.7 * tick)[0] for tick in range(1500)], axis=0)
    assert np.median(shares[shares < 0.5]) == pytest.approx(0.1, abs=0.01)
    assert np.median(shares[shares > 0.5]) == pytest.approx(0.9, abs=0.01)
    assert (shares < 0.5).mean() == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(n))


def test_devices_of_a_measure_are_away_longer():
    """Away 1 s, 2 s or 4 s for a stay of 1 s: there 1/2, 1/3 or 1/5 of the time."""
    measure = np.repeat([0.0, 0.5, 1.0], 10_000)
    leaning = Leaning(by="slowness", away=4.0)
    rule = Availability(stay_s=Exponential(1.0), away_s=Exponential(1.0), leaning=leaning)
    up = GroupPresence(crowd(30_000, measure=measure), [rule]).at(np.arange(30_000), 2.0)[0]
    for share, found in zip((1 / 2, 1 / 3, 1 / 5), up.reshape(3, -1).mean(axis=1), strict=True):
        assert found == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 10_000))
    shorter = Availability(
        stay_s=Exponential(1.0), away_s=Exponential(1.0), leaning=Leaning(by="labels", labels=(3,), stay=0.25)
    )
    found = share_up([shorter], 20_000, 2.0, measure=np.ones(20_000))
    assert found == pytest.approx(0.2, abs=4 * 0.4 / math.sqrt(20_000))


def expected_by_hour(hours, swing, peak_h, on_s, off_s):
    """Share there by the hour of a day that repeats: du/dt = (1 - u) factor / off - u / on, by small steps."""
    steps, u = 24 * 600, 0.5
    shares = np.empty(steps)
    for _ in range(4):
        for k in range(steps):
            factor = 1 + swing * math.cos(2 * math.pi * (k / 600 - peak_h) / 24)
            u += (24 * H / steps) * ((1 - u) * factor / off_s - u / on_s)
            shares[k] = u
    return [shares[int(hour * 600) - 1] for hour in hours]


def test_share_there_follows_the_hour_of_the_day():
    """Exponential laws, for which the share obeys a differential equation; in a zone 6 h ahead it is 6 h earlier."""
    n, swing, hours = 20_000, 0.8, [3.0, 9.0, 15.0, 21.0, 27.0]
    expected = expected_by_hour([hour % 24 for hour in hours], swing, 2.0, 2 * H, 6 * H)
    for zone_h in (0, 6):
        daily = Daily(swing=swing, peak_s=2 * H, zone_s=Constant(zone_h * H))
        rule = Availability(stay_s=Exponential(2 * H), away_s=Exponential(6 * H), daily=daily)
        presence = GroupPresence(crowd(n), [rule])
        for hour, share in zip(hours, expected, strict=True):
            found = presence.at(np.arange(n), (hour + 24 - zone_h) * H)[0].mean()
            assert found == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / n) + 1e-3)


def test_absences_that_follow_the_hour_have_the_hazard_of_their_law_times_the_factor():
    """Transformed by the cumulative hazard that each had met at its end, Weibull absences are standard exponential."""
    n, swing, law = 4000, 0.9, Weibull(8 * H, 0.656)
    rule = Availability(stay_s=Constant(H), away_s=law, daily=Daily(swing=swing, peak_s=0.0))
    process = rule.process(crowd(n), "x")
    process.at(np.arange(n), 0.0)
    met = []
    for rank in range(300):
        now_s = 0.0
        while len(met) < 6 * (rank + 1):
            is_on, until_s = process.one(rank, now_s)
            if not is_on and now_s > 0:
                x = np.linspace(0, 1, 4001) ** 2 * (until_s - now_s)  # finer near 0, where the hazard has a pole
                middle = (x[1:] + x[:-1]) / 2
                steps = np.diff((x / law.scale) ** law.shape)
                met.append((steps * (1 + swing * np.cos(2 * np.pi * (now_s + middle) / 86_400))).sum())
            now_s = until_s
    assert stats.kstest(met, "expon").pvalue > 0.01


def test_the_swing_of_the_notes_makes_the_best_hour_twice_as_good_as_the_worst():
    phones = AVAILABILITIES["phones"]
    rule = Availability(stay_s=phones.stay_s, away_s=phones.away_s, daily=Daily())
    n, presence = 4000, None
    presence = GroupPresence(crowd(n), [rule])
    shares = [presence.at(np.arange(n), hour * H)[0].mean() for hour in range(24, 72)]
    assert 1.3 < max(shares) / min(shares) < 2.5


def test_arrivals_and_departures():
    rule = Churn(arrives_s=Constant(3.0), belongs_s=Constant(4.0))
    phone = GroupPresence(crowd(1), [rule]).of(0)
    assert phone.down(0.0) == (DeviceDepartedError, 3.0)
    assert phone.down(3.0) is None
    assert phone.goes_s(3.0) == 7.0
    assert phone.down(7.0) == (DeviceDepartedError, math.inf)
    assert GroupPresence(crowd(1), [Churn(arrives_s=Constant(3.0))]).of(0).goes_s(5.0) == math.inf


def test_a_fleet_that_comes_and_goes():
    """Arrivals at rate 1 / 10 s and memberships of 20 s in the mean: P(there at t) is a convolution."""
    n, t = 20_000, 15.0
    rule = Churn(arrives_s=Exponential(10.0), belongs_s=Exponential(20.0))
    share = (math.exp(-t / 20) - math.exp(-t / 10)) * (1 / 10) / (1 / 10 - 1 / 20)
    assert share_up([rule], n, t) == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / n))


def test_fitted_sessions_are_those_of_the_notes():
    """Device notes, section 8, number 4: 10,000 sessions, and how long a random eligible phone stays so."""
    phones = AVAILABILITIES["phones"]
    q = crowd(10_000).luck("sessions").uniforms(crowd(10_000).things, 0)
    assert np.median(phones.stay_s.isf(q)) == pytest.approx(3017.0, rel=0.05)
    n = 60_000
    is_up, until_s = GroupPresence(crowd(n), [phones]).at(np.arange(n), 0.0)
    assert (until_s[is_up] > 600).mean() == pytest.approx(0.93, abs=0.02)
    assert is_up.mean() == pytest.approx(7928 / (7928 + 21_660), abs=0.01)


@pytest.mark.parametrize(
    ("on_s", "off_s", "rule"),
    [
        (Constant(0.0), Constant(0.0), "must be at least 1 ms and finite"),
        (Constant(math.inf), Constant(1.0), "must be at least 1 ms and finite"),
        (Uniform(-1.0, 5.0), Constant(1.0), "no time may be negative"),
    ],
)
def test_a_cycle_that_cannot_be_is_refused(on_s, off_s, rule):
    with pytest.raises(ValueError, match=f"availability: .*{rule}"):
        Availability(stay_s=on_s, away_s=off_s)
    with pytest.raises(ValueError, match=f"crashes: .*{rule}"):
        Crashes(every_s=on_s, repair_s=off_s)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Churn, "churn needs a law"),
        (lambda: Churn(arrives_s=Uniform(-1.0, 1.0)), "no time may be negative"),
        (lambda: Daily(swing=1.5), "swing must be from 0 to 1, got 1.5"),
        (lambda: Daily(swing=math.nan), "swing must be from 0 to 1"),
        (lambda: Leaning(by="speed"), "by must be 'slowness' or 'labels'"),
        (lambda: Leaning(by="labels"), "labels go together"),
        (lambda: Leaning(by="slowness", labels=(1,)), "labels go together"),
        (lambda: Leaning(by="slowness", away=0.0), "away must be > 0"),
        (lambda: Availability(stay_s=Constant(1.0), away_s=Constant(0.0), level=Constant(0.5)), "a level needs"),
        (lambda: Daily().check_law(Constant(1.0)), "need a law with a density"),
    ],
)
def test_rules_that_cannot_be_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


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
