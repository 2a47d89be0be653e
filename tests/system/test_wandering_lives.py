"""Laws of phones that go over from one radio to another, and of cells that fail, at any instant of a message.

Times are multiples of a quarter of a second, so that handovers, outages, ends of promotions and arrivals often fall on
one instant.
"""

import math
from collections import Counter
from dataclasses import dataclass, replace

import networkx as nx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from instead import instead
from slow_radio import SlowRadio, write_down

from fedsim.system.access import Access
from fedsim.system.handover import ByTimetable, Handover, Way
from fedsim.system.outage import Outage, Schedule
from fedsim.system.profiles import Doze
from fedsim.system.topology import Topology

MB = 1_000_000
MBPS = 1e6
END_S = 120.0

moments = st.integers(0, 24).map(lambda number: number / 4)
lasting = st.integers(1, 12).map(lambda number: number / 4)
growing = st.lists(st.integers(0, 40), min_size=1, max_size=5, unique=True).map(sorted)


@dataclass(frozen=True)
class Sending:
    """A message from or to a phone, of so many seconds' bytes at 8 Mbit/s, given up after a while.

    One that starts again at every handover might never arrive if it were not given up.
    """

    phone: int
    kind: str
    start_s: float
    lasts_s: float
    patience_s: float


@dataclass(frozen=True)
class Life:
    """What happens to two phones that know two cells."""

    sendings: list[Sending]
    stops: list[list[tuple[float, int]]]
    then: list[str]
    repeat_s: float
    outages: list[Outage]
    promotion_s: float
    paging_s: float
    doze_s: float
    core_bps: float


def stops(draw):
    return [(at / 4, draw(st.integers(0, 2))) for at in draw(growing)]


def outage(draw):
    rows, end = [], 0
    for gap, lasts in draw(st.lists(st.tuples(st.integers(1, 16), st.integers(1, 12)), min_size=1, max_size=3)):
        rows.append(((end + gap) / 4, lasts / 4))
        end += gap + lasts
    parts = draw(
        st.sampled_from(
            [
                {"nodes": ("a",)},
                {"nodes": ("b",)},
                {"nodes": ("a", "b")},
                {"link": ("server", "a")},
                {"link": ("a", "b")},
            ]
        )
    )
    times = Schedule(from_s=tuple(row[0] for row in rows), for_s=tuple(row[1] for row in rows))
    return Outage(**parts, times=times, then=draw(st.sampled_from(["reroute", "stall", "fail"])))


@st.composite
def lives(draw):
    sending = st.builds(
        Sending,
        st.integers(0, 1),
        st.sampled_from(["up", "down", "across"]),
        moments,
        lasting,
        st.just(60.0) | lasting,
    )
    return Life(
        sendings=draw(st.lists(sending, min_size=1, max_size=6)),
        stops=[stops(draw) for _ in range(2)],
        then=[draw(st.sampled_from(["continue", "restart", "fail"])) for _ in range(2)],
        repeat_s=draw(st.sampled_from([math.inf, 10.25])),
        outages=[outage(draw) for _ in range(draw(st.integers(0, 3)))],
        promotion_s=draw(st.sampled_from([0.0, 0.5, 1.0])),
        paging_s=draw(st.sampled_from([0.0, 1.28])),
        doze_s=draw(st.sampled_from([0.0, 0.25])),
        core_bps=draw(st.sampled_from([8e6, math.inf])),
    )


def two_cells(core_bps):
    """A server and two cells, each with a line to the server and one to the other cell."""
    graph = nx.DiGraph()
    for name, kind in (("server", "server"), ("a", "cell"), ("b", "cell")):
        graph.add_node(name, kind=kind)
    for one, two in (("server", "a"), ("server", "b"), ("a", "b")):
        for ends in ((one, two), (two, one)):
            graph.add_edge(*ends, capacity_bps=core_bps, delay_s=0.0, duplex="full")
    return Topology("two cells", graph)


class Lived:
    """A life that was lived: the world afterwards, what became of each message, and what each radio was told."""

    def __init__(self, life, make_world, radio, at):
        self.world = make_world(graph=two_cells(life.core_bps), outages=life.outages)
        doze = Doze(after_s=1.0, min_s=life.doze_s, max_s=life.doze_s)
        profile = replace(radio, promotion_s=life.promotion_s, doze=doze)
        other = replace(profile, promotion_s=0.5, beta_w=0.5, tails=((2.0, 0.75),), idle_w=0.0625)
        fast = Access(up_bps=16 * MBPS, down_bps=16 * MBPS, half_duplex=True)
        same = Access(up_bps=8 * MBPS, down_bps=4 * MBPS)
        ways = (
            Way(link="wifi", place="b", access=fast, radio=other, paging_s=0.5),
            Way(link="4g", place="b", access=same, radio=profile, paging_s=life.paging_s),
        )
        for number, rows in enumerate(life.stops):
            moves = ByTimetable(
                starts_s=tuple(at_s for at_s, _ in rows), ways=tuple(way for _, way in rows), repeat_s=life.repeat_s
            )
            roams = Handover(others=ways, moves=moves, then=life.then[number])
            self.world.phone(
                f"phone-{number}", place="a", radio=profile, paging_s=life.paging_s, handover=roams, sleep_w=0.0
            )
        self.diaries = {
            (phone.name, link): Diary(self.world.sim, of_link)
            for phone in self.world.phones
            for link, of_link in phone._roaming.radios.items()
        }
        self.outcomes = self.world.run(*(self.send(sending, at) for sending in life.sendings), until_s=END_S)

    def send(self, sending, at):
        phone, server = self.world.phones[sending.phone], self.world.server
        ends = {"up": (phone, server), "down": (server, phone), "across": (phone, self.world.phones[sending.phone - 1])}
        source, target = ends[sending.kind]
        until_s = sending.start_s + sending.patience_s
        return at(sending.start_s, source.send, target, sending.lasts_s * MB, until_s=until_s)


