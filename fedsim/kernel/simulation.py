"""One simulated world: a clock, luck, and a record of what happened."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from simpy.events import ProcessGenerator

from fedsim.errors import DeadlockError
from fedsim.kernel.environment import Environment
from fedsim.kernel.process import Process
from fedsim.kernel.record import EventRecord, Value
from fedsim.kernel.streams import Streams

T = TypeVar("T")


class Simulation:
    """asyncio and SimPy on one simulated clock, with named random streams and an event record.

    Args:
        seed: all luck of the run follows from it, and from names.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self.env = Environment()
        self.loop = self.env.loop
        self.events = EventRecord()
        self._streams = Streams(seed)
        self.rng = self._streams.generator
        self.timeout = self.env.timeout

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return self._streams.seed

    @property
    def now(self) -> float:
        """The simulated time, in seconds."""
        return self.env._now

    def record(self, kind: str, /, **fields: Value) -> None:
        """Add one event to the record, at the present time."""
        self.events.record(self.env._now, kind, fields)

    def spawn(self, coro: Coroutine[Any, Any, T], *, name: str | None = None) -> "asyncio.Task[T]":
        """Start a coroutine as a task; it runs while ``run`` runs."""
        return self.loop.create_task(coro, name=name)

    def process(self, generator: ProcessGenerator) -> Process:
        """Start a generator as a SimPy process."""
        return self.env.process(generator)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end in simulated time and give its value.

        Then, as ``asyncio.run`` does, cancel the tasks that are left, wait for them, and close asynchronous
        generators. SimPy processes stay; the next ``run`` goes on where this one stopped.

        Raises:
            DeadlockError: if nothing is scheduled any more and the coroutine still waits.
            BaseException: what the coroutine raises, or a task or process that nobody waited for.
        """
        task = self.loop.create_task(main, name="main")
        try:
            value: T = self.loop.run_until_complete(task)
            return value
        finally:
            self._cancel_the_rest()

    def _cancel_the_rest(self) -> None:
        rest = list(self.loop.live_tasks.values())
        for task in rest:
            task.cancel()
        with suppress(DeadlockError):
            if rest:
                self.loop.run_until_complete(_all_done(rest))
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.open_again()


async def _all_done(tasks: Sequence["asyncio.Task[Any]"]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)
