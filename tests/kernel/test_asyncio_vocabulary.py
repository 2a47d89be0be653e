"""asyncio's words, in simulated time: stories with round numbers."""

import asyncio
import contextvars

import pytest

from fedsim.kernel import Simulation


@pytest.fixture
def sim():
    return Simulation()


async def after(seconds, value=None):
    await asyncio.sleep(seconds)
    return value


async def in_one_group(*coroutines):
    async with asyncio.TaskGroup() as group:
        for coroutine in coroutines:
            group.create_task(coroutine)


def test_wait_for_the_first_and_then_for_all(sim):
    async def main():
        tasks = [asyncio.create_task(after(seconds, seconds)) for seconds in (3, 1, 2)]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        assert ([task.result() for task in done], len(pending), sim.now) == ([1], 2, 1.0)
        done, pending = await asyncio.wait(tasks, timeout=1.5)
        assert (len(done), len(pending), sim.now) == (2, 1, 2.5)
        await asyncio.wait(tasks)
        return sim.now

    assert sim.run(main()) == 3.0


def test_gather_keeps_order_and_passes_failures_on(sim):
    async def fail(seconds):
        await asyncio.sleep(seconds)
        raise LookupError(seconds)

    async def main():
        assert await asyncio.gather(after(2, "a"), after(1, "b")) == ["a", "b"]
        with pytest.raises(LookupError, match="1"):
            await asyncio.gather(after(5), fail(1))
        assert sim.now == 3.0
        outcomes = await asyncio.gather(fail(1), after(2, "c"), return_exceptions=True)
        return [type(outcomes[0]), outcomes[1], sim.now]

    assert sim.run(main()) == [LookupError, "c", 5.0]


def test_as_completed_gives_the_quick_ones_first(sim):
    async def main():
        tasks = [asyncio.create_task(after(seconds, seconds)) for seconds in (3, 1, 2)]
        return [(await next_one, sim.now) for next_one in asyncio.as_completed(tasks)]

    assert sim.run(main()) == [(1, 1.0), (2, 2.0), (3, 3.0)]


