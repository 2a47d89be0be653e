"""How a coroutine waits for a SimPy event, and a SimPy process for an asyncio future."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextvars import Context
from functools import partial
from typing import Any, cast

from simpy.events import Event

from fedsim.kernel.withdrawal import withdraw


def wait_for(event: Event) -> Generator[Any, None, Any]:
    """``Event.__await__``: give the event's value, at once if the event has been processed."""
    if event.callbacks is not None:
        yield event if _task_is_ours(event) else Wait(event)
    if event._ok:
        return event._value
    raise failure(event)


def _task_is_ours(event: Event) -> bool:
    """A task of ours takes the event itself; it shows as the environment's active process."""
    try:
        event.env.loop  # type: ignore[attr-defined]  # noqa: B018
    except AttributeError:
        raise RuntimeError("only events of a fedsim.kernel.Environment can be awaited") from None
    return event.env._active_proc is not None


def failure(event: Event) -> BaseException:
    """The exception of a failed event, as it was raised; who takes it has seen to it."""
    event._defused = True
    raised: BaseException = event._value
    if not hasattr(event, "_raised_at"):
        event._raised_at = raised.__traceback__  # type: ignore[attr-defined]
    return raised.with_traceback(event._raised_at)  # type: ignore[attr-defined]


def make_awaitable(event_class: type[Event]) -> None:
    """Teach SimPy's event class to be awaited. Adds one method and changes none; again is harmless."""
    event_class.__await__ = wait_for  # type: ignore[attr-defined]


def awaitable(event: Event) -> Awaitable[Any]:
    """The event itself, for type checkers, which know of no ``await`` on a plain SimPy event."""
    return cast("Awaitable[Any]", event)


class Wait:
    """A task of another kind (``asyncio.Task`` made by hand, an eager task) waiting for one event.

    To that task this is the future it waits for. Its wake-up hangs on the event itself, so it runs when the
    event is processed and not a turn later. Cancelling takes away this task's wake-up and nobody else's.
    """

    __slots__ = ("_asyncio_future_blocking", "_context", "_loop", "_wake", "_wakeup", "event", "outcome")

    def __init__(self, event: Event) -> None:
        self.event = event
        self._loop = event.env.loop  # type: ignore[attr-defined]
        self._asyncio_future_blocking = True
        self.outcome: BaseException | None = None

    def add_done_callback(self, wakeup: Callable[[Any], None], *, context: Context) -> None:
        """Called by the task, once: hang its wake-up on the event."""
        self._wakeup = partial(wakeup, self)
        self._context = context
        self.event.callbacks.append(self._happened)

    def _happened(self, event: Event) -> None:
        self.outcome = None if event._ok else failure(event)
        self._context.run(self._wakeup)

    def result(self) -> None:
        """Called by the task when it wakes: raise what it must be told."""
        if self.outcome is not None:
            raise self.outcome

    def cancel(self, msg: Any = None) -> bool:
        """Called by a task that is cancelled: wake it with ``CancelledError``, if the event has not."""
        callbacks = self.event.callbacks
        if callbacks is None or self._happened not in callbacks:
            return False
        callbacks.remove(self._happened)
        withdraw(self.event)
        self.outcome = asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg)
        self._loop.call_soon(self._wakeup, context=self._context)
        return True


class FutureEvent(Event):
    """Happens when a future is done, with its value or its failure."""

    def __init__(self, env: Any, future: "asyncio.Future[Any]") -> None:
        super().__init__(env)
        self.future = future
        future.add_done_callback(self._settle)

    def _settle(self, done: "asyncio.Future[Any]") -> None:
        if done.cancelled():
            self.fail(cast("Exception", asyncio.CancelledError()))
        elif (raised := done.exception()) is not None:
            self.fail(cast("Exception", raised))
        else:
            self.succeed(done.result())


def as_event(env: Any, future: "asyncio.Future[Any]") -> Event:
    """An event of ``env`` that happens when the future is done, with its value or its failure."""
    return FutureEvent(env, future)
