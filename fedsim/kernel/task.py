"""A coroutine on its way through simulated time."""

import asyncio
from asyncio import CancelledError, Future
from asyncio.tasks import _enter_task, _leave_task, _register_task
from collections.abc import Generator
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from simpy.events import URGENT, Event
from simpy.exceptions import Interrupt

from fedsim.kernel.awaiting import failure
from fedsim.kernel.waiting import wait
from fedsim.kernel.withdrawal import withdraw

if TYPE_CHECKING:
    from fedsim.kernel.loop import EventLoop


class Task(asyncio.Task[Any]):
    """``asyncio.Task`` that can wait for a SimPy event as directly as a SimPy process does.

    An event calls its waiting task; no future and no second turn of the loop lies between. To SimPy a task looks
    like a process: it is the environment's ``active_process`` while it runs, and may be interrupted. Everything
    else is as in asyncio, step by step (CPython 3.13, ``asyncio/tasks.py``), and checked by asyncio's own tests.

    ``number`` counts the loop's tasks in order of creation. It is also the hash: asyncio keeps tasks in sets, and
    a set must not order them by address.
    """

    __slots__ = (
        "_cancel_requests",
        "_cancelled_error",
        "_context",
        "_coro",
        "_env",
        "_error",
        "_event",
        "_fut_waiter",
        "_must_cancel",
        "_name",
        "number",
    )

    if TYPE_CHECKING:  # what asyncio.Task has and its type hints do not tell
        _source_traceback: list[Any]

    def __init__(
        self,
        coro: Any,
        *,
        loop: "EventLoop",
        name: object = None,
        context: Context | None = None,
    ) -> None:
        self.number = number = next(loop.task_numbers)
        Future.__init__(self, loop=loop)
        if loop._debug:
            del self._source_traceback[-1]
        if not asyncio.iscoroutine(coro):
            raise TypeError(f"a coroutine was expected, got {coro!r}")
        self._name = name
        self._coro = coro
        self._env = loop.env
        self._context = copy_context() if context is None else context
        self._fut_waiter: Any = None
        self._error: BaseException | None = None
        self._event: Event | None = None
        self._must_cancel = False
        self._cancel_requests = 0
        self._cancelled_error: CancelledError | None = None
        loop.live_tasks[number] = self
        loop.make_ready(self)
        _register_task(self)

    def __hash__(self) -> int:
        return self.number

    # What asyncio asks of a task

    @property
    def __name__(self) -> str:
        """How the ``repr`` of a future calls the task that waits for it."""
        return f"{self.get_name()}.wakeup"

    def get_coro(self) -> Any:
        """The coroutine."""
        return self._coro

    def get_context(self) -> Context:
        """The context in which the coroutine runs."""
        return self._context

    def get_name(self) -> str:
        """The name of the task; by default its number."""
        return f"Task-{self.number}" if self._name is None else str(self._name)

    def set_name(self, value: object) -> None:
        """Rename the task."""
        self._name = str(value)

    def cancel(self, msg: Any = None) -> bool:
        """Throw ``CancelledError`` into the coroutine, before time moves."""
        self._log_traceback = False
        if self.done():
            return False
        self._cancel_requests += 1
        if self._fut_waiter is not None:
            if self._fut_waiter.cancel(msg=msg):
                return True
        elif self.leave_event():
            self._cancel_message = msg
            self.go_on(self._make_cancelled_error())
            return True
        self._must_cancel = True
        self._cancel_message = msg
        return True

    def cancelling(self) -> int:
        """How many requests to cancel are open."""
        return self._cancel_requests

    def uncancel(self) -> int:
        """Take one request to cancel back; give the number that stay."""
        if self._cancel_requests > 0:
            self._cancel_requests -= 1
            if self._cancel_requests == 0:
                self._must_cancel = False
        return self._cancel_requests

    def result(self) -> Any:
        """The value of the coroutine; its exception is raised."""
        if self.cancelled():
            raise self._make_cancelled_error()
        return super().result()

    def exception(self) -> BaseException | None:
        """The exception of the coroutine, or None."""
        if self.cancelled():
            raise self._make_cancelled_error()
        return super().exception()

    def _make_cancelled_error(self) -> CancelledError:
        error, self._cancelled_error = self._cancelled_error, None
        return super()._make_cancelled_error() if error is None else error  # type: ignore[misc]

    def __await__(self) -> Generator[Any, None, Any]:
        if not self.done():
            self._asyncio_future_blocking = True
            yield self
        if not self.done():
            raise RuntimeError("await wasn't used with future")
        return self.result()

    __iter__ = __await__

    # What SimPy asks of a process

    def interrupt(self, cause: Any = None) -> None:
        """Throw ``simpy.Interrupt`` into the coroutine, as ``Process.interrupt`` does.

        Raises:
            RuntimeError: if the task is done, or interrupts itself.
        """
        if self.done():
            raise RuntimeError(f"task {self.get_name()!r} has terminated and cannot be interrupted")
        if self is self._env._active_proc:
            raise RuntimeError(f"task {self.get_name()!r} is not allowed to interrupt itself")
        interruption = Event(self._env)
        interruption.callbacks.append(self._interrupted)
        interruption._ok = False
        interruption._defused = True
        interruption._value = Interrupt(cause)
        self._env.schedule(interruption, URGENT)

    def _interrupted(self, interruption: Event) -> None:
        if self._fut_waiter is not None:
            self._fut_waiter.remove_done_callback(self)
            self._fut_waiter = None
        self.leave_event()
        if not self.done():
            self(interruption)

    # Steps

    def __call__(self, event: Event) -> None:
        """The event that the task waits for has happened: the task itself is the event's callback."""
        if not event._ok:
            self._error = failure(event)
        self.step()

    def step(self) -> None:
        """Run the coroutine until it waits again. ``stepping.run_events`` has a fast version of this."""
        env, loop = self._env, self._env.loop
        _enter_task(loop, self)
        env._active_proc = self
        try:
            self.advance(self.news())
        finally:
            env._active_proc = None
            _leave_task(loop, self)

    def news(self) -> BaseException | None:
        """What must be thrown into the coroutine, if anything: a failure it waited for, a cancellation."""
        error, self._error = self._error, None
        if self._fut_waiter is not None:
            try:
                self._fut_waiter.result()
            except BaseException as raised:  # noqa: BLE001  # whatever it is, the coroutine must be told
                error = raised
            self._fut_waiter = None
        if self._must_cancel:
            self._must_cancel = False
            if not isinstance(error, CancelledError):
                return self._make_cancelled_error()
        return error

    def advance(self, error: BaseException | None) -> None:
        """Let the coroutine go on, in its own context; then see what it waits for, or how it ended."""
        try:
            if error is None:
                target = self._context.run(self._coro.send, None)
            else:
                target = self._context.run(self._coro.throw, error)
        except BaseException as raised:  # noqa: BLE001  # whatever it is, it is the task's outcome
            self.end(raised)
        else:
            wait(self, target)

    def end(self, raised: BaseException) -> None:
        """The coroutine returned (``StopIteration``), or raised."""
        loop = self._env.loop
        self._event = None
        del loop.live_tasks[self.number]
        if isinstance(raised, StopIteration):
            if self._must_cancel:
                self._must_cancel = False
                Future.cancel(self, msg=self._cancel_message)
            else:
                Future.set_result(self, raised.value)
            return
        raised.__traceback__ = raised.__traceback__ and raised.__traceback__.tb_next  # without our own frame
        if isinstance(raised, CancelledError):
            self._cancelled_error = raised
            Future.cancel(self)
            return
        seen = bool(self._callbacks)
        Future.set_exception(self, raised)
        if isinstance(raised, KeyboardInterrupt | SystemExit):
            raise raised
        if not seen:
            loop.look_after(self)

    def go_on(self, error: BaseException | None = None) -> None:
        """Take the next step before time moves, and throw the error, if there is one."""
        self._error = error
        self._env.loop.make_ready(self)

    def leave_event(self) -> bool:
        """Wait for the event no more; False, if there is none, or it happens now and has called already."""
        event = self._event
        if event is None or event.callbacks is None or self not in event.callbacks:
            return False
        event.callbacks.remove(self)
        self._event = None
        withdraw(event)
        return True
