"""A crew: rows until somebody works with them, and the same as if everybody had always been there."""

import asyncio
import math
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import DeviceDownError, PowerCutError
from fedsim.system.availability import Availability
from fedsim.system.battery import Charging
from fedsim.system.battery_rules import BatteryRules
from fedsim.system.blackout import Blackout
from fedsim.system.charger import Charger
from fedsim.system.churn import Churn
from fedsim.system.crew import Crew
from fedsim.system.device import Device
from fedsim.system.fleet import DeviceGroup, Fleet, Kind
from fedsim.system.law import Constant, Exponential, Uniform
from fedsim.system.plug import Opportunistic
from fedsim.system.presence import GroupPresence
from fedsim.system.takes_part import TakesPart
from fedsim.system.usage import Usage
from fedsim.system.ways import WayIn

NO_RULES = BatteryRules()
CHARGING = Charging(
    charger=Charger(power_w=0.5, efficiency=0.5, taper_from_share=0.75),
    plug=Opportunistic(plugged_s=Exponential(20.0), unplugged_s=Exponential(60.0)),
)
STAYS = Availability(stay_s=Exponential(30.0), away_s=Exponential(60.0))


def crew_of(world, *groups):
    """Devices of these groups in the world of the phones."""
    fleet = Fleet(groups, world.sim.luck, world.sim.rng)

    def make(index, presence):
        spec = fleet.spec(index)
        world.network.attach(spec.name, spec.place, spec.access)
        return Device(world.sim, spec, world.messenger, world.waste, presence)

    presence = [GroupPresence(fleet.crowd(i, lambda name: fleet.slowness()), g.comings) for i, g in enumerate(groups)]
    return Crew(world.sim, fleet, presence, make)


@pytest.fixture(scope="session")
def phones(quick):
    """A group of phones that sleep with 0.0625 W and listen with 0.125 W."""

    def make(name="phones", *, count=20, comings=(STAYS,), battery_j=None, charge=1.0, rules=NO_RULES):
        kind = Kind(
            way=WayIn(
                link="4g", places=("cell",), radio=quick, half_duplex=False, paging_s=0.0,
                up_bps=Constant(8e6), down_bps=Constant(8e6), rtt_s=Constant(0.0),
            ),
            step_overhead_s=0.25, train_w=4.0, idle_w=0.5, sleep_w=0.0625, battery_j=battery_j,
            flops_per_s=Uniform(1e9, 2e9),
            charge=charge if not isinstance(charge, float) else Constant(charge), rules=rules,
        )  # fmt: skip
        return DeviceGroup(name=name, count=count, kinds=(kind,), comings=comings)

    return make


ASLEEP_W = 0.0625 + 0.125


def names(devices):
    return [device.name for device in devices]


def slow_choice(crew, wanted, number):
    """The definition: of all that are up, those with the lowest lots."""
    lots = crew.lots(number)
    up = [index for index in range(len(crew)) if crew[index].is_up()]
    return [crew[index].name for index in sorted(up, key=lambda index: lots[index])[:wanted]]


async def choices(steps_s, choose):
    """What is chosen after each of these steps of time."""
    chosen = []
    for number, step_s in enumerate(steps_s):
        await asyncio.sleep(step_s)
        chosen.append(choose(number))
    return chosen


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 99), wanted=st.integers(1, 30), steps=st.lists(st.integers(1, 80), min_size=1, max_size=4))
def test_chosen_are_those_with_the_lowest_lots(make_world, phones, seed, wanted, steps):
    """Through absences and empty batteries; whether devices are made or rows makes no difference."""
    groups = [phones(count=25), phones("weak", count=15, battery_j=20.0, charge=Uniform(0.0, 1.0))]
    world, twin = make_world(seed=seed), make_world(seed=seed)
    crew, slow = crew_of(world, *groups), crew_of(twin, *groups)

    (fast,) = world.run(choices(steps, lambda number: names(crew.choose(wanted, number))))
    (expected,) = twin.run(choices(steps, lambda number: slow_choice(slow, wanted, number)))
    assert fast == expected


def test_lots_depend_on_the_device_and_the_round_alone(world, make_world, phones):
    crew, other = crew_of(world, phones(count=30)), crew_of(make_world(), phones("more", count=5), phones(count=40))
    assert crew.lots(7).tolist() == other.lots(7)[5:35].tolist()
    assert crew.lots(8).tolist() != crew.lots(7).tolist()
    elsewhere = crew_of(make_world(seed=2), phones(count=30))
    assert crew.lots(7).tolist() != elsewhere.lots(7).tolist()


