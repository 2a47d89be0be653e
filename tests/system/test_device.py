"""A device computes, sends, dies in the middle, and leaves nothing behind: stories in round numbers.

A phone computes with 4 W, waits awake with 0.5 W, and asleep draws 0.0625 W and 0.125 W of its radio. Over its
radio go 1 MB a second, sent with 3 W, received with 2 W.
"""

import asyncio
import math
from dataclasses import replace

import pytest

from fedsim.errors import (
    BatteryEmptyError,
    DeviceCrashedError,
    DeviceDownError,
    DeviceLeftError,
    MessageLostError,
)
from fedsim.system.access import Access
from fedsim.system.device_spec import DeviceSpec

MB = 1_000_000
GIGA = 1e9
ASLEEP_W = 0.0625 + 0.125


async def work(phone, seconds):
    """At work, computing for so many seconds."""
    async with phone.at_work():
        await phone.compute(GIGA * seconds, 0)


async def upload(phone, target, size_bytes):
    """At work, sending."""
    async with phone.at_work():
        return await phone.send(target, size_bytes)


def test_computing_takes_overheads_and_operations(world):
    """Four steps of 0.25 s, and 3 billion operations at 1 GFLOP/s."""
    phone = world.phone()
    assert phone.compute_s(3 * GIGA, 4) == 4.0
    world.run(phone.compute(3 * GIGA, 4))
    assert world.sim.now == 4.0
    assert world.spent(phone) == {"compute": 16.0, "sleep": 0.125 * 4}
    assert phone.usage().compute_s == 4.0


def test_a_faster_device_computes_faster(world):
    assert world.phone(flops_per_s=4 * GIGA, step_overhead_s=0.5).compute_s(8 * GIGA, 2) == 3.0


def test_awake_without_computing_is_idle(world):
    phone = world.phone()

    async def life():
        async with phone.at_work():
            await asyncio.sleep(2.0)
            await phone.compute(GIGA, 0)

    world.run(life(), until_s=10.0)
    assert world.spent(phone) == {"idle": 1.0, "compute": 4.0, "sleep": 3 * 0.125 + 7 * ASLEEP_W}


def test_usage_is_exact_in_the_middle(world, at):
    phone = world.phone()

    async def look():
        return phone.usage()

    _, _, middle = world.run(phone.compute(4 * GIGA, 0), phone.send(world.server, 4 * MB), at(1.5, look))
    assert middle.value.compute_s == 1.5
    assert middle.value.sent_bytes == 1.5 * MB
    assert middle.value.energy_j["compute"] == 6.0
    assert middle.value.energy_j["send"] == 4.5


def test_computations_at_the_same_time_share_the_processor(world, at):
    """Three from 1 s to 3 s, when the third is given up; the first has a third of a second left then."""
    phone = world.phone()
    outcomes = world.run(
        at(0.0, phone.compute, 2 * GIGA, 0),
        at(1.0, phone.compute, 3 * GIGA, 0),
        at(1.0, phone.compute, 3 * GIGA, 0, until_s=3.0),
    )
    assert [outcome.end_s for outcome in outcomes] == pytest.approx([3 + 2 / 3, 3 + 2 / 3 + 2, 3.0], rel=1e-12)
    assert phone.usage().compute_s == pytest.approx(5 + 2 / 3, rel=1e-12)
    assert world.spent(phone)["compute"] == pytest.approx(4 * (5 + 2 / 3), rel=1e-12)
    world.check_nothing_is_held()


@pytest.mark.parametrize("speed", [0.0, -1.0, math.nan])
def test_a_speed_that_cannot_be_is_refused(world, speed):
    with pytest.raises(ValueError, match="flops_per_s of phone must be > 0, got"):
        world.phone(flops_per_s=speed)


def test_an_overhead_that_cannot_be_is_refused(world):
    with pytest.raises(ValueError, match="step_overhead_s must be >= 0, got -1"):
        world.phone(step_overhead_s=-1)


