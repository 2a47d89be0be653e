"""A radio that wakes, moves bytes, waits in its tail and falls asleep: joules in round numbers."""

import asyncio
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import BatteryEmptyError
from fedsim.system.access import Access
from fedsim.system.profiles import Doze, load_profiles
from fedsim.system.radio import active_power

MB = 1_000_000
MBPS = 1e6


def of_radio(world, phone):
    """Joules of everything but the processor."""
    return {cause: phone.usage().energy_j[cause] for cause in ("send", "receive", "radio")}


def test_a_message_costs_promotion_bytes_and_tail(world, radio):
    phone = world.phone(radio=radio, sleep_w=0.0)
    (delivery,) = world.run(phone.send(world.server, 2 * MB), until_s=100.0)
    assert (delivery.wake_s, delivery.move_s) == (1.0, 2.0)
    assert world.spent(phone) == {"send": 2 * 3.0, "radio": 2.0 + 4.0 + 3.0, "sleep": 0.125 * (100 - 1 - 2 - 10)}


def test_receiving_costs_what_receiving_costs(world, radio):
    phone = world.phone(radio=radio, sleep_w=0.0)
    world.run(world.server.send(phone, 2 * MB), until_s=3.0)
    assert world.spent(phone) == {"receive": 2 * 2.0, "radio": 2.0}
    assert (phone.usage().sent_bytes, phone.usage().received_bytes) == (0, 2 * MB)
    assert (world.server.sent_bytes, world.server.received_bytes) == (2 * MB, 0)


@pytest.mark.parametrize(
    ("name", "promotion_j", "send_j", "tail_j"), [("4g_2012", 0.31, 17.5, 10.6), ("4g_2020", 0.34, 9.5, 1.8)]
)
def test_five_megabytes_on_4g(world, name, promotion_j, send_j, tail_j):
    """The check values of the device notes, section 4: 5 MB up at 8 Mbit/s, then silence; tails of 10 s."""
    profile = load_profiles().radios[name]
    phone = world.phone(radio=replace(profile, tails=((10.0, profile.tails[0][1]),)))
    world.run(phone.send(world.server, 5 * MB), until_s=profile.promotion_s + 5.0)
    before = of_radio(world, phone)
    assert before["radio"] == pytest.approx(promotion_j, abs=0.005)  # as many digits as the notes give
    assert before["send"] == pytest.approx(send_j, rel=0.01)
    world.run(until_s=100.0)
    after = of_radio(world, phone)
    assert after["radio"] - before["radio"] == pytest.approx(tail_j, rel=0.01)
    assert sum(after.values()) == pytest.approx(promotion_j + send_j + tail_j, rel=0.01)


def test_a_silent_4g_radio_draws_20_mw(world):
    phone = world.phone(radio=load_profiles().radios["4g_2012"], sleep_w=0.0)
    world.run(until_s=1000.0)
    assert world.spent(phone) == {"sleep": pytest.approx(20.0, rel=0.01)}


def test_3g_falls_asleep_in_two_stages(world):
    """8.088 s with 803.9 mW, 0.824 s with 601.3 mW."""
    profile = load_profiles().radios["3g_2012"]
    phone = world.phone(radio=profile)
    sent_s = profile.promotion_s + 1.0
    world.run(phone.send(world.server, 1 * MB), until_s=sent_s)
    start_j = of_radio(world, phone)["radio"]
    for silent_s, tail_j in [
        (4, 4 * 0.8039),
        (8.5, 8.088 * 0.8039 + 0.412 * 0.6013),
        (20, 8.088 * 0.8039 + 0.824 * 0.6013),
    ]:
        world.run(until_s=sent_s + silent_s)
        assert of_radio(world, phone)["radio"] - start_j == pytest.approx(tail_j, rel=1e-9)


def test_two_messages_closer_than_the_tail_pay_promotion_and_tail_once(world, radio, at):
    """Sent at 0 s and 7 s, each 1 s of bytes: 5 s of silence between them, from 2 s to 7 s."""
    phone = world.phone(radio=radio)
    first, second = world.run(phone.send(world.server, MB), at(7.0, phone.send, world.server, MB), until_s=100.0)
    assert (first.wake_s, second.value.wake_s, second.end_s) == (1.0, 0.0, 8.0)
    assert of_radio(world, phone) == {"send": 2 * 3.0, "receive": 0, "radio": 2.0 + (4 * 1.0 + 1 * 0.5) + 7.0}


def test_two_messages_farther_apart_than_the_tail_pay_twice(world, radio, at):
    """The tail of the first, from 2 s to 12 s, is over at the very instant of the second."""
    phone = world.phone(radio=radio)
    _, second = world.run(phone.send(world.server, MB), at(12.0, phone.send, world.server, MB), until_s=100.0)
    assert second.value.wake_s == 1.0
    assert of_radio(world, phone) == {"send": 2 * 3.0, "receive": 0, "radio": 2 * (2.0 + 7.0)}