def test_lots_are_fair_and_rounds_are_independent(world, phones):
    """Of 1,000 devices 100 a round for 400 rounds: 40 times each in the mean, with the variance of a coin."""
    crew, rounds = crew_of(world, phones(count=1000, comings=())), 400
    counts = np.zeros(1000)
    together = 0
    before = np.array([], dtype=np.int64)
    for number in range(rounds):
        chosen = np.array([device.index for device in crew.choose(100, number)])
        counts[chosen] += 1
        together += len(np.intersect1d(before, chosen))
        before = chosen
    assert counts.var() == pytest.approx(rounds * 0.1 * 0.9, rel=4 * math.sqrt(2 / 1000))
    assert together / (rounds - 1) == pytest.approx(10.0, abs=4 * math.sqrt(8.1 / rounds))


def test_a_selection_by_something_else(world, phones):
    crew = crew_of(world, phones(count=50))
    by_speed = crew.lowest(3, -crew.fleet.flops_per_s)
    there = crew.there()
    assert by_speed.tolist() == sorted(there.tolist(), key=lambda row: -crew.fleet.flops_per_s[row])[:3]


def test_nobody_is_made_before_somebody_works_with_it(world, phones):
    crew = crew_of(world, phones(count=10_000))
    chosen = crew.choose(5, 1)
    assert [device.index for device in crew.made] == sorted(device.index for device in chosen)
    assert crew[chosen[0].index] is chosen[0]
    assert len(crew.made) == 5
    assert len(crew[2:5]) == 3
    with pytest.raises(IndexError, match="there are 10000 devices, got index 10000"):
        crew[10_000]


def test_a_device_made_late_is_as_if_it_had_always_been_there(make_world, phones):
    """Asleep for 40 s, then at work for 4 s: spent, charge and times of the radio, to the last bit but one."""
    results = []
    for early in (True, False):
        world = make_world()
        crew = crew_of(world, phones(count=3, comings=(), battery_j=60.0))
        if early:
            list(crew)

        async def story(crew=crew):
            await asyncio.sleep(40.0)
            before = crew.spent()
            async with crew[1].at_work():
                await crew[1].compute(1e9, 1)
            return before, crew.spent(), crew.charge_j().tolist(), crew[1].radio_times(), crew.up(np.arange(3)).tolist()

        results += world.run(story())
    for one, other in zip(*results, strict=True):
        assert getattr(one, "energy_j", one) == (
            pytest.approx(getattr(other, "energy_j", other), rel=1e-12) if not isinstance(one, dict) else other
        )
    assert results[0][0].energy_j["sleep"] == pytest.approx(3 * 40 * ASLEEP_W)


def test_who_sleeps_until_its_battery_is_empty_has_spent_its_charge(world, phones):
    crew = crew_of(world, phones(count=2, comings=(), battery_j=30.0), phones("mains", count=1, comings=()))

    async def story():
        await asyncio.sleep(100.0)
        assert crew.up(np.arange(3)).all()
        await asyncio.sleep(100.0)
        return crew.spent().energy_j["sleep"], crew.up(np.arange(3)).tolist(), crew.empty(), crew[0].is_spent()

    (found,) = world.run(story())
    assert found == (pytest.approx(2 * 30.0 + 200.0 * ASLEEP_W), [False, False, True], 2, True)


def first_gathering(crew, world, quorum):
    async def wait():
        return await crew.gathered(quorum), world.sim.now

    return world.run(wait())[0]


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 99), quorum=st.integers(1, 5))
def test_a_quorum_is_noticed_at_the_instant_at_which_it_is_there(make_world, phones, seed, quorum):
    """Against a twin that looks at every switch of anybody."""
    stays = Availability(stay_s=Exponential(3.0), away_s=Exponential(9.0))
    world, twin = make_world(seed=seed), make_world(seed=seed)
    group = phones(count=8, comings=(stays,))
    fast, crew = first_gathering(crew_of(world, group), world, quorum), crew_of(twin, group)

    async def slow():
        while len(crew.there()) < quorum:
            switches_s = [crew._looked_up(np.array([row]))[1][0] for row in range(len(crew))]
            await asyncio.sleep(min(switches_s) - twin.sim.now)
        return True, twin.sim.now

    assert fast == twin.run(slow())[0]


def test_nobody_waits_for_those_that_will_not_come(world, make_world, phones):
    gone = Churn(belongs_s=Constant(1.0))
    assert first_gathering(crew_of(world, phones(count=3)), world, 4) == (False, 0.0)
    other = make_world()
    other.run(asyncio.sleep(2.0))
    assert first_gathering(crew_of(other, phones(count=3, comings=(gone,))), other, 1) == (False, 2.0)
    third = make_world()
    flat = phones(count=3, comings=(STAYS,), battery_j=1.0, charge=0.0)
    assert first_gathering(crew_of(third, flat), third, 1) == (False, 0.0)


