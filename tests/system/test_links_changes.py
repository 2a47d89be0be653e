"""Stories of flows that are changed while they move, on links of 8 Mbit/s: one megabyte a second."""

import asyncio
import math
from types import SimpleNamespace

import pytest

from fedsim.errors import DeviceDownError
from fedsim.kernel import Simulation
from fedsim.system.capacity import Constant
from fedsim.system.links import SharedLinks

MB = 1e6
MBPS = 8e6  # one megabyte a second


class Steps:
    """A capacity that changes at given times, and counts how often it is asked."""

    def __init__(self, *steps):
        self.steps = [*steps, (math.inf, None)]
        self.asked_s = []

    def at(self, time_s):
        self.asked_s.append(time_s)
        number = max(n for n, (from_s, _) in enumerate(self.steps) if from_s <= time_s)
        return self.steps[number][1], self.steps[number + 1][0]


class World:
    """Links, and what became of the messages that were sent over them."""

    def __init__(self):
        self.sim = Simulation(seed=1)
        self.links = SharedLinks(self.sim)

    def link(self, capacity=MBPS):
        return self.links.add_link(capacity)

    def flow(self, megabytes, **settings):
        return self.links.flow(megabytes * MB, **settings)

    async def at(self, time_s, function, *args, **kwargs):
        await asyncio.sleep(time_s - self.sim.now)
        result = function(*args, **kwargs)
        return await result if asyncio.iscoroutine(result) else result

    def run(self, *coroutines):
        async def story():
            return await asyncio.gather(*coroutines)

        return self.sim.run(story())

    def send(self, flow, *args, at_s=0.0, **kwargs):
        return self.at(at_s, self.links.move, flow, *args, **kwargs)

    def check_nothing_is_held(self):
        self.sim.run(asyncio.sleep(1e-3))  # once the instant is over
        assert not self.links._passages
        assert not self.links._followers._alarms
        assert self.links.traffic().moving_bytes == 0
        assert [entry for entry in self.sim.env._queue if entry[-1].callbacks] == []


@pytest.fixture
def world():
    return World()


