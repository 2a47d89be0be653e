"""What is over leaves nothing behind."""

import asyncio
import gc
import os
import weakref
from pathlib import Path

import pytest
import simpy

from fedsim.kernel import Simulation

STATUS = Path("/proc/self/statm")


@pytest.fixture
def sim():
    return Simulation()


def resident_bytes():
    if not STATUS.exists():
        pytest.skip("the process's memory is read from /proc")
    return int(STATUS.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("way", ["timer", "timeout", "abandoned", "wait_for"])
def test_cancelled_times_do_not_pile_up(sim, way):
    """Each round sets a time far away and gives it up; ten thousand rounds, and then fifty thousand more."""
    env = sim.env

    async def give_up(rounds):
        loop = asyncio.get_running_loop()
        for _ in range(rounds):
            if way == "timer":
                loop.call_later(1e6, print).cancel()
            elif way == "timeout":
                async with asyncio.timeout(1e6):
                    await asyncio.sleep(0)
            elif way == "abandoned":
                task = asyncio.create_task(far(sim))
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
            else:
                await asyncio.wait_for(asyncio.sleep(0), 1e6)
        return len(env._queue)

    assert sim.run(give_up(2_000)) < 200
    before = resident_bytes()
    assert sim.run(give_up(20_000)) < 200
    assert resident_bytes() - before < 4e6
    assert sim.now == 0.0


async def far(sim):
    await sim.timeout(1e6)


def test_a_million_cancelled_timers(sim):
    """What ten million do in the benchmarks, in a tenth of the time."""

    async def give_up(rounds):
        loop = asyncio.get_running_loop()
        for _ in range(rounds):
            loop.call_later(1e6, print).cancel()

    sim.run(give_up(10_000))
    before = resident_bytes()
    sim.run(give_up(1_000_000))
    assert resident_bytes() - before < 2e6


def test_sweeping_keeps_what_is_waited_for_in_order(sim):
    log = []

    async def main():
        loop = asyncio.get_running_loop()
        for number in range(300):
            timer = loop.call_later(1.0 + number % 7, log.append, number)
            if number % 3:
                timer.cancel()
        await asyncio.sleep(10)

    sim.run(main())
    kept = [number for number in range(300) if number % 3 == 0]
    assert log == sorted(kept, key=lambda number: number % 7)
    assert sim.env.withdrawn == 0


def test_cancelled_times_do_not_make_time_pass(sim):
    async def main():
        loop = asyncio.get_running_loop()
        loop.call_later(100.0, print).cancel()
        task = asyncio.create_task(far(sim))
        await asyncio.sleep(1)
        task.cancel()

    sim.run(main())
    assert sim.env.peek() == float("inf")
    sim.env.run()
    assert sim.now == 1.0


def test_a_finished_task_is_gone_at_once(sim):
    async def work():
        await sim.timeout(1.0)
        return "value"

    async def main():
        gc.disable()
        try:
            task = asyncio.create_task(work())
            reference = weakref.ref(task)
            await task
            del task
            await sim.timeout(1.0)
            return reference(), dict(sim.loop.live_tasks)
        finally:
            gc.enable()

    reference, live = sim.run(main())
    assert reference is None
    assert len(live) == 1  # main itself


def test_a_failed_task_is_no_cycle(sim):
    """Nothing between a failure, its traceback and its task keeps them alive."""

    async def work():
        await sim.timeout(1.0)
        raise LookupError

    async def main():
        gc.disable()
        try:
            task = asyncio.create_task(work())
            reference = weakref.ref(task)
            await asyncio.wait([task])
            assert task.exception() is not None
            del task
            await sim.timeout(1.0)
            return reference()
        finally:
            gc.enable()

    assert sim.run(main()) is None


def test_a_finished_process_is_forgotten(sim):
    def work():
        yield sim.timeout(1.0)

    for _ in range(5):
        sim.process(work())
    assert len(sim.env.live_processes) == 5
    sim.env.run()
    assert sim.env.live_processes == {}


def test_abandoned_requests_leave_no_queue(sim):
    store = simpy.Store(sim.env)

    async def main():
        for _ in range(1000):
            task = asyncio.create_task(get(store))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        return len(store.get_queue)

    assert sim.run(main()) == 0


async def get(store):
    return await store.get()


@pytest.mark.parametrize(("threshold", "meanwhile"), [(700, 50_000), (50_000, 50_000), (0, 0)])
def test_the_collector_comes_seldom_in_a_run_and_is_as_it_was_after_it(sim, threshold, meanwhile):
    async def main():
        return gc.get_threshold()[0], gc.get_freeze_count() > 0

    before = gc.get_threshold()
    gc.set_threshold(threshold)
    try:
        assert sim.run(main()) == (meanwhile, threshold > 0)
        assert gc.get_threshold()[0] == threshold
        assert gc.get_freeze_count() == 0
    finally:
        gc.set_threshold(*before)


def test_the_collector_comes_the_more_seldom_the_less_there_is_to_collect(sim):
    def threshold():
        return gc.get_threshold()[0]

    async def main():
        kept = []
        seen = [threshold()]
        kept += [[] for _ in range(60_000)]
        seen.append(threshold())
        for _ in range(820_000):
            cycle = []
            cycle.append(cycle)
        return [*seen, threshold()]

    before = gc.get_threshold()
    gc.set_threshold(700)
    try:
        assert sim.run(main()) == [50_000, 800_000, 50_000]
    finally:
        gc.set_threshold(*before)


def test_nobody_looks_through_what_a_run_leaves_behind_where_there_was_no_garbage(sim):
    kept, looked = [], []

    async def main():
        kept.append([[] for _ in range(100_000)])

    def look(phase, info):
        looked.append((phase, info["generation"]))

    before = gc.get_threshold()
    gc.set_threshold(700)
    gc.callbacks.append(look)
    try:
        sim.run(main())
        kept.append([])
        assert looked == [("start", 0), ("stop", 0)]
    finally:
        gc.callbacks.remove(look)
        gc.set_threshold(*before)
