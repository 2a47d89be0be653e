"""Speed of links whose rates go over time.

    pytest tests/benchmarks/test_rates_speed.py --benchmark-enable

Measured on two slow, busy cores (2026-11): a fading transfer costs 0.05 to 0.09 ms for each simulated second; 1,000
fading uploads at once through one line take 1.3 s, against 0.19 s over lines of constant rates: 6.7 times as long,
for 211 instead of 38 simulated seconds, at the end of which only those in a fade are left.
"""

import asyncio
import time
from functools import partial

import numpy as np
import pytest

from fedsim.kernel import Simulation
from fedsim.system.fading import Fading
from fedsim.system.links import SharedLinks
from fedsim.system.profiles import load_profiles
from fedsim.system.scaled import Scaled

SHAPE = load_profiles().fading["4g_mpls"]


def long_transfer(seconds):
    """One device on a fading line of 8 Mbit/s on average; seconds of simulated time."""
    sim = Simulation(seed=1)
    links = SharedLinks(sim)
    line = links.add_link(Scaled(Fading(SHAPE, partial(sim.rng, "fading")), 8e6))
    sim.run(links.move(links.flow(seconds * 1e6), (line,)))
    return sim.now


def uploads(devices, *, fading):
    """Everyone sends 1 MB within one second, over its own line and the server's; seconds of simulated time."""
    sim, rng = Simulation(seed=1), np.random.default_rng(1)
    links = SharedLinks(sim)
    server = links.add_link(devices * 1e6)

    def line(number, rate_bps):
        return Scaled(Fading(SHAPE, partial(sim.rng, "fading", number)), rate_bps) if fading else rate_bps

    lines = [links.add_link(line(*item)) for item in enumerate(rng.uniform(0.2e6, 5e6, devices).tolist())]

    async def device(own, start_s):
        await asyncio.sleep(start_s)
        await links.move(links.flow(1e6), (own, server), 0.01)

    async def everyone():
        async with asyncio.TaskGroup() as group:
            for own, start_s in zip(lines, rng.uniform(0, 1, devices).tolist(), strict=True):
                group.create_task(device(own, start_s))

    sim.run(everyone())
    return sim.now


def seconds_of(job):
    start_s = time.perf_counter()
    simulated_s = job()
    return time.perf_counter() - start_s, simulated_s


def test_a_second_of_a_fading_transfer(benchmark):
    simulated_s = benchmark.pedantic(long_transfer, args=(5000,), rounds=3)
    assert simulated_s > 2000
    if benchmark.enabled:
        benchmark.extra_info["microseconds a simulated second"] = 1e6 * benchmark.stats["min"] / simulated_s


@pytest.mark.parametrize("devices", [1000])
def test_fading_uploads_at_once(benchmark, devices):
    benchmark.pedantic(partial(uploads, fading=True), args=(devices if benchmark.enabled else 20,), rounds=1)
    if benchmark.enabled:
        constant_s, constant_end_s = seconds_of(partial(uploads, devices, fading=False))
        fading_s, fading_end_s = seconds_of(partial(uploads, devices, fading=True))
        benchmark.extra_info |= {
            "constant, s": constant_s,
            "times slower": fading_s / constant_s,
            "simulated s, constant": constant_end_s,
            "simulated s, fading": fading_end_s,
        }
