"""Links, nodes and cells that are down for a while, in the middle of messages: round numbers, and laws."""

import asyncio
import math

import pytest

from fedsim.errors import DeadlockError, LinkDownError, NoRouteError
from fedsim.system.law import Constant, Exponential
from fedsim.system.outage import Outage, Schedule
from fedsim.system.presence import Crashes

MB = 1_000_000
MBPS = 1e6

LINK = ("server", "cell")


def outage(rows, *, nodes=("cell",), link=None, then="reroute", repeat_s=math.inf):
    """rows: {from: for}"""
    times = Schedule(from_s=tuple(map(float, rows)), for_s=tuple(map(float, rows.values())), repeat_s=repeat_s)
    return Outage(nodes=nodes, link=link, times=times, then=then)


@pytest.mark.parametrize(
    "given", [{}, {"nodes": ("server",)}, {"nodes": (), "link": LINK}, {"nodes": (), "link": LINK[::-1]}]
)
@pytest.mark.parametrize("then", ["reroute", "stall"])
def test_a_message_waits_where_there_is_no_other_way(make_world, given, then):
    """2 MB of 4 until 2 s, the rest from 5 s on."""
    world = make_world(outages=[outage({2: 3}, then=then, **given)])
    phone = world.phone()
    (delivery,) = world.run(phone.send(world.server, 4 * MB))
    assert world.sim.now == pytest.approx(7.0)
    assert delivery.outage_s == pytest.approx(3.0)
    assert phone.usage().sent_bytes == 4 * MB
    kinds = [(at_s, kind) for at_s, kind, _ in world.sim.events if kind in ("outage", "repaired")]
    assert kinds == [(2.0, "outage"), (5.0, "repaired")]
    world.check_nothing_is_held()


def test_a_message_may_fail(make_world, at):
    world = make_world(outages=[outage({2: 3}, then="fail")])
    phone = world.phone()
    (sent,) = world.run(at(0.0, phone.send, world.server, 4 * MB))
    assert (type(sent.error), sent.end_s, sent.error.cause, sent.error.sent_bytes) == (
        LinkDownError,
        2.0,
        "link-down",
        2 * MB,
    )
    assert world.network.traffic().wasted_bytes == 2 * MB
    world.check_nothing_is_held()


def test_a_new_message_without_a_way_fails_after_a_while(make_world, at):
    """The sender gives up after 3 s, cell down or line down; other phones go on."""
    world = make_world(outages=[outage({1: 30})])
    phone = world.phone()
    early, late, afterwards = world.run(
        at(0.0, phone.send, world.server, MB),
        at(2.0, phone.send, world.server, MB),
        at(40.0, phone.send, world.server, MB),
    )
    assert (early.error, early.end_s) == (None, 1.0)
    assert (type(late.error), late.error.cause, late.end_s) == (NoRouteError, "no-route", 5.0)
    assert (afterwards.error, afterwards.end_s) == (None, 41.0)


def test_how_long_a_sender_tries_is_a_matter_of_manners(make_world, at):
    world = make_world(outages=[outage({1: 30})], give_up_s=0.5)
    (sent,) = world.run(at(2.0, world.phone().send, world.server, MB))
    assert (type(sent.error), sent.end_s) == (NoRouteError, 2.5)


@pytest.mark.parametrize("give_up_s", [0.0, math.inf, math.nan])
def test_a_sender_that_never_gives_up_is_refused(make_world, give_up_s):
    with pytest.raises(ValueError, match="give_up_s must be > 0"):
        make_world(give_up_s=give_up_s)


def test_what_arrives_at_the_instant_of_an_outage_has_arrived(make_world):
    world = make_world(outages=[outage({4: 3}, then="fail")])
    world.run(world.phone().send(world.server, 4 * MB))
    assert world.sim.now == 4.0


def test_overlapping_outages_end_with_the_last(make_world):
    """Down from 2 to 5 s and from 4 to 9 s, and by its link from 8 to 10 s."""
    world = make_world(outages=[outage({2: 3}), outage({4: 5}), outage({8: 2}, nodes=(), link=LINK)])
    world.run(world.phone().send(world.server, 4 * MB))
    assert world.sim.now == pytest.approx(12.0)


def test_cells_that_fail_together(make_world):
    world = make_world(outages=[outage({2: 3}, nodes=("cell", "server"))])
    world.run(world.phone().send(world.server, 4 * MB))
    assert world.sim.now == pytest.approx(7.0)
    assert world.events("outage") == [(2.0, {"subject": "cell, server"})]


def test_outages_repeat(make_world):
    """Up for the first 2 s of every 5: 6 MB need three of them."""
    world = make_world(outages=[outage({2: 3 - 1e-9}, repeat_s=5.0)])
    world.run(world.phone().send(world.server, 6 * MB))
    assert world.sim.now == pytest.approx(12.0, abs=1e-6)


def test_nobody_looks_while_nothing_is_under_way(make_world, at):
    """A thousand outages pass unseen; who looks then finds things as they are."""
    world = make_world(outages=[outage({1: 1}, repeat_s=3.0)])
    phone = world.phone()
    world.run(until_s=3000.25)
    world.check_nothing_is_held()
    (sent,) = world.run(at(3000.5, phone.send, world.server, MB))
    assert sent.end_s == pytest.approx(3002.5)
    assert [at_s for at_s, _ in world.events("outage")] == [3001.0]


def test_outages_by_law_have_luck_of_their_own(make_world):
    def downs(more):
        times = Crashes(every_s=Exponential(3.0), repair_s=Constant(0.5))
        others = [Outage(nodes=("server",), times=times)] if more else []
        world = make_world(outages=[*others, Outage(nodes=("cell",), times=times)])
        world.run(world.phone().send(world.server, 20 * MB))
        return [at_s for at_s, row in world.events("outage") if row["subject"] == "cell"]

    alone = downs(more=False)
    assert len(alone) > 2
    assert downs(more=True)[: len(alone)] == alone


def test_an_outage_for_ever_does_not_hide_that_nobody_can_go_on(make_world):
    """The cell never comes back, and the message waits for ever: the kernel says so."""
    world = make_world(
        outages=[Outage(nodes=("cell",), times=Crashes(every_s=Constant(2.0), repair_s=Constant(1e308)))]
    )
    with pytest.raises(DeadlockError, match="waits for"):
        world.sim.run(world.phone().send(world.server, 4 * MB))


def test_two_that_wait_for_each_other_are_found_beside_outages(make_world):
    world = make_world(outages=[outage({1: 1}, repeat_s=3.0)])

    async def for_ever():
        await world.phone().send(world.server, MB / 2)
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError):
        world.sim.run(for_ever())


@pytest.mark.parametrize("changes", [{"nodes": ()}, {"then": "restart"}])
def test_an_outage_that_cannot_be_is_refused(changes):
    given = {"nodes": ("cell",), "times": Schedule(from_s=(1.0,), for_s=(1.0,)), **changes}
    with pytest.raises(ValueError, match=r"needs|then"):
        Outage(**given)


@pytest.mark.parametrize("rows", [{1: 0}, {1: math.inf}, {1: 3, 2: 1}, {1: math.nan}, {}])
def test_a_schedule_that_cannot_be_is_refused(rows):
    with pytest.raises(ValueError, match="got"):
        Schedule(from_s=tuple(map(float, rows)), for_s=tuple(map(float, rows.values())))
