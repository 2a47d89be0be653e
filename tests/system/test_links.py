"""Random traffic: against a slow twin that computes everything anew at every event, and laws of conservation."""

import asyncio
import math
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import DeviceDownError
from fedsim.kernel import Simulation
from fedsim.system import sharing
from fedsim.system.fairness import fair_rates
from fedsim.system.groups import Groups
from fedsim.system.links import SharedLinks

INF = math.inf
RESTORED_S = 50.0  # from here on every link has its first capacity again, so that everything ends
TICK_S = 0.125


@dataclass(kw_only=True)
class Plan:
    """A message of a random story."""

    start_s: float
    delay_s: float
    size_bytes: float
    route: list
    back: tuple = ()
    back_share: float = 0.0
    weight: float = 1.0
    patience_s: float = INF
    cap_bps: float = INF

    @property
    def give_up_s(self):
        return self.start_s + self.patience_s


@dataclass
class Steps:
    """A capacity that changes at given times."""

    steps: list

    def at(self, time_s):
        later_s = [from_s for from_s, _ in self.steps if from_s > time_s]
        return [bps for from_s, bps in self.steps if from_s <= time_s][-1], min(later_s, default=INF)


@st.composite
def stories(draw):
    """Capacities in bit/s, plans, and changes (time, what, arguments); hardly two things happen in one instant."""
    capacities = draw(st.lists(st.integers(1, 10).map(lambda n: 8.0 * n), min_size=1, max_size=6))
    links = st.integers(0, len(capacities) - 1)
    ticks = st.integers(0, 40).map(lambda n: n * TICK_S)
    routes = st.lists(links, min_size=1, max_size=4, unique=True)
    backs = st.lists(links, max_size=2, unique=True).map(tuple)
    shares = st.sampled_from([0.0, 0.05, 0.5])
    caps = st.sampled_from([INF, 2.0, 8.0])
    plan = st.builds(
        Plan,
        start_s=ticks,
        delay_s=st.sampled_from([0.0, TICK_S, 1.0]),
        size_bytes=st.integers(0, 40).map(float) | st.floats(0.01, 50),
        route=routes,
        back=st.just(()) | backs,
        back_share=shares,
        weight=st.sampled_from([1.0, 1.0, 0.5, 3.0]),
        patience_s=st.just(INF) | ticks.map(lambda s: s + 0.0371),
        cap_bps=caps,
    )
    plans = draw(st.lists(plan, min_size=1, max_size=15))
    flows = st.integers(0, len(plans) - 1)
    levels = st.sampled_from([0.0, 4.0, 40.0])
    steps = st.lists(levels, min_size=1, max_size=4).map(
        lambda values: Steps([(1.0043 * n, value) for n, value in enumerate(values)])
    )
    change = (
        st.tuples(st.just("capacity"), links, levels | steps)
        | st.tuples(st.just("reroute"), flows, routes, backs, shares)
        | st.tuples(st.just("cap"), flows, caps)
        | st.tuples(st.just("abandon"), flows)
    )
    times = draw(st.lists(ticks, max_size=8).map(sorted))
    changes = [(tick_s + 0.0101 + 0.00137 * n, *draw(change)) for n, tick_s in enumerate(times)]
    restored = [(RESTORED_S, "capacity", link, capacity) for link, capacity in enumerate(capacities)]
    return capacities, plans, sorted(changes, key=lambda change: change[0]) + restored


@dataclass
class SlowFlow:
    """A message of the slow twin."""

    plan: Plan
    way: dict
    cap_bps: float
    left_bytes: float
    ended_s: float | None = None
    complete: bool = False
    alone_s: float = 0.0
    crossed: list = field(default_factory=list)

    @property
    def sent_bytes(self):
        return self.plan.size_bytes - self.left_bytes

    @property
    def moves_s(self):
        return self.plan.start_s + self.plan.delay_s


def takes(route, back, back_share):
    """How many times its rate a flow takes of each link."""
    way = dict.fromkeys(route, 1.0)
    for link in back if back_share else ():
        way[link] = way.get(link, 0.0) + back_share
    return way


