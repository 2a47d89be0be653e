"""Nothing fails silently: tasks that nobody waits for, callbacks, clean-up, and what is refused."""

import asyncio
import logging
import socket
import subprocess

import pytest

from fedsim.errors import FedsimError, NotSimulatedError
from fedsim.kernel import Budget, Environment, Simulation


@pytest.fixture
def sim():
    return Simulation()


async def fail(seconds, word="bad"):
    await asyncio.sleep(seconds)
    raise LookupError(word)


def test_a_task_that_nobody_waits_for_ends_the_run_where_it_fails(sim):
    async def main():
        keep = asyncio.create_task(fail(1), name="helper")
        await asyncio.sleep(10)
        return keep

    with pytest.raises(LookupError, match="bad") as caught:
        sim.run(main())
    assert sim.now == 1.0
    assert caught.value.__notes__ == ["task 'helper' failed while nobody waited for it"]
    assert [entry.name for entry in caught.traceback][-1] == "fail"


def test_it_does_so_in_the_simpy_dialect_too(sim):
    sim.spawn(fail(1))
    with pytest.raises(LookupError):
        sim.env.run(until=10)
    assert sim.now == 1.0


def test_it_does_so_when_the_main_coroutine_would_have_waited_for_ever(sim):
    async def main():
        keep = asyncio.create_task(fail(1))
        await asyncio.Event().wait()
        return keep

    with pytest.raises(LookupError):
        sim.run(main())


@pytest.mark.parametrize("look", ["await", "gather", "group", "wait", "callback"])
def test_a_failure_that_somebody_waits_for_is_theirs(sim, look):
    async def group():
        async with asyncio.TaskGroup() as group:
            group.create_task(fail(1))

    async def main():
        if look == "await":
            with pytest.raises(LookupError):
                await asyncio.create_task(fail(1))
        elif look == "gather":
            await asyncio.gather(fail(1), asyncio.sleep(2), return_exceptions=True)
        elif look == "group":
            with pytest.raises(ExceptionGroup):
                await group()
        elif look == "wait":
            done, _ = await asyncio.wait([asyncio.create_task(fail(1)), asyncio.create_task(asyncio.sleep(2))])
            assert sum(task.exception() is not None for task in done) == 1
        else:
            asyncio.create_task(fail(1)).add_done_callback(lambda task: task.exception())
        await asyncio.sleep(5)
        return sim.now

    assert sim.run(main()) >= 6.0 - (look == "callback")


@pytest.mark.parametrize("wait", [lambda _: asyncio.sleep(0), lambda sim: sim.timeout(0.0)], ids=["turn", "event"])
def test_there_is_time_to_look_until_time_moves(sim, wait):
    """Turns of the loop and events of the same time are no time."""

    async def main():
        task = asyncio.create_task(fail(0))
        for _ in range(5):
            await wait(sim)
        with pytest.raises(LookupError):
            await task
        await asyncio.sleep(1)
        return sim.now

    assert sim.run(main()) == 1.0


@pytest.mark.parametrize("how_many", [2, 3])
def test_of_several_that_fail_at_one_time_the_first_ends_the_run(sim, how_many):
    async def main():
        tasks = [asyncio.create_task(fail(1, number)) for number in range(how_many)]
        await asyncio.sleep(10)
        return tasks

    with pytest.raises(LookupError, match="0") as caught:
        sim.run(main(), budget=Budget(events=1000))
    assert caught.value.__notes__[0] == "task 'Task-2' failed while nobody waited for it"
    assert (sim.now, sim.stopped) == (1.0, None)


def test_a_failure_in_the_moment_in_which_the_run_ends_is_heard(sim):
    async def main():
        keep = asyncio.create_task(fail(1))
        await asyncio.sleep(1)
        return keep

    with pytest.raises(LookupError):
        sim.run(main())
    assert sim.run(asyncio.sleep(1, "on")) == "on"


def test_and_in_the_simpy_dialect(sim):
    def main():
        sim.spawn(fail(1))
        yield sim.timeout(1)

    with pytest.raises(LookupError):
        sim.env.run(sim.process(main()))
    sim.env.run(until=5)


def test_who_wants_to_look_later_says_so_with_an_exception_handler(sim):
    told = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
        task = asyncio.create_task(fail(1), name="later")
        await asyncio.sleep(5)
        with pytest.raises(LookupError):
            await task
        return sim.now

    assert sim.run(main()) == 5.0
    assert told == ["task 'later' failed while nobody waited for it"]


@pytest.mark.skipif(not hasattr(asyncio, "eager_task_factory"), reason="eager tasks came with Python 3.12")
def test_an_eager_task_that_fails_unseen_ends_the_run(sim):
    async def main():
        sim.loop.set_task_factory(asyncio.eager_task_factory)
        keep = asyncio.create_task(fail(1))
        await asyncio.sleep(10)
        return keep

    with pytest.raises(LookupError):
        sim.run(main())
    assert sim.now == 1.0


def test_a_callback_that_fails_ends_the_run(sim):
    async def main():
        loop = asyncio.get_running_loop()
        loop.call_later(1.0, {}.__getitem__, "soon")
        await asyncio.sleep(10)

    with pytest.raises(KeyError, match="soon") as caught:
        sim.run(main())
    assert sim.now == 1.0
    assert caught.value.__notes__[0].startswith("Exception in callback dict.__getitem__")

    async def again():
        asyncio.get_running_loop().call_soon({}.__getitem__, "now")
        await asyncio.sleep(10)

    with pytest.raises(KeyError, match="now"):
        sim.run(again())


