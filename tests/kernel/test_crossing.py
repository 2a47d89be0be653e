"""Coroutines wait for SimPy's events, and SimPy's processes for asyncio's futures."""

import asyncio
import traceback
import types

import pytest
import simpy

from fedsim.kernel import Environment, Simulation, as_event, awaitable


class PickyError(Exception):
    """Cannot be made again from its ``args``: SimPy's copies of it end in a ``TypeError``."""

    def __init__(self, code, *, device):
        super().__init__(f"{device} said {code}")
        self.code = code
        self.device = device


@pytest.fixture
def sim():
    return Simulation()


def test_every_kind_of_event_is_awaited(sim):
    env = sim.env
    store = simpy.Store(env)
    apples = simpy.FilterStore(env)
    tank = simpy.Container(env, capacity=10, init=5)
    bell = env.event()

    def ringer():
        yield env.timeout(2)
        bell.succeed("rung")
        return "went home"

    async def main():
        process = sim.process(ringer())
        assert await bell == "rung"
        assert await process == "went home"
        await store.put("letter")
        assert await store.get() == "letter"
        await apples.put("red")
        await apples.put("green")
        assert await apples.get(lambda apple: apple == "green") == "green"
        await tank.get(3)
        assert tank.level == 2
        assert await env.timeout(1, value="late") == "late"
        return sim.now

    assert sim.run(main()) == 3.0


def test_an_event_that_has_happened_gives_its_value_at_once(sim):
    async def main():
        event = sim.timeout(1.0, value=5)
        assert await event == 5
        assert await event == 5
        plain = sim.timeout(1.0)
        await plain
        assert await plain is None
        return sim.now

    assert sim.run(main()) == 2.0


def test_all_and_any_of_several_events(sim):
    async def main():
        slow, fast = sim.timeout(5.0, value="slow"), sim.timeout(2.0, value="fast")
        first = await (slow | fast)
        assert list(first.values()) == ["fast"]
        assert sim.now == 2.0
        both = await awaitable(slow & fast)
        assert both.todict() == {fast: "fast", slow: "slow"}
        return sim.now

    assert sim.run(main()) == 5.0


