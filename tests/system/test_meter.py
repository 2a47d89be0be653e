"""Joules: power integrated over time, by cause, until the battery is empty."""

import itertools
import math
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fedsim.system.battery import Battery
from fedsim.system.meter import CAUSES, PowerMeter, Stage

powers = st.floats(0, 100).map(lambda watts: round(watts, 3))
gaps = st.floats(0, 1000).map(lambda seconds: round(seconds, 3))


def on_battery(charge_j):
    """A meter with a full battery."""
    return PowerMeter(Battery(capacity_j=charge_j, charge_j=charge_j))


def test_power_over_time_is_energy():
    meter = PowerMeter()
    meter.draw("compute", 3.0, at_s=0.0)
    meter.draw("compute", 0.0, at_s=10.0)
    meter.draw("send", 2.0, at_s=10.0)
    meter.settle(15.0)
    assert meter.spent_j == {"compute": 30.0, "send": 10.0, "receive": 0, "radio": 0, "idle": 0, "sleep": 0}


def test_a_tail_falls_by_itself():
    meter = PowerMeter()
    meter.stage(meter.add_track(), (Stage(8.0, 0.8), Stage(10.0, 0.6)), at_s=0.0)
    meter.settle(4.0)
    assert meter.spent_j["radio"] == pytest.approx(3.2)
    meter.settle(100.0)
    assert meter.spent_j["radio"] == pytest.approx(8 * 0.8 + 2 * 0.6)


def test_a_stage_may_be_for_another_cause():
    meter = on_battery(10.0)
    meter.stage(meter.add_track(), (Stage(2.0, 1.0), Stage(math.inf, 0.5, "sleep")), at_s=0.0)
    assert meter.changes_s() == 18.0
    meter.settle(6.0)
    assert {cause: joules for cause, joules in meter.spent_j.items() if joules} == {"radio": 2.0, "sleep": 2.0}


def test_new_stages_replace_the_old():
    meter = PowerMeter()
    meter.stage(meter.add_track(), (Stage(8.0, 1.0),), at_s=0.0)
    meter.stage(0, (Stage(12.0, 1.0),), at_s=4.0)
    meter.settle(100.0)
    assert meter.spent_j["radio"] == 12.0


def test_the_battery_is_empty_when_arithmetic_says():
    meter = on_battery(100.0)
    meter.draw("sleep", 1.0, at_s=0.0)
    meter.stage(meter.add_track(), (Stage(20.0, 3.0),), at_s=10.0)
    assert meter.changes_s() == 70.0  # 10 J until 10 s, 40 J until 20 s, and the other 50 J at 1 W
    meter.settle(1000.0)
    assert meter.is_empty
    assert meter.charge_j == 0.0
    assert sum(meter.spent_j.values()) == pytest.approx(100.0, rel=1e-12)


def test_an_empty_battery_draws_nothing():
    meter = on_battery(10.0)
    meter.draw("idle", 1.0, at_s=0.0)
    meter.draw("compute", 5.0, at_s=20.0)
    meter.settle(30.0)
    assert sum(meter.spent_j.values()) == 10.0
    assert meter.is_empty
    assert meter.changes_s() == math.inf


def test_a_charge_too_small_for_the_clock_to_see_is_none():
    """Else a watch set to the instant of exhaustion would find time standing still, for ever."""
    meter = on_battery(100.0)
    meter.draw("sleep", 1e-3, at_s=1e5)
    meter.battery.charge_j = 1e-14
    meter.draw("compute", 6.0, at_s=1e5)
    assert meter.changes_s() == 1e5
    meter.settle(1e5)
    assert meter.is_empty
    meter.draw("compute", 0.0, at_s=1e5)
    assert meter.is_empty  # and so it stays


def test_the_mains_never_end():
    meter = PowerMeter()
    meter.draw("compute", 400.0, at_s=0.0)
    assert meter.changes_s() == math.inf


@pytest.mark.parametrize("power_w", [-1.0, math.nan, math.inf])
def test_power_that_cannot_be_is_refused(power_w):
    with pytest.raises(ValueError, match="power_w must be >= 0"):
        PowerMeter().draw("send", power_w, at_s=0.0)


