"""Speed of the kernel against SimPy and asyncio, each pair of jobs in turns in the same run.

    pytest tests/benchmarks/test_kernel_speed.py --benchmark-enable
    python tests/benchmarks/test_kernel_speed.py        prints the table that docs/kernel.md shows

Without ``--benchmark-enable`` the jobs run small, and only what they do is compared.
"""

import asyncio
import gc
import importlib.util
import os
import random
import selectors
import sys
import time
from pathlib import Path

import pytest
import simpy

from fedsim.kernel import Simulation

SIZES = {1_000: (60, 15), 10_000: (20, 7), 100_000: (10, 3)}  # processes: waits of each, repetitions
SMALL = (50, 4)
DELAYS = [random.Random(1).random() for _ in range(10_007)]
AT_MOST = {"coroutine": 1.4, "generator": 1.4, "sleep": 3.0}


def delay(process, wait):
    return DELAYS[(process * 7 + wait) % len(DELAYS)]


# The same job in several ways: n processes, each waits for so many random times. All give the time of the end.


def simpy_timeouts(n, waits, env=None):
    env = env or simpy.Environment()

    def process(number):
        for wait in range(waits):
            yield env.timeout(delay(number, wait))

    for number in range(n):
        env.process(process(number))
    return clocked(env.run, lambda: env.now)


def generator_timeouts(n, waits):
    return simpy_timeouts(n, waits, Simulation().env)


def coroutine_timeouts(n, waits):
    sim = Simulation()

    async def process(number):
        for wait in range(waits):
            await sim.timeout(delay(number, wait))

    return run_all(sim, [process(number) for number in range(n)])


async def sleeper(number, waits):
    for wait in range(waits):
        await asyncio.sleep(delay(number, wait))


def sleep_timeouts(n, waits):
    return run_all(Simulation(), [sleeper(number, waits) for number in range(n)])


def run_all(sim, coroutines):
    tasks = [sim.spawn(coroutine) for coroutine in coroutines]

    async def main():
        await asyncio.gather(*tasks)

    return clocked(lambda: sim.run(main()), lambda: sim.now)


class JumpingSelector(selectors.SelectSelector):
    """Waits for nothing: the time for which it should wait has passed."""

    now = 0.0

    def select(self, timeout=None):
        self.now += timeout or 0.0
        return []


class PlainLoop(asyncio.SelectorEventLoop):
    """What everybody writes first: asyncio's own loop with a clock that jumps."""

    _clock_resolution = 1e-9

    def time(self):
        return self._selector.now


def plain_loop_timeouts(n, waits):
    return on_loop(PlainLoop(JumpingSelector()), n, waits)


def looptime_timeouts(n, waits):
    import looptime

    return on_loop(looptime.new_event_loop(start=0), n, waits)


def on_loop(loop, n, waits):
    async def main():
        await asyncio.gather(*(sleeper(number, waits) for number in range(n)))
        return loop.time()

    end = []
    try:
        return clocked(lambda: end.append(loop.run_until_complete(main())), lambda: end[0])
    finally:
        loop.close()


# Requests of resources: pairs share one, by turns


