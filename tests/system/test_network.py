"""Stories of transfers, told in round numbers: lines of 8 Mbit/s carry 1 MB a second."""

import asyncio
import math

import networkx as nx
import pytest

from fedsim.errors import NoRouteError
from fedsim.kernel import Simulation
from fedsim.system import few, sharing
from fedsim.system.access import Access
from fedsim.system.congestion import Mathis
from fedsim.system.law import Constant, Uniform
from fedsim.system.lv08 import Lv08
from fedsim.system.network import Network
from fedsim.system.tcp import Tcp
from fedsim.system.topology import Topology

MB = 1_000_000
MBPS = 1e6
FAST = Access(up_bps=math.inf, down_bps=math.inf)


def line(capacity_bps=8 * MBPS, *, back_bps=None, delay_s=0.0, duplex="full"):
    """server - router - cell; the line between server and router is the narrow one."""
    graph = nx.DiGraph()
    graph.add_node("server", kind="server")
    graph.add_node("router", kind="router")
    graph.add_node("cell", kind="cell")
    wide = {"capacity_bps": math.inf, "delay_s": 0.0, "duplex": "full"}
    graph.add_edges_from([("router", "cell"), ("cell", "router")], **wide)
    narrow = {"delay_s": delay_s, "duplex": duplex}
    graph.add_edge("router", "server", capacity_bps=capacity_bps, **narrow)
    graph.add_edge("server", "router", capacity_bps=back_bps or capacity_bps, **narrow)
    return Topology("line", graph)


class Story:
    """A network on a fresh simulation, with devices that have infinitely fast access unless told otherwise."""

    def __init__(self, topology=None, **access):
        self.sim = Simulation(seed=1)
        self.network = Network(self.sim, topology or line())
        for name in ("a", "b", "c"):
            self.network.attach(name, "cell", access.get(name, FAST))
        self.ends = {}

    async def send(self, label, source, target, size_bytes, *, at_s=0.0, until_s=math.inf, **options):
        await asyncio.sleep(at_s)
        try:
            async with asyncio.timeout_at(until_s if until_s < math.inf else None):
                return (await self.network.transfer(source, target, size_bytes, **options)).flow
        except TimeoutError:
            return None
        finally:
            self.ends[label] = self.sim.now

    def run(self, *coroutines):
        async def together():
            return await asyncio.gather(*coroutines)

        return self.sim.run(together())


class Log:
    """An observer that writes down what it hears."""

    def __init__(self, sim):
        self.sim = sim
        self.heard = []

    def rate_changed(self, flow):
        self.heard.append((self.sim.now, flow.rate_bps, flow.sent_bytes))


def test_lone_transfer_takes_the_delays_and_size_over_rate():
    story = Story(line(delay_s=0.25), a=Access(up_bps=4 * MBPS, down_bps=MBPS, delay_s=0.5))
    (flow,) = story.run(story.send("a", "a", "server", MB))
    assert story.ends == {"a": 0.5 + 0.25 + 2.0}
    assert (flow.source, flow.target, flow.size_bytes, flow.sent_bytes) == ("a", "server", MB, MB)
    assert (flow.started_s, flow.moving_s, flow.ended_s) == (0.0, 0.75, 2.75)
    assert flow.complete
    assert flow.rate_bps == 0


def test_each_end_pays_the_delay_of_its_access():
    slow = Access(up_bps=math.inf, down_bps=math.inf, delay_s=0.5)
    story = Story(a=slow, b=slow)
    story.run(story.send("a", "a", "b", MB))
    assert story.ends == {"a": 1.0}


def test_two_uploads_share_and_the_first_speeds_up_when_the_second_is_done():
    story = Story()
    story.run(story.send("a", "a", "server", 2 * MB), story.send("b", "b", "server", 0.5 * MB, at_s=1.0))
    assert story.ends == {"b": 2.0, "a": 2.5}


def test_nobody_uses_the_line_while_its_message_is_delayed():
    far = Access(up_bps=math.inf, down_bps=math.inf, delay_s=1.0)
    story = Story(b=far)
    story.run(story.send("a", "a", "server", MB), story.send("b", "b", "server", MB))
    assert story.ends == {"a": 1.0, "b": 2.0}


def test_share_that_a_slow_device_cannot_use_goes_to_the_others():
    story = Story(a=Access(up_bps=2 * MBPS, down_bps=MBPS))
    story.run(story.send("a", "a", "server", 0.25 * MB), story.send("b", "b", "server", 0.75 * MB))
    assert story.ends == {"a": 1.0, "b": 1.0}


