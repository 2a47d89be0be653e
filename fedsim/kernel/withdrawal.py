"""What becomes of an event when the last one who waited for it has gone."""

import asyncio
from heapq import heapify, heappush
from math import inf
from typing import Any

import simpy
from simpy.events import Condition, Event

Entry = tuple[float, int, int, Any]
"""A row of SimPy's queue: time, priority, number, event."""

_FEW = 64


class Withdrawn(list[Any]):
    """The callbacks of a time that nobody waits for any more: its place in the queue may be taken away.

    Should somebody wait for it after all, the time is put back where it was.
    """

    __slots__ = ("_event", "_place")

    def __init__(self, event: Any) -> None:
        super().__init__()
        self._event = event
        self._place: Entry | None = None

    def append(self, callback: Any) -> None:
        """Somebody waits again."""
        event, env = self._event, self._event.env
        event.callbacks = [callback]
        if self._place is None:
            env.withdrawn -= 1
        else:
            at, priority, number, _ = self._place
            heappush(env._queue, (max(at, env._now), priority, number, event))

    def leave(self, place: Entry) -> None:
        """The queue drops the event from this place."""
        event = self._event
        event.env.withdrawn -= 1
        if isinstance(event, asyncio.TimerHandle):
            event.callbacks = None  # nobody can wait for it again: the two need not know each other
        else:
            self._place = place


def withdraw(event: Event) -> None:
    """One who waited has gone. If it was the last, leave no trace of the wait.

    A request leaves its resource's queue, and a condition lets go of its parts: both are over, as a future is
    over when the task that waits for it is cancelled. A time may be dropped from the queue; it can still be
    waited for. Anything else goes on by itself.
    """
    if isinstance(event, simpy.Timeout):
        if not event.callbacks and event._delay < inf:
            drop(event)
    elif event.triggered:
        return
    elif isinstance(event, Condition):
        if event.callbacks == [event._build_value]:
            _end(event)
            _release(event)
    elif hasattr(event, "cancel") and len(event.callbacks) == 1:
        event.cancel()
        _end(event)


def drop(event: Any) -> None:
    """Mark an event in the queue as one that nobody waits for; now and then, sweep the queue."""
    event.callbacks = Withdrawn(event)
    env = event.env
    env.withdrawn += 1
    if env.withdrawn > _FEW and 2 * env.withdrawn > len(env._queue):
        sweep(env)


def sweep(env: Any) -> None:
    """Take all withdrawn events out of the queue, in place. Half of it goes, so the cost per event is constant."""
    keep = []
    for place in env._queue:
        callbacks = place[3].callbacks
        if type(callbacks) is Withdrawn:
            callbacks.leave(place)
        else:
            keep.append(place)
    env._queue[:] = keep
    heapify(env._queue)


def _end(event: Event) -> None:
    event.callbacks = None  # type: ignore[assignment]
    event._ok = False
    event._value = asyncio.CancelledError("this wait was cancelled before, and with it what was waited for")
    event._defused = True


def _release(condition: Condition) -> None:
    for part in condition._events:
        if part.callbacks is not None and condition._check in part.callbacks:
            part.callbacks.remove(condition._check)
            withdraw(part)