def test_asyncio_takes_events_for_awaitables(sim):
    async def main():
        values = await asyncio.gather(sim.timeout(1.0, "a"), sim.timeout(2.0, "b"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sim.timeout(100.0), 3.0)
        return values, sim.now

    assert sim.run(main()) == (["a", "b"], 5.0)


def test_a_process_waits_for_a_task_and_a_future(sim):
    async def compute():
        await asyncio.sleep(3)
        return 42

    def process(future):
        answer = yield sim.spawn(compute())
        word = yield future
        return answer, word, sim.now

    async def main():
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(4.0, future.set_result, "go")
        return await sim.process(process(future))

    assert sim.run(main()) == (42, "go", 4.0)


def test_a_process_waits_for_a_future_or_a_time(sim):
    def process():
        done = sim.loop.create_future()
        event = as_event(sim.env, done)
        result = yield event | sim.timeout(2.0)
        assert event not in result
        done.set_result("late")
        return (yield event), sim.now

    assert sim.env.run(sim.process(process())) == ("late", 2.0)


def test_a_process_may_yield_nothing_else(sim):
    def process():
        yield 5

    sim.process(process())
    with pytest.raises(RuntimeError, match=r'Invalid yield value "5" of process \'process\' at .*test_crossing.py'):
        sim.env.run()


# Failures


def test_a_failure_reaches_a_coroutine_as_itself(sim):
    def process():
        yield sim.timeout(1.0)
        raise PickyError(7, device="d3")

    async def main():
        with pytest.raises(PickyError, match="d3 said 7") as caught:
            await sim.process(process())
        return caught.value, [frame.name for frame in traceback.extract_tb(caught.tb)]

    error, frames = sim.run(main())
    assert error.code == 7
    assert frames[0] == "main"
    assert frames[-1] == "process"


def test_a_failure_reaches_a_process_as_itself(sim):
    async def faulty():
        await asyncio.sleep(1)
        raise PickyError(8, device="d4")

    def inner():
        yield sim.spawn(faulty())

    def outer():
        try:
            yield sim.process(inner())
        except PickyError as error:
            return error, [frame.name for frame in traceback.extract_tb(error.__traceback__)]

    error, frames = sim.env.run(sim.process(outer()))
    assert (error.code, error.device) == (8, "d4")
    assert frames == ["outer", "inner", "faulty"]


def test_a_process_that_fails_unseen_ends_the_run_with_its_own_exception(sim):
    def process():
        yield sim.timeout(1.0)
        raise PickyError(9, device="d5")

    async def main():
        sim.process(process())
        await sim.timeout(10.0)

    with pytest.raises(PickyError, match="d5 said 9") as caught:
        sim.run(main())
    assert caught.value.code == 9
    assert sim.now == 1.0


def test_several_waiters_each_get_the_failure_with_its_own_way_only(sim):
    bad = sim.env.event()

    async def first():
        await bad

    async def second():
        await bad

    async def main():
        waiters = [asyncio.create_task(first()), asyncio.create_task(second())]
        await asyncio.sleep(1)
        bad.fail(PickyError(1, device="d1"))
        outcomes = await asyncio.gather(*waiters, return_exceptions=True)
        return [[frame.name for frame in traceback.extract_tb(outcome.__traceback__)] for outcome in outcomes], outcomes

    frames, outcomes = sim.run(main())
    assert outcomes[0] is outcomes[1] is bad.value
    assert frames[1].count("first") == 0


def test_a_cancelled_future_reaches_a_process_as_a_cancellation(sim):
    def process(task):
        try:
            yield task
        except asyncio.CancelledError:
            return sim.now

    async def main():
        task = asyncio.create_task(asyncio.sleep(100))
        waiter = sim.process(process(task))
        await asyncio.sleep(2)
        task.cancel()
        return await waiter

    assert sim.run(main()) == 2.0


@pytest.mark.parametrize("waits_for", ["task", "choice", "nothing more"])
def test_a_process_that_ends_by_a_cancellation_has_not_failed(sim, waits_for):
    """The end of a run cancels the tasks for which processes wait, and the next run must be able to go on."""
    upload = sim.spawn(asyncio.sleep(100))

    def backup():
        try:
            yield (as_event(sim.env, upload) | sim.timeout(50.0)) if waits_for == "choice" else upload
        except simpy.Interrupt:
            yield sim.timeout(50.0)

    async def main():
        process = sim.process(backup())
        await sim.timeout(3.0)
        if waits_for == "nothing more":
            process.interrupt()
            await sim.timeout(1.0)
        return process

    process = sim.run(main())
    assert sim.run(asyncio.sleep(1, "on")) == "on"
    assert process.is_alive == (waits_for == "nothing more")
    if not process.is_alive:
        with pytest.raises(asyncio.CancelledError):
            sim.run(asyncio.wait_for(process, None))


# Cancellation


def test_cancelling_one_waiter_leaves_the_others(sim):
    gate = sim.env.event()
    log = []

    async def waiter(name):
        await gate
        log.append((sim.now, name))

    async def main():
        tasks = [asyncio.create_task(waiter(name)) for name in "abc"]
        await asyncio.sleep(1)
        tasks[1].cancel()
        await asyncio.sleep(1)
        gate.succeed()
        await asyncio.wait(tasks)
        return [task.cancelled() for task in tasks]

    assert sim.run(main()) == [False, True, False]
    assert log == [(2.0, "a"), (2.0, "c")]


def test_a_cancelled_request_leaves_the_queue_and_takes_nothing(sim):
    store = simpy.Store(sim.env)
    desk = simpy.Resource(sim.env)

    async def main():
        taken = asyncio.create_task(awaited(store.get()))
        with desk.request() as mine:
            await mine
            waiting = asyncio.create_task(awaited(desk.request()))
            await asyncio.sleep(1)
            taken.cancel()
            waiting.cancel()
            await asyncio.wait([taken, waiting])
            assert (len(store.get_queue), len(desk.queue)) == (0, 0)
        await store.put("parcel")
        return await store.get()

    assert sim.run(main()) == "parcel"
    assert desk.count == 0


async def awaited(event):
    return await event


def test_a_request_in_a_with_block_may_be_cancelled(sim):
    desk = simpy.Resource(sim.env)

    async def customer():
        with desk.request() as turn:
            await turn
            await asyncio.sleep(10)

    async def main():
        tasks = [asyncio.create_task(customer()) for _ in range(3)]
        await asyncio.sleep(1)
        tasks[0].cancel()  # at the desk
        tasks[2].cancel()  # in the queue
        await tasks[1]
        return sim.now, desk.count, len(desk.queue)

    assert sim.run(main()) == (11.0, 0, 0)


def test_what_a_cancelled_wait_withdrew_says_so_when_it_is_awaited_again(sim):
    desk = simpy.Resource(sim.env)

    async def main():
        await desk.request()
        request = desk.request()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(request, 1.0)
        with pytest.raises(asyncio.CancelledError, match="cancelled before"):
            await request

    sim.run(main())


def test_a_shielded_request_keeps_its_place_in_the_queue(sim):
    desk = simpy.Resource(sim.env)

    async def main():
        first = desk.request()
        await first
        request = desk.request()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(request), 1.0)
        late = desk.request()
        desk.release(first)
        await request
        return late.triggered, sim.now

    assert sim.run(main()) == (False, 1.0)


