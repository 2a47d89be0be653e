"""Who comes first, and that nothing but the program decides it."""

import asyncio
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import simpy

from fedsim.kernel import Environment, Simulation

HERE = Path(__file__).parent


@pytest.fixture
def sim():
    return Simulation()


def test_what_is_ready_runs_before_the_next_event_of_the_same_time(sim):
    log = []

    async def main():
        loop = asyncio.get_running_loop()
        first, second = sim.timeout(1.0), sim.timeout(1.0)
        first.callbacks.append(lambda _: (log.append("first"), loop.call_soon(log.append, "ready")))
        second.callbacks.append(lambda _: log.append("second"))
        await second

    sim.run(main())
    assert log == ["first", "ready", "second"]


def test_simultaneous_events_come_by_priority_then_by_insertion():
    env = Environment()
    log = []
    for name, priority in (("n1", 1), ("u1", 0), ("n2", 1), ("u2", 0)):
        event = env.event()
        event._ok, event._value = True, None
        event.callbacks.append(lambda _, name=name: log.append(name))
        env.schedule(event, priority, 1.0)
    env.run()
    assert log == ["u1", "u2", "n1", "n2"]


def test_an_urgent_timer_and_what_it_leads_to_come_before_all_else_of_its_time(sim):
    log = []

    async def main():
        loop = asyncio.get_running_loop()
        loop.call_at(1.0, log.append, "timer")
        sim.timeout(1.0).callbacks.append(lambda _: log.append("event"))
        loop.call_first_at(1.0, lambda: (log.append("first"), loop.call_soon(log.append, "its consequence")))
        loop.call_first_at(0.5, log.append, "sooner")
        with pytest.raises(ValueError, match="a time that is a number"):
            loop.call_first_at(math.nan, log.append, "never")
        loop.call_first_at(1.0, log.append, "taken back").cancel()
        await sim.timeout(1.0)

    sim.run(main())
    assert log == ["sooner", "first", "its consequence", "timer", "event"]


def test_waiters_of_one_event_wake_in_the_order_in_which_they_came(sim):
    gate = sim.env.event()
    log = []

    async def coroutine(name):
        await gate
        log.append(name)

    def process(name):
        yield gate
        log.append(name)

    async def main():
        for number in range(3):
            sim.spawn(coroutine(f"c{number}"))
            await asyncio.sleep(1)
            sim.process(process(f"p{number}"))
            await asyncio.sleep(1)
        gate.succeed()
        await asyncio.sleep(1)

    sim.run(main())
    assert log == ["c0", "p0", "c1", "p1", "c2", "p2"]


def test_timers_of_one_time_that_follow_each_other_become_ready_together(sim):
    """As in asyncio: a timer that cancels another one of the same time comes too late for a sleeper's future."""
    log = []

    async def main():
        loop = asyncio.get_running_loop()
        loop.call_later(1.0, lambda: (log.append("a"), loop.call_soon(log.append, "after a")))
        loop.call_later(1.0, log.append, "b")
        gone = loop.call_later(1.0, log.append, "never")
        loop.call_later(0.5, gone.cancel)
        loop.call_later(1.0, log.append, "c")
        await asyncio.sleep(2.0)

    sim.run(main())
    assert log == ["a", "b", "c", "after a"]


def test_a_timer_may_cancel_another_one_of_the_same_time(sim):
    log = []

    async def main():
        loop = asyncio.get_running_loop()
        victims = []
        loop.call_later(1.0, lambda: [victim.cancel() for victim in victims])
        victims.append(loop.call_later(1.0, log.append, "never"))
        await asyncio.sleep(1.0)

    sim.run(main())
    assert log == []


def test_groups_cancel_and_sets_iterate_in_order_of_creation(sim):
    log = []

    async def worker(number):
        try:
            await asyncio.sleep(100)
        finally:
            log.append(number)

    async def failing():
        await asyncio.sleep(1)
        raise LookupError

    async def main():
        with pytest.raises(ExceptionGroup):
            await all_together(*(worker(number) for number in range(40)), failing())
        done, _ = await asyncio.wait([asyncio.create_task(asyncio.sleep(1, n)) for n in range(40)])
        return [task.result() for task in done]

    assert sim.run(main()) == list(range(40))
    assert log == list(range(40))


async def all_together(*coroutines):
    async with asyncio.TaskGroup() as group:
        for coroutine in coroutines:
            group.create_task(coroutine)


# The clock


@pytest.mark.parametrize("delay", [math.nan, -1.0, -math.inf])
def test_no_door_takes_a_delay_that_is_not_at_least_zero(delay):
    env = Environment()
    for door in (env.timeout, lambda delay: env.schedule(env.event(), delay=delay)):
        with pytest.raises(ValueError, match=r"delay .*must be a number >= 0"):
            door(delay)
    with pytest.raises(ValueError, match=r"until \(.*must be greater than the current simulation time \(0\)"):
        env.run(until=delay)
    assert env.peek() == math.inf


