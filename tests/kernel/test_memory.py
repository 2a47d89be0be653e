"""What is over leaves nothing behind."""

import asyncio
import gc
import os
import weakref
from pathlib import Path

import pytest
import simpy

from fedsim.kernel import Simulation, collector

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
    """Each round sets a time far away and gives it up; ten thousand rounds, and then forty thousand more.

    After the first of them there is as much young garbage as there ever is before the collector comes.
    """
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

    assert sim.run(give_up(10_000)) < 200
    before = resident_bytes()
    assert sim.run(give_up(40_000)) < 200
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


class Cycle:
    """Knows itself."""

    alive = 0

    def __init__(self):
        self.me = self
        Cycle.alive += 1

    def __del__(self):
        Cycle.alive -= 1


@pytest.fixture
def young():
    before = gc.get_threshold()
    gc.collect()
    gc.set_threshold(700, 10, 10)
    yield
    gc.collect()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("young")
def test_garbage_is_collected_all_along(sim):
    async def main():
        most = 0
        for _ in range(120_000):
            Cycle()
            most = max(most, Cycle.alive)
        return most

    assert 20_000 < sim.run(main()) < 60_000


@pytest.mark.usefixtures("young")
def test_garbage_after_long_without_is_noticed(sim):
    """What has come by the time when somebody looks again stays to the end."""

    async def main():
        kept = [[] for _ in range(60_000)]
        for _ in range(1_000_000):
            Cycle()
        return Cycle.alive, len(kept)

    alive, _ = sim.run(main())
    assert 700_000 < alive < 860_000
    gc.collect()
    assert Cycle.alive == 0


@pytest.mark.usefixtures("young")
def test_what_is_no_garbage_is_hardly_looked_through(sim):
    """Of 1,700,000 lists, three times 50,000: the collector has the others taken away from under its eyes."""
    looked = []

    def look(phase, info):
        if phase == "start":
            looked.append(len(gc.get_objects(generation=0)))

    async def main():
        gc.callbacks.append(look)  # after those of the run
        return [[] for _ in range(1_700_000)]

    try:
        kept = sim.run(main())
        after = [[], []]
    finally:
        gc.callbacks.remove(look)
    assert len(kept) + len(after) == 1_700_002
    assert len(looked) == 33
    assert 140_000 < sum(looked) < 170_000
    assert gc.get_count()[0] < 700


@pytest.mark.usefixtures("young")
def test_worlds_of_earlier_runs_are_collected_when_they_are_many_objects(sim, monkeypatch):
    monkeypatch.setattr(collector, "_MANY", 150_000)

    async def world():
        return [Cycle() for _ in range(60_000)]

    left = []
    for _ in range(8):
        sim.run(world())
        left.append(Cycle.alive)
    assert max(left) < 300_000
    assert 60_000 in left[1:]
