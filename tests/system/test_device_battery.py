"""A device and its battery: it refuses, dies, comes back, and takes part when its policy lets it.

A phone computes with 4 W, waits awake with 0.5 W, and asleep draws 0.0625 W and 0.125 W of its radio.
"""

import asyncio
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import BatteryEmptyError, LowChargeError
from fedsim.system.battery import Charging
from fedsim.system.battery_rules import BatteryRules
from fedsim.system.charger import Charger
from fedsim.system.law import Constant
from fedsim.system.plug import Always, Opportunistic
from fedsim.system.takes_part import TakesPart

MB = 1_000_000
GIGA = 1e9
ASLEEP_W = 0.0625 + 0.125
PLUGGED = Charging(charger=Charger(power_w=2.0, efficiency=0.5, taper_from_share=1.0), plug=Always())
"""1 W arrives."""


def rules(**changes):
    return BatteryRules(**changes)


async def work(phone, seconds):
    async with phone.at_work():
        await phone.compute(GIGA * seconds, 0)


def test_below_its_floor_it_refuses_jobs(world, at):
    """30 of 100 J at first; at the floor of 29 J, after 4.125 W for less than a second, it takes none."""
    phone = world.phone(charge_j=30.0, capacity_j=100.0, rules=rules(floor_share=0.29))
    first, second = world.run(at(0.0, work, phone, 1.0), at(2.0, work, phone, 1.0))
    assert first.error is None
    assert isinstance(second.error, LowChargeError)
    assert "phone refuses a job at 25.7% of charge, below 29.0%" in str(second.error)
    assert world.events("refused") == [(2.0, {"subject": "phone", "cause": "floor"})]
    assert world.waste.pieces == {"floor": 1}
    world.check_nothing_is_held()


def test_it_dies_in_the_middle_and_returns_with_five_per_cent(world, at):
    """10 J at 4.125 W less the 1 W of its charger; then 5 J at 1 W. At work again it lasts 5 J / 3.125 W."""
    phone = world.phone(charge_j=10.0, capacity_j=100.0, rules=rules(charging=PLUGGED))
    died_s = 10 / 3.125
    outcome, back = world.run(at(0.0, work, phone, 100.0), at(died_s + 0.1, phone.returned))
    assert isinstance(outcome.error, BatteryEmptyError)
    assert outcome.end_s == pytest.approx(died_s)
    assert back.end_s == pytest.approx(died_s + 5.0)
    assert phone.is_up()
    assert not phone.is_spent()
    (again,) = world.run(at(0.0, work, phone, 100.0))
    assert again.end_s == pytest.approx(died_s + 5.0 + 5 / 3.125)
    assert phone.meter.off_s == pytest.approx(5.0)
    world.check_nothing_is_held()


def test_plugged_in_at_the_last_moment_it_lives(world, at):
    """In reach of its watch: unplugged for 2 s, then plugged in for ever; 9 J last for 2.18 s without."""
    charger = Charger(power_w=10.0, efficiency=1.0, taper_from_share=1.0)

    class Soon:
        def times(self, rng):
            return self

        def at(self, time_s):
            return (False, 2.0) if time_s < 2.0 else (True, math.inf)

    phone = world.phone(charge_j=9.0, capacity_j=20.0, rules=rules(charging=Charging(charger=charger, plug=Soon())))
    (outcome,) = world.run(at(0.0, work, phone, 10.0))
    assert outcome.error is None
    assert phone.meter.charge_j == pytest.approx(20.0)


def test_it_takes_part_from_a_charge_on(world, at):
    """50 J from 10 J at 1 W less its sleep."""
    there = rules(charging=PLUGGED, takes_part=TakesPart(min_charge_share=0.5))
    phone = world.phone(charge_j=10.0, capacity_j=100.0, rules=there)
    assert not phone.is_up()
    assert not phone.is_spent()
    (outcome,) = world.run(at(0.0, phone.returned))
    assert outcome.end_s == pytest.approx(40 / (1 - ASLEEP_W))
    assert phone.is_up()


