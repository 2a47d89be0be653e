"""Random traffic: against a slow twin that computes everything anew at every event, and laws of conservation."""

import asyncio
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.kernel import Simulation
from fedsim.system.fairness import max_min_rates
from fedsim.system.links import SharedLinks

RESTORED_S = 50.0  # from here on every link has its first capacity again, so that everything ends
TICK_S = 0.125


class Plan:
    """A message of a random story."""

    def __init__(self, start_s, delay_s, size_bytes, route, patience_s, cap_bps):
        self.start_s, self.delay_s, self.size_bytes, self.route = start_s, delay_s, size_bytes, route
        self.give_up_s, self.cap_bps = start_s + patience_s, cap_bps

    def __repr__(self):
        return f"Plan({', '.join(repr(value) for value in vars(self).values())})"


@st.composite
def stories(draw):
    """Capacities in bit/s, plans, and changes (time, link, capacity)."""
    capacities = draw(st.lists(st.integers(1, 10).map(lambda n: 8.0 * n), min_size=1, max_size=6))
    links = st.integers(0, len(capacities) - 1)
    ticks = st.integers(0, 40).map(lambda n: n * TICK_S)
    plan = st.builds(
        Plan,
        start_s=ticks,
        delay_s=st.sampled_from([0.0, TICK_S, 1.0]),
        size_bytes=st.integers(0, 40).map(float) | st.floats(0.01, 50),
        route=st.lists(links, min_size=1, max_size=4, unique=True),
        patience_s=st.just(math.inf) | ticks.map(lambda s: s + 0.0371),
        cap_bps=st.just(math.inf) | st.sampled_from([2.0, 8.0]),
    )
    plans = draw(st.lists(plan, min_size=1, max_size=25))
    changes = draw(st.lists(st.tuples(ticks, links, st.sampled_from([0.0, 4.0, 40.0])), max_size=6))
    restored = [(RESTORED_S, link, capacity) for link, capacity in enumerate(capacities)]
    return capacities, plans, sorted(changes, key=lambda change: change[0]) + restored


def slow_twin(capacities, plans, changes):
    """End and sent bytes of each plan: all rates anew at every start, end, change and giving up."""
    capacities = list(capacities)
    left = [plan.size_bytes for plan in plans]
    ends = [None] * len(plans)
    begin = [plan.start_s + plan.delay_s for plan in plans]
    stops = {*begin, *(plan.give_up_s for plan in plans), *(at_s for at_s, _, _ in changes)}
    now_s = 0.0
    while None in ends:
        for at_s, link, capacity in changes:
            if at_s == now_s:
                capacities[link] = capacity
        for n, plan in enumerate(plans):
            if ends[n] is None and begin[n] <= now_s and left[n] <= 1e-12 * plan.size_bytes:
                ends[n], left[n] = now_s, 0.0
            elif ends[n] is None and plan.give_up_s <= now_s:
                ends[n] = now_s
        moving = [n for n in range(len(plans)) if ends[n] is None and begin[n] <= now_s]
        routes, caps = [plans[n].route for n in moving], [plans[n].cap_bps for n in moving]
        rates = dict(zip(moving, max_min_rates(routes, capacities, caps).tolist(), strict=True))
        done_s = [now_s + 8 * left[n] / rate for n, rate in rates.items() if rate > 0]
        next_s = min([*done_s, *(s for s in stops if s > now_s)], default=math.inf)
        for n, rate in rates.items():
            left[n] = max(0.0, left[n] - rate * (next_s - now_s) / 8)
            if rate > 0 and now_s + 8 * (left[n] + rate * (next_s - now_s) / 8) / rate <= next_s:
                left[n] = 0.0
        now_s = next_s
    return [(end_s, plan.size_bytes - left[n]) for n, (end_s, plan) in enumerate(zip(ends, plans, strict=True))]


class Integral:
    """Adds up rate times time; ends with what should have been sent."""

    def __init__(self, sim):
        self.sim, self.sent_bytes, self.last = sim, 0.0, (0.0, 0.0)

    def rate_changed(self, flow):
        since_s, rate_bps = self.last
        self.sent_bytes += rate_bps * (self.sim.now - since_s) / 8
        assert flow.sent_bytes == pytest.approx(self.sent_bytes, rel=1e-9, abs=1e-9)
        assert (flow.rate_bps != rate_bps) or flow.ended_s is not None
        self.last = (self.sim.now, flow.rate_bps)


def play(capacities, plans, changes):
    """The same story on fedsim: the links, and each plan's flow."""
    sim = Simulation(seed=1)
    links = SharedLinks(sim)
    number = [links.add_link(capacity) for capacity in capacities]
    observers = [Integral(sim) for _ in plans]
    flows = [
        links.flow(plan.size_bytes, cap_bps=plan.cap_bps, observer=observer)
        for plan, observer in zip(plans, observers, strict=True)
    ]

    async def perform(plan, flow):
        await asyncio.sleep(plan.start_s)
        route = [number[link] for link in plan.route]
        try:
            async with asyncio.timeout_at(plan.give_up_s if plan.give_up_s < math.inf else None):
                await links.move(flow, route, plan.delay_s)
        except TimeoutError:
            assert not flow.complete

    async def change():
        for at_s, link, capacity in changes:
            await asyncio.sleep(at_s - sim.now)
            links.set_capacity(number[link], capacity)

    async def story():
        async with asyncio.TaskGroup() as group:
            group.create_task(change())
            for plan, flow in zip(plans, flows, strict=True):
                group.create_task(perform(plan, flow))

    sim.run(story())
    return links, number, flows, observers


