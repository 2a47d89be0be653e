"""How a coroutine waits for a SimPy event, and a SimPy process for an asyncio future."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextvars import Context
from functools import partial
from typing import Any, cast

from simpy.events import Event


class Wait:
    """One task waiting for one event: what asyncio takes for the future that the task waits for.

    The task's wake-up hangs on the event itself, so it runs when SimPy processes the event and not a turn later.
    Cancelling takes away this task's wake-up and nobody else's.
    """

    __slots__ = ("_asyncio_future_blocking", "_context", "_loop", "_wake", "_wakeup", "event")

    def __init__(self, event: Event) -> None:
        try:
            self._loop = event.env.loop  # type: ignore[attr-defined]
        except AttributeError:
            raise RuntimeError("only events of a fedsim.kernel.Environment can be awaited") from None
        self.event = event
        self._asyncio_future_blocking = True

    def add_done_callback(self, wakeup: Callable[[Any], None], *, context: Context) -> None:
        """Called by the task, once: hang its wake-up on the event."""
        self._wakeup = wakeup
        self._context = context
        self._wake = partial(context.run, wakeup)
        self.event.callbacks.append(self._wake)

    def cancel(self, msg: Any = None) -> bool:
        """Called by a task that is cancelled: wake it with ``CancelledError``, if the event has not."""
        callbacks = self.event.callbacks
        if callbacks is None or self._wake not in callbacks:
            return False
        callbacks.remove(self._wake)
        _withdraw(self.event)
        self._loop.call_soon(self._wakeup, Cancelled(msg), context=self._context)
        return True


class Cancelled:
    """The outcome of a wait that was cancelled."""

    __slots__ = ("msg",)

    def __init__(self, msg: Any) -> None:
        self.msg = msg

    def result(self) -> None:
        """Raise what a cancelled future raises."""
        raise asyncio.CancelledError() if self.msg is None else asyncio.CancelledError(self.msg)


def outcome(event: Event) -> Any:
    """The value of an event that has happened; its failure is raised, as the exception that it was."""
    if event._ok:
        return event._value
    event._defused = True
    raise event._value


def wait_for(event: Event) -> Generator[Wait, None, Any]:
    """``Event.__await__``: give the event's value, at once if the event has been processed."""
    if event.callbacks is not None:
        yield Wait(event)
    return outcome(event)


def make_awaitable(event_class: type[Event]) -> None:
    """Teach SimPy's event class to be awaited. Adds two methods and changes none; again is harmless."""
    event_class.__await__ = wait_for  # type: ignore[attr-defined]
    event_class.result = outcome  # type: ignore[attr-defined]


def awaitable(event: Event) -> Awaitable[Any]:
    """The event itself, for type checkers: they know of no ``await`` on a plain SimPy event."""
    return cast("Awaitable[Any]", event)


def as_event(env: Any, future: "asyncio.Future[Any]") -> Event:
    """An event that happens when the future is done, with its value or its failure."""
    event = Event(env)

    def settle(done: "asyncio.Future[Any]") -> None:
        if done.cancelled():
            event.fail(cast("Exception", asyncio.CancelledError()))
        elif (failure := done.exception()) is not None:
            event.fail(cast("Exception", failure))
        else:
            event.succeed(done.result())

    future.add_done_callback(settle)
    return event


def _withdraw(event: Event) -> None:
    """Take a request that nobody waits for any more out of its resource's queue."""
    cancel = getattr(event, "cancel", None)
    if cancel is None or event.triggered or len(event.callbacks) > 1:
        return
    cancel()
    event.callbacks = None  # type: ignore[assignment]
    event._ok = False
    event._value = asyncio.CancelledError("this request was withdrawn")
    event._defused = True
