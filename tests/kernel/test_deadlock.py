"""A simulation that is stuck says who waits, where, and for what."""

import asyncio
import re

import pytest
import simpy

from fedsim.errors import DeadlockError
from fedsim.kernel import Budget, Simulation, as_event


@pytest.fixture
def sim():
    return Simulation()


def report(sim, main, **how):
    with pytest.raises(DeadlockError) as caught:
        sim.run(main, **how)
    return re.sub(r"/\S*/", "", str(caught.value))


def test_each_waiter_is_named_with_its_line_and_what_it_waits_for(sim):
    desk = simpy.Resource(sim.env)
    bell = sim.env.event()

    async def reader(queue):
        return await queue.get()

    async def customer():
        await desk.request()
        await desk.request()

    async def patient(other):
        await other

    def clerk():
        never = sim.timeout(float("inf"))
        yield bell | never

    async def main():
        first = sim.spawn(reader(asyncio.Queue()), name="reader")
        sim.spawn(customer(), name="customer")
        sim.process(clerk())
        await sim.timeout(2.5)
        await patient(first)

    lines = report(sim, main()).splitlines()
    assert lines[0] == "nothing is scheduled any more at t = 2.5 s, and 4 still wait:"
    clerk_line = "at test_deadlock.py, in clerk: `yield bell | never` waits for any_events(Event(), Timeout(inf))"
    found = [re.sub(r":\d+, in .*<locals>\.", ", in ", line) for line in lines[1:]]
    assert found == [
        "  task 'main' at test_deadlock.py, in patient: `await other` waits for task 'reader'",
        "  task 'reader' at test_deadlock.py, in reader: `return await queue.get()` waits for a Future in Queue.get",
        "  task 'customer' at test_deadlock.py, in customer: `await desk.request()` waits for Request() of a Resource",
        f"  process 'clerk' {clerk_line}",
    ]


def test_the_line_is_the_one_where_the_coroutine_stands(sim):
    async def main():
        await asyncio.sleep(1)
        await asyncio.Event().wait()

    line = main.__code__.co_firstlineno + 2
    assert f"test_deadlock.py:{line}, in " in report(sim, main())


def test_waits_for_processes_generators_and_groups_are_told_apart(sim):
    forever = sim.env.event()

    def stuck():
        yield forever

    async def ticks():
        await asyncio.Event().wait()
        yield 1

    async def through_generator():
        async for _ in ticks():
            pass

    async def main():
        sim.spawn(through_generator())
        process = sim.process(stuck())
        plain = asyncio.Task(waits(forever), loop=sim.loop, name="plain")
        await asyncio.gather(waits(process), plain)

    text = report(sim, main())
    assert "waits for process 'stuck'" in text
    assert "waits for a GatheringFuture" in text
    assert "through_generator: `async for _ in ticks():` waits for a Future" in text
    assert "task 'plain' at" in text
    assert text.endswith("stuck: `yield forever` waits for Event()")


def test_a_process_that_waits_for_a_task_names_it(sim):
    def stuck():
        helper = sim.spawn(waits(sim.env.event()), name="helper")
        yield as_event(sim.env, helper) | sim.env.event()

    async def main():
        await sim.process(stuck())

    assert report(sim, main()).endswith("waits for any_events(task 'helper', Event())")


async def waits(event):
    return await event


def test_it_says_the_same_twice():
    texts = []
    for _ in range(2):
        sim = Simulation()

        async def main(sim=sim):
            await asyncio.gather(*(waits(simpy.Store(sim.env).get()) for _ in range(20)))

        texts.append(report(sim, main()))
    assert texts[0] == texts[1]
    assert texts[0].count("StoreGet() of a Store") == 20


def test_nobody_is_collected_as_garbage_while_waiting(sim):
    """Asyncio keeps tasks weakly: one that only its own future knows may vanish, when the collector comes by."""
    import gc

    log = []

    async def lonely():
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            log.append("gone")

    async def main():
        sim.spawn(lonely(), name="lonely")
        await asyncio.sleep(1)
        gc.collect()
        assert log == []
        await asyncio.Event().wait()

    assert "task 'lonely'" in report(sim, main())


def test_a_limit_of_time_does_not_hide_a_deadlock(sim):
    async def main():
        await sim.timeout(3.0)
        await asyncio.Event().wait()

    text = report(sim, main(), budget=Budget(until_s=100.0))
    assert "at t = 3.0 s" in text
    assert sim.now == 3.0


def test_waiting_tasks_are_cancelled_and_the_simulation_can_go_on(sim):
    log = []

    async def main():
        try:
            await asyncio.Event().wait()
        finally:
            log.append("cleaned up")

    report(sim, main())
    assert log == ["cleaned up"]
    assert sim.run(asyncio.sleep(1, "fine")) == "fine"


def test_a_clean_up_that_waits_for_ever_is_noted(sim):
    async def stubborn():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.Event().wait()

    with pytest.raises(DeadlockError, match="1 still waits") as caught:
        sim.run(stubborn())
    assert "while the rest was wound up: DeadlockError" in caught.value.__notes__[0]


def test_asyncios_own_doors_are_told_too(sim):
    with pytest.raises(DeadlockError, match=r"^nothing is scheduled any more at t = 0\.0 s$"):
        sim.loop.run_forever()