# It goes in the middle


def test_a_crash_ends_computing_at_its_instant(world, at, crashing):
    phone = world.phone(crashes=crashing([1.5], [2.0]))
    (outcome,) = world.run(at(0.0, work, phone, 4.0))
    assert isinstance(outcome.error, DeviceCrashedError)
    assert str(outcome.error) == "phone went down (crash)"
    assert outcome.end_s == 1.5
    assert world.events("down") == [(1.5, {"subject": "phone", "cause": "crash", "until_s": 3.5})]
    assert world.events("wasted") == [
        (
            1.5,
            {
                "subject": "phone",
                "cause": "crash",
                "energy_j": 6.0,
                "sent_bytes": 0.0,
                "received_bytes": 0.0,
                "compute_s": 1.5,
            },
        )
    ]
    assert world.waste.pieces == {"crash": 1}
    assert world.waste.total.compute_s == 1.5
    assert world.waste.usage["crash"].work_j == 6.0
    world.check_nothing_is_held()


def test_leaving_ends_sending_at_its_instant(make_world, at, visits):
    """Stays and absences of 4 s each."""
    world = make_world()
    phone = world.phone(availability=visits(4.0, 4.0))
    (outcome,) = world.run(at(2.0, upload, phone, world.server, 8 * MB))
    assert isinstance(outcome.error, DeviceLeftError)
    assert outcome.end_s == 4.0
    assert world.waste.usage["left"].sent_bytes == 2 * MB
    assert world.server.received_bytes == 2 * MB
    assert world.network.traffic().wasted_bytes == 2 * MB
    world.check_nothing_is_held()


def test_an_empty_battery_ends_work_at_the_instant_that_arithmetic_says(world, at):
    """2 s asleep, then 4 W: 10 J last until 2 s + (10 J - 2 s * 0.1875 W) / (4 W + 0.125 W)."""
    phone = world.phone(charge_j=10.0)
    (outcome,) = world.run(at(2.0, work, phone, 100.0), until_s=50.0)
    assert isinstance(outcome.error, BatteryEmptyError)
    assert outcome.end_s == pytest.approx(2 + (10 - 2 * ASLEEP_W) / 4.125, rel=1e-12)
    assert phone.is_spent()
    assert not phone.is_up()
    assert phone.meter.charge_j == 0.0
    assert sum(phone.usage().energy_j.values()) == pytest.approx(10.0, rel=1e-12)
    assert world.waste.usage["battery"].work_j == pytest.approx(10 - outcome.end_s * 0.125 - 2 * 0.0625, rel=1e-12)
    world.check_nothing_is_held()


def test_a_battery_dies_in_the_tail(world, radio, at):
    """Promotion 2 J, bytes 3 J, 4 J of the first tail, 1 J of the second: two seconds of it, at 8 s."""
    phone = world.phone(charge_j=10.0, radio=replace(radio, idle_w=0.0), idle_w=0.0, sleep_w=0.0)

    async def life():
        async with phone.at_work():
            await phone.send(world.server, MB)
            await asyncio.sleep(100.0)

    (outcome,) = world.run(at(0.0, life))
    assert isinstance(outcome.error, BatteryEmptyError)
    assert outcome.end_s == 8.0


def test_a_battery_dies_in_a_tail_that_grows(world, radio, at):
    """Promotion 2 J, and 2 J of silence until it gives up at 5 s: without that, the other 6 J had lasted to 17 s.

    The tail doubles its power after 4 s: 2 J until 9 s, and the last 4 J until 13 s.
    """
    growing = replace(radio, idle_w=0.0, tails=((4.0, 0.5), (6.0, 1.0)))
    far = Access(up_bps=8e6, down_bps=8e6, delay_s=100.0)
    phone = world.phone(charge_j=10.0, radio=growing, access=far, idle_w=0.0, sleep_w=0.0)

    async def life():
        async with phone.at_work():
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(5.0):
                    await phone.send(world.server, MB)
            await asyncio.sleep(100.0)

    (outcome,) = world.run(at(0.0, life))
    assert outcome.end_s == 13.0


