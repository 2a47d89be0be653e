"""The fast loop against its readable twin, on programs that hypothesis writes."""

import asyncio
from itertools import repeat

import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.kernel import Simulation, stepping
from fedsim.kernel import loop as loop_module

WAYS = ["time", "sleep", "turn", "gate", "desk", "cancel", "interrupt", "limit", "join", "fail", "first"]
PROGRAM = st.lists(st.lists(st.tuples(st.sampled_from(WAYS), st.integers(0, 3)), max_size=6), min_size=1, max_size=5)


class Play:
    """Tasks and a process that wait in all ways, and a log of who did what when."""

    def __init__(self, program):
        self.sim = Simulation()
        self.log = []
        self.store = simpy.Store(self.sim.env)
        self.counter = simpy.Resource(self.sim.env)
        try:
            self.outcome = self.sim.run(self.main(program))
        except LookupError as unseen:  # its waiter was cancelled in the moment of the failure
            self.outcome = repr(unseen)

    async def main(self, program):
        self.tasks = [asyncio.create_task(self.worker(name, steps)) for name, steps in enumerate(program)]
        self.sim.process(self.porter())
        outcomes = asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.wait([outcomes], timeout=30)
        return [repr(task.exception()) if task.done() and not task.cancelled() else "-" for task in self.tasks]

    async def worker(self, name, steps):
        for way, number in steps:
            try:
                await getattr(self, way)(number)
            except simpy.Interrupt as interrupt:
                self.log.append((self.sim.now, name, interrupt.cause))
            finally:
                self.log.append((self.sim.now, name, way, number))

    def porter(self):
        for number in range(8):
            yield self.sim.timeout(1)
            yield self.store.put(number)
            self.log.append((self.sim.now, "porter", number))

    async def time(self, number):
        await self.sim.timeout(number)

    async def sleep(self, number):
        await asyncio.sleep(number)

    async def turn(self, number):
        for _ in range(number):
            await asyncio.sleep(0)

    async def gate(self, _):
        return await self.store.get()

    async def desk(self, number):
        with self.counter.request() as turn:
            await turn
            await self.sim.timeout(number)

    async def cancel(self, number):
        self.tasks[number % len(self.tasks)].cancel()
        await asyncio.sleep(0)

    async def interrupt(self, number):
        other = self.tasks[number % len(self.tasks)]
        if not other.done() and other is not asyncio.current_task():
            other.interrupt(number)

    async def limit(self, number):
        try:
            async with asyncio.timeout(number):
                await (self.store.get() | self.sim.timeout(2))
        except TimeoutError:
            self.log.append((self.sim.now, "too late"))

    async def join(self, number):
        await asyncio.wait(self.tasks, timeout=number)

    async def first(self, number):
        loop, say = asyncio.get_running_loop(), lambda word: self.log.append((self.sim.now, word, number))
        loop.call_later(number, say, "later")
        loop.call_first_at(self.sim.now + number, say, "first")
        await self.sim.timeout(1)

    async def fail(self, number):
        event = self.sim.env.event()
        event.fail(LookupError(number))
        await event


def play(program):
    played = Play(program)
    return played.outcome, played.log, played.sim.now


@settings(deadline=None, max_examples=200)
@given(PROGRAM)
def test_the_fast_loop_does_what_its_readable_twin_does(program):
    fast = play(program)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop_module, "run_events", stepping.run_events_plainly)
        plain = play(program)
    assert fast == plain


@settings(deadline=None, max_examples=100)
@given(PROGRAM)
def test_time_never_goes_back(program):
    _, log, _ = play(program)
    times = [entry[0] for entry in log]
    assert times == sorted(times)


@pytest.mark.parametrize("run", [stepping.run_events, stepping.run_events_plainly])
def test_a_step_is_an_event_or_a_round_of_what_is_ready(run):
    sim, log = Simulation(), []

    async def worker():
        while True:
            await sim.timeout(1.0)
            log.append(sim.now)

    sim.spawn(worker())
    run(sim.loop, repeat(None, 4))
    assert log == [1.0, 2.0, 3.0]
    assert asyncio.current_task(sim.loop) is None