class Diary:
    """Writes down what a radio is told: (time, what, detail)."""

    def __init__(self, sim, radio):
        self.rows = []
        write_down(self.rows, sim, radio)
        follow, forget = radio.follow, radio.forget_flows

        def written_follow(flow, *, outgoing):
            follow(flow, outgoing=outgoing)
            self.rows.append((sim.now, "rate", (flow.number, outgoing, flow.rate_bps)))

        def written_forget():
            forget()
            self.rows.append((sim.now, "forget", None))

        instead(radio, follow=written_follow, forget_flows=written_forget)


@pytest.fixture(scope="module")
def live(make_world, radio, at):
    def live(life):
        return Lived(life, make_world, replace(radio, max_w=1e3), at)

    return live


a_handover_while_a_radio_dozes = Life(
    sendings=[Sending(0, "up", 0.0, 0.25, 60.0), Sending(0, "up", 0.25, 1.0, 60.0)],
    stops=[[(0.0, 0), (0.25, 1), (1.5, 0)], [(0.0, 0)]],
    then=["fail", "continue"],
    repeat_s=math.inf,
    outages=[],
    promotion_s=0.0,
    paging_s=0.0,
    doze_s=0.25,
    core_bps=8e6,
)


@settings(deadline=None, max_examples=100)
@given(life=lives())
@example(life=a_handover_while_a_radio_dozes)
def test_joules_and_seconds_of_both_radios_are_those_of_slow_twins(live, life):
    world = (lived := live(life)).world
    for phone in world.phones:
        joules = Counter()
        for link, times in phone.radio_times().items():
            diary, of_link = lived.diaries[phone.name, link], phone._roaming.radios[link]
            names = (phone.name,) if link == "4g" else (phone.name, link)
            twin = SlowRadio(of_link.profile, of_link._paging_s, world.sim.rng("paging", *names))
            twin.live(diary.rows, world.sim.now)
            assert times == pytest.approx({state: twin.seconds[state] for state in times}, rel=1e-9, abs=1e-9)
            assert sum(times.values()) == pytest.approx(END_S, rel=1e-12)
            joules += twin.joules
        spent_j = {cause: value for cause, value in phone.usage().energy_j.items() if value}
        assert spent_j == pytest.approx(dict(joules), rel=1e-9, abs=1e-9)


@settings(deadline=None, max_examples=100)
@given(life=lives())
def test_bytes_add_up_nothing_is_held_and_nobody_waits_for_ever(live, life):
    """Outages end, so every message comes to an end of some kind; with all that it moved on one side of the book."""
    lived = live(life)
    world = lived.world
    assert world.sim.now == END_S
    world.check_nothing_is_held()
    for sending, outcome in zip(life.sendings, lived.outcomes, strict=True):
        failed = None if outcome.error is None else getattr(outcome.error, "cause", "given up")
        assert failed in {None, "link-down", "no-route", "given up"}
        assert failed != "given up" or outcome.end_s == sending.start_s + sending.patience_s

    arrived = [s.lasts_s * MB for s, outcome in zip(life.sendings, lived.outcomes, strict=True) if not outcome.error]
    traffic, spent = world.network.traffic(), [phone.usage() for phone in world.phones]
    late = [s.lasts_s * MB for s, outcome in zip(life.sendings, lived.outcomes, strict=True) if outcome.error]
    more_bytes = traffic.delivered_bytes - sum(arrived)  # all bytes there at the instant at which one gave up
    assert -1e-6 < more_bytes < sum(late) + 1e-6
    assert traffic.offered_bytes >= traffic.delivered_bytes
    assert traffic.moving_bytes == 0
    sent_bytes = sum(usage.sent_bytes for usage in spent) + world.server.sent_bytes
    received_bytes = sum(usage.received_bytes for usage in spent) + world.server.received_bytes
    assert sent_bytes == pytest.approx(traffic.delivered_bytes + traffic.wasted_bytes, rel=1e-9)
    assert received_bytes == pytest.approx(sent_bytes, rel=1e-9)


@settings(deadline=None, max_examples=20)
@given(life=lives())
def test_a_life_is_lived_twice_alike(live, life):
    assert live(life).world.sim.events.transcript() == live(life).world.sim.events.transcript()


@settings(deadline=None, max_examples=60)
@given(life=lives())
def test_shortcuts_of_messages_change_nothing(live, life, the_long_way):
    """Whatever fails and moves, at whatever instant: ends, bytes and joules are those of the long way."""
    short = live(life)
    with the_long_way():
        long = live(life)
    for outcome, other in zip(short.outcomes, long.outcomes, strict=True):
        assert outcome.end_s == pytest.approx(other.end_s, rel=1e-12)
        assert type(outcome.error) is type(other.error)
    for phone, twin in zip(short.world.phones, long.world.phones, strict=True):
        found, expected = phone.usage(), twin.usage()
        assert found.energy_j == pytest.approx(expected.energy_j, rel=1e-12, abs=1e-12)
        assert found.sent_bytes == pytest.approx(expected.sent_bytes, rel=1e-12, abs=1e-6)