def test_cancelled_transfer_gives_its_share_back_at_once():
    story = Story()
    _, flow = story.run(story.send("a", "a", "server", 2 * MB), story.send("b", "b", "server", 4 * MB, until_s=1.0))
    assert flow is None
    assert story.ends == {"b": 1.0, "a": 2.5}
    traffic = story.network.traffic()
    assert (traffic.offered_bytes, traffic.delivered_bytes) == (6 * MB, 2 * MB)
    assert (traffic.wasted_bytes, traffic.moving_bytes, traffic.moved_bytes) == (0.5 * MB, 0.0, 2.5 * MB)


def test_message_that_is_cancelled_before_its_first_byte_wastes_nothing():
    story = Story(line(delay_s=1.0))
    log = Log(story.sim)
    story.run(story.send("a", "a", "server", MB, until_s=0.5, observer=log))
    assert log.heard == [(0.5, 0.0, 0.0)]
    assert story.network.traffic().wasted_bytes == 0


def test_directions_are_independent():
    story = Story(line(8 * MBPS, back_bps=4 * MBPS))
    story.run(story.send("up", "a", "server", MB), story.send("down", "server", "a", MB))
    assert story.ends == {"up": 1.0, "down": 2.0}


def test_directions_of_a_half_duplex_line_share_it():
    story = Story(line(8 * MBPS, duplex="half"))
    story.run(story.send("up", "a", "server", MB), story.send("down", "server", "a", 2 * MB))
    assert story.ends == {"up": 2.0, "down": 3.0}


def test_half_duplex_access_has_its_own_rate_each_way_and_the_larger_for_both():
    wifi = Access(up_bps=4 * MBPS, down_bps=8 * MBPS, half_duplex=True)
    story = Story(line(math.inf), a=wifi)
    story.run(story.send("alone", "a", "server", MB))
    story.run(story.send("up", "a", "server", MB), story.send("down", "server", "a", MB))
    assert story.ends == {"alone": 2.0, "up": 4.0, "down": 4.0}


def test_two_devices_at_one_place_need_no_line():
    story = Story(a=Access(up_bps=8 * MBPS, down_bps=MBPS), b=Access(up_bps=MBPS, down_bps=4 * MBPS))
    story.run(story.send("a", "a", "b", MB))
    assert story.ends == {"a": 2.0}
    assert story.network.use("a", "cell").carried_bytes == MB
    assert story.network.use("cell", "b").carried_bytes == MB
    assert story.network.use("cell", "router").carried_bytes == 0


@pytest.mark.parametrize("name", ["server", "a"])
def test_message_to_oneself_takes_no_time(name):
    story = Story(a=Access(up_bps=MBPS, down_bps=MBPS, delay_s=1.0))
    (flow,) = story.run(story.send("self", name, name, MB))
    assert story.ends == {"self": 0.0}
    assert flow.complete


def test_message_without_bytes_takes_the_delay_on_a_line_that_is_down():
    story = Story(line(delay_s=0.5))
    story.network.set_capacity("router", "server", 0)
    story.run(story.send("a", "a", "server", 0))
    assert story.ends == {"a": 0.5}


def test_capped_flow_leaves_the_rest_of_the_line():
    story = Story()
    story.run(story.send("a", "a", "server", MB, cap_bps=2 * MBPS), story.send("b", "b", "server", 0.75 * MB))
    assert story.ends == {"b": 1.0, "a": 4.0}


def test_cap_holds_where_there_is_no_link_at_all():
    story = Story()
    story.run(story.send("a", "server", "server", MB, cap_bps=2 * MBPS))
    assert story.ends == {"a": 4.0}


def test_capacity_changes_under_the_flows():
    story = Story()

    async def weather():
        for at_s, capacity_bps in ((1.0, 0.0), (3.0, 4 * MBPS), (4.0, math.inf)):
            await asyncio.sleep(at_s - story.sim.now)
            story.network.set_capacity("router", "server", capacity_bps)

    story.run(weather(), story.send("a", "a", "server", 1.25 * MB), story.send("b", "b", "server", 9 * MB))
    assert story.ends == {"a": 4.0, "b": 4.0}  # until 1 s 0.5 MB each, from 3 s 0.25 MB each, then all at once


