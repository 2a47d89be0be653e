"""A coroutine on its way through simulated time."""

import asyncio
import inspect
from asyncio import CancelledError, Future
from asyncio.futures import _get_loop  # type: ignore[attr-defined]
from asyncio.tasks import _enter_task, _leave_task, _register_task
from collections.abc import Coroutine, Generator
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from simpy.events import URGENT, Event
from simpy.exceptions import Interrupt

from fedsim.kernel.awaiting import failure
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
        "_fut_waiter",
        "_must_cancel",
        "_name",
        "number",
    )

    def __init__(
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        loop: "EventLoop",
        name: str | None = None,
        context: Context | None = None,
    ) -> None:
        self.number = number = next(loop.task_numbers)
        Future.__init__(self, loop=loop)
        if not asyncio.iscoroutine(coro):
            raise TypeError(f"a coroutine was expected, got {coro!r}")
        self._name = f"Task-{number}" if name is None else str(name)
        self._coro = coro
        self._env = loop.env
        self._context = copy_context() if context is None else context
        self._fut_waiter: Any = None
        self._must_cancel = False
        self._cancel_requests = 0
        self._cancelled_error: CancelledError | None = None
        loop.call_soon(self._step, context=self._context)
        loop.live_tasks[number] = self
        _register_task(self)

    def __hash__(self) -> int:
        return self.number

    # What asyncio asks of a task

    def get_coro(self) -> Any:
        """The coroutine."""
        return self._coro

    def get_context(self) -> Context:
        """The context in which the coroutine runs."""
        return self._context

    def get_name(self) -> str:
        """The name of the task."""
        return self._name

    def set_name(self, value: object) -> None:
        """Rename the task."""
        self._name = str(value)

    def cancel(self, msg: Any = None) -> bool:
        """Throw ``CancelledError`` into the coroutine, before time moves."""
        self._log_traceback = False
        if self.done():
            return False
        self._cancel_requests += 1
        target = self._fut_waiter
        if isinstance(target, Event):
            if self._leave(target):
                self._cancel_message = msg
                self._env.loop.call_soon(self._step, self._make_cancelled_error(), context=self._context)
                return True
        elif target is not None and target.cancel(msg=msg):
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
            raise RuntimeError(f"task {self._name!r} has terminated and cannot be interrupted")
        if self is self._env._active_proc:  # type: ignore[comparison-overlap]  # a task is one, too
            raise RuntimeError(f"task {self._name!r} is not allowed to interrupt itself")
        interruption = Event(self._env)
        interruption.callbacks.append(self._interrupted)
        interruption._ok = False
        interruption._defused = True
        interruption._value = Interrupt(cause)
        self._env.schedule(interruption, URGENT)

    def _interrupted(self, interruption: Event) -> None:
        target = self._fut_waiter
        if isinstance(target, Event):
            self._leave(target)
        elif target is not None:
            target.remove_done_callback(self._wakeup)
        if not self.done():
            self._context.run(self._step, interruption._value)

    # Steps

    def __call__(self, event: Event) -> None:
        """The event that the task waits for has happened: the task itself is the event's callback."""
        self._context.run(self._step, None if event._ok else failure(event))

    def _wakeup(self, future: Any) -> None:
        try:
            future.result()
        except BaseException as raised:  # noqa: BLE001  # whatever it is, the coroutine must be told
            self._step(raised)
        else:
            self._step()

    def _step(self, error: BaseException | None = None) -> None:
        """Run the coroutine until it waits again. ``stepping.run_events`` has a fast version of this."""
        if self.done():
            raise asyncio.InvalidStateError(f"_step(): already done: {self!r}, {error!r}")
        if self._must_cancel:
            if not isinstance(error, CancelledError):
                error = self._make_cancelled_error()
            self._must_cancel = False
        self._fut_waiter = None
        env, loop = self._env, self._env.loop
        _enter_task(loop, self)
        env._active_proc = self  # type: ignore[assignment]  # to SimPy a task looks like a process
        try:
            target = self._coro.send(None) if error is None else self._coro.throw(error)
        except BaseException as raised:  # noqa: BLE001  # whatever it is, it is the task's outcome
            self._end(raised)
        else:
            self._wait(target)
        finally:
            env._active_proc = None
            _leave_task(loop, self)
            error = None  # break the cycle from the exception's traceback to this frame

    def _end(self, raised: BaseException) -> None:
        loop = self._env.loop
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

    def _wait(self, target: Any) -> None:
        if isinstance(target, Event):
            self._wait_for_event(target)
            return
        blocking = getattr(target, "_asyncio_future_blocking", None)
        if blocking is not None:
            self._wait_for_future(target, blocking)
        elif target is None:
            self._env.loop.call_soon(self._step, context=self._context)
        elif inspect.isgenerator(target):
            self._complain(f"yield was used instead of yield from for generator in task {self!r} with {target!r}")
        else:
            self._complain(f"Task got bad yield: {target!r}")

    def _wait_for_event(self, event: Event) -> None:
        if event.env is not self._env:
            self._complain(f"Task {self!r} got event {event!r} of a different environment")
        elif event.callbacks is None:
            self._env.loop.call_soon(self, event, context=self._context)
        else:
            event.callbacks.append(self)
            self._fut_waiter = event
            if self._must_cancel:
                self._must_cancel = False
                self._leave(event)
                self._env.loop.call_soon(self._step, self._make_cancelled_error(), context=self._context)

    def _wait_for_future(self, future: Any, blocking: bool) -> None:  # noqa: FBT001  # what the future says of itself
        if _get_loop(future) is not self._env.loop:
            self._complain(f"Task {self!r} got Future {future!r} attached to a different loop")
        elif not blocking:
            self._complain(f"yield was used instead of yield from in task {self!r} with {future!r}")
        elif future is self:
            self._complain(f"Task cannot await on itself: {self!r}")
        else:
            future._asyncio_future_blocking = False
            future.add_done_callback(self._wakeup, context=self._context)
            self._fut_waiter = future
            if self._must_cancel and future.cancel(msg=self._cancel_message):
                self._must_cancel = False

    def _complain(self, message: str) -> None:
        self._env.loop.call_soon(self._step, RuntimeError(message), context=self._context)

    def _leave(self, event: Event) -> bool:
        """Wait for the event no more; False, if it is happening right now and will call anyway."""
        if event.callbacks is None:
            return False
        event.callbacks.remove(self)
        self._fut_waiter = None
        withdraw(event)
        return True