class SlowLinks:
    """All rates anew at every start, end, change and giving up, and every second of every flow added up."""

    def __init__(self, slow_rates, capacities, plans, changes):
        self.slow_rates, self.capacities, self.changes = (
            slow_rates,
            [Steps([(0.0, bps)]) for bps in capacities],
            changes,
        )
        self.flows = [
            SlowFlow(plan, takes(plan.route, plan.back, plan.back_share), plan.cap_bps, plan.size_bytes)
            for plan in plans
        ]
        self.busy_s = [0.0] * len(capacities)
        self.now_s = 0.0
        while not all(flow.ended_s is not None for flow in self.flows):
            self.step()

    def step(self):
        for change in self.changes:
            if change[0] == self.now_s:
                getattr(self, change[1])(*change[2:])
        for flow in self.flows:
            if flow.ended_s is None and flow.moves_s <= self.now_s and flow.left_bytes <= 1e-12 * flow.plan.size_bytes:
                flow.ended_s, flow.left_bytes, flow.complete = self.now_s, 0.0, True
            elif flow.ended_s is None and flow.plan.give_up_s <= self.now_s:
                flow.ended_s = self.now_s
        moving = [flow for flow in self.flows if flow.ended_s is None and flow.moves_s <= self.now_s]
        capacity_bps, untils_s = zip(*(capacity.at(self.now_s) for capacity in self.capacities), strict=True)
        rates = self.slow_rates(
            [flow.way for flow in moving],
            dict(enumerate(capacity_bps)),
            [flow.cap_bps for flow in moving],
            [flow.plan.weight for flow in moving],
        )
        ends_s = [self.now_s + 8 * flow.left_bytes / rate for flow, rate in zip(moving, rates, strict=True) if rate > 0]
        next_s = min([*ends_s, *untils_s, *(stop_s for stop_s in self.stops_s() if stop_s > self.now_s)], default=INF)
        for flow, rate in zip(moving, rates, strict=True):
            self.advance(flow, rate, next_s, capacity_bps)
        for link in set().union(*(flow.way for flow in moving)):
            self.busy_s[link] += next_s - self.now_s
        self.now_s = next_s

    def stops_s(self):
        yield from (flow.moves_s for flow in self.flows)
        yield from (flow.plan.give_up_s for flow in self.flows)
        yield from (change[0] for change in self.changes)

    def advance(self, flow, rate_bps, next_s, capacity_bps):
        passed_s = next_s - self.now_s
        alone_bps = min(flow.cap_bps, *(capacity_bps[link] / use for link, use in flow.way.items()))
        flow.alone_s += passed_s * (rate_bps / alone_bps if alone_bps else 1)
        flow.crossed += [(link, use * rate_bps * passed_s / 8) for link, use in flow.way.items()]
        is_done = rate_bps > 0 and self.now_s + 8 * flow.left_bytes / rate_bps <= next_s
        flow.left_bytes = 0.0 if is_done else max(0.0, flow.left_bytes - rate_bps * passed_s / 8)

    def capacity(self, link, value):
        self.capacities[link] = value if isinstance(value, Steps) else Steps([(0.0, value)])

    def is_under_way(self, number):
        return self.flows[number].plan.start_s <= self.now_s and self.flows[number].ended_s is None

    def reroute(self, number, route, back, back_share):
        if self.is_under_way(number):
            self.flows[number].way = takes(route, back, back_share)

    def cap(self, number, cap_bps):
        if self.is_under_way(number):
            self.flows[number].cap_bps = cap_bps

    def abandon(self, number):
        if self.is_under_way(number):
            self.flows[number].ended_s = self.now_s

    def crossed_bytes(self, link, *, complete):
        flows = (flow for flow in self.flows if flow.complete is complete)
        return math.fsum(moved for flow in flows for crossed, moved in flow.crossed if crossed == link)


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
    """The same story on fedsim: the links, their numbers, each plan's flow, and its observer."""
    sim = Simulation(seed=1)
    links = SharedLinks(sim)
    number = [links.add_link(capacity) for capacity in capacities]
    series = [links.follow(link) for link in number]
    observers = [Integral(sim) for _ in plans]
    flows = [
        links.flow(plan.size_bytes, cap_bps=plan.cap_bps, weight=plan.weight, observer=observer)
        for plan, observer in zip(plans, observers, strict=True)
    ]

    def numbers(route):
        return [number[link] for link in route]

    async def perform(plan, flow):
        await asyncio.sleep(plan.start_s)
        try:
            async with asyncio.timeout_at(plan.give_up_s if plan.give_up_s < INF else None):
                await links.move(flow, numbers(plan.route), plan.delay_s, numbers(plan.back), plan.back_share)
        except (TimeoutError, DeviceDownError):
            assert not flow.complete

    words = {
        "capacity": lambda link, value: links.set_capacity(number[link], value),
        "reroute": lambda flow, route, back, share: links.reroute(flow, numbers(route), numbers(back), share),
        "cap": links.set_cap,
        "abandon": lambda flow: links.abandon(flow, DeviceDownError("crashed")),
    }

    async def change():
        for at_s, word, subject, *rest in changes:
            await asyncio.sleep(at_s - sim.now)
            if word == "capacity":
                words[word](subject, *rest)
            elif flows[subject].started_s is not None and flows[subject].ended_s is None:
                words[word](flows[subject], *rest)

    async def story():
        async with asyncio.TaskGroup() as group:
            group.create_task(change())
            for plan, flow in zip(plans, flows, strict=True):
                group.create_task(perform(plan, flow))

    sim.run(story())
    return SimpleNamespace(sim=sim, links=links, number=number, flows=flows, observers=observers, series=series)