def simpy_requests(n, turns):
    env = simpy.Environment()

    def process(resource):
        for _ in range(turns):
            with resource.request() as turn:
                yield turn
                yield env.timeout(1)

    for resource in [simpy.Resource(env) for _ in range(n // 2)]:
        env.process(process(resource))
        env.process(process(resource))
    return clocked(env.run, lambda: env.now)


def coroutine_requests(n, turns):
    sim = Simulation()

    async def process(resource):
        for _ in range(turns):
            with resource.request() as turn:
                await turn
                await sim.timeout(1)

    resources = [simpy.Resource(sim.env) for _ in range(n // 2)]
    return run_all(sim, [process(resource) for resource in resources for _ in range(2)])


# Tasks that never wait


async def nothing():
    return 1


async def many_tasks(n, at_once):
    done = 0
    for _ in range(n // at_once):
        done += sum(await asyncio.gather(*(asyncio.create_task(nothing()) for _ in range(at_once))))
    return done


def asyncio_tasks(n, at_once):
    done = []
    return clocked(lambda: done.append(asyncio.run(many_tasks(n, at_once))), lambda: done[0])


def kernel_tasks(n, at_once):
    done = []
    sim = Simulation()
    return clocked(lambda: done.append(sim.run(many_tasks(n, at_once))), lambda: done[0])


# Records: as many as there are waits


def records(n, waits):
    sim = Simulation()

    def job():
        for number in range(n * waits):
            sim.record("sent", "d3", size=number, to="server")

    return clocked(job, lambda: len(sim.events))


# Measuring


def clocked(job, result):
    """Seconds of processor time that the job takes, and its result."""
    gc.collect()
    start = time.process_time()
    job()
    return time.process_time() - start, result()


def ratios(base, others, size, repetitions):
    """How much longer than the base job the others take: the best of each, in turns; and microseconds of the base."""
    best = dict.fromkeys([base, *others], float("inf"))
    for _ in range(repetitions):
        for job in best:
            best[job] = min(best[job], job(*size)[0])
    return {job: best[job] / best[base] for job in others}, best[base] / (size[0] * size[1]) * 1e6


def enabled(config):
    return config.getoption("--benchmark-enable")


@pytest.fixture
def measured(request):
    if not enabled(request.config):
        pytest.skip("measured with --benchmark-enable only")


def memory_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# What the jobs do


def test_all_ways_tell_the_same_time():
    _, end = simpy_timeouts(*SMALL)
    for job in (coroutine_timeouts, generator_timeouts):
        assert job(*SMALL)[1] == end
    for job in (sleep_timeouts, plain_loop_timeouts):
        assert job(*SMALL)[1] == pytest.approx(end, rel=1e-9)
    assert coroutine_requests(*SMALL)[1] == simpy_requests(*SMALL)[1] == 8
    assert records(*SMALL)[1] == 200
    assert kernel_tasks(100, 10)[1] == asyncio_tasks(100, 10)[1] == 100


# How fast they do it


@pytest.mark.parametrize("n", SIZES)
def test_a_wait_costs_little_more_than_simpys(n, measured):
    waits, repetitions = SIZES[n]
    found, _ = ratios(simpy_timeouts, [coroutine_timeouts, generator_timeouts, sleep_timeouts], (n, waits), repetitions)
    assert found[coroutine_timeouts] <= AT_MOST["coroutine"]
    assert found[generator_timeouts] <= AT_MOST["generator"]
    assert found[sleep_timeouts] <= AT_MOST["sleep"]


def test_a_request_costs_at_most_half_more_than_simpys(measured):
    found, _ = ratios(simpy_requests, [coroutine_requests], (1000, 20), 11)
    assert found[coroutine_requests] <= 1.5


@pytest.mark.parametrize("at_once", [1, 100])
def test_a_task_that_never_waits_costs_at_most_half_more_than_asyncios(at_once, measured):
    found, _ = ratios(asyncio_tasks, [kernel_tasks], (10_000, at_once), 11)
    assert found[kernel_tasks] <= 1.5


def test_a_record_costs_no_more_than_half_more_than_an_event(measured):
    found, _ = ratios(simpy_timeouts, [records], (1000, 60), 9)
    assert found[records] <= 1.5


def test_ten_million_cancelled_timers_do_not_grow_the_process(measured):
    sim = Simulation()

    async def give_up(rounds):
        loop = asyncio.get_running_loop()
        for _ in range(rounds):
            loop.call_later(1e6, print).cancel()

    sim.run(give_up(100_000))
    before = memory_bytes()
    sim.run(give_up(10_000_000))
    assert memory_bytes() - before < 1e6


def table():
    """All figures, as text."""
    others = [coroutine_timeouts, generator_timeouts, sleep_timeouts, plain_loop_timeouts]
    if importlib.util.find_spec("looptime"):
        others.append(looptime_timeouts)
    for n, (waits, repetitions) in SIZES.items():
        found, base_us = ratios(simpy_timeouts, others, (n, waits), repetitions)
        yield f"{n} processes: simpy {base_us:.2f} us " + " ".join(f"{job.__name__} {found[job]:.2f}" for job in others)
    found, _ = ratios(simpy_timeouts, [records], (1000, 60), 9)
    yield f"a record with three fields: {found[records]:.2f} of a simpy event"
    found, base_us = ratios(simpy_requests, [coroutine_requests], (1000, 20), 11)
    yield f"requests: simpy {base_us:.2f} us, coroutine {found[coroutine_requests]:.2f}"
    for at_once in (1, 100):
        found, _ = ratios(asyncio_tasks, [kernel_tasks], (10_000, at_once), 11)
        yield f"tasks, {at_once} at once: asyncio 1, kernel {found[kernel_tasks]:.2f}"


if __name__ == "__main__":
    for text in table():
        sys.stdout.write(text + "\n")