def test_charge_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="capacity_j must be >= 0 and finite, got nan"):
        on_battery(math.nan)


@pytest.mark.parametrize("at_s", [4.0, math.nan])
def test_time_does_not_go_back(at_s):
    meter = PowerMeter()
    meter.settle(5.0)
    with pytest.raises(ValueError, match="time went back"):
        meter.settle(at_s)


@dataclass(frozen=True)
class Change:
    """After a while, new power for one cause, and new stages, (seconds, watts) each, on one track."""

    gap_s: float
    cause: str
    power_w: float
    track: int
    stages: list[tuple[float, float]]


changes = st.lists(
    st.builds(
        Change, gaps, st.sampled_from(CAUSES), powers, st.integers(0, 1), st.lists(st.tuples(gaps, powers), max_size=3)
    ),
    max_size=8,
)


ROUNDED = [
    Change(0.0, "compute", 0.0, 0, [(340.879, 50.049), (346.25, 56.953)]),
    Change(688.0, "compute", 86.035, 0, []),
    Change(0.0, "send", 0.0, 0, [(0.75, 0.0)]),
    Change(268.0, "compute", 0.0, 0, []),
    Change(1.0, "compute", 0.0, 0, []),
]
"""The battery is empty 0.03 s before the fourth change, and what was spent adds up to a little less than its charge."""

# Less than the clock can see goes at the instant of a draw that is set anew in that instant, too.
charges = st.just(0.0) | st.floats(1e-3, 1e5)


@settings(deadline=None, max_examples=200)
@given(changes=changes, charge_j=charges, end_s=gaps)
@example(changes=ROUNDED, charge_j=59835.5, end_s=0.0)
def test_energy_and_seconds_are_integrals(changes, charge_j, end_s):
    """Of power, by cause, and of the time in each state, against a fine cut of time at every instant of change."""
    meter = on_battery(charge_j)
    assert (meter.add_track(), meter.add_track()) == (0, 1)
    now_s, tracks, draws = 0.0, [(), ()], dict.fromkeys(CAUSES, 0.0)
    history = [(now_s, dict(draws), tuple(tracks))]
    for number, change in enumerate(changes):
        now_s += change.gap_s
        ends_s = itertools.accumulate((seconds for seconds, _ in change.stages), initial=now_s)
        tracks[change.track] = tuple(
            Stage(until_s, watts, state=f"{number}.{place}")
            for place, (until_s, (_, watts)) in enumerate(zip([*ends_s][1:], change.stages, strict=True))
        )
        draws[change.cause] = change.power_w
        meter.draw(change.cause, change.power_w, now_s)
        meter.stage(change.track, tracks[change.track], now_s)
        history.append((now_s, dict(draws), tuple(tracks)))
    now_s += end_s
    meter.settle(now_s)

    expected, seconds = drained(history, charge_j, now_s)
    assert meter.spent_j == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert meter.charge_j == pytest.approx(max(charge_j - sum(expected.values()), 0.0), rel=1e-9, abs=1e-6)
    assert 0 <= meter.charge_j <= charge_j
    for found, wanted in zip(meter.seconds, seconds, strict=True):
        assert sum(found.values()) + meter.off_s == pytest.approx(now_s, rel=1e-9, abs=1e-6)
        for state in found.keys() | wanted.keys():
            assert found.get(state, 0.0) == pytest.approx(wanted.get(state, 0.0), rel=1e-9, abs=1e-6)


LOOKS = ("settle", "charge_j", "has_charge", None)


def living(meter, changes):
    """Change after change; gives the time of each."""
    now_s = 0.0
    for change in changes:
        now_s += change.gap_s
        ends_s = itertools.accumulate((seconds for seconds, _ in change.stages), initial=now_s)
        stages = zip([*ends_s][1:], change.stages, strict=True)
        meter.draw(change.cause, change.power_w, now_s)
        meter.stage(change.track, tuple(Stage(until_s, watts, "radio", "on") for until_s, (_, watts) in stages), now_s)
        yield now_s


def with_charge(charge_j, peak_w):
    """A meter with two tracks."""
    meter = PowerMeter(None if charge_j is None else Battery(capacity_j=charge_j, charge_j=charge_j), peak_w=peak_w)
    assert (meter.add_track(), meter.add_track()) == (0, 1)
    return meter