def test_it_waits_for_those_that_arrive(world, phones):
    crew = crew_of(world, phones(count=3, comings=(Churn(arrives_s=Constant(5.0)),)))
    assert first_gathering(crew, world, 2) == (True, 5.0)


def test_those_who_are_kept_out_are_never_there_nor_waited_for(world, make_world, phones):
    crew = crew_of(world, phones(count=5, comings=()))
    crew.keep_out(np.array([1, 4]))
    assert crew.there().tolist() == [0, 2, 3]
    assert sorted(device.index for device in crew.choose(5, 1)) == [0, 2, 3]
    other = make_world()
    late = crew_of(other, phones(count=3, comings=(Churn(arrives_s=Constant(5.0)),)))
    late.keep_out(np.array([0, 1]))
    assert first_gathering(late, other, 2) == (False, 0.0)
    assert first_gathering(late, other, 1) == (True, 5.0)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 99),
    charging=st.sampled_from([None, CHARGING]),
    looks=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 3), st.booleans()), min_size=1, max_size=8),
)
def test_totals_are_those_of_all_devices_whoever_rests(make_world, phones, radio, seed, charging, looks):
    """Devices work now and then, also by an old reference; with and without looks between, and against plain sums."""

    def story(with_looks):
        world = make_world(seed=seed)
        group = phones(count=4, comings=(), battery_j=60.0, rules=BatteryRules(charging=charging))
        [kind] = group.kinds
        group = replace(group, kinds=(replace(kind, way=replace(kind.way, radio=radio)),))
        crew = crew_of(world, group)
        known = {}

        async def tell():
            for wait_s, row, again in looks:
                await asyncio.sleep(wait_s)
                device = known[row] if again and row in known else known.setdefault(row, crew[row])
                with suppress(DeviceDownError):
                    async with device.at_work():
                        await device.send(world.server, 100_000)
                if with_looks:
                    crew.spent()
            await asyncio.sleep(20.0)
            found = crew.spent(), crew.charge_j().tolist(), crew.empty(), crew.up(np.arange(4)).tolist()
            plain = sum((device.usage() for device in crew), Usage())
            return found, plain, [device.meter.charge_j for device in crew], [device.is_up() for device in crew]

        return world.run(tell())[0]

    for with_looks in (False, True):
        (spent, charge_j, empty, up), plain, charges_j, is_up = story(with_looks)
        assert spent.energy_j == pytest.approx(plain.energy_j, rel=1e-9, abs=1e-9)
        assert spent.sent_bytes == pytest.approx(plain.sent_bytes)
        assert charge_j == pytest.approx(charges_j, rel=1e-9, abs=1e-9)
        assert (empty, up) == (sum(not there for there in is_up), is_up)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 99), wanted=st.integers(1, 12), steps=st.lists(st.integers(1, 90), min_size=1, max_size=4))
def test_who_charges_or_is_choosy_is_chosen_as_if_everybody_had_always_been_there(
    make_world, phones, seed, wanted, steps
):
    rules = BatteryRules(charging=CHARGING, restart_share=0.25)
    choosy = replace(rules, takes_part=TakesPart(min_charge_share=0.5))
    groups = [
        phones(count=8, battery_j=20.0, charge=Uniform(0.0, 1.0), rules=rules),
        phones("choosy", count=8, battery_j=20.0, rules=choosy),
    ]
    world, twin = make_world(seed=seed), make_world(seed=seed)
    crew, slow = crew_of(world, *groups), crew_of(twin, *groups)

    list(slow)
    (fast,) = world.run(choices(steps, lambda number: names(crew.choose(wanted, number))))
    (expected,) = twin.run(choices(steps, lambda number: slow_choice(slow, wanted, number)))
    assert fast == expected
    assert crew.spent().energy_j == pytest.approx(slow.spent().energy_j, rel=1e-9, abs=1e-9)
    assert crew.charge_j() == pytest.approx(slow.charge_j(), rel=1e-9, abs=1e-9)


def test_who_charges_stays_a_row_while_its_charge_would_last_anyway(world, phones):
    crew = crew_of(world, phones(count=50, comings=(), battery_j=30.0, rules=BatteryRules(charging=CHARGING)))

    async def story():
        await asyncio.sleep(100.0)
        early = crew.spent().energy_j["sleep"], crew.empty(), int(crew.up(np.arange(50)).sum()), len(crew.made)
        await asyncio.sleep(100.0)
        assert 0 < crew.empty() < 50
        return early, len(crew.made)

    assert world.run(story())[0] == ((pytest.approx(50 * 100 * ASLEEP_W), 0, 50, 0), 50)


