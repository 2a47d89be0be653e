"""Speed of the network against plainly computing everything anew at every event, in the same run.

    pytest tests/benchmarks/test_network_speed.py --benchmark-enable

Measured on two slow, busy cores (2026-11), in processor time: see docs/network.md.
"""

import asyncio
import math
import time
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from fedsim.kernel import Simulation
from fedsim.system.links import SharedLinks
from fedsim.system.network import Access, Network
from fedsim.system.tcp import Tcp
from fedsim.system.topology import Topology

pytestmark = pytest.mark.benchmark(timer=time.process_time)  # of the processor: others may use the machine too

UP_BPS, DOWN_BPS = (1e6, 20e6), (5e6, 50e6)


class PlainLinks:
    """The same by the book: at every event all flows are settled and all rates filled up from nothing."""

    def __init__(self, sim):
        self.sim, self.capacity_bps, self.moving, self.since_s, self.timer = sim, [], [], 0.0, None

    def add_link(self, capacity_bps):
        self.capacity_bps.append(capacity_bps)
        return len(self.capacity_bps) - 1

    async def move(self, size_bytes, route, delay_s):
        await self.sim.timeout(delay_s)
        flow = [size_bytes, 0.0, route, self.sim.loop.create_future()]
        self.settle()
        self.moving.append(flow)
        self.share()
        await flow[3]

    def settle(self):
        for flow in self.moving:
            flow[0] -= flow[1] * (self.sim.now - self.since_s) / 8
        self.since_s = self.sim.now

    def share(self):
        users = {}
        for flow in self.moving:
            flow[1] = None
            for link in flow[2]:
                users.setdefault(link, []).append(flow)
        free = {link: self.capacity_bps[link] for link in users}
        count = {link: len(flows) for link, flows in users.items()}
        while count:
            narrow = min(count, key=lambda link: free[link] / count[link])
            level = max(0.0, free[narrow] / count[narrow])
            for flow in users[narrow]:
                if flow[1] is None:
                    flow[1] = level
                    for link in flow[2]:
                        free[link] -= level
                        count[link] -= 1
            count = {link: number for link, number in count.items() if number}
        if self.timer:
            self.timer.cancel()
        end_s = min((self.sim.now + 8 * flow[0] / flow[1] for flow in self.moving), default=math.inf)
        self.timer = self.sim.loop.call_at(end_s, self.arrive)

    def arrive(self):
        self.settle()
        nearest_s = max(0.0, min(flow[0] / flow[1] for flow in self.moving))
        for flow in [flow for flow in self.moving if flow[0] / flow[1] <= nearest_s]:
            self.moving.remove(flow)
            flow[3].set_result(None)
        self.share()


class FairLinks(SharedLinks):
    """fedsim's, behind the same three words."""

    async def move(self, size_bytes, route, delay_s):
        await super().move(self.flow(size_bytes), route, delay_s)


def uploads(links_type, devices, each_bps=1e6):
    """Everyone sends 1 MB once, within one second, over its own line and the server's; seconds of simulated time.

    each_bps: what the server's line carries for each device; with 20 Mbit/s it holds nobody back
    """
    sim, rng = Simulation(seed=1), np.random.default_rng(1)
    links = links_type(sim)
    server = links.add_link(devices * each_bps)
    lines = [links.add_link(rate) for rate in rng.uniform(0.2e6, 5e6, devices).tolist()]

    async def device(line, start_s):
        await asyncio.sleep(start_s)
        await links.move(1e6, (line, server), 0.01)

    async def everyone():
        async with asyncio.TaskGroup() as group:
            for line, start_s in zip(lines, rng.uniform(0, 1, devices).tolist(), strict=True):
                group.create_task(device(line, start_s))

    sim.run(everyone())
    return sim.now