def test_connected_in_silence_is_the_first_tail(world, radio):
    """A route of 3 s: the radio is connected, and nothing moves."""
    slow = Access(up_bps=8 * MBPS, down_bps=8 * MBPS, delay_s=3.0)
    phone = world.phone(radio=radio, access=slow)
    world.run(phone.send(world.server, MB), until_s=5.0)
    assert of_radio(world, phone) == {"send": 3.0, "receive": 0, "radio": 2.0 + 3 * 1.0}


def test_messages_both_ways_share_the_constant_part(world, radio):
    phone = world.phone(radio=radio)
    world.run(phone.send(world.server, MB), world.server.send(phone, MB), until_s=2.0)
    assert of_radio(world, phone) == {"send": 0.5 + 2.0, "receive": 0.5 + 1.0, "radio": 2.0}


def test_every_second_of_a_radio_is_in_one_state(world, radio, at):
    """Paged, promoted for 1 s, 2 s of bytes, 5 s of tail, 1 s of bytes, a whole tail, idle."""
    phone = world.phone(radio=radio, paging_s=2.0)
    paging_s = 2.0 * world.sim.rng("paging", "phone").random()
    world.run(world.server.send(phone, 2 * MB), at(8.0 + paging_s, phone.send, world.server, MB), until_s=40.0)
    assert phone.radio.times() == pytest.approx({
        "idle": 40 - 19 - paging_s, "paging": paging_s, "promotion": 1.0, "moving": 3.0, "silent": 0.0,
        "tail-1": 4.0 + 4.0, "tail-2": 1.0 + 6.0, "off": 0.0,
    })  # fmt: skip


def test_a_radio_whose_battery_is_empty_is_off(world, radio, at):
    """2 J for the promotion, and half of the 2 J of the first second of bytes."""
    phone = world.phone(radio=radio, charge_j=3.0, sleep_w=0.0)
    (sent,) = world.run(at(0.0, world.server.send, phone, 2 * MB), until_s=10.0)
    assert isinstance(sent.error, BatteryEmptyError)
    assert {state: s for state, s in phone.radio.times().items() if s} == {"promotion": 1, "moving": 0.5, "off": 8.5}


def test_silence_while_connected_has_a_state_of_its_own(world, radio):
    slow = Access(up_bps=8 * MBPS, down_bps=8 * MBPS, delay_s=3.0)
    phone = world.phone(radio=radio, access=slow)
    world.run(phone.send(world.server, MB), until_s=5.0)
    assert {state: s for state, s in phone.radio.times().items() if s} == {"promotion": 1, "silent": 3, "moving": 1}


@pytest.mark.parametrize(("gap_s", "wake_s"), [(1.0, 0.0), (1.5, 0.25), (9.5, 0.25), (10.5, 1.0)])
def test_a_radio_that_dozes_keeps_the_first_byte_waiting(world, radio, at, gap_s, wake_s):
    """More than 1 s after the last byte, and within the tail of 10 s, it is 0.25 s; afterwards a promotion."""
    phone = world.phone(radio=replace(radio, doze=Doze(after_s=1.0, min_s=0.25, max_s=0.25)))
    _, second = world.run(phone.send(world.server, MB), at(2.0 + gap_s, world.server.send, phone, MB))
    assert second.value.wake_s == wake_s
    silent_s = wake_s if gap_s < 10 else 0.0
    tail_s = min(gap_s, 10.0)
    assert phone.radio.times()["silent"] == silent_s
    assert of_radio(world, phone)["radio"] == pytest.approx(
        2.0 + min(tail_s, 4) * 1.0 + max(tail_s - 4, 0) * 0.5 + silent_s * 1.0 + (2.0 if gap_s > 10 else 0.0)
    )


def test_a_doze_is_as_long_as_luck_will_have_it(world, radio, at):
    phone = world.phone(radio=replace(radio, doze=Doze(after_s=1.0, min_s=0.25, max_s=0.75)))
    wait_s = 0.25 + 0.5 * world.sim.rng("doze", "phone").random()
    first, second = world.run(at(5.0, phone.send, world.server, MB), at(9.0, phone.send, world.server, MB))
    assert (first.value.wake_s, second.value.wake_s) == pytest.approx((1.0, wait_s))


def test_a_second_message_shares_the_doze_of_the_first(world, radio, at):
    phone = world.phone(radio=replace(radio, doze=Doze(after_s=1.0, min_s=0.5, max_s=0.5)))
    _, second, third = world.run(
        phone.send(world.server, MB),
        at(4.0, phone.send, world.server, MB, until_s=4.25),
        at(4.375, phone.send, world.server, MB),
    )
    assert isinstance(second.error, asyncio.CancelledError)
    assert third.value.wake_s == 0.125


def test_a_pushed_message_waits_for_its_paging_occasion(world, radio, at):
    phone = world.phone(radio=radio, paging_s=2.0, sleep_w=0.0)
    paging_s = 2.0 * world.sim.rng("paging", "phone").random()
    assert 0 < paging_s < 2
    first, in_the_tail = world.run(world.server.send(phone, MB), at(5.0, world.server.send, phone, MB))
    assert first.wake_s == paging_s + 1.0
    assert in_the_tail.value.wake_s == 0.0
    assert world.spent(phone)["sleep"] == pytest.approx(0.125 * paging_s, rel=1e-12)