def test_a_context_without_an_exception_is_logged(sim, caplog):
    async def main():
        asyncio.get_running_loop().call_exception_handler({"message": "just so you know"})

    with caplog.at_level(logging.ERROR, logger="asyncio"):
        sim.run(main())
    assert "just so you know" in caplog.text


def test_exits_and_interrupts_go_straight_through(sim):
    async def main():
        await asyncio.sleep(1)
        raise SystemExit(3)

    with pytest.raises(SystemExit, match="3"):
        sim.run(main())

    async def callback():
        def leave():
            raise KeyboardInterrupt

        asyncio.get_running_loop().call_soon(leave)
        await asyncio.sleep(1)

    with pytest.raises(KeyboardInterrupt):
        sim.run(callback())

    async def after():
        await sim.timeout(1.0)
        return asyncio.current_task().get_name()

    assert sim.run(after()) == "main"  # and all is in order for the next run


# The end of a run


def test_what_is_left_is_cancelled_in_order_of_creation_and_waited_for(sim):
    log = []

    async def background(name):
        try:
            await sim.timeout(100.0)
        finally:
            await asyncio.sleep(1)
            log.append((sim.now, name))

    async def main():
        for name in "cab":
            sim.spawn(background(name))
        await asyncio.sleep(1)
        return "value"

    assert sim.run(main()) == "value"
    assert log == [(2.0, "c"), (2.0, "a"), (2.0, "b")]
    assert sim.loop.live_tasks == {}


def test_so_are_tasks_of_another_make(sim):
    log = []

    async def background(name):
        try:
            await sim.timeout(100.0)
        finally:
            log.append(name)

    async def main():
        sim.loop.set_task_factory(lambda loop, coro, **more: asyncio.Task(coro, loop=loop, **more))
        for name in "cabd":
            sim.spawn(background(name), name=name)
        await asyncio.sleep(1)

    sim.run(main())
    assert log == ["c", "a", "b", "d"]


def test_a_clean_up_that_fails_is_heard(sim):
    async def untidy():
        try:
            await asyncio.sleep(100)
        finally:
            raise LookupError("untidy")

    async def main():
        sim.spawn(untidy())
        await asyncio.sleep(1)

    with pytest.raises(LookupError, match="untidy"):
        sim.run(main())


def test_the_first_failure_is_raised_and_the_next_noted(sim):
    async def untidy():
        try:
            await asyncio.sleep(100)
        finally:
            raise LookupError("untidy")

    async def main():
        sim.spawn(untidy())
        await asyncio.sleep(1)
        raise ValueError("first")

    with pytest.raises(ValueError, match="first") as caught:
        sim.run(main())
    assert caught.value.__notes__ == ["then, while the rest was wound up: LookupError('untidy')"]


def test_processes_stay_for_the_next_run(sim):
    log = []

    def clock():
        while True:
            yield sim.timeout(2.0)
            log.append(sim.now)

    sim.process(clock())
    sim.run(asyncio.sleep(3))
    sim.run(asyncio.sleep(2))
    assert (sim.now, log) == (5.0, [2.0, 4.0])


def test_a_simulation_does_not_run_inside_itself(sim):
    async def main():
        with pytest.raises(RuntimeError, match="running already: await the coroutine"):
            sim.run(asyncio.sleep(1))
        with pytest.raises(RuntimeError, match="already running"):
            sim.env.run(until=5)

    sim.run(main())


def test_a_loop_that_is_stopped_by_hand_says_so(sim):
    async def main():
        asyncio.get_running_loop().stop()
        await asyncio.sleep(1)

    with pytest.raises(RuntimeError, match="stopped before the coroutine came to its end"):
        sim.run(main())


# What is refused


def asked(loop, name):
    return getattr(loop, name)()


@pytest.mark.parametrize(
    ("ask", "instead"),
    [
        (lambda: asyncio.to_thread(print), "run_in_executor .* call the function directly"),
        (lambda: asyncio.open_connection("localhost", 80), "create_connection .* use a SimPy Store"),
        (lambda: asyncio.start_server(print, port=80), "create_server .* the network is simulated"),
        (lambda: asyncio.create_subprocess_exec("true"), "subprocess_exec .* start subprocesses before or after"),
        (lambda: asyncio.create_subprocess_shell("true"), "subprocess_shell"),
        (lambda: asyncio.get_running_loop().getaddrinfo("localhost", 80), "getaddrinfo"),
    ],
)
def test_the_real_world_is_out_of_reach_and_the_error_says_what_to_use(sim, ask, instead):
    async def main():
        await ask()

    with pytest.raises(NotSimulatedError, match=instead):
        sim.run(main())


def test_so_are_its_lower_doors():
    loop = Environment().loop
    with pytest.raises(NotSimulatedError, match=r"add_reader is not available in simulated time; the network"):
        loop.add_reader(socket.AF_INET, print)
    with pytest.raises(NotSimulatedError, match=r"add_signal_handler .* around Simulation\.run"):
        loop.add_signal_handler(2, print)
    with pytest.raises(FedsimError):
        loop.connect_read_pipe(print, subprocess.PIPE)


def test_every_door_of_asyncio_to_the_real_world_is_closed():
    """What an event loop offers is either ours, or clean of the real world, or refused."""
    simulated = """
        call_at call_exception_handler call_later call_soon call_soon_threadsafe close create_future create_task
        default_exception_handler get_debug get_exception_handler get_task_factory is_closed is_running run_forever
        run_until_complete set_debug set_exception_handler set_task_factory shutdown_asyncgens
        shutdown_default_executor stop time
    """
    offered = {name for name in dir(asyncio.AbstractEventLoop) if not name.startswith("_")}
    loop = Environment().loop
    for name in sorted(offered.difference(simulated.split())):
        with pytest.raises(NotSimulatedError, match=name):
            asked(loop, name)
