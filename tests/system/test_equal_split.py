"""Marfoq's model of delays: published cycle times, run as "compute, send, wait for in-neighbours"."""

import asyncio
import math

import networkx as nx
import pytest

from fedsim.kernel import Simulation
from fedsim.system.access import Access
from fedsim.system.cargo import Cargo
from fedsim.system.cycle_time import cycle_time
from fedsim.system.equal_split import Degrees
from fedsim.system.network import Network
from fedsim.system.topology import Topology

ACCESS_BPS = {"10G": 1e10, "1G": 1e9, "100M": 1e8}
CORE_BPS = 1e9
EBONE = 87  # silos
OVERLAYS = ("STAR", "RING", "MST", "delta_MBST")


class Silos:
    """Silos on an underlay that talk over an overlay."""

    def __init__(self, underlay, overlay, access, *, compute_s, bits, metric="delay"):
        self.sim = Simulation(seed=1)
        self.overlay = overlay
        self.names = {silo: f"silo-{silo}" for silo in overlay}
        degrees = Degrees.of(nx.relabel_nodes(overlay, self.names))
        self.network = Network(self.sim, underlay, metric=metric, split=degrees)
        for silo, name in self.names.items():
            self.network.attach(name, silo, access)
        self.compute_s = compute_s
        self.size_bytes = bits / 8

    def rounds_s(self, rounds):
        """When every silo starts its rounds: {silo: [seconds]}."""
        self.starts_s = {silo: [] for silo in self.overlay}
        self.inbox = {silo: asyncio.Queue() for silo in self.overlay}

        async def together():
            async with asyncio.TaskGroup() as group:
                for silo in self.overlay:
                    group.create_task(self.live(silo, rounds))

        self.sim.run(together())
        return self.starts_s

    async def live(self, silo, rounds):
        """Compute, send, wait for in-neighbours."""
        early = []
        async with asyncio.TaskGroup() as couriers:
            for number in range(rounds):
                self.starts_s[silo].append(self.sim.now)
                await asyncio.sleep(self.compute_s(silo))
                for neighbour in self.overlay.successors(silo):
                    couriers.create_task(self.send(silo, neighbour, number))
                missing = self.overlay.in_degree(silo)
                here, early = [one for one in early if one == number], [one for one in early if one != number]
                missing -= len(here)
                while missing:
                    if (one := await self.inbox[silo].get()) == number:
                        missing -= 1
                    else:
                        early.append(one)

    async def send(self, silo, neighbour, number):
        await self.network.transfer(self.names[silo], self.names[neighbour], self.size_bytes)
        self.inbox[neighbour].put_nowait(number)

    def delays(self, sizes_bytes=()):
        """For every size: seconds from "i starts computing" to "j has i's model", by one message on each arc."""
        sizes = sizes_bytes or (self.size_bytes,)
        moved_s = {}

        async def measure(arc, size_bytes):
            start_s = self.sim.now
            await self.network.transfer(self.names[arc[0]], self.names[arc[1]], size_bytes)
            moved_s[arc, size_bytes] = self.sim.now - start_s

        async def together():
            await asyncio.gather(*(measure(arc, size) for arc in self.overlay.edges for size in sizes))

        self.sim.run(together())
        return [self._graph({arc: moved_s[arc, size] for arc in self.overlay.edges}) for size in sizes]

    def _graph(self, moved_s):
        delays = nx.DiGraph()
        for silo in self.overlay:
            delays.add_edge(silo, silo, delay_s=self.compute_s(silo))
        for (source, target), seconds in moved_s.items():
            delays.add_edge(source, target, delay_s=self.compute_s(source) + seconds)
        return delays


def underlay(network):
    """Links of 1 Gbit/s with 8.5 us a kilometre."""
    graph = nx.DiGraph()
    graph.add_nodes_from(map(str, range(len(network["nodes"]))), kind="router")  # two nodes may have one name
    for source, target, km in network["links"]:
        ends = str(source), str(target)
        for arc in (ends, ends[::-1]):
            graph.add_edge(*arc, capacity_bps=CORE_BPS, delay_s=8.5e-6 * km, duplex="full")
    if len(network["nodes"]) == EBONE:
        # Two ways from 61 to 13 are equally long, of two hops and of three, and the numbers are those of the latter.
        graph.edges["61", "60"]["delay_s"] += 1e-13
    return Topology("underlay", graph)


def overlay(network, name):
    """Who sends to whom: a directed ring, a star, or a tree whose neighbours send to each other."""
    graph, shape = nx.DiGraph(), network["overlays"][name]
    nodes = [str(index) for index in range(len(network["nodes"]))]
    graph.add_nodes_from(nodes)
    if "order" in shape:
        nx.add_cycle(graph, [nodes[index] for index in shape["order"]])
    elif "hub" in shape:
        hub = nodes[shape["hub"]]
        graph.add_edges_from(arc for node in nodes if node != hub for arc in ((hub, node), (node, hub)))
    else:
        graph.add_edges_from((nodes[i], nodes[j]) for edge in shape["edges"] for i, j in (edge, edge[::-1]))
    return graph


