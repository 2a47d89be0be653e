"""An asyncio event loop whose clock and timers are those of a SimPy environment."""

import asyncio
from asyncio.base_events import BaseEventLoop
from collections.abc import Callable, Coroutine
from contextvars import Context
from heapq import heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any

from simpy.core import EmptySchedule, StopSimulation
from simpy.events import NORMAL, Event, EventPriority

from fedsim.errors import DeadlockError
from fedsim.kernel.refusals import refusing
from fedsim.kernel.stuck import who_waits
from fedsim.kernel.task import Task
from fedsim.kernel.timer import Timer

if TYPE_CHECKING:
    from collections import deque

    from fedsim.kernel.environment import Environment

_FIRST = EventPriority(-1)


@refusing
class EventLoop(BaseEventLoop):
    """Ready callbacks run first in, first out; when none is left, the next event of the SimPy queue happens.

    ``time()`` is the environment's ``now``. Timers are entries of the SimPy queue. Nothing sleeps.
    """

    _ready: "deque[asyncio.Handle]"
    _stopping: bool

    def __init__(self, env: "Environment") -> None:
        super().__init__()
        self._env = env
        self._queue = env._queue
        self._failure: BaseException | None = None
        self._task_numbers = count(1)
        self._watch = self._task_done
        self._blank = Context()

    def time(self) -> float:
        """Simulated seconds."""
        return self._env._now

    # Scheduling

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Run the callback before time moves, after those that are ready already."""
        if callback is self._watch:
            return self._watch(*args)
        self._check_closed()
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """The same as ``call_soon``: there is one thread."""
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run the callback ``delay`` simulated seconds from now; a negative delay means now.

        Raises:
            ValueError: if the delay is NaN.
        """
        if delay is None:
            raise TypeError("delay must not be None")
        return self.call_at(self._env._now + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run the callback at the simulated time ``when``; at once, if that has passed.

        Raises:
            ValueError: if the time is NaN.
        """
        if when is None:
            raise TypeError("when cannot be None")
        if not (when >= 0 or when < 0):
            raise ValueError(f"a timer needs a time that is a number, got {when!r}")
        self._check_closed()
        timer = Timer(when, callback, args, self, context)
        if when < inf:
            heappush(self._queue, (max(when, self._env._now), NORMAL, next(self._env._eid), timer))  # type: ignore[misc]
        return timer

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None
    ) -> "asyncio.Task[Any]":
        """Start a task; if it fails while nobody waits for it, the run ends with its exception."""
        self._check_closed()
        if self._task_factory is not None:
            task = super().create_task(coro, name=name, context=context)
        else:
            task = Task(coro, self, next(self._task_numbers), name, context)
        task.add_done_callback(self._watch, context=self._blank)
        return task

    # Failures that nobody sees

    def _task_done(self, task: "asyncio.Task[Any]") -> Any:
        """Called in the moment in which a task is done: is there anybody besides this watch?"""
        if not task.cancelled() and task._exception is not None and len(task._callbacks) < 2:
            self.call_soon(self._look_after, task)

    def _look_after(self, task: "asyncio.Task[Any]") -> None:
        """End the run with the task's failure, unless somebody took it before time moved."""
        if not task._log_traceback:
            return
        if self._ready:
            self.call_soon(self._look_after, task)
            return
        self.call_exception_handler(
            {
                "message": f"task {task.get_name()!r} failed while nobody waited for it",
                "exception": task.exception(),
                "task": task,
            }
        )

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """End the run with the exception; log what has none, or comes when nothing runs."""
        failure = context.get("exception")
        if failure is None or not self.is_running():
            super().default_exception_handler(context)
            return
        if self._failure is None:
            failure.add_note(context["message"])
            self._failure = failure
        self.stop()

    # Running

    def run_forever(self) -> None:
        """Run until ``stop()``.

        Raises:
            DeadlockError: if nothing is scheduled any more.
        """
        try:
            self._run()
        except EmptySchedule:
            raise DeadlockError(who_waits(self, self._env._now)) from None

    def run_to(self, until: Event | None) -> Any:
        """Run until the event has happened, or, without one, until nothing is scheduled any more."""
        if until is not None:
            if until.callbacks is None:
                return until.value
            until.callbacks.append(StopSimulation.callback)
        try:
            self._run()
        except StopSimulation as stop:
            return stop.args[0]
        except EmptySchedule:
            if until is not None:
                raise RuntimeError(
                    f'No scheduled events left but "until" event was not triggered: {until}'
                ) from None
        return None

    def step(self) -> None:
        """Run all ready callbacks, then the next event: the readable twin of ``_run_once``."""
        self.stop()
        self._run()
        if not self._queue:
            raise EmptySchedule
        self._env._now, _, _, event = heappop(self._queue)
        self._happen(event)

    def _run(self) -> None:
        super().run_forever()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _run_once(self) -> None:
        """What ``BaseEventLoop.run_forever`` calls: one call here runs until the loop is stopped."""
        ready, queue, env = self._ready, self._queue, self._env
        while True:
            if ready:
                for _ in range(len(ready)):
                    handle = ready.popleft()
                    if not handle._cancelled:
                        handle._run()
                if self._stopping:
                    return
            elif self._stopping:
                return
            elif queue:
                at, _, _, event = heappop(queue)
                if event.callbacks:
                    env._now = at
                    self._happen(event)
                elif not isinstance(event, Timer):
                    env._now = at
                    self._happen(event)
            else:
                raise EmptySchedule

    def _happen(self, event: Event) -> None:
        callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
        try:
            for callback in callbacks:
                callback(event)
        except StopSimulation:
            event.callbacks = callbacks[callbacks.index(callback) + 1 :]
            self._env.schedule(event, _FIRST)
            raise
        if not event._ok and not event.defused:
            raise event._value

    def __del__(self) -> None:
        """Nothing real is held, so there is nothing to warn of."""