class TestReroute:
    def test_the_rest_moves_over_the_other_links(self, world):
        narrow, wide = world.link(), world.link(4 * MBPS)
        flow = world.flow(3)
        world.run(world.send(flow, [narrow]), world.at(1.0, world.links.reroute, flow, [wide]))
        assert (flow.ended_s, flow.complete, flow.sent_bytes) == (1.5, True, 3 * MB)
        assert [world.links.use(link).carried_bytes for link in (narrow, wide)] == [1 * MB, 2 * MB]
        assert [world.links.use(link).delivered_bytes for link in (narrow, wide)] == [1 * MB, 2 * MB]
        assert [world.links.use(link).offered_bytes for link in (narrow, wide)] == [3 * MB, 2 * MB]
        assert [world.links.use(link).busy_s for link in (narrow, wide)] == [1.0, 0.5]
        assert flow.alone_s == 1.5
        world.check_nothing_is_held()

    def test_it_shares_with_those_who_are_there_and_frees_those_who_were_with_it(self, world):
        first, second = world.link(), world.link()
        moved, left, joined = world.flow(2), world.flow(2), world.flow(2)
        world.run(
            world.send(moved, [first]),
            world.send(left, [first]),
            world.send(joined, [second]),
            world.at(1.0, world.links.reroute, moved, [second]),
        )
        assert left.ended_s == 2.5  # half a megabyte in the first second, and then the link to itself
        assert joined.ended_s == 3.0  # one left after the first second, at half the rate
        assert moved.ended_s == 3.5  # as much as the other for two seconds, half a megabyte, and then the rest alone

    def test_during_its_delay_it_only_learns_the_way(self, world):
        first, second = world.link(), world.link(2 * MBPS)
        flow = world.flow(2)
        world.run(world.send(flow, [first], 1.0), world.at(0.5, world.links.reroute, flow, [second]))
        assert flow.ended_s == 2.0
        assert world.links.use(first).offered_bytes == 0

    def test_over_a_link_that_stays_it_keeps_its_rate_and_nobody_is_told(self, world):
        access, first, second = world.link(), world.link(math.inf), world.link(math.inf)
        told = []
        observer = SimpleNamespace(rate_changed=lambda flow: told.append((world.sim.now, flow.rate_bps)))
        flow = world.flow(2, observer=observer)
        world.run(world.send(flow, [access, first]), world.at(1.0, world.links.reroute, flow, [access, second]))
        assert told == [(0.0, MBPS), (2.0, 0.0)]
        assert world.links.use(access).busy_s == 2.0
        assert world.links.use(access).carried_bytes == 2 * MB

    def test_what_a_flow_moved_on_earlier_links_is_wasted_there_when_it_is_abandoned(self, world):
        first, second = world.link(), world.link()
        flow = world.flow(3)
        waste = []

        async def story():
            waiting = asyncio.create_task(world.links.move(flow, [first]))
            await asyncio.sleep(1.0)
            world.links.reroute(flow, [second])
            waste.append((world.links.use(first).carried_bytes, world.links.use(first).wasted_bytes))
            await asyncio.sleep(0.5)
            waiting.cancel()
            await asyncio.wait([waiting])

        world.run(story())
        assert waste == [(1 * MB, 0)]
        assert [world.links.use(link).wasted_bytes for link in (first, second)] == [1 * MB, 0.5 * MB]
        assert world.links.traffic().wasted_bytes == 1.5 * MB

    def test_an_observer_may_send_another_elsewhere_at_the_instant_of_its_end(self, world):
        first, second = world.link(), world.link()
        other = world.flow(1)
        observer = SimpleNamespace(rate_changed=lambda flow: flow.complete and world.links.reroute(other, [second]))
        flow = world.flow(1, observer=observer)
        flow.number, other.number = 0, 1
        world.run(world.send(flow, [first]), world.send(other, [first]))
        assert (flow.ended_s, other.ended_s, other.complete) == (2.0, 2.0, True)
        world.check_nothing_is_held()


class TestAbandon:
    def test_the_waiting_task_gets_the_error_and_the_others_the_link(self, world):
        link = world.link()
        lost, kept = world.flow(2), world.flow(2)

        async def sender():
            with pytest.raises(DeviceDownError, match="crashed"):
                await world.links.move(lost, [link])
            return world.sim.now

        ended_s, *_ = world.run(
            sender(), world.send(kept, [link]), world.at(2.0, world.links.abandon, lost, DeviceDownError("crashed"))
        )
        assert ended_s == 2.0
        assert (lost.ended_s, lost.complete, lost.sent_bytes) == (2.0, False, 1 * MB)
        assert kept.ended_s == 3.0
        use = world.links.use(link)
        assert (use.delivered_bytes, use.wasted_bytes, use.carried_bytes) == (2 * MB, 1 * MB, 3 * MB)
        world.check_nothing_is_held()

    def test_during_its_delay(self, world):
        link = world.link()
        flow = world.flow(1)

        async def sender():
            with pytest.raises(DeviceDownError):
                await world.links.move(flow, [link], 10.0)

        world.run(sender(), world.at(2.0, world.links.abandon, flow, DeviceDownError("crashed")))
        assert (flow.ended_s, flow.sent_bytes, world.sim.now) == (2.0, 0.0, 2.0)
        world.check_nothing_is_held()

    def test_shares_are_free_at_once_even_if_the_task_is_cancelled_in_the_same_instant(self, world):
        link = world.link()
        flow = world.flow(1)

        async def story():
            task = asyncio.create_task(world.links.move(flow, [link]))
            await asyncio.sleep(0.5)
            world.links.abandon(flow, DeviceDownError("crashed"))
            assert not world.links._passages
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()

        world.run(story())
        assert world.links.traffic().wasted_bytes == 0.5 * MB