@pytest.mark.parametrize("new_bps", [{"up": 2 * MBPS, "down": 4 * MBPS}, {"down": 4 * MBPS, "up": 2 * MBPS}])
def test_new_capacity_of_a_half_duplex_line_is_shared_too(new_bps):
    story = Story(line(8 * MBPS, duplex="half"))
    ways = {"up": ("router", "server"), "down": ("server", "router")}
    for way, capacity_bps in new_bps.items():
        story.network.set_capacity(*ways[way], capacity_bps)
    story.run(story.send("up", "a", "server", MB), story.send("down", "server", "a", MB))
    assert story.ends == {"up": 4.0, "down": 4.0}


def test_infinitely_fast_network_takes_no_time_and_no_observer_sees_an_infinite_rate():
    story = Story(line(math.inf))
    log = Log(story.sim)
    story.run(*(story.send(name, name, "server", MB, observer=log) for name in "abc"))
    assert story.ends == {"a": 0.0, "b": 0.0, "c": 0.0}
    assert log.heard == [(0.0, 0.0, MB)] * 3


def test_observer_hears_every_change_with_exact_bytes():
    story = Story(line(delay_s=1.0))
    log = Log(story.sim)
    story.run(
        story.send("a", "a", "server", 3 * MB, observer=log),
        story.send("b", "b", "server", 4 * MB, at_s=1.0, until_s=3.0),
    )
    assert log.heard == [
        (1.0, 8 * MBPS, 0.0),
        (2.0, 4 * MBPS, MB),
        (3.0, 8 * MBPS, 1.5 * MB),
        (4.5, 0.0, 3 * MB),
    ]


def test_progress_can_be_read_at_any_time():
    story = Story()

    async def look():
        task = asyncio.create_task(story.network.transfer("a", "server", 4 * MB))
        await asyncio.sleep(1.5)
        assert story.network.traffic().moving_bytes == 1.5 * MB
        use = story.network.use("router", "server")
        assert (use.capacity_bps, use.carried_bytes, use.busy_s) == (8 * MBPS, 1.5 * MB, 1.5)
        task.cancel()

    story.run(look())


def test_link_is_busy_while_somebody_has_bytes_for_it():
    story = Story()
    story.run(
        story.send("a", "a", "server", MB),
        story.send("b", "b", "server", MB, at_s=0.5),
        story.send("c", "c", "server", MB, at_s=3.0),
    )
    use = story.network.use("router", "server")
    assert (use.carried_bytes, use.busy_s) == (3 * MB, 3.0)
    assert story.network.use("server", "router").busy_s == 0


def test_a_gigabyte_next_to_ten_thousand_kilobytes_ends_when_it_should():
    story = Story(line(8e9))  # 1 GB/s, never idle before the last byte: 1.01 s
    small = (story.send(f"small {n}", "bc"[n % 2], "server", 1e3, at_s=n * 1e-4) for n in range(10_000))
    story.run(story.send("large", "a", "server", 1e9), *small)
    assert story.ends["large"] == pytest.approx(1.01, rel=1e-12)
    assert story.network.traffic().delivered_bytes == 1.01e9
    assert story.network.use("router", "server").busy_s == pytest.approx(1.01, rel=1e-12)


def test_many_starts_and_ends_in_one_instant_are_one_computation(monkeypatch):
    sizes = []

    def counting(routes, capacity_bps, cap_bps, solve=sharing.fair_rates):
        sizes.append(len(cap_bps))
        return solve(routes, capacity_bps, cap_bps)

    def counting_few(flows, binding_bps, solve=few.share):
        sizes.append(len(flows))
        solve(flows, binding_bps)

    monkeypatch.setattr(sharing, "fair_rates", counting)
    monkeypatch.setattr(few, "share", counting_few)
    story = Story()
    story.run(
        *(story.send(n, "abc"[n % 3], "server", MB) for n in range(30)),
        *(story.send(n, "server", "abc"[n % 3], MB, at_s=1.0) for n in range(5)),
        story.send("last", "a", "server", MB, at_s=2.0),
    )
    # 30 together; downloads share nothing with them; one more; all 30 gone; the last alone
    assert sizes == [30, 5, 31, 1]
    assert story.ends["last"] == pytest.approx(31.0, rel=1e-12)