def test_who_comes_back_with_charge_is_waited_for(world, phones):
    """Empty after 100 s; on their chargers from 105 s on, with 0.125 W, they are back at half of their charge."""
    always = replace(CHARGING, charger=replace(CHARGING.charger, power_w=0.25), plug=Later(105.0))
    rules = BatteryRules(charging=always, restart_share=0.5)
    crew = crew_of(world, phones(count=3, comings=(), battery_j=100 * ASLEEP_W, rules=rules))

    async def story():
        await asyncio.sleep(102.0)
        assert crew.empty() == 3
        return await crew.gathered(2), world.sim.now

    assert world.run(story())[0] == (True, pytest.approx(105.0 + 50 * ASLEEP_W / 0.125))


class Later:
    """Plugged in from some time on."""

    def __init__(self, from_s):
        self.from_s = from_s

    def times(self, _):
        return self

    def at(self, time_s):
        return (False, self.from_s) if time_s < self.from_s else (True, math.inf)


def test_a_power_cut_takes_all_of_a_group_or_some_of_its_rows(world, phones):
    """From 4 s to 6 s, in one cut; who works then ends at its beginning."""
    cut = Off(4.0, 6.0)
    crew = crew_of(
        world, phones("all", count=3, comings=(Blackout(cut),)), phones("some", count=3, comings=(Blackout(cut, (1,)),))
    )
    rows = np.arange(6)

    async def story():
        work = asyncio.create_task(crew[4].compute(100e9, 1))
        assert crew.up(rows).all()
        with pytest.raises(PowerCutError):
            async with crew[0].at_work():
                await crew[0].compute(100e9, 1)
        assert world.sim.now == 4.0
        work.cancel()
        assert crew.up(rows).tolist() == [False, False, False, True, False, True]
        assert crew[4].away_until_s() == 6.0
        assert await crew.gathered(5)
        return world.sim.now

    assert world.run(story())[0] == 6.0


class Off:
    """There but from one time to another."""

    def __init__(self, from_s, to_s):
        self.from_s, self.to_s = from_s, to_s

    def at(self, time_s):
        if time_s < self.from_s:
            return True, self.from_s
        return (False, self.to_s) if time_s < self.to_s else (True, math.inf)


def test_the_first_by_any_key_are_made_and_nobody_else(world, phones):
    crew = crew_of(world, phones(count=10_000, battery_j=1000.0, charge=Uniform(0.0, 1.0)))
    lots = crew.uniforms(3)
    assert np.argsort(lots, kind="stable").tolist() == np.argsort(crew.lots(3), kind="stable").tolist()
    assert (lots >= 0).all()
    assert (lots < 1).all()
    assert (crew.uniforms(3, attempt=1) != lots).all()
    assert crew.charge_share() == pytest.approx(np.maximum(crew.fleet.charge, 0))
    some = np.where(np.arange(10_000) % 100 == 7, lots, np.inf)
    chosen = crew.first(5, some)
    there = crew.there()
    able = there[np.isfinite(some[there])]
    assert [device.index for device in chosen] == able[np.argsort(some[able])][:5].tolist()
    assert len(crew.made) == 5
    assert len(crew.first(10_000, some)) == len(able)


def test_some_are_waited_for_while_others_are_there(world, phones):
    crew = crew_of(world, phones(count=200))
    away = ~crew.up(np.arange(200))

    async def wait():
        return await crew.gathered(1, among=away), world.sim.now

    came, when_s = world.sim.run(wait())
    assert came
    assert when_s > 0
    assert crew.up(np.flatnonzero(away)).sum() == 1
    nobody = np.zeros(200, dtype=bool)
    assert not world.sim.run(crew.gathered(1, among=nobody))


def test_charge_of_those_on_the_mains_is_full(world, phones):
    assert (crew_of(world, phones(count=3)).charge_share() == 1).all()
    assert crew_of(world, phones("more", count=3))[1].charge_share == 1.0


@pytest.mark.parametrize("outside", [0, 5, 30, 100])
def test_some_are_chosen_as_if_the_others_were_away(world, phones, outside):
    crew = crew_of(world, phones(count=100))
    among = np.arange(100) >= outside
    able = [row for row in crew.there().tolist() if among[row]]
    lots = crew.lots(4)
    chosen = crew.choose(7, 4, among)
    assert [device.index for device in chosen] == sorted(able, key=lambda row: lots[row])[:7]
