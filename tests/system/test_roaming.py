"""Devices that change their way into the network in the middle of messages, in round numbers."""

import asyncio
import math
from dataclasses import replace

import pytest

from fedsim.errors import LinkDownError
from fedsim.system.access import Access
from fedsim.system.handover import ByLaw, ByTimetable, Handover, Way
from fedsim.system.law import Constant, Exponential, Uniform
from fedsim.system.profiles import Doze

MB = 1_000_000
MBPS = 1e6


def ways(radio, *, promotion_s=1.0, half_duplex=False, up_bps=16 * MBPS):
    """WiFi at home is twice as fast; a promotion of 1 s, and other powers."""
    wifi = replace(
        radio, name="wifi", promotion_s=promotion_s, promotion_w=0.25, tails=((2.0, 0.5),), beta_w=0.5, idle_w=0.0625
    )
    access = Access(up_bps=up_bps, down_bps=16 * MBPS, half_duplex=half_duplex)
    return (Way(link="wifi", place="cell", access=access, radio=wifi, paging_s=0.0),)


def handover(others, stops, then="continue", **more):
    """stops: {seconds: number of the way}"""
    moves = ByTimetable(starts_s=tuple(map(float, stops)), ways=tuple(stops.values()), **more)
    return Handover(others=others, moves=moves, then=then)


@pytest.fixture
def roamer(world, radio):
    """A phone with 8 Mbit/s of 4G that goes over to WiFi at 3 s, in the middle of a message of 4 MB."""

    def phone(stops=None, then="continue", changes=(), **more):
        given = handover(ways(radio, **dict(changes)), stops or {3: 1}, then, **more)
        return world.phone(radio=radio, sleep_w=0.0, handover=given)

    return phone


def used(times):
    """States in which a radio ever was, without idle."""
    return {state: seconds for state, seconds in times.items() if seconds and state != "idle"}


def test_the_rest_of_the_bytes_goes_over_the_new_way(world, roamer):
    """1 s of promotion, 2 MB until 3 s; 1 s of promotion of the other radio; the other 2 MB in 1 s."""
    phone = roamer()
    (delivery,) = world.run(phone.send(world.server, 4 * MB), until_s=30.0)
    assert (delivery.wake_s, delivery.wake_s + delivery.move_s) == (1.0, 5.0)
    assert (phone.link, phone.usage().sent_bytes) == ("wifi", 4 * MB)
    times = phone.radio_times()
    assert used(times["4g"]) == {"promotion": 1.0, "moving": 2.0, "tail-1": 4.0, "tail-2": 6.0}
    assert used(times["wifi"]) == {"promotion": 1.0, "moving": 1.0, "tail-1": 2.0}
    assert [sum(of_one.values()) for of_one in times.values()] == [30.0, 30.0]
    assert world.spent(phone) == pytest.approx({
        "send": 2 * 3.0 + 1 * (0.5 + 16 * 0.25), "radio": 2.0 + 4 * 1.0 + 6 * 0.5 + 0.25 + 2 * 0.5,
        "sleep": 17 * 0.125 + 26 * 0.0625,
    })  # fmt: skip
    assert world.events("handover") == [(3.0, {"subject": "phone", "link": "wifi", "place": "cell"})]
    world.check_nothing_is_held()


def test_a_message_may_start_again(world, roamer):
    """2 MB in vain, then 4 MB in 2 s from 4 s on."""
    phone = roamer(then="restart")
    (delivery,) = world.run(phone.send(world.server, 4 * MB), until_s=30.0)
    assert delivery.wake_s + delivery.move_s == 6.0
    assert phone.usage().sent_bytes == 6 * MB
    traffic = world.network.traffic()
    assert (traffic.delivered_bytes, traffic.wasted_bytes) == (4 * MB, 2 * MB)
    world.check_nothing_is_held()


def test_a_message_may_fail(world, roamer, at):
    phone = roamer(then="fail")
    (sent,) = world.run(at(0.0, phone.send, world.server, 4 * MB), until_s=30.0)
    assert (type(sent.error), sent.end_s, sent.error.sent_bytes) == (LinkDownError, 3.0, 2 * MB)
    assert (phone.usage().sent_bytes, world.network.traffic().wasted_bytes) == (2 * MB, 2 * MB)
    assert used(phone.radio_times()["wifi"]) == {"promotion": 1.0, "tail-1": 2.0}
    world.check_nothing_is_held()