PEAK_W = 800.0  # six causes and two tracks, of 100 W at most


@settings(deadline=None, max_examples=200)
@given(
    changes=changes,
    charge_j=charges | st.none(),
    looks=st.lists(st.sampled_from(LOOKS), min_size=8, max_size=8),
    end_s=gaps,
)
@example(changes=ROUNDED, charge_j=59835.5, looks=[None] * 8, end_s=0.0)
def test_accounts_that_go_apart_say_what_those_say_that_go_together(changes, charge_j, looks, end_s):
    """The slow twin settles everything at every change; the other knows what it can draw at most."""
    together, apart = with_charge(charge_j, math.inf), with_charge(charge_j, PEAK_W)
    together.witness = lambda *_: None  # else it would go apart on the mains
    now_s = 0.0
    for now_s, _, look in zip(
        living(together, changes), living(apart, changes), looks, strict=False
    ):  # the last one is used
        if look == "settle":
            apart.settle(now_s)
        elif look == "charge_j":
            assert apart.charge_j == pytest.approx(together.charge_j, rel=1e-12, abs=1e-9)
        elif look == "has_charge":
            assert apart.has_charge(now_s) == together.has_charge(now_s)
    assert apart.is_steady(now_s + end_s) == together.is_steady(now_s + end_s)
    for meter in (together, apart):
        meter.settle(now_s + end_s)
    assert apart.spent_j == pytest.approx(together.spent_j, rel=1e-12, abs=1e-9)
    assert apart.charge_j == pytest.approx(together.charge_j, rel=1e-12, abs=1e-8)
    assert apart.is_empty == together.is_empty
    assert apart.off_s == pytest.approx(together.off_s, rel=1e-12, abs=1e-9)
    assert apart.changes_s() == pytest.approx(together.changes_s(), rel=1e-9)
    for one, other in zip(apart.seconds, together.seconds, strict=True):
        for state in one.keys() | other.keys():
            assert one.get(state, 0.0) == pytest.approx(other.get(state, 0.0), rel=1e-12, abs=1e-9)


@settings(deadline=None, max_examples=100)
@given(changes=changes, charge_j=charges | st.none(), number=st.integers(0, 7), end_s=gaps)
def test_energy_is_the_integral_of_what_a_witness_hears(changes, charge_j, number, end_s):
    """From whenever it listens, and not a joule before."""
    meter, told, since_s, before_j, now_s = with_charge(charge_j, PEAK_W), [], 0.0, {}, 0.0
    for place, now_s in enumerate(living(meter, changes)):
        if place == number:
            meter.settle(now_s)
            since_s, before_j = now_s, dict(meter.spent_j)
            meter.witness = lambda stretch, power_w: told.append((stretch, dict(power_w)))
    meter.settle(now_s + end_s)
    if not before_j:
        return
    for cause in CAUSES:
        lived_j = sum(power_w[cause] * (stretch.to_s - stretch.from_s) for stretch, power_w in told)
        assert before_j[cause] + lived_j == pytest.approx(meter.spent_j[cause], rel=1e-9, abs=1e-9)
    lasted_s = sum(stretch.to_s - stretch.from_s for stretch, _ in told)
    assert lasted_s == pytest.approx(now_s + end_s - since_s, rel=1e-12, abs=1e-9)


def test_a_battery_lasts_at_least_as_long_as_at_peak_power():
    meter = PowerMeter(Battery(capacity_j=100.0, charge_j=100.0), peak_w=5.0)
    meter.draw("compute", 5.0, at_s=0.0)
    assert meter.lasts_s == pytest.approx(20.0, abs=1e-3)
    meter.draw("compute", 1.0, at_s=10.0)
    assert meter.lasts_s == pytest.approx(20.0, abs=1e-3)  # nobody has looked since
    meter.look_ahead(10.0)
    assert meter.lasts_s == pytest.approx(20.0, abs=1e-3)  # 50 J at 5 W
    meter.look_ahead(40.0)
    assert meter.lasts_s == pytest.approx(44.0, abs=1e-3)  # 20 J at 5 W
    assert not meter.has_charge(60.0)
    assert meter.lasts_s == -math.inf


