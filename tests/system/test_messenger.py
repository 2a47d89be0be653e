"""Messages between nodes: how long they take, and how many are lost."""

import math

import pytest

from fedsim.errors import DeviceDownError, MessageLostError, NoRouteError
from fedsim.system.access import Access

MB = 1_000_000


async def luck(node, target, messages):
    """Which of so many messages arrive."""
    arrived = []
    for _ in range(messages):
        try:
            await node.send(target, 1.0)
        except MessageLostError:
            arrived.append(False)
        else:
            arrived.append(True)
    return arrived


def test_waking_and_moving(world, radio):
    """The sender is connected after 1 s, then the receiver after another; 0.5 s and 0.25 s of way, 4 s of bytes."""
    sender = world.phone("a", radio=radio, access=Access(up_bps=8e6, down_bps=8e6, delay_s=0.5))
    target = world.phone("b", radio=radio, access=Access(up_bps=8e6, down_bps=2e6, delay_s=0.25))
    (delivery,) = world.run(sender.send(target, MB))
    assert (delivery.wake_s, delivery.move_s) == (2.0, 4.75)
    assert sender.usage().sent_bytes == target.usage().received_bytes == MB
    world.check_nothing_is_held()


def test_an_empty_message_takes_the_way(world):
    phone = world.phone(access=Access(up_bps=8e6, down_bps=8e6, delay_s=0.5))
    (delivery,) = world.run(phone.send(world.server, 0.0))
    assert (delivery.wake_s, delivery.move_s) == (0.0, 0.5)
    assert phone.usage().sent_bytes == 0


def test_a_share_of_the_messages_is_lost(make_world):
    world = make_world(message_loss=0.2)
    phone = world.phone()
    (arrived,) = world.run(luck(phone, world.server, 2000))
    assert 1 - sum(arrived) / 2000 == pytest.approx(0.2, abs=4 * math.sqrt(0.2 * 0.8 / 2000))
    lost = world.events("lost")
    assert len(lost) == 2000 - sum(arrived)
    assert lost[0][1] == {"subject": "phone", "peer": "server"}
    assert world.server.received_bytes == 2000  # a lost message went all its way


def test_without_loss_all_arrive(world):
    (arrived,) = world.run(luck(world.phone(), world.server, 100))
    assert all(arrived)


def test_each_pair_and_direction_has_its_own_luck(make_world):
    def story(*, crowded):
        world = make_world(message_loss=0.5)
        phone, other = world.phone("a"), world.phone("b")
        pairs = [(phone, world.server), (other, world.server), (world.server, phone), (phone, other)]
        return world.run(*(luck(*pair, 50) for pair in (pairs if crowded else pairs[:1])))

    up, *others = story(crowded=True)
    assert [up] == story(crowded=False)
    assert all(other != up for other in others)


def test_a_message_lost_is_a_message_sent(make_world):
    """It takes its time, and costs both ends what it costs."""
    world = make_world(message_loss=0.999999)
    phone = world.phone()

    async def lose():
        with pytest.raises(MessageLostError, match="a message from phone to server was lost"):
            await phone.send(world.server, 2 * MB)

    world.run(lose())
    assert world.sim.now == 2.0
    assert phone.usage().energy_j["send"] == 6.0
    world.check_nothing_is_held()


@pytest.mark.parametrize("loss", [-0.1, 1.0, math.nan])
def test_a_share_that_cannot_be_is_refused(make_world, loss):
    with pytest.raises(ValueError, match="message_loss must be at least 0 % and below 100 %"):
        make_world(message_loss=loss)


def test_nowhere_to_go_is_told(make_world):
    world = make_world(ways=(("server", "cell"),))
    phone = world.phone()

    async def call():
        await world.server.send(phone, MB)
        with pytest.raises(NoRouteError):
            await phone.send(world.server, MB)
        with pytest.raises(NoRouteError):
            async with phone.at_work():
                await phone.send(world.server, MB)

    world.run(call())
    assert world.waste.pieces == {"no-route": 1}
    world.check_nothing_is_held()


def test_a_message_to_somebody_who_is_gone_costs_nothing(world):
    phone, gone = world.phone("a"), world.phone("b", charge_j=0.0)

    async def call():
        with pytest.raises(DeviceDownError, match=r"b is down \(battery\)"):
            await phone.send(gone, MB)

    world.run(call())
    assert world.sim.now == 0.0
    assert phone.usage().sent_bytes == 0


def test_the_server_computes_and_counts(world):
    phone = world.phone()

    async def serve():
        await world.server.compute(3e9)
        await world.server.send(phone, 2 * MB)
        await phone.send(world.server, MB)

    world.run(serve())
    assert world.sim.now == 3.0 + 2.0 + 1.0
    assert (world.server.name, world.server.sent_bytes, world.server.received_bytes) == ("server", 2 * MB, MB)