def silos(data, network, key):
    """The silos of one published number."""
    model, access, name = key.split("|")
    rate_bps = ACCESS_BPS[access]
    compute_s = data["units"]["compute_ms_per_local_step"][model] / 1e3
    return Silos(
        underlay(network),
        overlay(network, name),
        Access(up_bps=rate_bps, down_bps=rate_bps, delay_s=2e-3),  # 4 ms of every way are spent at its two ends
        compute_s=lambda _: compute_s,
        bits=data["units"]["model_bits"][model],
    )


def published_ms(tau_s, compute_s, name):
    """In a star the hub only relays: a round is up, down, and one computation."""
    return 1e3 * (2 * (tau_s - compute_s) + compute_s if name == "STAR" else tau_s)


@pytest.mark.parametrize("name", ["amazon_us", "ebone", "exodus", "gaia", "geantdistance"])
def test_all_published_cycle_times(underlays, name):
    """60 for each network: 5 models, 3 access rates, 4 overlays. A message on every arc, and the largest mean."""
    network, models = underlays["networks"][name], underlays["units"]["model_bits"]
    found, computes_ms = {}, underlays["units"]["compute_ms_per_local_step"]
    for access in ACCESS_BPS:
        for shape in OVERLAYS:
            world = silos(underlays, network, f"femnist|{access}|{shape}")
            for model, delays in zip(models, world.delays([bits / 8 for bits in models.values()]), strict=True):
                compute_s = computes_ms[model] / 1e3
                for source, _, arc in delays.edges(data=True):
                    arc["delay_s"] += compute_s - world.compute_s(source)
                found[f"{model}|{access}|{shape}"] = published_ms(cycle_time(delays), compute_s, shape)
    assert found == pytest.approx(network["cycle_time_ms"], rel=1e-6)


def pace_s(world, shape):
    """Seconds per round of the slowest, in the end; word of it may take long to reach who is nearly as slow."""
    silos = world.overlay.number_of_nodes()
    if shape == "RING":
        return max(starts_s[-1] for starts_s in world.rounds_s(silos + 1).values()) / silos
    settled = 1 if shape == "STAR" else 2 * silos
    starts = world.rounds_s(settled + 3).values()
    return max((starts_s[-1] - starts_s[-3]) / 2 for starts_s in starts)


@pytest.mark.parametrize("access", ACCESS_BPS)
@pytest.mark.parametrize("shape", OVERLAYS)
def test_rounds_go_at_the_published_pace(underlays, access, shape):
    """Compute, send, wait for in-neighbours, among eleven silos."""
    network = underlays["networks"]["gaia"]
    key = f"inaturalist|{access}|{shape}"
    world = silos(underlays, network, key)
    found = published_ms(pace_s(world, shape), world.compute_s("0"), shape)
    assert found == pytest.approx(network["cycle_time_ms"][key], rel=1e-6)


def equals(overlay, *, slow=()):
    """Equal silos at one place: 100 Mbit/s, 10 ms to each other; those in ``slow`` compute 5 s, others 0.5 s."""
    graph = nx.DiGraph()
    graph.add_node("hub", kind="router")
    for node in overlay:
        graph.add_node(str(node), kind="router")
        for arc in ((str(node), "hub"), ("hub", str(node))):
            graph.add_edge(*arc, capacity_bps=math.inf, delay_s=0.0, duplex="full")
    named = nx.relabel_nodes(nx.DiGraph(overlay), str)
    access = Access(up_bps=1e8, down_bps=1e8, delay_s=5e-3)
    world = Silos(
        Topology("equals", graph), named, access, compute_s=lambda silo: 5.0 if silo in slow else 0.5, bits=40e6
    )
    return cycle_time(world.delays()[0])


@pytest.mark.parametrize(
    ("silos", "star", "ring", "path", "clique"),
    [
        (5, 3.72, 0.91, 1.31, 2.11),
        (10, 7.72, 0.91, 1.31, 4.11),
        (20, 15.72, 0.91, 1.31, 8.11),
        (50, 39.72, 0.91, 1.31, 20.11),
    ],
)
def test_equal_silos(silos, star, ring, path, clique):
    """The worked numbers D: latency 10 ms, 40 Mbit, 100 Mbit/s."""
    assert 2 * (equals(nx.star_graph(silos - 1)) - 0.5) + 0.5 == pytest.approx(star, rel=1e-6)
    assert equals(nx.cycle_graph(silos, create_using=nx.DiGraph)) == pytest.approx(ring, rel=1e-6)
    assert equals(nx.cycle_graph(silos)) == equals(nx.path_graph(silos)) == pytest.approx(path, rel=1e-6)
    if silos <= 20:  # 2450 messages at once say nothing new
        assert equals(nx.complete_graph(silos)) == pytest.approx(clique, rel=1e-6)