@settings(deadline=None, max_examples=100)
@given(stories())
def test_agrees_with_the_slow_twin_and_conserves_bytes(story):
    capacities, plans, changes = story
    links, number, flows, observers = play(*story)
    for flow, (end_s, sent_bytes) in zip(flows, slow_twin(*story), strict=True):
        assert flow.ended_s == pytest.approx(end_s, rel=1e-9)
        assert flow.sent_bytes == pytest.approx(sent_bytes, rel=1e-9, abs=1e-9)
    for flow, observer in zip(flows, observers, strict=True):
        assert flow.sent_bytes == pytest.approx(observer.sent_bytes, rel=1e-9, abs=1e-9)
    for link, capacity in enumerate(capacities):
        carried = sum(flow.sent_bytes for flow, plan in zip(flows, plans, strict=True) if link in plan.route)
        use = links.use(number[link])
        assert use.carried_bytes == pytest.approx(carried, rel=1e-12)
        largest_bps = max([capacity, *(changed for _, place, changed in changes if place == link)])
        assert 8 * carried <= largest_bps * use.busy_s * (1 + 1e-9) + 1e-9
    traffic = links.traffic()
    assert traffic.offered_bytes == pytest.approx(sum(flow.size_bytes for flow in flows), rel=1e-12)  # other order
    assert traffic.delivered_bytes == pytest.approx(sum(f.sent_bytes for f in flows if f.complete), rel=1e-12)
    assert traffic.wasted_bytes == pytest.approx(sum(f.sent_bytes for f in flows if not f.complete), rel=1e-12)
    assert traffic.moving_bytes == 0
    assert all(flow.sent_bytes == flow.size_bytes for flow in flows if flow.complete)


@pytest.mark.parametrize("seed", [1, 2])
def test_two_hundred_flows_that_come_and_go_agree_with_the_slow_twin(seed):
    """Groups here grow to dozens of flows, and fall apart again."""
    rng = np.random.default_rng(seed)
    capacities = (8 * rng.uniform(1, 20, 60)).tolist()
    plans = [
        Plan(
            start_s=float(rng.uniform(0, 40)),
            delay_s=0.5,
            size_bytes=float(rng.exponential(12)),
            route=rng.choice(60, size=rng.integers(1, 4), replace=False).tolist(),
            patience_s=float(rng.choice([math.inf, 7.0])),
            cap_bps=math.inf,
        )
        for _ in range(200)
    ]
    flows = play(capacities, plans, [])[2]
    for flow, (end_s, sent_bytes) in zip(flows, slow_twin(capacities, plans, []), strict=True):
        assert flow.ended_s == pytest.approx(end_s, rel=1e-9)
        assert flow.sent_bytes == pytest.approx(sent_bytes, rel=1e-9)


@settings(deadline=None, max_examples=30)
@given(stories())
def test_same_story_twice_is_the_same_to_the_last_bit(story):
    def figures():
        return [(flow.ended_s, flow.sent_bytes) for flow in play(*story)[2]]

    assert figures() == figures()


def test_crowd_that_falls_apart_keeps_its_times():
    """A flow over 40 links ties 40 others together; when it is gone they are looked at one by one again."""
    sim = Simulation(seed=1)
    links = SharedLinks(sim)
    lines = [links.add_link(8.0) for _ in range(40)]
    ends = {}

    async def send(name, size_bytes, route):
        await links.move(links.flow(size_bytes), route)
        ends[name] = sim.now

    async def story():
        async with asyncio.TaskGroup() as group:
            group.create_task(send("long", 1.0, lines))
            for number, link in enumerate(lines):
                group.create_task(send(number, 2.0 + number, [link]))

    sim.run(story())
    assert ends == {"long": 2.0} | {number: 3.0 + number for number in range(40)}


@pytest.mark.parametrize("route", [[0], [1], [2, 2], [3], [-1]])
def test_routes_name_known_links_once(route):
    sim = Simulation(seed=1)
    links = SharedLinks(sim)
    assert links.add_link(8.0) == 2
    with pytest.raises(ValueError, match="a route must name known links, each once, got"):
        sim.run(links.move(links.flow(1), route))
    assert links.traffic().offered_bytes == 0


def test_flow_is_moved_once():
    sim = Simulation(seed=1)
    links = SharedLinks(sim)
    flow = links.flow(8, source="x", target="y")
    sim.run(links.move(flow, [links.add_link(8.0)]))
    assert repr(flow) == "<Flow 'x' -> 'y': 8.0 of 8.0 bytes at 0.0 bit/s>"
    with pytest.raises(ValueError, match=r"moved once, and .* started at 0\.0 s"):
        sim.run(links.move(flow, []))


@pytest.mark.parametrize("capacity_bps", [-1.0, math.nan])
def test_capacity_must_not_be_negative(capacity_bps):
    links = SharedLinks(Simulation(seed=1))
    with pytest.raises(ValueError, match="capacity_bps must be >= 0"):
        links.add_link(capacity_bps)


def test_a_flow_cancelled_at_the_instant_of_its_end_leaves_the_others_going():
    """The alarm rings for a flow that has just gone: it must not ring again and again at the same instant."""
    sim = Simulation()
    links = SharedLinks(sim)
    link = links.add_link(8e6)
    log = []

    async def upload(size_bytes):
        try:
            await links.move(links.flow(size_bytes), [link])
        finally:
            log.append(sim.now)

    async def story():
        first = asyncio.create_task(upload(1e6))
        second = asyncio.create_task(upload(2e6))
        sim.loop.call_at(2.0, first.cancel)  # set before the alarm, so it comes first
        await asyncio.wait([first, second])

    sim.run(story())
    assert log == [2.0, 3.0]
