"""One simulated world: a clock, luck, and a record of what happened."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, overload

import numpy as np
from simpy.events import ProcessGenerator

from fedsim.kernel.budget import Budget, Stopped
from fedsim.kernel.collector import rare_collections
from fedsim.kernel.columns import Value
from fedsim.kernel.draws import Draws
from fedsim.kernel.environment import Environment
from fedsim.kernel.interrupting import Interrupt, on_interrupt
from fedsim.kernel.loop import AnyTask, EventLoop
from fedsim.kernel.luck import Luck
from fedsim.kernel.process import Process
from fedsim.kernel.record import EventRecord
from fedsim.kernel.replay import replay
from fedsim.kernel.streams import Streams

T = TypeVar("T")


class Simulation:
    """asyncio and SimPy on one simulated clock, with named random streams and an event record.

    Args:
        seed: all luck of the run follows from it, and from names.
        events: where ``record`` writes; by default a record of everything, in memory.

    Attributes:
        env: the SimPy environment.
        loop: the asyncio event loop on it.
        timeout: ``timeout(delay_s, value=None)`` makes an event ``delay_s`` seconds from now, to await or to yield.
        events: the event record.
        stopped: why the last run stopped before its coroutine came to an end; None, if it did not.
    """

    def __init__(self, *, seed: int = 0, events: EventRecord | None = None) -> None:
        self.env = Environment(0.0)
        self.loop = self.env.loop
        self.events = EventRecord() if events is None else events
        self.events.clock = lambda: self.now
        self.stopped: Stopped | None = None
        self._streams = Streams(seed)
        self.timeout = self.env.timeout

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return self._streams.seed

    @property
    def now(self) -> float:
        """The simulated time, in seconds."""
        return self.env._now

    def rng(self, *names: str | int) -> np.random.Generator:
        """The random stream of this name: a new generator at its start, the same on every call."""
        return self._streams.generator(*names)

    def draws(self, *names: str | int) -> Draws:
        """The uniform numbers of the stream of this name, one by one: see ``Streams.draws``."""
        return self._streams.draws(*names)

    def luck(self, *names: str | int) -> Luck:
        """The luck of many things under this name: see ``Luck``."""
        return self._streams.luck(*names)

    def record(self, kind: str, subject: str | None = None, /, **fields: Value) -> None:
        """Add one event to the record, at the present time: its kind, whom it is about, and flat fields."""
        if subject is not None:
            fields = {"subject": subject, **fields}
        self.events.record(self.env._now, kind, fields)

    def replay(self, from_s: float, begin: Callable[[], None]) -> None:
        """Live again, from a time up to now, what follows from ``begin``: see ``fedsim.kernel.replay``.

        What it records has been foreseen, and stands in the record already.
        """
        self.events.come_to(self.env._now)
        self.events.is_muted = True
        try:
            replay(self.loop, from_s, begin)
        finally:
            self.events.is_muted = False

    def spawn(self, coro: Coroutine[Any, Any, T], *, name: str | None = None) -> "asyncio.Task[T]":
        """Start a coroutine as a task; it runs while ``run`` runs."""
        return self.loop.create_task(coro, name=name)

    def process(self, generator: ProcessGenerator) -> Process:
        """Start a generator as a SimPy process."""
        return self.env.process(generator)

    @overload
    def run(self, main: Coroutine[Any, Any, T]) -> T: ...
    @overload
    def run(self, main: Coroutine[Any, Any, T], *, budget: Budget) -> T | None: ...
    def run(self, main: Coroutine[Any, Any, T], *, budget: Budget | None = None) -> T | None:
        """Run a coroutine to its end in simulated time and give its value.

        Then, as ``asyncio.run`` does, cancel the tasks that are left, wait for them, and close asynchronous
        generators. SimPy processes stay; the next ``run`` goes on where this one stopped.

        With a budget, the run may stop before; then it gives None, and ``stopped`` says why. The first Ctrl-C
        stops it likewise, between two events, and ``KeyboardInterrupt`` comes when all is wound up.

        Raises:
            DeadlockError: if nothing is scheduled any more and the coroutine still waits.
            BaseException: what the coroutine raises, or a task or process that nobody waited for.
        """
        if self.loop.is_running():
            main.close()
            raise RuntimeError("this simulation is running already: await the coroutine, or spawn it")
        with on_interrupt() as interrupt:
            task = self.loop.create_task(main, name="main")
            try:
                with rare_collections():
                    self.stopped = _run(self.loop, task, budget or Budget(), interrupt)
                value = task.result() if self.stopped is None else None
            except BaseException as raised:
                self._wind_up_after(raised)
                raise
            self._wind_up()
        return value

    def _wind_up(self) -> None:
        try:
            self.events.flush()
        finally:
            try:
                self.loop.run_until_complete(_close(self.loop))
            finally:
                self.events.flush()

    def _wind_up_after(self, raised: BaseException) -> None:
        try:
            self._wind_up()
        except Exception as another:  # noqa: BLE001  # the first fault is the one to report
            raised.add_note(f"then, while the rest was wound up: {another!r}")


def _run(loop: EventLoop, task: AnyTask, budget: Budget, interrupt: Interrupt) -> Stopped | None:
    running = True

    def stop(_: AnyTask) -> None:
        if running:  # a run that is left by an exception may leave this callback behind
            loop.stop()

    task.add_done_callback(stop)
    try:
        stopped = loop.run_within(budget, interrupt)
    finally:
        running = False
        task.remove_done_callback(stop)
    if task.done():
        return None
    if stopped is None:
        raise RuntimeError("the event loop was stopped before the coroutine came to its end")
    return stopped


async def _close(loop: EventLoop) -> None:
    """Cancel all other tasks in order of creation, wait for them, and close asynchronous generators."""
    me = asyncio.current_task()
    rest = [task for task in loop.unfinished() if task is not me]
    for task in rest:
        task.cancel()
    outcomes = await asyncio.gather(*rest, return_exceptions=True)
    await loop.shutdown_asyncgens()
    loop._asyncgens_shutdown_called = False  # the next run may start generators again
    for outcome in [loop.unseen_at_the_end(), *outcomes]:
        if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError):
            raise outcome
