"""An asyncio event loop whose clock and timers are those of a SimPy environment."""

import asyncio
from asyncio.base_events import BaseEventLoop
from asyncio.format_helpers import _format_callback_source
from asyncio.futures import _set_result_unless_cancelled as wake_sleeper  # type: ignore[attr-defined]
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from heapq import heappush
from itertools import count, repeat
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from simpy.core import EmptySchedule, StopSimulation
from simpy.events import NORMAL, URGENT, Event, EventPriority

from fedsim.errors import DeadlockError
from fedsim.kernel.budget import Budget, Meter, Reason, Stopped
from fedsim.kernel.generators import OpenGenerators
from fedsim.kernel.handle import Handle
from fedsim.kernel.interrupting import Interrupt
from fedsim.kernel.limit import limit_at
from fedsim.kernel.refusals import refusing
from fedsim.kernel.stepping import run_events, run_next_event
from fedsim.kernel.stuck import who_waits
from fedsim.kernel.task import Task
from fedsim.kernel.timer import Timer
from fedsim.kernel.withdrawal import drop

if TYPE_CHECKING:
    from fedsim.kernel.environment import Environment

AnyTask = asyncio.Task[Any]
_LAST = EventPriority(2)  # after everything else of its time

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@refusing
class EventLoop(BaseEventLoop):
    """What is ready runs first in, first out; when nothing is, the next event of the SimPy queue happens.

    ``time()`` is the environment's ``now``. Timers are entries of the SimPy queue. Nothing sleeps.
    """

    if TYPE_CHECKING:  # what BaseEventLoop has and its type hints do not tell
        _ready: deque[Any]  # handles, and tasks that take their next step
        _stopping: bool
        _closed: bool
        _debug: bool
        _task_factory: object
        _asyncgens_shutdown_called: bool
        _check_closed: Callable[[], None]
        _check_callback: Callable[[object, str], None]

    def __init__(self, env: "Environment") -> None:
        super().__init__()
        self.env = env
        self.task_numbers = count(1)
        self.live_tasks: dict[int, Task] = {}
        self._others: dict[AnyTask, None] = {}  # made by a task factory, in order of creation
        self._asyncgens = OpenGenerators()
        self._unseen: list[AnyTask] = []  # tasks that have failed just now
        self._failure: BaseException | None = None
        self._stopped_by: Reason | None = None
        self._meter: Meter | None = None
        self._no_context = Context()

    def set_debug(self, enabled: bool) -> None:  # noqa: FBT001  # asyncio's signature
        """Switch asyncio's debug mode on or off."""
        super().set_debug(enabled)
        # Every future asks for this, from C; a builtin type answers in half the time of a method: bool() is False.
        self.get_debug = (lambda: True) if enabled else bool  # type: ignore[method-assign]

    def time(self) -> float:
        """Simulated seconds."""
        return float(self.env._now)

    # Scheduling

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Run the callback before time moves, after what is ready already."""
        if type(callback) is Task:  # type: ignore[comparison-overlap]
            self._ready.append(callback)  # a future it waits for is done; futures drop what they get here
            return None
        if self._debug or self._closed:
            return super().call_soon(callback, *args, context=context)
        handle = Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """The same as ``call_soon``: there is one thread."""
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run the callback ``delay`` simulated seconds from now; a negative delay means now.

        Raises:
            ValueError: if the delay is NaN.
        """
        if delay is None:
            raise TypeError("delay must not be None")
        return self._schedule(self.env._now + delay, callback, args, context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run the callback at the simulated time ``when``; at once, if that has passed.

        Raises:
            ValueError: if the time is NaN.
        """
        if when is None:
            raise TypeError("when cannot be None")
        return self._schedule(when, callback, args, context)

    def call_first_at(self, when: float, callback: Callable[[*Ts], object], *args: *Ts) -> asyncio.TimerHandle:
        """Like ``call_at``, before every event of that time that is not urgent, whenever these were scheduled.

        Raises:
            ValueError: if the time is NaN.
        """
        return self._schedule(when, callback, args, None, URGENT)

    def _schedule(
        self,
        when: float,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context | None,
        priority: EventPriority = NORMAL,
    ) -> Timer:
        if callback is wake_sleeper:  # sets a future's result, and so needs no copy of the caller's context
            context = self._no_context
        elif self._debug or self._closed:
            self._check_closed()
            self._check_callback(callback, "call_at")
        env = self.env
        timer = Timer(env, when, callback, args, context)
        if when < inf:
            now = env._now
            at = when if when > now else now  # noqa: FURB136  # max would cost as much as the whole heappush
            heappush(env._queue, (at, priority, next(env._eid), timer))
        elif when == inf:
            timer.callbacks = None
        else:
            raise ValueError(f"a timer needs a time that is a number, got {when!r}")
        return timer

    def is_last_of_instant(self) -> bool:
        """Whether nothing is ready and nothing scheduled for now: nothing follows what runs before time moves."""
        queue = self.env._queue
        return not self._ready and not (queue and queue[0][0] <= self.env._now)

    def make_ready(self, task: Task) -> None:
        """Let the task take its next step before time moves."""
        self._ready.append(task)

    def create_task(
        self,
        coro: Generator[Any, None, T] | Coroutine[Any, Any, T],
        *,
        name: object = None,
        context: Context | None = None,
    ) -> "asyncio.Task[T]":
        """Start a task; if it fails while nobody waits for it, the run ends with its exception."""
        if self._task_factory is None and not self._closed:
            return Task(coro, loop=self, name=name, context=context)
        return self._create_other_task(coro, name, context)

    def _create_other_task(self, coro: Any, name: Any, context: Context | None) -> AnyTask:
        # The factory may take a first step at once, inside a task of ours; events must not take it for that one.
        active, self.env._active_proc = self.env._active_proc, None
        try:
            task = super().create_task(coro, name=name, context=context)
        finally:
            self.env._active_proc = active
        self._others[task] = None
        task.add_done_callback(self._others.pop)
        task.add_done_callback(self.look_after)
        return task

    def unfinished(self) -> list[AnyTask]:
        """The tasks that are not done: ours, then a factory's, in order of creation; then others, by their names."""
        known = [*self.live_tasks.values(), *(task for task in self._others if not task.done())]
        others = asyncio.all_tasks(self).difference(known)
        return list(dict.fromkeys([*known, *sorted(others, key=lambda task: task.get_name())]))

    # Failures

    def look_after(self, task: AnyTask) -> None:
        """If the task has failed, end the run with its failure, unless somebody takes it before time moves."""
        if not task._log_traceback:
            return
        if not self._unseen:
            self._schedule(self.env._now, self.report_unseen, (), None, _LAST)
        self._unseen.append(task)

    def report_unseen(self) -> None:
        """Tell the exception handler of each task that has failed and at which nobody has looked."""
        unseen, self._unseen = self._unseen, []
        for task in unseen:
            if task._log_traceback:
                message = f"task {task.get_name()!r} failed while nobody waited for it"
                self.call_exception_handler({"message": message, "exception": task.exception(), "task": task})

    def unseen_at_the_end(self) -> BaseException | None:
        """The same in the moment in which a run ends; the failure is given, and nothing is stopped any more."""
        self.report_unseen()
        failure, self._failure = self._failure, None
        self._stopping = False
        return failure

    def callback_failed(self, handle: Handle, raised: BaseException) -> None:
        """A callback raised: tell the exception handler, as ``asyncio.Handle`` does."""
        message = f"Exception in callback {_format_callback_source(handle._callback, handle._args)}"
        self.call_exception_handler({"message": message, "exception": raised, "handle": handle})

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """End the run with the exception; log what has none, and futures that are found when nothing runs."""
        failure = context.get("exception")
        if failure is None or not (self.is_running() or "task" in context):
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

    def run_within(self, budget: Budget, interrupt: Interrupt) -> Stopped | None:
        """Run until ``stop()``, or until the budget is spent or Ctrl-C comes, and say what it was.

        Raises:
            DeadlockError: if nothing is scheduled any more.
            ValueError: if the budget's time has passed already.
        """
        now, until = self.env._now, budget.until_s
        if not until > now:
            raise ValueError(f"until_s must be greater than the current time {now!r}, got {until!r}")
        limit = limit_at(self.env, until) if until < inf else None
        self._meter = Meter(budget)
        self._stopped_by = None
        try:
            with interrupt.calls(lambda: self.stop_because("interrupt")):
                self.run_forever()
        finally:
            self._stopping = False  # Ctrl-C may have come when the loop had stopped already
            self._meter = None
            if limit is not None:
                drop(limit)
        return self._stopped_by and Stopped(reason=self._stopped_by, at_s=self.env._now)

    def stop_because(self, reason: Reason) -> None:
        """Stop the run after the present event, before its coroutine has come to an end."""
        self._stopped_by = reason
        self.stop()

    def run_to(self, until: Event | None, interrupt: Interrupt) -> Any:
        """Run until the event has happened or Ctrl-C comes, or, without an event, until nothing is scheduled any more.

        Raises:
            RuntimeError: if nothing is scheduled any more and the event has not happened.
        """
        if until is not None and until.callbacks is None:
            return until.value
        try:
            if until is not None:
                until.callbacks.append(StopSimulation.callback)
            with interrupt.calls(self.stop):
                self._run()
        except StopSimulation as stop:
            if (failure := self.unseen_at_the_end()) is not None:
                raise failure from None
            return stop.args[0]
        except EmptySchedule:
            if until is not None:
                raise RuntimeError(
                    f'No scheduled events left but "until" event was not triggered: {until._desc()}'
                ) from None
        finally:
            self._stopping = False
            if until is not None and StopSimulation.callback in (until.callbacks or ()):
                until.callbacks.remove(StopSimulation.callback)  # so that it does not stop a later run
        return None

    def step(self) -> None:
        """Run what is ready until nothing is, then the next event.

        Raises:
            EmptySchedule: if there is no event.
        """
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
        """What ``BaseEventLoop.run_forever`` calls; one call here runs until the loop is stopped."""
        meter = self._meter
        if meter is None:
            run_events(self, repeat(None))
            return
        while not self._stopping:
            if (spent := meter.spent()) is not None:
                self.stop_because(spent)
                return
            run_events(self, repeat(None, meter.take()))

    def __del__(self) -> None:
        """Nothing real is held, so there is nothing to warn of."""