@settings(deadline=None, max_examples=100)
@given(stories())
def test_agrees_with_the_slow_twin(slow_rates, story):
    here, twin = play(*story), SlowLinks(slow_rates, *story)
    for flow, slow in zip(here.flows, twin.flows, strict=True):
        assert flow.complete is slow.complete
        assert flow.ended_s == pytest.approx(slow.ended_s, rel=1e-9)
        assert flow.sent_bytes == pytest.approx(slow.sent_bytes, rel=1e-9, abs=1e-9)
        assert flow.alone_s == pytest.approx(slow.alone_s, rel=1e-9, abs=1e-9)
    for link, number in enumerate(here.number):
        use = here.links.use(number)
        assert use.delivered_bytes == pytest.approx(twin.crossed_bytes(link, complete=True), rel=1e-9, abs=1e-9)
        assert use.wasted_bytes == pytest.approx(twin.crossed_bytes(link, complete=False), rel=1e-9, abs=1e-9)
        assert use.carried_bytes == pytest.approx(use.delivered_bytes + use.wasted_bytes, rel=1e-12, abs=1e-12)
        assert use.carried_bytes <= use.offered_bytes * (1 + 1e-9)
        assert use.busy_s == pytest.approx(twin.busy_s[link], rel=1e-9, abs=1e-9)


@settings(deadline=None, max_examples=50)
@given(stories())
def test_bytes_are_conserved(story):
    here = play(*story)
    for flow, observer in zip(here.flows, here.observers, strict=True):
        assert flow.sent_bytes == pytest.approx(observer.sent_bytes, rel=1e-9, abs=1e-9)
    for number, series in zip(here.number, here.series, strict=True):
        carried_bytes = here.links.use(number).carried_bytes
        assert series.carried_bytes(0.0, here.sim.now) == pytest.approx(carried_bytes, rel=1e-9, abs=1e-9)
        assert (series.load_bps <= series.capacity_bps * (1 + 1e-9)).all()
        assert series.load_bps[-1] == 0
    traffic = here.links.traffic()
    assert traffic.offered_bytes == pytest.approx(sum(flow.size_bytes for flow in here.flows), rel=1e-12)  # other order
    assert traffic.delivered_bytes == pytest.approx(sum(f.sent_bytes for f in here.flows if f.complete), rel=1e-12)
    wasted_bytes = sum(flow.sent_bytes for flow in here.flows if not flow.complete)
    assert traffic.wasted_bytes == pytest.approx(wasted_bytes, rel=1e-12, abs=1e-12)
    assert traffic.moving_bytes == 0
    assert all(flow.sent_bytes == flow.size_bytes for flow in here.flows if flow.complete)


@pytest.mark.parametrize("seed", [1, 2])
def test_two_hundred_flows_that_come_and_go_agree_with_the_slow_twin(slow_rates, seed):
    """Groups here grow to dozens of flows, and fall apart again."""
    rng = np.random.default_rng(seed)
    capacities = (8 * rng.uniform(1, 20, 60)).tolist()
    plans = [
        Plan(
            start_s=float(rng.uniform(0, 40)),
            delay_s=0.5,
            size_bytes=float(rng.exponential(12)),
            route=rng.choice(60, size=rng.integers(1, 4), replace=False).tolist(),
            patience_s=float(rng.choice([INF, 7.0])),
        )
        for _ in range(200)
    ]
    flows, twin = play(capacities, plans, []).flows, SlowLinks(slow_rates, capacities, plans, [])
    for flow, slow in zip(flows, twin.flows, strict=True):
        assert flow.ended_s == pytest.approx(slow.ended_s, rel=1e-9)
        assert flow.sent_bytes == pytest.approx(slow.sent_bytes, rel=1e-9)