def test_a_battery_follows_changing_rates(make_world, at, quick):
    """A line of 1 MB a second for two: alone with 3 W for 2 s, shared with 2 W for 2 s, alone again for 1 s."""
    world = make_world(core_bps=8e6)
    free = replace(quick, idle_w=0.0)
    phone = world.phone("a", charge_j=2 * 3.0 + 2 * 2.0 + 1 * 3.0, radio=free, idle_w=0.0, sleep_w=0.0)
    other = world.phone("b")
    outcome, second = world.run(
        at(0.0, upload, phone, world.server, 100 * MB), at(2.0, upload, other, world.server, MB)
    )
    assert second.end_s == 4.0
    assert isinstance(outcome.error, BatteryEmptyError)
    assert outcome.end_s == 5.0
    assert phone.usage().sent_bytes == 4 * MB


def test_a_battery_sleeps_itself_empty(world):
    phone = world.phone(charge_j=ASLEEP_W * 10)
    world.run(until_s=9.0)
    assert phone.is_up()
    world.run(until_s=10.0)
    assert not phone.is_up()
    assert world.events("down") == []  # nobody was there to see


def test_an_empty_battery_is_down_from_the_start(world, at):
    phone = world.phone(charge_j=0.0)
    (outcome,) = world.run(at(0.0, work, phone, 1.0))
    assert str(outcome.error) == "phone is down (battery)"
    assert world.waste.pieces == {}


@pytest.mark.parametrize(
    ("crash_s", "spent"),
    [
        (0.5, {"radio": 1.0}),
        (2.0, {"radio": 2.0 + 1.0}),
        (3.5, {"radio": 2.0 + 2.0, "send": 1.5}),
    ],
    ids=["promotion", "latency", "transfer"],
)
def test_sending_may_end_in_any_phase(world, at, crashing, radio, crash_s, spent):
    """Connected at 1 s, two seconds of way, two seconds of bytes."""
    far = Access(up_bps=8e6, down_bps=8e6, delay_s=2.0)
    phone = world.phone(access=far, radio=radio, crashes=crashing([crash_s]), idle_w=0.0)
    (outcome,) = world.run(at(0.0, upload, phone, world.server, 2 * MB))
    assert isinstance(outcome.error, DeviceCrashedError)
    assert outcome.end_s == crash_s
    assert world.spent(phone) == spent
    assert world.waste.usage["crash"].work_j == sum(spent.values())
    assert phone.usage().sent_bytes == world.network.traffic().wasted_bytes == max(0.0, crash_s - 3) * MB
    world.check_nothing_is_held()


def test_a_crash_in_the_wait_for_paging(world, at, crashing, radio):
    phone = world.phone(radio=radio, paging_s=2.0, crashes=crashing([0.25]))
    (outcome,) = world.run(at(0.0, world.server.send, phone, MB))
    assert isinstance(outcome.error, DeviceCrashedError)
    assert outcome.end_s == 0.25
    assert "radio" not in world.spent(phone)
    world.check_nothing_is_held()


def test_others_speed_up_when_one_dies(make_world, at, crashing):
    """Two share 1 MB a second until 1 s: half a megabyte each; the survivor's other 1.5 MB take 1.5 s."""
    world = make_world(core_bps=8e6)
    victim, survivor = world.phone("a", crashes=crashing([1.0])), world.phone("b")
    _, outcome = world.run(
        at(0.0, upload, victim, world.server, 2 * MB), at(0.0, upload, survivor, world.server, 2 * MB)
    )
    assert outcome.end_s == 2.5
    assert victim.usage().sent_bytes == MB / 2
    world.check_nothing_is_held()


