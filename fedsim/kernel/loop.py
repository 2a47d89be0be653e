"""An asyncio event loop whose clock and timers are those of a SimPy environment."""

import asyncio
from asyncio import format_helpers
from asyncio.base_events import BaseEventLoop
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from heapq import heappush
from itertools import count, repeat
from math import inf
from typing import TYPE_CHECKING, Any

from simpy.core import EmptySchedule, StopSimulation
from simpy.events import NORMAL, Event

from fedsim.errors import DeadlockError
from fedsim.kernel.refusals import refusing
from fedsim.kernel.stepping import run_events, run_next_event
from fedsim.kernel.stuck import who_waits
from fedsim.kernel.task import Task
from fedsim.kernel.timer import Timer

if TYPE_CHECKING:
    from collections import deque

    from fedsim.kernel.environment import Environment


class Ready(asyncio.Handle):
    """An asyncio handle, made at less cost."""

    __slots__ = ()

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: "EventLoop",
        context: Context | None,
    ) -> None:
        self._context = copy_context() if context is None else context
        self._loop = loop
        self._callback = callback
        self._args = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = None


@refusing
class EventLoop(BaseEventLoop):
    """Ready callbacks run first in, first out; when none is left, the next event of the SimPy queue happens.

    ``time()`` is the environment's ``now``. Timers are entries of the SimPy queue. Nothing sleeps.
    """

    # What BaseEventLoop has and its type stubs leave out.
    _ready: "deque[asyncio.Handle]"
    _stopping: bool
    _debug: bool
    _closed: bool
    _task_factory: Callable[..., Any] | None
    _check_closed: Callable[[], None]
    _check_callback: Callable[[Any, str], None]

    def __init__(self, env: "Environment") -> None:
        super().__init__()
        self.env = env
        self.task_numbers = count(1)
        self.live_tasks: dict[int, Task] = {}
        self._failure: BaseException | None = None

    def time(self) -> float:
        """Simulated seconds."""
        return self.env._now

    # Scheduling

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Run the callback before time moves, after those that are ready already."""
        if self._debug or self._closed:
            return super().call_soon(callback, *args, context=context)
        handle = Ready(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """The same as ``call_soon``: there is one thread."""
        return self.call_soon(callback, *args, context=context)

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run the callback ``delay`` simulated seconds from now; a negative delay means now.

        Raises:
            ValueError: if the delay is NaN.
        """
        if delay is None:
            raise TypeError("delay must not be None")
        return self.call_at(self.env._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run the callback at the simulated time ``when``; at once, if that has passed.

        Raises:
            ValueError: if the time is NaN.
        """
        if when is None:
            raise TypeError("when cannot be None")
        if self._debug or self._closed:
            self._check_closed()
            self._check_callback(callback, "call_at")
        env = self.env
        timer = Timer(env, when, callback, args, context)
        if when < inf:
            now = env._now
            heappush(env._queue, (max(when, now), NORMAL, next(env._eid), timer))  # type: ignore[misc]
        elif when == inf:
            timer.callbacks = None
        else:
            raise ValueError(f"a timer needs a time that is a number, got {when!r}")
        return timer

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Context | None = None
    ) -> "asyncio.Task[Any]":
        """Start a task; if it fails while nobody waits for it, the run ends with its exception."""
        if self._task_factory is None and not self._closed:
            return Task(coro, loop=self, name=name, context=context)
        return self._create_other_task(coro, name, context)

    def _create_other_task(
        self, coro: Coroutine[Any, Any, Any], name: str | None, context: Context | None
    ) -> "asyncio.Task[Any]":
        # The factory may run a first step at once, inside a task of ours; an event must not take it for that one.
        active, self.env._active_proc = self.env._active_proc, None
        try:
            task = super().create_task(coro, name=name, context=context)
        finally:
            self.env._active_proc = active
        task.add_done_callback(self._other_task_done)
        return task

    # Failures that nobody sees

    def _other_task_done(self, task: "asyncio.Task[Any]") -> None:
        if task._log_traceback:
            self.look_after(task)

    def look_after(self, task: "asyncio.Task[Any]") -> None:
        """End the run with the failure of a task, unless somebody takes it before time moves."""
        if not task._log_traceback:
            return
        if self._ready:
            self.call_soon(self.look_after, task)
            return
        self.call_exception_handler(
            {
                "message": f"task {task.get_name()!r} failed while nobody waited for it",
                "exception": task.exception(),
                "task": task,
            }
        )

    def callback_failed(self, handle: asyncio.Handle, raised: BaseException) -> None:
        """A callback raised: tell the exception handler, as ``Handle._run`` does."""
        where = format_helpers._format_callback_source(handle._callback, handle._args)  # type: ignore[attr-defined]
        self.call_exception_handler(
            {"message": f"Exception in callback {where}", "exception": raised, "handle": handle}
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
            raise DeadlockError(who_waits(self.env)) from None

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
                raise RuntimeError(f'No scheduled events left but "until" event was not triggered: {until}') from None
        return None

    def open_again(self) -> None:
        """Take asynchronous generators again, after ``shutdown_asyncgens``: a simulation may be run more than once."""
        self._asyncgens_shutdown_called = False

    def step(self) -> None:
        """Run all ready callbacks, then the next event."""
        while self._ready:
            self.stop()
            self._run()
        run_next_event(self)

    def _run(self) -> None:
        super().run_forever()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _run_once(self) -> None:
        """What ``BaseEventLoop.run_forever`` calls: one call here runs until the loop is stopped."""
        run_events(self, repeat(None))

    def __del__(self) -> None:
        """Nothing real is held, so there is nothing to warn of."""