@settings(deadline=None, max_examples=30)
@given(stories())
def test_same_story_twice_is_the_same_to_the_last_bit(story):
    def figures():
        return [(flow.ended_s, flow.sent_bytes) for flow in play(*story).flows]

    assert figures() == figures()


@settings(deadline=None, max_examples=100)
@given(stories())
def test_shortcuts_change_nothing(the_long_way, story):
    """Flows by themselves, and few together, against the table of all flows."""
    here = play(*story)
    with the_long_way():
        twin = play(*story)
    for flow, slow in zip(here.flows, twin.flows, strict=True):
        assert flow.complete is slow.complete
        assert flow.ended_s == pytest.approx(slow.ended_s, rel=1e-12)
        assert flow.sent_bytes == pytest.approx(slow.sent_bytes, rel=1e-12, abs=1e-12)
        assert flow.alone_s == pytest.approx(slow.alone_s, rel=1e-12, abs=1e-12)
    for number, other in zip(here.number, twin.number, strict=True):
        found, expected = here.links.use(number), twin.links.use(other)
        for name in ("offered_bytes", "delivered_bytes", "wasted_bytes", "busy_s", "full_s"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-12, abs=1e-12)


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


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_line_that_is_full_at_times_ties_its_flows_only_then(slow_rates, monkeypatch, seed):
    """Two bursts of uploads over lines of their own and the server's, which both fill for a while."""
    untied = []
    monkeypatch.setattr(
        Groups, "untie", lambda groups, link, untie=Groups.untie: (untied.append(link), untie(groups, link))
    )
    rng = np.random.default_rng(seed)
    capacities = [200.0, *rng.uniform(2, 12, 60).tolist()]
    plans = [
        Plan(
            start_s=float(40 * rng.integers(0, 2) + rng.uniform(0, 6)),
            delay_s=0.0,
            size_bytes=float(rng.exponential(6)),
            route=[1 + n % 60, 0],
            patience_s=float(rng.choice([INF, 7.0])),
        )
        for n in range(120)
    ]
    here, twin = play(capacities, plans, []), SlowLinks(slow_rates, capacities, plans, [])
    for flow, slow in zip(here.flows, twin.flows, strict=True):
        assert flow.ended_s == pytest.approx(slow.ended_s, rel=1e-9)
        assert flow.alone_s == pytest.approx(slow.alone_s, rel=1e-9)
    assert untied.count(here.number[0]) >= 1


def test_a_link_that_held_nobody_back_and_goes_down_stops_its_flows(slow_rates):
    """What its flows could use of it before is so much more than what is left that lost digits could hide it."""
    plans = [
        Plan(start_s=0.0, delay_s=0.0, size_bytes=18.0, route=[4, 1], back=(0, 1), back_share=0.05),
        Plan(start_s=0.0, delay_s=0.0, size_bytes=40.0, route=[3], back=(0, 1), back_share=0.05),
    ]
    changes = [(0.0101, "capacity", 0, 0.0), (RESTORED_S, "capacity", 0, 24.0)]
    story = [24.0, 16.0, 8.0, 8.0, 24.0], plans, changes
    ends_s = [flow.ended_s for flow in play(*story).flows]
    assert ends_s == pytest.approx([flow.ended_s for flow in SlowLinks(slow_rates, *story).flows], rel=1e-9)
    assert min(ends_s) > RESTORED_S


def test_flows_over_a_link_that_cannot_be_full_are_looked_at_alone(monkeypatch):
    sizes = []

    def counting(routes, *rest):
        sizes.append(routes.shape[1])
        return fair_rates(routes, *rest)

    monkeypatch.setattr(sharing, "fair_rates", counting)
    plans = [Plan(start_s=0.1 * n, delay_s=0.0, size_bytes=20.0 + n, route=[1 + n, 0]) for n in range(30)]
    play([8.0 * 40, *[8.0] * 30], plans, [])
    assert not sizes
    sizes.clear()
    play([8.0 * 20, *[8.0] * 30], plans, [])
    assert max(sizes) == 30
