"""Transfers end when they should: nothing is polled, nothing drifts, and instants have no inner order."""

import asyncio
import math
from itertools import pairwise

import numpy as np
import pytest

from fedsim.kernel import Simulation
from fedsim.system.links import SharedLinks

MB = 1e6
MBPS = 8e6


class Pieces:
    """A random capacity: level n holds from ``starts_s[n]`` until the next start."""

    def __init__(self, rng, pieces):
        self.starts_s = [0.0, *np.cumsum(rng.exponential(0.7, pieces)).tolist(), math.inf]
        self.levels_bps = [*rng.choice([0.0, 0.3, 1.0, 2.5], pieces).tolist(), 1.0]

    def at(self, time_s):
        piece = int(np.searchsorted(self.starts_s, time_s, side="right")) - 1
        return MBPS * self.levels_bps[piece], self.starts_s[piece + 1]

    def end_s(self, size_bytes, from_s):
        """When the integral from ``from_s`` on reaches the size."""
        for level, (start_s, next_s) in zip(self.levels_bps, pairwise(self.starts_s), strict=True):
            begin_s = max(start_s, from_s)
            piece_bytes = level * MB * max(0.0, next_s - begin_s) if level else 0.0
            if piece_bytes >= size_bytes:
                return begin_s + size_bytes / (level * MB)
            size_bytes -= piece_bytes
        return math.inf


@pytest.fixture
def sim():
    return Simulation(seed=1)


@pytest.fixture
def links(sim):
    return SharedLinks(sim)


@pytest.mark.parametrize("seed", range(5))
def test_a_transfer_takes_the_integral_of_a_random_capacity(sim, links, seed):
    rng = np.random.default_rng(seed)
    capacity = Pieces(rng, 200)
    link = links.add_link(capacity)
    ends = []

    async def one_after_another():
        for size_bytes in rng.exponential(5 * MB, 10).tolist():
            begin_s = sim.now
            await links.move(links.flow(size_bytes), [link])
            ends.append((sim.now, capacity.end_s(size_bytes, begin_s)))
            await asyncio.sleep(float(rng.exponential(3.0)))

    sim.run(one_after_another())
    for ended_s, expected_s in ends:
        assert ended_s == pytest.approx(expected_s, rel=1e-12)
    assert len({expected_s for _, expected_s in ends}) == 10


def test_a_giant_beside_thousands_of_dwarfs_ends_when_it_should(sim, links):
    """The line is never idle, so the last byte leaves when all bytes have; in tests/benchmarks with a million."""
    line = links.add_link(1e9)
    dwarfs = 3000

    async def crowd():
        for _ in range(dwarfs):
            await links.move(links.flow(1e3), [line])

    async def story():
        giant = links.flow(10e9)
        await asyncio.gather(links.move(giant, [line]), crowd())
        return giant

    giant = sim.run(story())
    assert giant.ended_s == pytest.approx(8 * (10e9 + dwarfs * 1e3) / 1e9, rel=1e-13)
    assert giant.alone_s == pytest.approx(80, rel=1e-13)


def test_hours_without_capacity_take_hours_and_no_events(sim, links):
    link = links.add_link(MBPS)

    async def story():
        transfer = asyncio.ensure_future(links.move(links.flow(2 * MB), [link]))
        await asyncio.sleep(1.0)
        links.set_capacity(link, 0.0)
        events = next(sim.env._eid)
        await asyncio.sleep(36_000.0)
        assert next(sim.env._eid) - events < 5
        links.set_capacity(link, MBPS)
        await transfer

    sim.run(story())
    assert sim.now == 36_002.0


@pytest.mark.parametrize("cancel_first", [True, False])
@pytest.mark.parametrize("what", ["capacity", "cap", "reroute", "end", "abandon"])
def test_who_gives_up_in_the_instant_of_a_change_takes_nothing_with_him(sim, links, cancel_first, what):
    """At 2 s one of two gives up, and something happens to the other; from then on it has a link for itself."""
    link, other = links.add_link(MBPS), links.add_link(2 * MBPS)
    leaving, kept = links.flow((1 if what == "end" else 1.5) * MB), links.flow(3 * MB)
    acts = {
        "capacity": lambda: links.set_capacity(link, 2 * MBPS),
        "cap": lambda: links.set_cap(kept, 2 * MBPS),
        "reroute": lambda: links.reroute(kept, [other]),
        "end": lambda: None,
        "abandon": lambda: None if leaving.ended_s is not None else links.abandon(leaving, TimeoutError()),
    }

    async def story():
        tasks = [asyncio.ensure_future(links.move(flow, [link])) for flow in (leaving, kept)]
        steps = [tasks[0].cancel, acts[what]]
        for step in steps if cancel_first else reversed(steps):
            sim.loop.call_at(2.0, step)
        await asyncio.wait(tasks)

    sim.run(story())
    assert leaving.ended_s == 2.0
    assert leaving.sent_bytes == 1 * MB
    assert kept.ended_s == {"capacity": 3.0, "reroute": 3.0}.get(what, 4.0)
    assert links.use(link).carried_bytes == (2 if what == "reroute" else 4) * MB
    assert links.traffic().delivered_bytes + links.traffic().wasted_bytes == 4 * MB