@settings(deadline=None, max_examples=60)
@given(charge_j=st.floats(1.0, 29.0), min_share=st.floats(0.3, 0.95), begin_s=st.floats(0.0, 1e6))
def test_it_takes_part_though_the_last_bit_of_charge_is_too_small_for_the_clock(
    make_world, charge_j, min_share, begin_s
):
    """Else who waits for it would find time standing still, for ever."""
    world = make_world()
    charging = Charging(charger=Charger(power_w=2.0, efficiency=0.5), plug=Always())
    there = rules(charging=charging, takes_part=TakesPart(min_charge_share=min_share))
    world.run(asyncio.sleep(begin_s))
    phone = world.phone(charge_j=charge_j, capacity_j=100.0, rules=there)
    while (until_s := phone.away_until_s()) is not None:
        assert until_s > world.sim.now
        world.run(asyncio.sleep(until_s - world.sim.now))
    assert phone.meter.battery.share == pytest.approx(min_share, rel=1e-9)


def test_it_takes_part_only_while_charging(make_world, at):
    """Plugged in for 3 s, then not for 5 s, from 0 s on."""
    world = make_world()
    plug = Opportunistic(plugged_s=Constant(3.0), unplugged_s=Constant(5.0))
    there = rules(charging=replace(PLUGGED, plug=plug), takes_part=TakesPart(only_charging=True))
    phone = world.phone(charge_j=50.0, capacity_j=100.0, rules=there)
    outcomes = world.run(*(at(time_s, phone.returned) for time_s in (1.0, 3.0, 7.0, 8.0)))
    assert [outcome.end_s for outcome in outcomes] == [1.0, 8.0, 8.0, 8.0]
    assert world.phone("mains", rules=rules(takes_part=TakesPart(only_charging=True))).is_up()


def test_it_takes_part_only_on_wifi(world):
    wifi = rules(takes_part=TakesPart(only_links=("wifi",)))
    assert world.phone("a", link="wifi", rules=wifi).is_up()
    assert not world.phone("b", link="4g", rules=wifi).is_up()
    assert world.phones[-1].is_spent()  # it has no other link


def test_without_a_charger_a_low_battery_never_takes_part_again(world):
    there = rules(takes_part=TakesPart(min_charge_share=0.5))
    phone = world.phone(charge_j=10.0, capacity_j=100.0, rules=there)
    assert phone.is_spent()


def test_a_phone_nobody_looks_at_costs_no_events(world):
    """A week of plugging and of other people's work."""
    plug = Opportunistic(plugged_s=Constant(3600.0), unplugged_s=Constant(3600.0))
    there = rules(charging=replace(PLUGGED, plug=plug))
    phone = world.phone(charge_j=4e4, capacity_j=4e4, rules=there)
    world.run(asyncio.sleep(7 * 86400.0))
    assert world.sim.env._queue == []
    phone.usage()
    assert phone.meter.battery.charge_j == pytest.approx(4e4 - 3600 * ASLEEP_W, rel=1e-9)


def test_a_duty_cycle_lasts_as_long_as_the_closed_form_says(make_world, closed_form, quick):
    """Receive, compute, send, and wait for the rest of the period, until the battery is empty."""
    case, expected = closed_form("battery_duty")
    world = make_world()
    rate_bps = 8e6
    radio = replace(
        quick,
        beta_w=0.0,
        alpha_up_w_per_bps=(case["P_send"] - case["P_idle"]) / rate_bps,
        alpha_down_w_per_bps=(case["P_receive"] - case["P_idle"]) / rate_bps,
        idle_w=0.0,
    )
    phone = world.phone(
        charge_j=case["E_J"], radio=radio, train_w=case["P_compute"], idle_w=case["P_idle"], sleep_w=0.0
    )
    rounds, low = [], []

    async def duty():
        async with phone.at_work():
            while True:
                since_s = world.sim.now
                await world.server.send(phone, case["t_receive"] * MB)
                await phone.compute(case["t_compute"] * GIGA, 0)
                await phone.send(world.server, case["t_send"] * MB)
                await asyncio.sleep(since_s + case["period"] - world.sim.now)
                rounds.append(world.sim.now)
                phone.usage()
                low.append(phone.meter.battery.share)

    async def story():
        with pytest.raises(BatteryEmptyError):
            await duty()
        return world.sim.now

    (empty_s,) = world.run(story())
    assert len(rounds) == expected["whole_rounds"]
    assert empty_s == pytest.approx(expected["empty_at_s"], rel=1e-9)
    assert sum(share >= 0.15 for share in low) == expected["whole_rounds_to_15_percent"]