def test_simultaneous_arrivals_are_told_in_the_order_of_sending():
    story = Story()
    story.run(*(story.send(name, name, "server", MB) for name in ("c", "a", "b")))
    assert list(story.ends) == ["c", "a", "b"]


def test_observer_may_cancel_and_change_capacities():
    story = Story()

    class Meddler:
        def rate_changed(self, flow):
            if flow.ended_s is None and flow.sent_bytes == 0:
                story.network.set_capacity("router", "server", 4 * MBPS)

    story.run(story.send("a", "a", "server", MB, observer=Meddler()))
    assert story.ends == {"a": 2.0}


def test_task_that_is_cancelled_in_the_instant_of_arrival_leaves_a_complete_flow():
    story, flows = Story(), []

    class Canceller:
        def rate_changed(self, flow):
            if flow.ended_s is not None:
                flows.append(flow)
                second.cancel()

    async def both():
        nonlocal second
        first = asyncio.create_task(story.network.transfer("a", "server", MB, Canceller()))
        second = asyncio.create_task(story.network.transfer("b", "server", MB, Canceller()))
        return await asyncio.gather(first, second, return_exceptions=True)

    second = None
    trip, refusal = story.sim.run(both())
    assert isinstance(refusal, asyncio.CancelledError)
    assert [(one.source, one.complete, one.ended_s) for one in flows] == [("a", True, 2.0), ("b", True, 2.0)]
    assert trip.flow is flows[0]
    assert story.network.traffic().delivered_bytes == 2 * MB


def test_message_without_a_route_is_refused():
    graph = nx.DiGraph()
    graph.add_nodes_from(["x", "y"], kind="router")
    graph.add_edge("x", "y", capacity_bps=1.0, delay_s=0.0, duplex="full")
    sim = Simulation(seed=1)
    network = Network(sim, Topology("one-way", graph))
    with pytest.raises(NoRouteError, match="no route leads from 'y' to 'x'"):
        sim.run(network.transfer("y", "x", 1))
    assert network.traffic().offered_bytes == 0


def test_names_are_checked():
    network = Story().network
    with pytest.raises(ValueError, match="'a' already"):
        network.attach("a", "cell", FAST)
    with pytest.raises(ValueError, match="'server' already"):
        network.attach("server", "cell", FAST)
    with pytest.raises(ValueError, match="'sell' is not a known place in the topology; did you mean 'cell'"):
        network.attach("new", "sell", FAST)
    with pytest.raises(ValueError, match="no link from 'cell' to 'server'"):
        network.use("cell", "server")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", "nobody", 1), "'nobody' is neither attached"),
        (("a", "server", -1), "size_bytes must be >= 0 and finite, got -1"),
        (("a", "server", math.nan), "size_bytes must be >= 0 and finite, got nan"),
        (("a", "server", math.inf), "size_bytes must be >= 0 and finite, got inf"),
    ],
)
def test_bad_messages_are_refused(arguments, message):
    story = Story()
    with pytest.raises(ValueError, match=message):
        story.sim.run(story.network.transfer(*arguments))


@pytest.mark.parametrize("cap_bps", [0.0, math.nan])
def test_cap_must_let_something_through(cap_bps):
    story = Story()
    with pytest.raises(ValueError, match="cap_bps must be > 0"):
        story.sim.run(story.network.transfer("a", "server", 1, cap_bps=cap_bps))


@pytest.mark.parametrize("capacity_bps", [-1.0, math.nan])
def test_capacity_must_not_be_negative(capacity_bps):
    with pytest.raises(ValueError, match="capacity_bps must be >= 0"):
        Story().network.set_capacity("router", "server", capacity_bps)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"up_bps": 0.0}, "up_bps must be > 0, got 0.0"),
        ({"down_bps": math.nan}, "down_bps must be > 0, got nan"),
        ({"delay_s": -1.0}, "delay_s must be >= 0 and finite, got -1.0"),
        ({"delay_s": math.inf}, "delay_s must be >= 0 and finite, got inf"),
    ],
)
def test_access_must_work(fields, message):
    with pytest.raises(ValueError, match=message):
        Access(**{"up_bps": 1.0, "down_bps": 1.0, **fields})


def test_load_of_a_link_over_time_is_told_to_those_who_ask():
    story = Story(line(capacity_bps=8 * MBPS))
    series = story.network.follow("router", "server")
    story.run(story.send("first", "a", "server", 2 * MB, at_s=1.0))
    story.sim.run(asyncio.sleep(1.0))
    assert series.time_s.tolist() == [0.0, 1.0, 3.0]
    assert series.load_bps.tolist() == [0.0, 8 * MBPS, 0.0]
    assert series.utilisation(0.0, 4.0) == 0.5
    with pytest.raises(ValueError, match="no link"):
        story.network.follow("router", "a")


