"""The clock: a SimPy environment that carries an asyncio event loop."""

from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any

import simpy
from simpy.core import BoundClass
from simpy.events import NORMAL, URGENT, AllOf, AnyOf, Event, EventPriority, ProcessGenerator

from fedsim.kernel.awaiting import make_awaitable
from fedsim.kernel.interrupting import on_interrupt
from fedsim.kernel.loop import EventLoop
from fedsim.kernel.process import Process
from fedsim.kernel.timeout import Timeout, bad_delay
from fedsim.kernel.withdrawal import Entry, Withdrawn


class Environment(simpy.Environment):
    """``simpy.Environment`` with an asyncio event loop on the same clock and the same queue.

    Everything SimPy offers works here. What differs: delays are checked where they enter, an event at infinity
    never happens, and a failure crosses every border as the exception that was raised, never as a copy.
    """

    def __init__(self, initial_time: float = 0) -> None:
        if not -inf < initial_time < inf:
            raise ValueError(f"initial_time must be finite, got {initial_time!r}")
        make_awaitable(Event)
        super().__init__(initial_time)
        self.withdrawn = 0  # entries of the queue that nobody waits for
        self.process_numbers = count(1)
        self.live_processes: dict[int, Process] = {}
        self.loop = EventLoop(self)

    if TYPE_CHECKING:
        _queue: list[Entry]  # type: ignore[assignment]
        _active_proc: Any  # a process, or a task

        def process(self, generator: ProcessGenerator) -> Process:
            """Start a generator as a SimPy process."""

        def timeout(self, delay: float = 0, value: Any = None) -> Timeout:
            """Make an event that happens ``delay`` seconds from now."""

    else:
        process = BoundClass(Process)
        timeout = BoundClass(Timeout)
        event = BoundClass(Event)
        all_of = BoundClass(AllOf)
        any_of = BoundClass(AnyOf)

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: float = 0) -> None:
        """Put an event into the queue, ``delay`` seconds from now; at infinity it never happens.

        Raises:
            ValueError: if the delay is negative or NaN.
        """
        if not delay >= 0:
            raise bad_delay(delay)
        at = self._now + delay
        if at < inf:
            heappush(self._queue, (at, priority, next(self._eid), event))

    def peek(self) -> float:
        """The time of the next event; infinity, if there is none."""
        queue = self._queue
        while queue and type(queue[0][3].callbacks) is Withdrawn:
            place = heappop(queue)
            place[3].callbacks.leave(place)
        return queue[0][0] if queue else inf

    def step(self) -> None:
        """Run all ready callbacks, then the next event.

        Raises:
            simpy.core.EmptySchedule: if there is no event.
        """
        self.loop.step()

    def run(self, until: float | Event | None = None) -> Any:
        """Run in the SimPy dialect: to the end of the queue, to a time, or to an event, whose value is returned.

        Tasks run along; those that are not done when this returns stay as they are.

        Raises:
            ValueError: if the time is not in the future.
            RuntimeError: if nothing is scheduled any more and the event has not happened.
            KeyboardInterrupt: when the present event is over, if Ctrl-C comes.
        """
        with on_interrupt() as interrupt:
            return self.loop.run_to(self._stop_of(until), interrupt)

    def _stop_of(self, until: float | Event | None) -> Event | None:
        if until is None or isinstance(until, Event):
            return until
        at = until if isinstance(until, int) else float(until)
        if not at > self._now:
            raise ValueError(f"until ({at!r}) must be greater than the current simulation time ({self._now!r})")
        if at == inf:
            return None
        stop = Event(self)
        stop._ok = True
        stop._value = None
        self.schedule(stop, URGENT, at - self._now)
        return stop
