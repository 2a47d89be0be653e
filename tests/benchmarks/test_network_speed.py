"""Speed of the network against plainly computing everything anew at every event, in the same run.

    pytest tests/benchmarks/test_network_speed.py --benchmark-enable

Measured on two slow, busy cores (2026-11): 1,000 uploads with random starts through one line 0.35 s, 50 times
faster than plain; a ring of 50 peers that send to both neighbours for 100 rounds, each at its own rate, 0.74 s
(0.07 ms per message), 4 times faster than plain.
"""

import asyncio
import math
import time

import numpy as np
import pytest

from fedsim.kernel import Simulation
from fedsim.system.links import SharedLinks


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


def uploads(links_type, devices):
    """Everyone sends 1 MB once, within one second, over its own line and the server's; seconds of simulated time."""
    sim, rng = Simulation(seed=1), np.random.default_rng(1)
    links = links_type(sim)
    server = links.add_link(devices * 1e6)
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


def seconds(job, *arguments):
    start_s = time.perf_counter()
    job(*arguments)
    return time.perf_counter() - start_s


def compare(benchmark, job, size, plain_size):
    """Time ``job`` and note how many times slower the plain way is; at ``plain_size``, if that takes too long."""
    benchmark.pedantic(job, args=(FairLinks, size), rounds=3)
    if benchmark.enabled:
        plain_s = seconds(job, PlainLinks, plain_size)
        benchmark.extra_info["times faster than plain"] = round(plain_s / seconds(job, FairLinks, plain_size), 1)


@pytest.mark.parametrize("job", [uploads, ring])
def test_both_ways_tell_the_same_time(job):
    assert job(FairLinks, 4) == pytest.approx(job(PlainLinks, 4), rel=1e-9)


def test_a_thousand_uploads_through_one_line(benchmark):
    compare(benchmark, uploads, 1000, 1000)


def test_a_hundred_rounds_of_a_ring(benchmark):
    compare(benchmark, ring, 100, 10)