def test_one_slow_computer_sets_the_pace_of_rings():
    """The worked numbers E."""
    assert equals(nx.cycle_graph(10, create_using=nx.DiGraph), slow=("3",)) == 5.0
    assert equals(nx.cycle_graph(10), slow=("3",)) == pytest.approx(5.0)


def test_start_times_round_by_round():
    """The worked numbers C: delays of the arcs themselves, loops of 1 s, messages without bytes."""
    arcs = {(0, 1): 3.0, (1, 0): 5.0, (1, 2): 10.0, (2, 1): 2.0, (2, 0): 12.0}
    graph = nx.DiGraph()
    graph.add_nodes_from("012", kind="router")
    for (source, target), delay_s in arcs.items():
        graph.add_edge(str(source), str(target), capacity_bps=1.0, delay_s=delay_s - 1.0, duplex="full")
    overlay = nx.DiGraph((str(source), str(target)) for source, target in arcs)
    overlay.add_nodes_from("012")
    nothing = Access(up_bps=1.0, down_bps=1.0)
    world = Silos(Topology("three", graph), overlay, nothing, compute_s=lambda _: 1.0, bits=0, metric="hops")
    starts = world.rounds_s(7)
    rounds = [tuple(starts[node][number] for node in "012") for number in range(7)]
    expected = [(0, 0, 0), (12, 3, 10), (22, 15, 13), (25, 25, 25), (37, 28, 35), (47, 40, 38), (50, 50, 50)]
    assert rounds == expected


def test_messages_do_not_share_and_the_core_is_divided_by_its_hops():
    """8 Mbit/s over two hops are 4; ten messages at once take as long as one."""
    graph = nx.DiGraph()
    graph.add_nodes_from("xyz", kind="router")
    for arc in (("x", "y"), ("y", "x"), ("y", "z"), ("z", "y")):
        graph.add_edge(*arc, capacity_bps=8e6, delay_s=0.25, duplex="full")
    sim = Simulation(seed=1)
    network = Network(sim, Topology("two hops", graph), split=Degrees(out={"a": 3}))
    network.attach("a", "x", Access(up_bps=24e6, down_bps=1e6))
    network.attach("b", "z", Access(up_bps=1e6, down_bps=8e6))

    async def story():
        trips = await asyncio.gather(*(network.transfer("a", "b", 1e6) for _ in range(10)))
        assert sim.now == 2.5
        assert {trip.delivery().sharing_s for trip in trips} == {0.0}
        await network.transfer("b", "a", 1e6)  # 1 Mbit/s there, and not divided: b sends to one

    sim.run(story())
    assert sim.now == 2.5 + 0.5 + 8.0


def test_degrees_of_an_undirected_overlay_count_both_ways():
    overlay = nx.Graph([("a", "b"), ("b", "c"), ("c", "c")])
    degrees = Degrees.of(overlay)
    assert degrees.out == degrees.into == {"a": 1, "b": 2, "c": 1}


def test_outages_and_moves_are_those_of_the_network_under_it():
    """8 Mbit/s by one hop until 0.5 s, then 8 / 2 by two hops; the device moves next door at 1.0 s: 8 again."""
    graph = nx.DiGraph()
    graph.add_nodes_from("xyz", kind="router")
    for ends in ("xz", "xy", "yz"):
        for arc in (ends, ends[::-1]):
            graph.add_edge(*arc, capacity_bps=8e6, delay_s=0.0 if ends == "xz" else 0.1, duplex="full")
    sim = Simulation(seed=1)
    network = Network(sim, Topology("triangle", graph), split=Degrees())
    fast = Access(up_bps=math.inf, down_bps=math.inf)
    network.attach("a", "x", fast)

    async def change():
        await asyncio.sleep(0.5)
        network.set_link_up("x", "z", False)
        await asyncio.sleep(0.5)
        network.move("a", "y", fast)

    async def story():
        trip, _ = await asyncio.gather(network.transfer("a", "z", 1e6), change())
        return trip.delivery()

    delivery = sim.run(story())
    assert sim.now == pytest.approx(1.25)
    assert delivery.bytes_s == pytest.approx(1.25)
    assert len(network._planner.split._free) == 2  # of one message at a time, two while it is put on another way


def test_a_message_keeps_the_share_with_which_it_was_sent():
    """Half of 8 Mbit/s, as was said when it was sent, whatever is said of those that are sent before its bytes move."""
    graph = nx.DiGraph()
    graph.add_node("x", kind="router")
    sim = Simulation(seed=1)
    network = Network(sim, Topology("one", graph), split=Degrees())
    for name in "ab":
        network.attach(name, "x", Access(up_bps=8e6, down_bps=math.inf))
    network.part("a", "b", 2, 1)
    cargo = Cargo(1e6)
    cargo.part = network.part_of("a", "b")
    network.part("a", "b", 4, 1)
    sim.run(network.transfer("a", "b", cargo))
    assert sim.now == pytest.approx(2.0)
    sim.run(network.transfer("a", "b", 1e6))
    assert sim.now == pytest.approx(2.0 + 4.0)
