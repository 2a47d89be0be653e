"""Messages that are sent again, whole or in chunks: cargo, retries, and what the messenger makes of them."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fedsim.errors import DeviceDownError, LinkDownError, MessageFailedError, MessageLostError, NoRouteError
from fedsim.system.access import Access
from fedsim.system.cargo import Cargo
from fedsim.system.ledger import LinkUse
from fedsim.system.messenger import Manners
from fedsim.system.retry import Retry
from fedsim.system.tcp import Tcp

MB = 1_000_000


class Luck:
    """Draws these numbers, then 0.99."""

    def __init__(self, *numbers):
        self.numbers = list(numbers)

    def random(self):
        return self.numbers.pop(0) if self.numbers else 0.99


def lucky(world, *numbers):
    """The messenger draws these for messages from the phone to the server; below ``message_loss`` is lost."""
    world.messenger._fortune._streams["loss", "phone", "server"] = Luck(*numbers)
    return world


def test_waits_grow_up_to_a_limit():
    retry = Retry(attempts=5, first_s=1.0, factor=3.0, limit_s=5.0)
    assert [retry.wait_s(failures) for failures in range(1, 6)] == [1.0, 3.0, 5.0, 5.0, None]
    assert Retry(attempts=10**6, factor=10.0).wait_s(10**5) == 60.0


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"attempts": 1}, "attempts must be > 1, got 1"),
        ({"first_s": 0.0}, "first must be > 0 and finite, got 0.0"),
        ({"factor": 0.5}, "factor must be >= 1 and finite, got 0.5"),
        ({"limit_s": math.nan}, "limit must be > 0 and finite, got nan"),
    ],
)
def test_retries_that_cannot_be_are_refused(wrong, rule):
    with pytest.raises(ValueError, match=rule):
        Retry(**wrong)


def test_complete_chunks_stay():
    """10 in chunks of 4: 4, 4, 2. Of 9 sent, 8 are there and 1 was in vain."""
    cargo = Cargo(10, 4)
    assert (cargo.chunks, cargo.left_bytes) == (3, 10)
    assert cargo.arrived(9) == 1
    assert cargo.left_bytes == 2
    assert cargo.arrived(2) == 0
    assert cargo.left_bytes == 0


def test_without_chunks_it_is_all_or_nothing():
    cargo = Cargo(10)
    assert cargo.arrived(9.5) == 9.5
    assert cargo.left_bytes == 10


def test_chunks_are_lost_one_by_one():
    cargo = Cargo(10, 4)
    assert cargo.meet([(0.5, Luck(0.4, 0.9, 0.3))]) == [[4, 2]]
    assert cargo.chunks == 2
    assert cargo.meet([None, (0.5, Luck(0.6, 0.7))]) == [[], []]
    assert cargo.chunks == 0


def test_an_empty_message_is_a_chunk_of_nothing():
    assert Cargo(0, 4).chunks == Cargo(0).chunks == 1


@pytest.mark.parametrize(("size", "chunk"), [(-1, 1), (math.nan, 1), (math.inf, 1), (1, 0), (1, math.nan)])
def test_cargo_that_cannot_be_is_refused(size, chunk):
    with pytest.raises(ValueError, match="must be"):
        Cargo(size, chunk)


@given(st.floats(0, 1e9), st.floats(1.0, 1e9), st.lists(st.floats(0, 1), max_size=5), st.integers(0, 2**32))
@example(447392431.35198456, 89478486.14132169, [0.5], 164)
@settings(deadline=None, max_examples=100)
def test_what_arrives_and_what_is_left_are_all_of_it(size, chunk, shares, seed):
    size = min(size, 1000 * chunk)
    cargo, arrived = Cargo(size, chunk), 0.0
    for share in shares:
        left = cargo.left_bytes
        wasted = cargo.arrived(share * left)
        arrived += left - cargo.left_bytes
        assert left - cargo.left_bytes + wasted == pytest.approx(share * left, rel=1e-9, abs=1e-6)
        left = cargo.left_bytes
        [lost] = cargo.meet([(0.5, np.random.default_rng(seed))])
        assert 0 <= math.fsum(lost) <= left  # as cargo adds, or rounding would make more of them than there were
        arrived += left - cargo.left_bytes
    assert arrived + cargo.left_bytes == pytest.approx(size)


def test_a_lost_message_is_sent_again_after_a_wait(make_world):
    """Lost at 1 s and, 2 s later, at 4 s; the third attempt, 4 s later, is there at 9 s."""
    world = lucky(make_world(message_loss=0.5, retry=Retry(attempts=3, first_s=2.0)), 0.1, 0.2)
    phone = world.phone()
    (delivery,) = world.run(phone.send(world.server, MB))
    assert world.sim.now == 9.0
    assert (delivery.resend_s, delivery.bytes_s, delivery.total_s) == (8.0, 1.0, 9.0)
    assert (delivery.size_bytes, delivery.wire_bytes, delivery.wasted_bytes) == (MB, 3 * MB, 2 * MB)
    assert phone.usage().sent_bytes == 3 * MB
    assert [(at_s, row["cause"], row["again_s"]) for at_s, row in world.events("failed")] == [
        (1.0, "lost", 2.0),
        (4.0, "lost", 4.0),
    ]
    assert len(world.events("lost")) == 2
    world.check_nothing_is_held()


def test_after_the_last_attempt_the_protocol_is_told(make_world):
    world = lucky(make_world(message_loss=0.5, retry=Retry(attempts=2)), 0.1, 0.2)
    phone = world.phone()

    async def lose():
        with pytest.raises(MessageLostError) as error:
            await phone.send(world.server, MB)
        return error.value

    (error,) = world.run(lose())
    assert world.sim.now == 3.0
    assert (error.sent_bytes, error.cause) == (2 * MB, "lost")


def test_only_lost_chunks_go_again(make_world):
    """Of ten chunks two are lost, then one of these."""
    manners = {"message_loss": 0.5, "retry": Retry(attempts=5), "chunk_bytes": MB / 10}
    first = [0.9, 0.1, 0.9, 0.9, 0.1, 0.9, 0.9, 0.9, 0.9, 0.9]
    world = lucky(make_world(**manners), *first, 0.1, 0.9)
    phone = world.phone()
    (delivery,) = world.run(phone.send(world.server, MB))
    assert world.sim.now == pytest.approx(1.0 + 1.0 + 0.2 + 2.0 + 0.1)
    assert delivery.wire_bytes == pytest.approx(1.3 * MB)
    assert delivery.wasted_bytes == pytest.approx(0.3 * MB)


def test_a_radio_that_fell_asleep_is_woken_again(make_world, radio):
    """Promotion 1 s, lost after 2 s; 20 s of back-off outlast the tail, and waking is part of sending again."""
    world = lucky(make_world(message_loss=0.5, retry=Retry(attempts=2, first_s=20.0)), 0.1)
    phone = world.phone(radio=radio)
    (delivery,) = world.run(phone.send(world.server, MB))
    assert (delivery.resend_s, delivery.wake_s, delivery.bytes_s) == (22.0, 1.0, 1.0)
    assert delivery.total_s == world.sim.now == 24.0


def test_a_route_that_comes_back_is_found(make_world):
    """No route at 0 s, which takes 0.5 s to find out, and none at 1.5 s; at 4 s there is one."""
    world = make_world(retry=Retry(attempts=4, first_s=1.0), give_up_s=0.5)
    phone = world.phone()

    async def outage():
        world.network.set_link_up("server", "cell", False)
        await world.sim.timeout(2.5)
        world.network.set_link_up("server", "cell", True)

    _, delivery = world.run(outage(), phone.send(world.server, MB))
    assert world.sim.now == 5.0
    assert (delivery.resend_s, delivery.wasted_bytes) == (4.0, 0.0)
    assert [row["cause"] for _, row in world.events("failed")] == ["no-route", "no-route"]


def test_a_message_that_broke_off_goes_on_after_its_last_complete_chunk(make_world):
    """0.55 MB are there when the link fails; with chunks of 0.1 MB the other 0.5 MB are left."""

    def story(**manners):
        world = make_world(retry=Retry(attempts=2, first_s=1.0), **manners)
        phone = world.phone()

        async def outage():
            await world.sim.timeout(0.55)
            world.network.set_link_up("server", "cell", False, flows="fail")
            world.network.set_link_up("server", "cell", True)

        _, delivery = world.run(outage(), phone.send(world.server, MB))
        return world.sim.now, delivery.wasted_bytes

    assert story() == (pytest.approx(0.55 + 1.0 + 1.0), pytest.approx(0.55 * MB))
    assert story(chunk_bytes=MB / 10) == (pytest.approx(0.55 + 1.0 + 0.5), pytest.approx(0.05 * MB))


def test_what_fails_in_the_end_is_wasted_with_its_cause(make_world):
    world = make_world()
    phone = world.phone()

    async def outage():
        await world.sim.timeout(0.5)
        world.network.set_link_up("server", "cell", False, flows="fail")

    async def work(error_type):
        with pytest.raises(error_type):
            async with phone.at_work():
                await phone.send(world.server, MB)

    world.run(outage(), work(LinkDownError))
    world.run(work(NoRouteError))
    assert world.waste.pieces == {"link-down": 1, "no-route": 1}
    assert world.waste.usage["link-down"].sent_bytes == 0.5 * MB


def test_devices_pay_for_what_is_on_the_wire(make_world):
    """1,000 packets of 1,448 bytes are 1.514 MB; energy is that of the radio while they move."""
    world = make_world(transport=Tcp(handshakes=0))
    phone = world.phone()
    (delivery,) = world.run(phone.send(world.server, 1_448_000))
    assert (delivery.size_bytes, delivery.wire_bytes) == (1_448_000, 1_514_000)
    assert phone.usage().sent_bytes == 1_514_000
    assert world.server.received_bytes == 1_514_000
    assert delivery.bytes_s == pytest.approx(1.514)
    assert phone.usage().energy_j["send"] == pytest.approx(3.0 * 1.514)


def test_parts_of_a_tcp_message(make_world, radio):
    """A round trip of 0.1 s: 2 of set-up, slow start, half of one for the way; promotion first."""
    world = make_world(transport=Tcp())
    phone = world.phone(radio=radio, access=Access(up_bps=8e6, down_bps=8e6, delay_s=0.05))
    (first,) = world.run(phone.send(world.server, 691 * 1448))
    assert (first.wake_s, first.setup_s, first.delay_s) == (1.0, pytest.approx(0.2), 0.05)
    assert first.slow_start_s == pytest.approx(0.3 - 70 * 1514 * 8 / 8e6)  # 10, 20 and 40 packets, of a pipe of 66
    assert first.bytes_s == pytest.approx(691 * 1514 * 8 / 8e6)
    assert first.total_s == pytest.approx(world.sim.now)
    (second,) = world.run(phone.send(world.server, 691 * 1448))
    assert (second.wake_s, second.setup_s, second.slow_start_s) == (0.0, 0.0, 0.0)


def test_sharing_is_what_others_cost(make_world):
    """Two phones on a line of 8 Mbit/s: the second comes 1 s later and takes half until the first is done."""
    world = make_world(core_bps=8e6)
    one, other = world.phone("a"), world.phone("b")

    async def later():
        await world.sim.timeout(1.0)
        return await other.send(world.server, MB)

    first, second = world.run(one.send(world.server, 2 * MB), later())
    assert (first.bytes_s, first.sharing_s) == (pytest.approx(2.0), pytest.approx(1.0))
    assert (second.bytes_s, second.sharing_s) == (pytest.approx(1.0), pytest.approx(1.0))


@pytest.mark.parametrize("chunk_bytes", [0.0, math.nan])
def test_chunks_must_have_a_size(chunk_bytes):
    with pytest.raises(ValueError, match="chunk_bytes must be > 0"):
        Manners(chunk_bytes=chunk_bytes)


@given(
    messages=st.lists(
        st.tuples(st.sampled_from(["up", "down", "between"]), st.floats(0, 8), st.floats(0, 2 * MB)),
        min_size=1,
        max_size=6,
    ),
    crash_s=st.floats(0.1, 10),
    outage_s=st.floats(0, 10),
    options=st.fixed_dictionaries(
        {
            "transport": st.sampled_from([None, Tcp()]),
            "message_loss": st.sampled_from([0.0, 0.4]),
            "retry": st.sampled_from([None, Retry(attempts=4, first_s=0.5)]),
            "chunk_bytes": st.sampled_from([math.inf, 0.2 * MB]),
            "seed": st.integers(0, 100),
        }
    ),
)
@settings(deadline=None, max_examples=40)
def test_ends_and_links_agree_on_every_byte(make_world, radio, crashing, messages, crash_s, outage_s, options):
    """Whatever is lost, cut, sent again, or goes away: what was sent was received, and moved over the links."""
    world = make_world(core_bps=16e6, **options)
    phones = {
        "a": world.phone("a", radio=radio, access=Access(up_bps=8e6, down_bps=8e6, delay_s=0.05)),
        "b": world.phone("b", crashes=crashing([crash_s], [1.0])),
    }
    ends = {
        "up": (phones["a"], world.server),
        "down": (world.server, phones["b"]),
        "between": (phones["a"], phones["b"]),
    }
    wire = []

    async def one(kind, at_s, size_bytes):
        await world.sim.timeout(at_s)
        begin_s = world.sim.now
        try:
            delivery = await ends[kind][0].send(ends[kind][1], size_bytes)
        except (MessageFailedError, DeviceDownError) as error:
            wire.append(error.sent_bytes)
            return
        wire.append(delivery.wire_bytes)
        assert delivery.total_s == pytest.approx(world.sim.now - begin_s, abs=1e-9)
        assert min(delivery.parts.values()) >= 0
        assert delivery.size_bytes == size_bytes
        assert delivery.wire_bytes - delivery.wasted_bytes >= size_bytes - 1e-3

    async def outage():
        await world.sim.timeout(outage_s)
        world.network.set_link_up("server", "cell", False, flows="fail")
        await world.sim.timeout(1.0)
        world.network.set_link_up("server", "cell", True)

    world.run(outage(), *(one(*message) for message in messages))
    sent = sum(phone.usage().sent_bytes for phone in phones.values()) + world.server.sent_bytes
    received = sum(phone.usage().received_bytes for phone in phones.values()) + world.server.received_bytes
    moved = world.network.traffic().moved_bytes
    assert sent == pytest.approx(received)
    assert sent == pytest.approx(moved)
    assert sent == pytest.approx(sum(wire))
    for row in world.network.uses()[1].T:
        use = LinkUse(*row)
        assert use.carried_bytes == pytest.approx(use.delivered_bytes + use.wasted_bytes)
        assert use.carried_bytes <= use.offered_bytes + 1e-3
        assert use.busy_s <= world.sim.now
    world.check_nothing_is_held()