def test_the_target_dies_and_the_sender_lives_on(world, at, crashing):
    sender, target = world.phone("a"), world.phone("b", crashes=crashing([1.0]))

    async def life():
        async with sender.at_work():
            with pytest.raises(DeviceCrashedError, match="b went down"):
                await sender.send(target, 4 * MB)
            await sender.compute(GIGA, 0)
            with pytest.raises(DeviceCrashedError, match=r"b is down \(crash\)"):
                await sender.send(target, MB)
        return sender.usage()

    (outcome,) = world.run(at(0.0, life))
    assert outcome.end_s == 2.0
    assert outcome.value.sent_bytes == target.usage().received_bytes == MB
    assert outcome.value.energy_j["send"] == 3.0
    assert target.usage().energy_j["receive"] == 2.0
    assert world.waste.pieces == {}
    world.check_nothing_is_held()


def test_a_sender_without_its_target_wastes_its_work(world, at, crashing):
    """Nobody caught the error inside: the sender's work came to no end, for its target's reason."""
    sender, target = world.phone("a"), world.phone("b", crashes=crashing([1.0]))
    (outcome,) = world.run(at(0.0, upload, sender, target, 4 * MB))
    assert isinstance(outcome.error, DeviceCrashedError)
    assert [fields["subject"] for _, fields in world.events("wasted")] == ["a"]
    assert world.waste.usage["crash"].sent_bytes == MB
    assert sender.is_up()


def test_everything_on_a_device_ends_at_once(world, at, crashing, radio):
    """It computes, sends, receives from the server and from a peer; at 2 s it crashes."""
    phone, peer = world.phone("a", radio=radio, crashes=crashing([2.0])), world.phone("b")

    async def life():
        async with phone.at_work(), asyncio.TaskGroup() as group:
            group.create_task(phone.compute(9 * GIGA, 0))
            group.create_task(phone.send(world.server, 9 * MB))
            group.create_task(phone.send(peer, 9 * MB))

    outcomes = world.run(at(0.0, life), at(0.0, upload, peer, phone, 9 * MB), at(0.0, world.server.send, phone, 9 * MB))
    assert [type(outcome.error) for outcome in outcomes] == [DeviceCrashedError] * 3
    assert [outcome.end_s for outcome in outcomes] == [2.0] * 3
    assert len(world.events("down")) == 1
    assert phone.usage().sent_bytes == MB
    assert phone.usage().received_bytes == MB
    assert world.spent(phone)["compute"] == 8.0
    assert world.waste.pieces == {"crash": 2}  # its own work, and the peer's, which sent in vain
    world.check_nothing_is_held()


def test_a_death_between_scopes_is_nobodys_business(world, at, crashing):
    """It works from 0 s to 1 s and from 4 s on; its crash at 2 s is repaired at 3 s."""
    phone = world.phone(crashes=crashing([2.0], [1.0]))
    outcomes = world.run(at(0.0, work, phone, 1.0), at(4.0, work, phone, 1.0), until_s=10.0)
    assert [outcome.end_s for outcome in outcomes] == [1.0, 5.0]
    assert world.events("down") == []


def test_one_death_is_recorded_once(world, at, crashing):
    """A low battery is looked at whenever power changes, also while everything ends; the repair is no second death."""
    phone = world.phone(charge_j=100.0, crashes=crashing([1.0, 1.0], [1.0, 1.0]))
    first, second = world.run(
        at(0.0, upload, phone, world.server, 9 * MB), at(2.5, upload, phone, world.server, 9 * MB), until_s=20.0
    )
    assert (first.end_s, second.end_s) == (1.0, 3.0)
    assert [at_s for at_s, _ in world.events("down")] == [1.0, 3.0]