def test_paging_occasions_are_uniform_and_ones_own(make_world, quick):
    """A thousand messages to an idle phone wait half of 2 s in the mean; another phone changes nothing."""

    def waits(others):
        world = make_world()
        phone = world.phone(radio=quick, paging_s=2.0)
        more = [world.phone(f"other-{number}", radio=quick, paging_s=2.0) for number in range(others)]

        async def push():
            for target in more:
                await world.server.send(target, 1.0)
            return [(await world.server.send(phone, 1.0)).wake_s for _ in range(1000)]

        return world.run(push())[0]

    alone = waits(0)
    assert sum(alone) / 1000 == pytest.approx(1.0, abs=4 * 2 / math.sqrt(12 * 1000))
    assert 0 < min(alone) < 0.02
    assert 1.98 < max(alone) < 2
    assert waits(2) == pytest.approx(alone, rel=1e-9, abs=1e-9)


def test_a_message_of_ones_own_does_not_wait_for_paging(world, radio):
    phone = world.phone(radio=radio, paging_s=2.0)
    (delivery,) = world.run(phone.send(world.server, MB))
    assert delivery.wake_s == 1.0


def test_a_message_of_ones_own_brings_the_pushed_one_along(world, radio, at):
    """A radio that the phone wakes at 0.25 s need not be paged: at 1.25 s both messages move."""
    phone = world.phone(radio=radio, paging_s=2.0)
    paging_s = 2.0 * world.sim.rng("paging", "phone").random()
    assert paging_s > 0.5
    pushed, own = world.run(world.server.send(phone, MB), at(0.25, phone.send, world.server, MB))
    assert (pushed.wake_s, own.value.wake_s) == (1.25, 1.0)
    assert world.spent(phone)["radio"] == 2.0


def test_a_message_given_up_before_its_paging_occasion_costs_nothing(world, radio, at):
    phone = world.phone(radio=radio, paging_s=2.0, sleep_w=0.0)
    assert 2.0 * world.sim.rng("paging", "phone").random() > 0.5
    pushed, own = world.run(
        at(0.0, world.server.send, phone, MB, until_s=0.5), at(10.0, phone.send, world.server, MB), until_s=11.0
    )
    assert isinstance(pushed.error, asyncio.CancelledError)
    assert own.value.wake_s == 1.0
    assert world.spent(phone) == {"sleep": 0.125 * 10, "radio": 2.0, "send": 3.0}


def test_a_promotion_once_begun_ends_in_a_tail(world, radio, at):
    """Given up after 0.5 s; the radio is connected at 1 s all the same, and idle at 11 s."""
    phone = world.phone(radio=radio, sleep_w=0.0)
    world.run(at(0.0, phone.send, world.server, MB, until_s=0.5), until_s=100.0)
    assert world.spent(phone) == {"radio": 2.0 + 7.0, "sleep": 0.125 * 89}


def test_a_promotion_goes_on_for_the_next_message(world, radio, at):
    phone = world.phone(radio=radio)
    _, second = world.run(
        at(0.0, phone.send, world.server, MB, until_s=0.5), at(0.75, phone.send, world.server, MB), until_s=2.0
    )
    assert second.value.wake_s == 0.25
    assert of_radio(world, phone) == {"send": 3.0, "receive": 0, "radio": 2.0}


def test_the_first_to_give_up_does_not_put_the_radio_to_sleep(world, radio, at):
    phone = world.phone(radio=radio, paging_s=2.0)
    paging_s = 2.0 * world.sim.rng("paging", "phone").random()
    _, second = world.run(at(0.0, world.server.send, phone, MB, until_s=0.25), at(0.125, world.server.send, phone, MB))
    assert second.value.wake_s == pytest.approx(paging_s + 1.0 - 0.125)


def test_a_wire_is_always_awake(world):
    phone = world.phone(radio=load_profiles().radios["ethernet"], sleep_w=0.0)
    (delivery,) = world.run(phone.send(world.server, 4 * MB), until_s=10.0)
    assert delivery.wake_s == 0.0
    assert world.spent(phone) == {"send": 4 * 0.5, "sleep": pytest.approx(6 * 0.1)}


rates = st.one_of(st.just(0.0), st.floats(1e3, 1e10))


@settings(deadline=None, max_examples=300)
@given(name=st.sampled_from(sorted(load_profiles().radios)), up_bps=rates, down_bps=rates)
def test_power_never_exceeds_the_cap(name, up_bps, down_bps):
    profile = load_profiles().radios[name]
    send_w, receive_w = active_power(profile, up_bps, down_bps)
    linear_w = profile.beta_w + profile.alpha_up_w_per_bps * up_bps + profile.alpha_down_w_per_bps * down_bps
    expected_w = min(profile.max_w, linear_w) if up_bps or down_bps else 0.0
    assert send_w + receive_w == pytest.approx(expected_w, rel=1e-12)
    assert (send_w > 0, receive_w > 0) == (up_bps > 0, down_bps > 0)