class TestSetCap:
    def test_from_now_on(self, world):
        link = world.link()
        flow, other = world.flow(2), world.flow(2)
        world.run(
            world.send(flow, [link]),
            world.send(other, [link]),
            world.at(2.0, world.links.set_cap, flow, MBPS / 4),
        )
        assert (other.ended_s, flow.ended_s) == (2 + 4 / 3, 6.0)
        assert flow.alone_s == 5.0  # the first half in a second, the rest in four

    def test_before_it_moves(self, world):
        link = world.link()
        flow = world.flow(2)
        world.run(world.send(flow, [link], 1.0), world.at(0.5, world.links.set_cap, flow, MBPS / 4))
        assert flow.ended_s == 9.0


class TestWeights:
    def test_shares_are_in_proportion(self, world):
        link = world.link(4 * MBPS)
        heavy, light = world.flow(3, weight=3), world.flow(3)
        world.run(world.send(heavy, [link]), world.send(light, [link]))
        assert (heavy.ended_s, light.ended_s) == (1.0, 1.5)

    def test_what_a_heavy_flow_cannot_use_goes_to_the_light(self, world):
        line, server = world.link(), world.link(4 * MBPS)
        heavy, light = world.flow(1, weight=30), world.flow(3)
        world.run(world.send(heavy, [line, server]), world.send(light, [server]))
        assert (heavy.ended_s, light.ended_s) == pytest.approx((1.0, 1.0))

    def test_a_message_goes_alone_as_fast_whatever_its_weight(self, world):
        flow = world.flow(3, weight=0.001)
        world.run(world.send(flow, [world.link()]))
        assert flow.ended_s == 3.0


class TestBackShare:
    def test_acknowledgements_take_room_from_those_who_go_the_other_way(self, world):
        up, down = world.link(10 * MBPS), world.link(1.25 * MBPS)
        there, back = world.flow(5), world.flow(1)
        world.run(world.send(there, [up], 0.0, [down], 0.25), world.send(back, [down]))
        assert back.ended_s == pytest.approx(1.0)  # a quarter of as much goes to acknowledgements
        assert there.ended_s == pytest.approx(1.8)  # held back by its acknowledgements, like the other; then alone
        assert world.links.use(down).carried_bytes == pytest.approx(2.25 * MB)
        assert world.links.use(down).delivered_bytes == pytest.approx(2.25 * MB)

    def test_a_narrow_way_back_slows_the_way_there(self, world):
        up, down = world.link(10 * MBPS), world.link(0.25 * MBPS)
        flow = world.flow(10)
        world.run(world.send(flow, [up], 0.0, [down], 0.05))
        assert flow.ended_s == pytest.approx(2.0)
        assert flow.alone_s == pytest.approx(2.0)

    def test_on_a_medium_that_both_directions_share_both_count(self, world):
        medium = world.link(1.25 * MBPS)
        flow = world.flow(2)
        world.run(world.send(flow, [medium], 0.0, [medium], 0.25))
        assert flow.ended_s == pytest.approx(2.0)