def test_asyncio_refuses_only_what_is_no_number(sim):
    async def main():
        loop = asyncio.get_running_loop()
        with pytest.raises(ValueError, match=r"NaN|number"):
            await asyncio.sleep(math.nan)
        with pytest.raises(ValueError, match="number, got nan"):
            loop.call_at(math.nan, print)
        with pytest.raises(TypeError, match="delay must not be None"):
            loop.call_later(None, print)
        with pytest.raises(TypeError, match="when cannot be None"):
            loop.call_at(None, print)
        await asyncio.sleep(-5)
        log = []
        loop.call_later(-5, log.append, sim.now)
        await asyncio.sleep(1)
        return log, sim.now

    assert sim.run(main()) == ([0.0], 1.0)


def test_what_is_infinitely_far_away_never_happens(sim):
    log = []

    async def main():
        loop = asyncio.get_running_loop()
        never = loop.call_later(math.inf, log.append, "timer")
        sim.timeout(math.inf).callbacks.append(log.append)
        sim.timeout(1e308).callbacks.append(lambda _: sim.timeout(1e308).callbacks.append(log.append))
        await asyncio.sleep(1.0)
        never.cancel()

    sim.run(main())
    sim.env.run()
    assert (sim.now, log) == (1e308, [])


def test_time_starts_where_it_is_told_and_may_be_whole_numbers():
    env = Environment(initial_time=10)
    env.process(iter_of(env.timeout(5)))
    env.run()
    assert (env.now, type(env.now)) == (15, int)
    assert env.loop.time() == 15.0
    with pytest.raises(ValueError, match="initial_time must be finite, got nan"):
        Environment(math.nan)


def iter_of(event):
    yield event


# The SimPy dialect of running


def test_env_run_stops_at_a_time_at_an_event_or_at_the_end(sim):
    env, log = sim.env, []

    async def worker():
        for _ in range(3):
            await asyncio.sleep(2)
            log.append(sim.now)

    task = sim.spawn(worker())
    env.run(until=3)
    assert (sim.now, log) == (3.0, [2.0])
    assert env.run(until=env.timeout(1, value="v")) == "v"
    assert log == [2.0, 4.0]  # the worker's timer of this time was set earlier
    env.run()
    assert (sim.now, log, task.done()) == (6.0, [2.0, 4.0, 6.0], True)
    assert env.run(until=math.inf) is None
    with pytest.raises(RuntimeError, match=r'No scheduled events left but "until" event was not triggered: Event\(\)'):
        env.run(until=env.event())


def test_env_step_does_one_event_and_what_it_makes_ready(sim):
    log = []

    async def worker():
        await sim.timeout(1.0)
        log.append("one")
        await asyncio.sleep(0)
        log.append("turn")
        await sim.timeout(1.0)
        log.append("two")

    sim.spawn(worker())
    sim.env.step()
    assert log == ["one"]
    sim.env.step()
    assert log == ["one", "turn", "two"]
    with pytest.raises(simpy.core.EmptySchedule):
        sim.env.step()


def test_an_event_that_stops_the_run_calls_the_rest_of_its_waiters_when_it_goes_on():
    env = Environment()
    log = []
    event = env.timeout(1)

    def late():
        yield event
        log.append(env.now)

    env.run(until=0.5)
    event.callbacks.append(lambda _: log.append("early"))
    event.callbacks.append(simpy.core.StopSimulation.callback)
    env.process(late())
    with pytest.raises(simpy.core.StopSimulation):
        env.loop.run_forever()
    assert log == ["early"]
    env.run()
    assert log == ["early", 1]


# Nothing but the program

PROGRAM_TEXT = """
import asyncio, random
from fedsim.kernel import Simulation

sim = Simulation(seed=3)

async def device(name):
    rng = sim.rng("device", name)
    while True:
        await sim.timeout(float(rng.integers(1, 4)))
        sim.record("woke", name, number=int(rng.integers(100)))
        if rng.random() < 0.01:
            raise LookupError(name)

async def round_():
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(30):
                group.create_task(device(f"d{number}"), name=f"d{number}")
    except* LookupError as errors:
        sim.record("failed", " ".join(str(error) for error in errors.exceptions))

async def main():
    for _ in range(5):
        await round_()
        done, pending = await asyncio.wait({asyncio.create_task(asyncio.sleep(n % 3, n)) for n in range(30)}, timeout=1)
        sim.record("left", " ".join(str(task.get_name()) for task in pending))

junk = [object() for _ in range(random.SystemRandom().randrange(100_000))]
sim.run(main())
print(sim.events.transcript())
"""


def test_two_processes_with_different_hashes_and_addresses_tell_the_same():
    told = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(HERE.parents[1])}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM_TEXT], capture_output=True, text=True, check=True, env=environment
        )
        told.append(done.stdout)
    assert told[0] == told[1]
    assert told[0].count("\n") > 100