def test_a_body_that_takes_its_time_to_end(world, at, crashing):
    """Cleaning up may take simulated time; the device dies again in between, and that is nobody's end."""
    phone = world.phone(charge_j=50.0, crashes=crashing([1.0, 1.0], [1.0, 1.0]))

    async def life():
        async with phone.at_work():
            try:
                await asyncio.sleep(9.0)
            finally:
                await phone.compute(5 * GIGA, 0)

    (outcome,) = world.run(at(0.0, life), until_s=20.0)
    assert isinstance(outcome.error, DeviceCrashedError)
    assert outcome.end_s == 6.0
    assert [at_s for at_s, _ in world.events("down")] == [1.0]
    world.check_nothing_is_held()


def test_of_all_that_happens_at_one_instant_death_comes_first(world, at, crashing):
    """Work that ends as its phone crashes is killed, whether its end or the crash was set up first."""
    first, second = world.phone("a", crashes=crashing([2.0])), world.phone("b", crashes=crashing([2.0]))

    async def work_before_the_watch():
        timer = world.sim.timeout(2.0)
        async with second.at_work():
            await timer

    for outcome in world.run(at(0.0, work, first, 2.0), at(0.0, work_before_the_watch)):
        assert isinstance(outcome.error, DeviceCrashedError)
        assert outcome.end_s == 2.0
    assert world.waste.pieces == {"crash": 2}
    world.check_nothing_is_held()


# It is cancelled, or unlucky


def test_a_cancelled_stint_is_wasted_under_what_the_canceller_says(world, at):
    phone = world.phone()
    outcomes = world.run(at(0.0, work, phone, 9.0, until_s=1.0, cause="late"), at(2.0, work, phone, 9.0, until_s=4.0))
    assert all(isinstance(outcome.error, asyncio.CancelledError) for outcome in outcomes)
    assert {cause: usage.compute_s for cause, usage in world.waste.usage.items()} == {"late": 1.0, "stopped": 2.0}
    assert world.spent(phone)["compute"] == 12.0
    world.check_nothing_is_held()


def test_a_deadline_inside_an_outer_scope_is_not_a_death(world):
    phone = world.phone()

    async def life():
        async with phone.at_work():
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.0):
                    await phone.compute(9 * GIGA, 0)
            await phone.compute(GIGA, 0)

    world.run(life())
    assert world.sim.now == 2.0
    assert world.waste.pieces == {}


def test_a_deadline_that_leaves_the_scope_wastes_the_work(world):
    phone = world.phone()

    async def life():
        with pytest.raises(TimeoutError):
            async with phone.at_work(), asyncio.timeout(1.0):
                await phone.compute(9 * GIGA, 0)

    world.run(life())
    assert world.waste.usage["stopped"].compute_s == 1.0


@pytest.mark.parametrize("first", ["deadline", "crash"])
def test_cancelled_and_crashed_at_the_same_instant(world, at, crashing, first):
    """The crash is why, whoever comes first; the canceller gets its cancellation."""
    phone = world.phone(crashes=crashing([1.0]))

    async def life():
        if first == "deadline":
            asyncio.get_running_loop().call_at(1.0, asyncio.current_task().cancel, "late")
        async with phone.at_work():
            if first == "crash":
                asyncio.get_running_loop().call_at(1.0, asyncio.current_task().cancel, "late")
            await phone.compute(9 * GIGA, 0)

    (outcome,) = world.run(at(0.0, life))
    assert outcome.end_s == 1.0
    assert isinstance(outcome.error, asyncio.CancelledError | DeviceCrashedError)
    assert world.waste.pieces == {"crash": 1}
    world.check_nothing_is_held()


def test_a_lost_message_wastes_the_stint(make_world, at):
    world = make_world(message_loss=0.999999)
    phone = world.phone()
    (outcome,) = world.run(at(0.0, upload, phone, world.server, MB))
    assert isinstance(outcome.error, MessageLostError)
    assert world.waste.usage["lost"].sent_bytes == MB
    assert world.server.received_bytes == MB


# What counts