class TestCapacity:
    def test_a_transfer_integrates_what_the_link_carries(self, world):
        link = world.link(Steps((0, MBPS), (1, 0.0), (3, 4 * MBPS)))
        flow = world.flow(3)
        world.run(world.send(flow, [link]))
        assert flow.ended_s == 3.5
        assert flow.alone_s == 3.5
        world.check_nothing_is_held()

    def test_it_is_followed_only_while_somebody_is_on_the_link(self, world):
        capacity = Steps(*((n, (1 + n % 2) * MBPS) for n in range(100)))
        link = world.link(capacity)
        world.run(world.send(world.flow(1.5), [link], at_s=10.5), world.send(world.flow(1), [link], 0.5, at_s=50.25))
        assert capacity.asked_s == [10.5, 11.0, 50.75, 51.0]
        assert world.sim.now == 51.375
        world.check_nothing_is_held()

    def test_it_is_read_at_once_where_flows_are(self, world):
        link = world.link()
        flow = world.flow(3)
        world.run(
            world.send(flow, [link]),
            world.at(1.0, world.links.set_capacity, link, Steps((0, 0.5 * MBPS), (2, 3 * MBPS))),
        )
        assert flow.ended_s == 2.5

    def test_a_number_ends_the_following(self, world):
        capacity = Steps((0, MBPS), (2, 100 * MBPS))
        link = world.link(capacity)
        flow = world.flow(3)
        world.run(world.send(flow, [link]), world.at(1.0, world.links.set_capacity, link, 0.5 * MBPS))
        assert flow.ended_s == 5.0
        assert capacity.asked_s == [0.0]

    def test_what_an_idle_link_could_carry_can_be_asked(self, world):
        link = world.link(Steps((0, MBPS), (2, 5 * MBPS)))
        said = []
        world.run(world.at(3.0, lambda: said.append(world.links.capacity_bps(link))))
        assert said == [5 * MBPS]
        assert world.links.use(link).capacity_bps == 5 * MBPS

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            ((-1.0, math.inf), "capacity_bps must be >= 0, got -1.0"),
            ((math.nan, math.inf), "capacity_bps must be >= 0, got nan"),
            ((1.0, 0.0), r"must hold until later than 0\.0 s, got 0\.0 s"),
            ((1.0, math.nan), r"must hold until later than 0\.0 s, got nan s"),
        ],
    )
    def test_an_answer_that_cannot_be_is_refused_to_whom_it_concerns(self, world, answer, message):
        link = world.link(SimpleNamespace(at=lambda time_s: answer))
        with pytest.raises(ValueError, match=message):
            world.run(world.send(world.flow(1), [link]))
        assert not world.links._passages

    def test_a_constant_is_asked_once(self, world):
        flow = world.flow(2)
        world.run(world.send(flow, [world.link(Constant(MBPS))]))
        assert flow.ended_s == 2.0
        with pytest.raises(ValueError, match="capacity_bps must be >= 0, got nan"):
            Constant(math.nan)


class TestAsking:
    def test_how_much_of_a_link_is_used_now(self, world):
        link, line = world.link(4 * MBPS), world.link()
        said = []

        def look():
            said.append((world.links.load_bps(link), world.links.load_bps(line), world.links.capacity_bps(link)))

        world.run(
            world.send(world.flow(1), [link, line]),
            world.send(world.flow(2), [link], 0.0, [line], 0.25),
            world.at(0.5, look),
        )
        assert said == [pytest.approx((1.6 * MBPS, MBPS, 4 * MBPS))]
        assert world.links.load_bps(link) == 0


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda links, flow, link: links.reroute(flow, [link]), "only a flow on its way can be changed"),
        (lambda links, flow, link: links.set_cap(flow, 1.0), "only a flow on its way can be changed"),
        (lambda links, flow, link: links.abandon(flow, ValueError()), "only a flow on its way can be changed"),
        (lambda links, flow, link: links.flow(1, weight=0), "weight must be > 0 and finite, got 0"),
        (lambda links, flow, link: links.flow(1, weight=math.nan), "weight must be > 0 and finite, got nan"),
        (lambda links, flow, link: links.flow(1, cap_bps=0), "cap_bps must be > 0, got 0"),
        (lambda links, flow, link: links.load_bps(9), "must name known links"),
        (lambda links, flow, link: links.capacity_bps(0), "must name known links"),
    ],
)
def test_what_cannot_be_is_refused(world, act, message):
    with pytest.raises(ValueError, match=message):
        act(world.links, world.flow(1), world.link())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"delay_s": -1.0}, "delay_s must be >= 0"),
        ({"delay_s": math.nan}, "delay_s must be >= 0"),
        ({"back": [2], "back_share": -0.5}, "back_share must be >= 0 and finite"),
        ({"back": [2], "back_share": math.inf}, "back_share must be >= 0 and finite"),
        ({"back": [7], "back_share": 0.5}, r"must name known links, each once, got \[7\]"),
    ],
)
def test_a_way_that_cannot_be_is_refused(world, arguments, message):
    with pytest.raises(ValueError, match=message):
        world.run(world.links.move(world.flow(1), [world.link()], **arguments))
    assert world.links.traffic().offered_bytes == 0
