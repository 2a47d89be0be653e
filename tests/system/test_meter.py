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