def uploads_over_tcp(devices):
    """The same through a whole network, with acknowledgements on the way back; seconds of simulated time."""
    sim, rng = Simulation(seed=1), np.random.default_rng(1)
    graph = nx.DiGraph()
    graph.add_nodes_from(["cell", "server"], kind="router")
    for arc in (("cell", "server"), ("server", "cell")):
        graph.add_edge(*arc, capacity_bps=devices * 1e6, delay_s=0.0, duplex="full")
    network = Network(sim, Topology("line", graph), transport=Tcp())
    starts_s = rng.uniform(0, 1, devices).tolist()
    for number, rate in enumerate(rng.uniform(0.2e6, 5e6, devices).tolist()):
        network.attach(f"phone-{number}", "cell", Access(up_bps=rate, down_bps=5 * rate, delay_s=0.01))

    async def phone(number):
        await asyncio.sleep(starts_s[number])
        await network.transfer(f"phone-{number}", "server", 1e6)

    async def everyone():
        async with asyncio.TaskGroup() as group:
            for number in range(devices):
                group.create_task(phone(number))

    sim.run(everyone())
    return sim.now


def ring(links_type, rounds, peers=50):
    """Each round, everyone sends 31 kB to both neighbours; seconds of simulated time."""
    sim, rng = Simulation(seed=1), np.random.default_rng(1)
    links = links_type(sim)
    ups = [links.add_link(rate) for rate in rng.uniform(0.5e6, 5e6, peers).tolist()]
    downs = [links.add_link(rate) for rate in rng.uniform(2e6, 9e6, peers).tolist()]

    async def everyone():
        for _ in range(rounds):
            async with asyncio.TaskGroup() as group:
                for peer in range(peers):
                    for other in ((peer - 1) % peers, (peer + 1) % peers):
                        group.create_task(links.move(31_400, (ups[peer], downs[other]), 0.02))

    sim.run(everyone())
    return sim.now


def tree(links_type, devices, cells=50, metros=5):
    """Devices in cells, cells in metros, metros at a core, the server behind it; each device uploads 250 kB once."""
    sim, rng = Simulation(seed=1), np.random.default_rng(1)
    links = links_type(sim)
    server = links.add_link(devices * 0.2e6)
    of_metro = [links.add_link(devices / metros * 0.25e6) for _ in range(metros)]
    of_cell = [links.add_link(rate) for rate in (devices / cells * rng.uniform(0.2e6, 0.6e6, cells)).tolist()]
    lines = [links.add_link(rate) for rate in rng.uniform(0.2e6, 20e6, devices).tolist()]

    async def device(number, start_s):
        await asyncio.sleep(start_s)
        cell = number % cells
        await links.move(250e3, (lines[number], of_cell[cell], of_metro[cell % metros], server), 0.03)

    async def everyone():
        async with asyncio.TaskGroup() as group:
            for number, start_s in enumerate(rng.uniform(0, 12, devices).tolist()):
                group.create_task(device(number, start_s))

    sim.run(everyone())
    return sim.now


def gossip(links_type, peers, neighbours=6, rounds=3):
    """Peers at 30 places of a backbone; each round, everyone sends 100 kB to all of its neighbours."""
    sim, rng = Simulation(seed=1), np.random.default_rng(1)
    links = links_type(sim)
    backbone = nx.connected_watts_strogatz_graph(30, 4, 0.3, seed=1)
    arcs = {arc: links.add_link(50e6) for a, b in backbone.edges for arc in ((a, b), (b, a))}
    paths = dict(nx.all_pairs_shortest_path(backbone))
    ups, downs = ([links.add_link(rate) for rate in rng.uniform(*span, peers).tolist()] for span in (UP_BPS, DOWN_BPS))
    overlay = nx.random_regular_graph(neighbours, peers, seed=1)

    def route(peer, other):
        core = pairwise(paths[peer % 30][other % 30])
        return ups[peer], *(arcs[arc] for arc in core), downs[other]

    async def run(peer):
        await asyncio.sleep(float(peer) / peers)
        for _ in range(rounds):
            async with asyncio.TaskGroup() as group:
                for other in sorted(overlay[peer]):
                    group.create_task(links.move(100e3, route(peer, other), 0.02))

    async def everyone():
        async with asyncio.TaskGroup() as group:
            for peer in range(peers):
                group.create_task(run(peer))

    sim.run(everyone())
    return sim.now