def test_the_promotion_goes_on_by_the_other_radio(world, roamer):
    """Over at 0.5 s, before the first radio is connected: the second is at 1.5 s, and 4 MB take 2 s."""
    phone = roamer({0.5: 1})
    (delivery,) = world.run(phone.send(world.server, 4 * MB), until_s=30.0)
    assert (delivery.wake_s, delivery.move_s) == (1.5, 2.0)
    assert used(phone.radio_times()["4g"]) == {"promotion": 1.0, "tail-1": 4.0, "tail-2": 6.0}


def test_there_and_back_before_anything_is_connected(world, roamer):
    """4G from 0 s, WiFi from 0.25 s, 4G again from 0.5 s, where the promotion went on: connected at 1 s."""
    phone = roamer({0.25: 1, 0.5: 0})
    (delivery,) = world.run(phone.send(world.server, MB), until_s=30.0)
    assert (delivery.wake_s, delivery.move_s) == (1.0, 1.0)
    assert used(phone.radio_times()["wifi"]) == {"promotion": 1.0, "tail-1": 2.0}


def test_a_push_that_waits_for_its_occasion_waits_for_one_of_the_other_radio(world, radio):
    """Paged on 4G until 2.5 s at most; on WiFi from 0.125 s on at most 0.5 s."""
    [wifi] = ways(radio)
    given = handover((replace(wifi, paging_s=0.5),), {0.125: 1})
    phone = world.phone(radio=radio, paging_s=2.5, handover=given)
    assert 2.5 * world.sim.rng("paging", "phone").random() > 0.125
    paging_s = 0.5 * world.sim.rng("paging", "phone", "wifi").random()
    (delivery,) = world.run(world.server.send(phone, MB), until_s=30.0)
    assert delivery.wake_s == pytest.approx(0.125 + paging_s + 1.0)
    assert used(phone.radio_times()["4g"]) == {"paging": 0.125}


def test_a_radio_in_its_tail_takes_over_at_once(world, roamer):
    """By 4G until 3 s, from 4 s by WiFi, from 5 s by 4G again: it is connected still, and nothing pauses."""
    phone = roamer({3.0: 1, 5.0: 0})
    (delivery,) = world.run(phone.send(world.server, 6 * MB), until_s=40.0)
    assert (delivery.wake_s, delivery.move_s) == (1.0, 6.0)
    assert used(phone.radio_times()["4g"]) == {
        "promotion": 1.0,
        "moving": 2.0 + 2.0,
        "tail-1": 2.0 + 4.0,
        "tail-2": 6.0,
    }


def test_from_cell_to_cell_of_one_technology_nothing_is_promoted(world, radio):
    """The same radio: the rest goes on at once, at what the other link gives."""
    there = Way(link="4g", place="cell", access=Access(up_bps=16 * MBPS, down_bps=MBPS), radio=radio, paging_s=0.0)
    phone = world.phone(radio=radio, handover=handover((there,), {3.0: 1}))
    (delivery,) = world.run(phone.send(world.server, 4 * MB), until_s=30.0)
    assert delivery.wake_s + delivery.move_s == 4.0
    assert list(phone.radio_times()) == ["4g"]
    assert phone.radio_times()["4g"]["moving"] == 3.0


def test_a_rate_that_stays_the_same_goes_over_to_the_new_radio(world, radio):
    """A line of 4 Mbit/s is the narrowest before and after: the flow's rate does not change, its radio does."""
    slow = type(world)(core_bps=4 * MBPS)
    phone = slow.phone(radio=radio, handover=handover(ways(radio, promotion_s=0.0), {3.0: 1}))
    (delivery,) = slow.run(phone.send(slow.server, 2 * MB), until_s=30.0)
    assert delivery.move_s == 4.0
    times = phone.radio_times()
    assert (times["4g"]["moving"], times["wifi"]["moving"]) == (2.0, 2.0)
    assert phone.usage().energy_j["send"] == 2 * (1.0 + 4 * 0.25) + 2 * (0.5 + 4 * 0.25)


def test_a_handover_at_the_instant_of_arrival_changes_nothing(world, roamer):
    phone = roamer({5.0: 1})
    (delivery,) = world.run(phone.send(world.server, 4 * MB), until_s=30.0)
    assert delivery.wake_s + delivery.move_s == 5.0
    assert phone.usage().sent_bytes == pytest.approx(4 * MB)
    world.check_nothing_is_held()


def test_a_phone_nobody_uses_costs_nothing_and_is_where_it_should_be(world, roamer, at):
    """A thousand switches pass with nothing scheduled; the message at 4002.5 s goes by WiFi."""
    phone = roamer({0: 0, 2: 1}, repeat_s=4.0)
    world.run(until_s=4000.0)
    world.check_nothing_is_held()
    (sent,) = world.run(at(4002.5, phone.send, world.server, MB / 2))
    assert (sent.value.wake_s, sent.value.move_s) == (1.0, 0.25)
    world.check_nothing_is_held()