def test_what_was_settled_is_kept_and_the_rest_is_wasted(world, at, crashing):
    """Two rounds of 2 s; the crash at 5 s takes the second of the third."""
    phone = world.phone(crashes=crashing([5.0]))

    async def rounds():
        async with phone.at_work() as stint:
            while True:
                await phone.compute(2 * GIGA, 0)
                stint.settle()

    world.run(at(0.0, rounds))
    assert world.waste.total.compute_s == 1.0
    assert phone.usage().compute_s == 5.0


def test_settled_work_may_turn_out_not_to_count(world):
    """Discarded after its end, once; what came later was another's."""
    phone = world.phone()

    async def life():
        async with phone.at_work() as stint:
            await phone.compute(2 * GIGA, 0)
            await phone.send(world.server, MB)
        await phone.compute(GIGA, 0)
        stint.discard("quorum")
        return stint

    (stint,) = world.run(life())
    assert world.waste.pieces == {"quorum": 1}
    wasted = world.waste.usage["quorum"]
    assert (wasted.compute_s, wasted.sent_bytes, wasted.work_j) == (2.0, MB, 8.0 + 3.0 + 0.5)
    assert wasted.energy_j["sleep"] == 2 * 0.125
    stint.discard("quorum")
    assert world.waste.usage["quorum"] == wasted


def test_several_at_work_end_together_and_sleep_after_the_last(world, at):
    phone = world.phone()

    async def wait(seconds):
        async with phone.at_work():
            await asyncio.sleep(seconds)

    world.run(at(0.0, wait, 2.0), at(1.0, wait, 3.0), until_s=10.0)
    assert world.spent(phone)["idle"] == 4 * 0.5
    assert world.spent(phone)["sleep"] == pytest.approx(10 * 0.125 + 6 * 0.0625)


# Coming back


def test_returning(world, at, crashing):
    """Crashed from 1 s to 3 s: who asks at 2 s waits one second, who asks at 0 s and at 4 s does not wait."""
    phone = world.phone(crashes=crashing([1.0], [2.0]))
    outcomes = world.run(*(at(ask_s, phone.returned) for ask_s in (0.0, 1.0, 2.0, 4.0)))
    assert [outcome.end_s for outcome in outcomes] == [0.0, 3.0, 3.0, 4.0]


def test_crashed_while_away_returns_when_both_are_over(make_world, at, crashing, visits):
    """There from 0 s to 4 s and from 8 s on; crashed from 7 s to 9 s."""
    world = make_world()
    phone = world.phone(availability=visits(4.0, 4.0), crashes=crashing([7.0], [2.0]))
    (outcome,) = world.run(at(5.0, phone.returned))
    assert outcome.end_s == 9.0
    assert phone.is_up()


def test_a_battery_that_empties_in_absence_does_not_keep_one_waiting(world, at, crashing):
    """Spent at 2 s, crashed from 1 s to 3 s: at 3 s there is nothing more to wait for."""
    phone = world.phone(charge_j=2 * ASLEEP_W, crashes=crashing([1.0], [2.0]))
    outcomes = world.run(at(1.0, phone.returned), at(5.0, phone.returned))
    assert [outcome.end_s for outcome in outcomes] == [3.0, 5.0]
    assert phone.is_spent()


def test_the_error_of_any_cause_is_a_device_down_error():
    causes = {error.cause for error in (DeviceDownError, DeviceCrashedError, DeviceLeftError, BatteryEmptyError)}
    assert causes == {"down", "crash", "left", "battery"}


def test_a_device_made_later_begins_then(make_world):
    """A phone that appears at 5 s has slept for 5 s at 10 s."""
    world = make_world()
    world.run(until_s=5.0)
    phone = world.phone()
    assert isinstance(phone.spec, DeviceSpec)
    world.run(until_s=10.0)
    assert world.spent(phone) == {"sleep": 5 * ASLEEP_W}