def test_jitter_is_a_factor_on_the_delay_with_luck_of_each_pair():
    def delays(names, law):
        sim = Simulation(seed=1)
        network = Network(sim, line(delay_s=0.5), jitter=law)
        for name in "ab":
            network.attach(name, "cell", FAST)

        async def send(name):
            return [(await network.transfer(name, "server", 1.0)).delivery().delay_s for _ in range(3)]

        async def together():
            return await asyncio.gather(*(send(name) for name in names))

        return sim.run(together())

    assert delays("a", Constant(2.0)) == [[1.0, 1.0, 1.0]]
    law = Uniform(0.5, 1.5)
    [alone], [crowded, other] = delays("a", law), delays("ab", law)
    assert alone == crowded != other
    assert len(set(alone)) == 3
    assert all(0.25 <= delay_s <= 0.75 for delay_s in alone)


def test_jitter_must_not_turn_time_back():
    with pytest.raises(ValueError, match="jitter must be >= 0"):
        Network(Simulation(seed=1), line(), jitter=Uniform(-1.0, 1.0))


def test_routes_may_be_those_of_fewest_hops():
    graph = nx.DiGraph()
    graph.add_nodes_from("xyz", kind="router")
    for arc, delay_s in ((("x", "y"), 0.1), (("y", "z"), 0.1), (("x", "z"), 1.0)):
        graph.add_edge(*arc, capacity_bps=math.inf, delay_s=delay_s, duplex="full")

    def end_s(metric):
        sim = Simulation(seed=1)
        sim.run(Network(sim, Topology("triangle", graph), metric=metric).transfer("x", "z", 1.0))
        return sim.now

    assert (end_s("delay"), end_s("hops")) == (0.2, 1.0)


def test_loss_of_a_path_is_that_of_all_its_links():
    """Half of the packets pass the access link, half of these the line: a quarter; TCP's cap falls with that."""
    graph = nx.DiGraph(line(math.inf, delay_s=0.5).graph)
    graph.edges["router", "server"]["loss"] = 0.5
    reno = Tcp(handshakes=0, congestion=Mathis())

    def rate_bps(access_loss):
        sim = Simulation(seed=1)
        network = Network(sim, Topology("lossy", graph), transport=reno)
        network.attach("a", "cell", Access(up_bps=math.inf, down_bps=math.inf, loss=access_loss))
        return sim.run(network.transfer("a", "server", 1448.0)).flow.cap_bps

    assert rate_bps(0.5) == pytest.approx(8 * 1514 * math.sqrt(1.5 / 0.75))
    assert rate_bps(0.0) == pytest.approx(8 * 1514 * math.sqrt(1.5 / 0.5))


def test_acknowledgements_take_their_share_of_the_way_back():
    """With a byte of header for every byte of payload, and an acknowledgement for each packet: half of the rate."""
    tcp = Tcp(handshakes=0, packet_bytes=1000, header_bytes=1000, packets_per_ack=1)
    sim = Simulation(seed=1)
    network = Network(sim, line(16 * MBPS, back_bps=4 * MBPS), transport=tcp)
    network.attach("a", "cell", FAST)
    trip = sim.run(network.transfer("a", "server", MB))
    assert trip.flow.alone_s == pytest.approx(2.0)  # 2 MB on the wire at 8 Mbit/s, because 4 of them go back
    assert network.use("server", "router").carried_bytes == pytest.approx(MB)


def test_simgrids_worked_number_is_that_of_a_link_which_both_directions_share():
    """100 kB over 10 ms and 1 Mbit/s: 0.996079 s (device notes, 8.1), of which 0.1301 s are latency.

    5 % of acknowledgements take their part of the one medium; with a line for each direction it is 0.954842 s.
    """
    for duplex, end_s in (("half", 0.996079), ("full", 0.954842)):
        sim = Simulation(seed=1)
        network = Network(sim, line(MBPS, delay_s=0.01, duplex=duplex), transport=Lv08())
        sim.run(network.transfer("cell", "server", 100_000))
        assert sim.now == pytest.approx(end_s, abs=1e-6), duplex