def giant(links_type, dwarfs):
    """10 GB beside 1 kB messages, one after another, on a line that is never idle."""
    sim = Simulation(seed=1)
    links = links_type(sim)
    line = links.add_link(1e9)
    ends_s = []

    async def one():
        await links.move(10e9, [line], 0.0)
        ends_s.append(sim.now)

    async def many():
        for _ in range(dwarfs):
            await links.move(1e3, [line], 0.0)

    async def both():
        async with asyncio.TaskGroup() as group:
            group.create_task(one())
            group.create_task(many())

    sim.run(both())
    return ends_s[0]


def seconds(job, *arguments):
    start_s = time.process_time()
    job(*arguments)
    return time.process_time() - start_s


def compare(benchmark, job, size, messages, plain_size):
    """Time ``job``; note flow events a second, and how many times slower the plain way is at ``plain_size``."""
    benchmark.pedantic(job, args=(FairLinks, size), rounds=3)
    if benchmark.enabled:
        benchmark.extra_info["flow events per second"] = round(2 * messages / benchmark.stats["min"])
        plain_s = seconds(job, PlainLinks, plain_size)
        benchmark.extra_info["times faster than plain"] = round(plain_s / seconds(job, FairLinks, plain_size), 1)


@pytest.mark.parametrize(("job", "size"), [(uploads, 4), (ring, 4), (tree, 60), (gossip, 8)])
def test_both_ways_tell_the_same_time(job, size):
    assert job(FairLinks, size) == pytest.approx(job(PlainLinks, size), rel=1e-9)


def test_a_thousand_uploads_through_one_line(benchmark):
    size = 1000 if benchmark.enabled else 10
    compare(benchmark, uploads, size, size, 1000)


def test_a_thousand_uploads_over_tcp(benchmark):
    size = 1000 if benchmark.enabled else 10
    assert benchmark.pedantic(uploads_over_tcp, args=(size,), rounds=3) > 1 + 8 * 1.04


def test_a_tree_of_five_thousand_devices(benchmark):
    size = 5000 if benchmark.enabled else 50
    compare(benchmark, tree, size, size, 500)


def test_two_hundred_gossips_on_a_backbone(benchmark):
    size = 200 if benchmark.enabled else 8
    compare(benchmark, gossip, size, size * 6 * 3, 200)


def test_a_hundred_rounds_of_a_ring(benchmark):
    size = 100 if benchmark.enabled else 2
    compare(benchmark, ring, size, size * 100, 10)


@pytest.mark.parametrize("each_bps", [1e6, 20e6])
@pytest.mark.parametrize("devices", [100, 1000, 10_000])
def test_growth_with_the_flows_that_are_under_way_at_once(benchmark, devices, each_bps):
    size = devices if benchmark.enabled else 10
    benchmark.pedantic(uploads, args=(FairLinks, size, each_bps), rounds=1)
    if benchmark.enabled:
        benchmark.extra_info["microseconds per flow event"] = round(1e6 * benchmark.stats["min"] / (2 * size))


def test_a_giant_beside_a_million_dwarfs_ends_when_it_should(benchmark):
    """The line is never idle, so the giant ends when all bytes have gone."""
    dwarfs = 1_000_000 if benchmark.enabled else 1000
    end_s = benchmark.pedantic(giant, args=(FairLinks, dwarfs), rounds=1)
    assert end_s == pytest.approx(8 * (10e9 + dwarfs * 1e3) / 1e9, rel=1e-12)