def test_a_cancelled_choice_lets_go_of_all_its_parts(sim):
    desk = simpy.Resource(sim.env)
    gate = sim.env.event()

    async def main():
        await desk.request()
        choice = desk.request() | gate | sim.timeout(1000.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(choice, 1.0)
        return len(desk.queue), gate.callbacks

    assert sim.run(main()) == (0, [])
    sim.env.run()
    assert sim.now == 1.0  # the thousand seconds are gone, too


@pytest.mark.parametrize("looks_again_s", [2.0, 8.0])
def test_a_time_that_nobody_waited_for_can_be_waited_for_again(sim, looks_again_s):
    log = []

    def process(event):
        yield event
        log.append(sim.now)

    async def main():
        event = sim.timeout(5.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(event, 1.0)
        await sim.timeout(looks_again_s - 1.0)
        sim.process(process(event))
        await event
        await asyncio.sleep(0)
        return sim.now

    assert sim.run(main()) == max(5.0, looks_again_s)
    assert log == [max(5.0, looks_again_s)]


def test_cancelling_in_the_moment_of_the_event_still_cancels(sim):
    async def main():
        gate = sim.env.event()
        second = None

        async def first():
            await gate
            second.cancel()

        one = asyncio.create_task(first())
        await asyncio.sleep(0)
        second = asyncio.create_task(awaited(gate))
        await asyncio.sleep(1)
        gate.succeed()
        await asyncio.wait([one, second])
        return second.cancelled()

    assert sim.run(main()) is True


def test_a_task_that_is_cancelled_and_then_waits_is_cancelled_there(sim):
    async def main():
        async def stubborn():
            asyncio.current_task().cancel("enough")
            await sim.timeout(100.0)

        with pytest.raises(asyncio.CancelledError, match="enough"):
            await asyncio.create_task(stubborn())
        return sim.now

    assert sim.run(main()) == 0.0


# Interrupts


def test_a_task_is_interrupted_like_a_process(sim):
    async def worker():
        reasons = []
        for wait in (sim.timeout(100.0), asyncio.sleep(100.0), asyncio.Event().wait()):
            try:
                await wait
            except simpy.Interrupt as interrupt:
                reasons.append((sim.now, interrupt.cause))
        return reasons

    async def main():
        task = asyncio.create_task(worker())
        for cause in "abc":
            await asyncio.sleep(1)
            task.interrupt(cause)
        return await task

    assert sim.run(main()) == [(1.0, "a"), (2.0, "b"), (3.0, "c")]


def test_an_interrupted_task_is_not_woken_by_what_it_waited_for(sim):
    async def worker(other):
        with pytest.raises(simpy.Interrupt):
            await other
        with pytest.raises(simpy.Interrupt):
            await sim.timeout(3.0)
        await sim.timeout(10.0)
        return sim.now

    async def main():
        other = asyncio.create_task(asyncio.sleep(2))
        task = asyncio.create_task(worker(other))
        for _ in range(2):
            await sim.timeout(0.5)
            task.interrupt()
        await other
        return await task

    assert sim.run(main()) == 11.0


def test_a_task_is_preempted_like_a_process(sim):
    machine = simpy.PreemptiveResource(sim.env)
    log = []

    async def job(name, priority, seconds):
        with machine.request(priority=priority) as turn:
            await turn
            try:
                await sim.timeout(seconds)
                log.append((sim.now, name, "done"))
            except simpy.Interrupt as interrupt:
                log.append((sim.now, name, interrupt.cause.by.get_name(), interrupt.cause.usage_since))

    async def main():
        low = asyncio.create_task(job("low", 2, 10.0), name="low")
        await asyncio.sleep(4)
        high = asyncio.create_task(job("high", 1, 3.0), name="high")
        await asyncio.wait([low, high])

    sim.run(main())
    assert log == [(4.0, "low", "high", 0.0), (7.0, "high", "done")]


def test_who_may_not_be_interrupted(sim):
    async def main():
        done = asyncio.create_task(asyncio.sleep(0))
        await done
        with pytest.raises(RuntimeError, match="has terminated"):
            done.interrupt()
        with pytest.raises(RuntimeError, match="not allowed to interrupt itself"):
            asyncio.current_task().interrupt()

    sim.run(main())


def test_an_interrupt_of_a_task_that_ends_in_the_same_moment_is_ignored(sim):
    async def main():
        task = asyncio.create_task(awaited(sim.timeout(1.0, value="fine")))
        await asyncio.sleep(0)
        task.interrupt()
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert sim.run(main()) is True


# Other kinds of tasks


def test_a_plain_asyncio_task_waits_for_events(sim):
    bad = sim.env.event()

    async def story():
        assert await sim.timeout(1.0, value="v") == "v"
        await sim.timeout(1.0)
        with pytest.raises(PickyError):
            await bad
        return sim.now

    async def main():
        task = asyncio.Task(story(), loop=sim.loop)
        asyncio.get_running_loop().call_later(5.0, bad.fail, PickyError(1, device="d"))
        assert await task == 5.0
        desk = simpy.Resource(sim.env)
        await desk.request()
        waiting = asyncio.Task(awaited(desk.request()), loop=sim.loop)
        await asyncio.sleep(1)
        waiting.cancel("late")
        with pytest.raises(asyncio.CancelledError, match="late"):
            await waiting
        return len(desk.queue)

    assert sim.run(main()) == 0


@pytest.mark.skipif(not hasattr(asyncio, "eager_task_factory"), reason="eager tasks came with Python 3.12")
def test_an_eager_task_waits_for_events_inside_a_task_of_ours(sim):
    async def main():
        sim.loop.set_task_factory(asyncio.eager_task_factory)
        task = asyncio.create_task(awaited(sim.timeout(2.0, value=3)))
        me = asyncio.current_task()
        await sim.timeout(1.0)
        assert asyncio.current_task() is me
        return await task, sim.now

    assert sim.run(main()) == (3, 2.0)


def test_events_of_another_environment_are_refused(sim):
    async def main():
        await Environment().timeout(1.0)

    with pytest.raises(RuntimeError, match="attached to a different loop"):
        sim.run(main())

    @types.coroutine
    def by_hand():
        yield Environment().event()

    async def careless():
        await by_hand()

    with pytest.raises(RuntimeError, match="different environment"):
        sim.run(careless())


def test_events_of_plain_simpy_are_refused(sim):
    async def main():
        await simpy.Environment().timeout(1.0)

    with pytest.raises(RuntimeError, match=r"only events of a fedsim\.kernel\.Environment"):
        sim.run(main())
