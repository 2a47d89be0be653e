"""Messages that come at random share a link as theory says: M/G/1 with processor sharing, whatever the law of sizes."""

import asyncio
import heapq
import math

import numpy as np
import pytest

from fedsim.kernel import Simulation
from fedsim.system.law import Constant, Exponential, Lognormal
from fedsim.system.links import SharedLinks

CASES = {
    "mg1ps_0.8_1.25e+06": Lognormal(math.exp(-0.5), 1.0),
    "mg1ps_1.5_2.5e+06": Constant(1.0),
    "mg1ps_0.9_1e+06": Exponential(1.0),
}
"""The law of sizes in means: it must not matter which."""


def drawn(case, law, flows, seed):
    """When flows come, and how many bytes each has: (flows,) each."""
    rng = np.random.default_rng(seed)
    starts_s = rng.exponential(1 / case["flows_per_s"], flows).cumsum()
    return starts_s, case["mean_size_B"] * law.isf(rng.random(flows))


def on_a_link(case, starts_s, sizes_bytes):
    """How long each takes over a link of fedsim: (flows,)."""
    sim = Simulation()
    links = SharedLinks(sim)
    link = links.add_link(8 * case["capacity_Bps"])
    ends_s = np.empty(len(starts_s))

    async def send(number):
        await asyncio.sleep(starts_s[number])
        await links.move(links.flow(sizes_bytes[number]), [link])
        ends_s[number] = sim.now

    async def story():
        async with asyncio.TaskGroup() as group:
            for number in range(len(starts_s)):
                group.create_task(send(number))

    sim.run(story())
    return ends_s - starts_s


def in_turns(case, starts_s, sizes_bytes):
    """The slow twin: all that are there get the same bytes, counted from the start, and leave with their last."""
    ends_s, there, now_s, served_bytes = np.empty(len(starts_s)), [], 0.0, 0.0

    def serve(until_s):
        nonlocal now_s, served_bytes
        while there:
            end_s = now_s + (there[0][0] - served_bytes) * len(there) / case["capacity_Bps"]
            if end_s > until_s:
                served_bytes += (until_s - now_s) * case["capacity_Bps"] / len(there)
                break
            now_s, (served_bytes, number) = end_s, heapq.heappop(there)
            ends_s[number] = end_s
        now_s = until_s

    for number, (start_s, size_bytes) in enumerate(zip(starts_s.tolist(), sizes_bytes.tolist(), strict=True)):
        serve(start_s)
        heapq.heappush(there, (served_bytes + size_bytes, number))
    serve(math.inf)
    return ends_s - starts_s


@pytest.mark.parametrize("name", CASES)
def test_messages_share_a_link_as_the_twin_says(closed_form, name):
    case, _ = closed_form(name)
    given = drawn(case, CASES[name], 400, seed=1)
    assert on_a_link(case, *given) == pytest.approx(in_turns(case, *given), rel=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_their_mean_time_is_that_of_theory(closed_form, name):
    """400,000 messages by the twin: within four standard errors, by means of 50 batches."""
    case, expected = closed_form(name)
    starts_s, sizes_bytes = drawn(case, CASES[name], 400_000, seed=2)
    times_s = in_turns(case, starts_s, sizes_bytes)
    times_s, sizes_bytes = times_s.reshape(50, -1)[1:], sizes_bytes.reshape(50, -1)[1:]
    for per_batch_s, value_s in (
        (times_s.mean(axis=1), expected["mean_transfer_s"]),
        (times_s.sum(axis=1) / sizes_bytes.sum(axis=1) * 5e5, expected["transfer_of_500kB_s"]),
    ):
        error_s = per_batch_s.std(ddof=1) / math.sqrt(len(per_batch_s))
        assert error_s < 0.05 * value_s
        assert per_batch_s.mean() == pytest.approx(value_s, abs=4 * error_s)