def test_a_witness_who_comes_late_hears_of_what_comes_then():
    meter, told = PowerMeter(), []
    meter.draw("idle", 1.0, at_s=0.0)
    meter.draw("idle", 2.0, at_s=5.0)
    meter.witness = lambda stretch, power_w: told.append((stretch.from_s, stretch.to_s, power_w["idle"]))
    meter.draw("idle", 0.0, at_s=10.0)
    assert told == [(5.0, 10.0, 2.0)]
    assert meter.spent_j["idle"] == 15.0


def drained(history, charge_j, end_s):
    """The slow twin: power looked up afresh on every piece between any two instants of change."""
    ends_s = {stage.until_s for *_, tracks in history for track in tracks for stage in track}
    cuts = sorted({end_s, *(at for at, _, _ in history), *ends_s})
    spent, seconds = dict.fromkeys(CAUSES, 0.0), [{}, {}]
    for left_s, right_s in itertools.pairwise(cuts):
        if right_s > end_s:
            break
        _, draws, tracks = [entry for entry in history if entry[0] <= left_s][-1]
        power = dict(draws)
        running = [[stage for stage in track if stage.until_s > left_s][:1] for track in tracks]
        power["radio"] += sum(stage.power_w for track in running for stage in track)
        total_w = sum(power.values())
        left_j, lasts_s = charge_j - sum(spent.values()), right_s - left_s
        is_over = total_w * lasts_s >= left_j
        if is_over:
            lasts_s = left_j / total_w if total_w > 0 else 0.0
        for cause in CAUSES:
            spent[cause] += power[cause] * lasts_s
        for in_state, track in zip(seconds, running, strict=True):
            state = track[0].state if track else ""
            in_state[state] = in_state.get(state, 0.0) + lasts_s
        if is_over:
            break  # for good, even if rounding has left a trace of charge
    return spent, seconds


@given(
    begins_s=gaps,
    drawn=st.dictionaries(st.sampled_from(["compute", "send", "receive", "idle"]), powers),
    radio=st.lists(st.tuples(st.lists(st.tuples(gaps, powers), max_size=3), gaps), min_size=1, max_size=4),
)
def test_what_was_known_before_is_spent_like_what_is_set_in_its_time(begins_s, drawn, radio):
    """By the same sums, whether it is gone through at once or change by change."""
    standby_w, asleep = 0.03, Stage(math.inf, 0.01, "sleep", "idle")
    told, lived = [PowerMeter(Battery(capacity_j=1e9, charge_j=1e9), peak_w=1000.0) for _ in range(2)]
    for meter in (told, lived):
        meter.draw("sleep", standby_w, at_s=0.0)
        meter.stage(meter.add_track(), (Stage(begins_s / 2, 1.0), asleep), at_s=0.0)
    lived.settle(begins_s)
    spent_j = [tuple(lived.spent_j.values())]
    lived.draw("sleep", 0.0, begins_s)
    for cause, power_w in drawn.items():
        lived.draw(cause, power_w, begins_s)
    gone, then, at_s = [], (), begins_s
    for tails, lasts_s in radio:
        ends_s = itertools.accumulate((gap_s for gap_s, _ in tails), initial=at_s)
        tail = [Stage(end_s, power_w, state="tail") for end_s, (_, power_w) in zip(ends_s, tails, strict=False)]
        then = (*tail, asleep)
        lived.stage(0, then, at_s)
        at_s += lasts_s
        gone += [(min(stage.until_s, at_s), *stage[1:]) for stage in then]
    told_j = told.live(begins_s, [(*one, begins_s, at_s) for one in drawn.items()], gone, then)
    for cause in drawn:
        lived.draw(cause, 0.0, at_s)
    lived.draw("sleep", standby_w, at_s)
    lived.settle(at_s)
    assert list(told_j) == [*spent_j, tuple(lived.spent_j.values())]
    for meter in (told, lived):
        meter.settle(at_s + 10.0)
    assert told.spent_j == lived.spent_j
    assert told.seconds == lived.seconds
    assert told.charge_j == lived.charge_j