def test_half_duplex_and_directions_follow_the_way(world, roamer):
    """Both ways at once on one medium of 16 Mbit/s, from 4 s on: 1 MB a second each."""
    phone = roamer(changes={"half_duplex": True})
    up, down = world.run(phone.send(world.server, 4 * MB), world.server.send(phone, 4 * MB), until_s=30.0)
    assert (up.wake_s + up.move_s, down.wake_s + down.move_s) == (6.0, 6.0)


def test_others_get_what_a_mover_leaves(make_world, radio):
    """Two phones share a line of 8 Mbit/s until one of them is silent, from 3 to 4 s, for its promotion."""
    world = make_world(core_bps=8 * MBPS)
    mover = world.phone("mover", radio=radio, handover=handover(ways(radio), {3.0: 1}))
    other = world.phone("other", radio=radio)
    _, sent = world.run(mover.send(world.server, 4 * MB), other.send(world.server, 3 * MB), until_s=30.0)
    # 1 MB until 3 s, 1 MB from 3 to 4 s, 1 MB at half the line from 4 to 6 s
    assert sent.wake_s + sent.move_s == 6.0


def test_a_new_radio_dozes_too(world, radio, at):
    doze = Doze(after_s=1.0, min_s=0.5, max_s=0.5)
    [wifi] = ways(radio)
    given = handover((replace(wifi, radio=replace(wifi.radio, tails=((10.0, 0.5),), doze=doze)),), {0.0: 1})
    phone = world.phone(radio=radio, handover=given)
    first, second = world.run(phone.send(world.server, 2 * MB), at(5.0, phone.send, world.server, 2 * MB))
    assert (first.wake_s, second.value.wake_s) == (1.0, 0.5)


def test_by_law_stays_and_ways_are_ones_own(make_world, radio):
    """Another phone changes nothing; the itinerary is drawn from streams with the phone's name."""

    def switches(others):
        world = make_world()
        moves = ByLaw(stay_s=Exponential(5.0), away_s=Constant(2.0))
        phones = [
            world.phone(name, radio=radio, handover=Handover(others=ways(radio) * 2, moves=moves))
            for name in ("phone", *others)
        ]
        world.run(*(phone.send(world.server, 30 * MB) for phone in phones))
        return [at_s for at_s, row in world.events("handover") if row["subject"] == "phone"]

    alone = switches([])
    assert len(alone) > 3
    assert switches(["other"]) == alone


def test_each_phone_is_late_by_its_own_shift(make_world, radio):
    world = make_world()
    given = handover(ways(radio), {1.0: 1}, shift_s=Uniform(0.0, 2.0))
    phones = [world.phone(f"phone-{n}", radio=radio, handover=given) for n in range(3)]
    world.run(*(phone.send(world.server, 30 * MB) for phone in phones))
    assert [at_s for at_s, _ in world.events("handover")] == sorted(
        1.0 + 2.0 * world.sim.rng("handover", phone.name, "shift").random() for phone in phones
    )


def test_a_cancelled_message_leaves_no_timer(world, roamer, at):
    phone = roamer({3.5: 1})
    (sent,) = world.run(at(0.0, phone.send, world.server, 4 * MB, until_s=2.0), until_s=2.5)
    assert isinstance(sent.error, asyncio.CancelledError)
    world.check_nothing_is_held()
    assert phone.link == "4g"


@pytest.mark.parametrize("changes", [{"others": ()}, {"then": "stop"}])
def test_a_handover_that_cannot_be_is_refused(radio, changes):
    given = {"others": ways(radio), "moves": ByLaw(stay_s=Constant(1.0), away_s=Constant(1.0)), **changes}
    with pytest.raises(ValueError, match=r"handover|then"):
        Handover(**given)


@pytest.mark.parametrize(("stay_s", "away_s"), [(-1.0, 2.0), (0.0, 0.0), (1.0, math.inf)])
def test_stays_that_cannot_be_are_refused(stay_s, away_s):
    with pytest.raises(ValueError, match="got"):
        ByLaw(stay_s=Constant(stay_s), away_s=Constant(away_s))


def test_a_timetable_for_a_way_that_there_is_not_is_refused(world, radio):
    with pytest.raises(ValueError, match="below 2"):
        world.phone(radio=radio, handover=handover(ways(radio), {1.0: 2}))