def test_a_shield_keeps_the_work_going(sim):
    async def main():
        work = asyncio.create_task(after(5, "kept"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(work), 2)
        return sim.now, await work, sim.now

    assert sim.run(main()) == (2.0, "kept", 5.0)


def test_timeouts_nest_and_are_moved(sim):
    async def main():
        async with asyncio.timeout(10) as outer:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout_at(3):
                    await asyncio.sleep(100)
            assert sim.now == 3.0
            outer.reschedule(50.0)
            await asyncio.sleep(40)
        return sim.now, outer.expired()

    assert sim.run(main()) == (43.0, False)


def test_a_task_group_waits_and_one_failure_cancels_the_rest(sim):
    async def fail():
        await asyncio.sleep(2)
        raise LookupError

    async def main():
        async with asyncio.TaskGroup() as group:
            quick, slow = group.create_task(after(1, "q")), group.create_task(after(4, "s"))
        assert (quick.result(), slow.result(), sim.now) == ("q", "s", 4.0)
        with pytest.raises(ExceptionGroup):
            await in_one_group(after(100), fail())
        return sim.now

    assert sim.run(main()) == 6.0


def test_queues_of_all_kinds(sim):
    async def main():
        queue = asyncio.Queue(maxsize=1)
        times = []

        async def producer():
            for number in range(3):
                await queue.put(number)
                times.append(sim.now)

        async def consumer():
            for _ in range(3):
                await asyncio.sleep(2)
                await queue.get()
                queue.task_done()

        await asyncio.gather(producer(), consumer())
        await queue.join()
        ranked = asyncio.PriorityQueue()
        for number in (3, 1, 2):
            ranked.put_nowait(number)
        stack = asyncio.LifoQueue()
        for number in (3, 1, 2):
            stack.put_nowait(number)
        return times, [await ranked.get() for _ in range(3)], [await stack.get() for _ in range(3)]

    assert sim.run(main()) == ([0.0, 2.0, 4.0], [1, 2, 3], [2, 1, 3])


def test_locks_events_conditions_semaphores_and_barriers(sim):
    async def main():
        lock, event, pair, barrier = asyncio.Lock(), asyncio.Event(), asyncio.Semaphore(2), asyncio.Barrier(3)
        condition = asyncio.Condition()
        log = []

        async def worker(name):
            async with lock:
                await asyncio.sleep(1)
                log.append((sim.now, name, "lock"))
            await barrier.wait()
            log.append((sim.now, name, "barrier"))
            await event.wait()
            async with pair:
                await asyncio.sleep(1)
                log.append((sim.now, name, "semaphore"))
            async with condition:
                await condition.wait()
                log.append((sim.now, name, "condition"))

        workers = [asyncio.create_task(worker(name)) for name in "abc"]
        await asyncio.sleep(10)
        event.set()
        await asyncio.sleep(10)
        async with condition:
            condition.notify_all()
        await asyncio.wait(workers)
        return [sorted(entry[0] for entry in log if entry[2] == word) for word in ("lock", "barrier", "semaphore")] + [
            {entry[0] for entry in log if entry[2] == "condition"}
        ]

    assert sim.run(main()) == [[1.0, 2.0, 3.0], [3.0, 3.0, 3.0], [11.0, 11.0, 12.0], {20.0}]


def test_each_task_has_its_own_context(sim):
    who = contextvars.ContextVar("who", default="nobody")

    async def inner(name):
        seen = [who.get()]
        who.set(name)
        for _ in range(3):
            await sim.timeout(1.0)
            seen.append(who.get())
            await asyncio.sleep(1.0)
            seen.append(who.get())
        return seen

    async def main():
        who.set("main")
        seen = await asyncio.gather(inner("a"), inner("b"))
        chosen = contextvars.copy_context()
        chosen.run(who.set, "chosen")
        return seen, who.get(), (await asyncio.create_task(inner("c"), context=chosen))[0]

    assert sim.run(main()) == ([["main", *["a"] * 6], ["main", *["b"] * 6]], "main", "chosen")
    assert who.get() == "nobody"


def test_asynchronous_generators_are_closed_in_order_of_their_start(sim):
    log = []

    async def ticks(name):
        try:
            while True:
                await asyncio.sleep(1)
                yield name
        finally:
            await asyncio.sleep(1)
            log.append((sim.now, name))

    async def main():
        open_ones = [ticks(number) for number in range(10)]
        for generator in open_ones:
            await anext(generator)
        return open_ones

    left = sim.run(main())
    assert len(left) == 10
    assert log == [(11.0, number) for number in range(10)]


def test_a_generator_that_is_dropped_is_closed(sim):
    log = []

    async def ticks():
        try:
            yield 1
        finally:
            log.append("closed")

    async def main():
        generator = ticks()
        await anext(generator)
        del generator
        await asyncio.sleep(1)
        return list(log)

    assert sim.run(main()) == ["closed"]


def test_the_current_task_is_right_at_every_moment(sim):
    seen = []

    def look(*_):
        seen.append((asyncio.current_task(), sim.env.active_process))

    async def worker(wait):
        me = asyncio.current_task()
        for _ in range(20):
            await wait()
            look()
            assert seen.pop() == (me, me)

    def process():
        for _ in range(40):
            yield sim.timeout(0.5)
            assert asyncio.current_task() is None

    async def main():
        other = sim.process(process())
        for number in range(20):
            sim.timeout(number).callbacks.append(look)
            asyncio.get_running_loop().call_later(number, look)
            asyncio.get_running_loop().call_soon(look)
        waits = [lambda: sim.timeout(1.0), lambda: asyncio.sleep(1.0), lambda: asyncio.sleep(0)]
        await in_one_group(*(worker(wait) for wait in waits * 2))
        await other

    sim.run(main())
    assert seen == [(None, None)] * 60
    assert asyncio.all_tasks(sim.loop) == set()


def test_names_of_tasks_count_from_one_in_every_simulation():
    async def main():
        return [asyncio.create_task(asyncio.sleep(0)).get_name() for _ in range(2)]

    assert Simulation().run(main()) == Simulation().run(main()) == ["Task-2", "Task-3"]  # main is the first


def test_a_future_names_the_task_that_waits_for_it(sim):
    async def main():
        future = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(asyncio.wait_for(future, None), name="patient")
        await asyncio.sleep(1)
        future.set_result(None)
        text = repr(future), repr(task)
        await task
        task.set_name("done")
        return text, task.get_name(), task.get_context() is not None

    (_, running), name, has_context = sim.run(main())
    assert "patient" in running
    assert (name, has_context) == ("done", True)


def test_the_debug_mode_of_asyncio_works(sim):
    sim.loop.set_debug(True)

    async def main():
        loop = asyncio.get_running_loop()
        with pytest.raises(TypeError, match="coroutines cannot be used"):
            loop.call_soon(main)
        with pytest.raises(TypeError, match="a callable object was expected"):
            loop.call_later(1.0, 5)
        await asyncio.sleep(1)
        await asyncio.create_task(after(1))
        return sim.now

    assert sim.run(main()) == 2.0


def test_a_closed_loop_takes_nothing_more(sim):
    sim.loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        sim.loop.call_soon(print)
    with pytest.raises(RuntimeError, match="closed"):
        sim.loop.call_later(1.0, print)
    coroutine = after(1)
    with pytest.raises(RuntimeError, match="closed"):
        sim.loop.create_task(coroutine)
    coroutine.close()


def test_a_cancellation_that_is_taken_back_before_it_struck_does_not_strike(sim):
    """As in Python 3.13; before, the last ``uncancel`` left the cancellation pending."""

    async def main():
        task = asyncio.create_task(after(1, "kept"))
        task.cancel()
        assert (task.cancelling(), task.uncancel()) == (1, 0)
        return await task

    assert sim.run(main()) == "kept"


def test_a_task_needs_a_coroutine(sim):
    with pytest.raises(TypeError, match="a coroutine was expected, got 5"):
        sim.spawn(5)
