"""A wait of a given length."""

from heapq import heappush
from math import inf
from typing import TYPE_CHECKING, Any

import simpy
from simpy.events import NORMAL

from fedsim.kernel.awaiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Generator

    from fedsim.kernel.environment import Environment


class Timeout(simpy.Timeout):
    """An event that happens ``delay`` seconds after it is made; never, if the delay is infinite.

    Raises:
        ValueError: if the delay is negative or NaN.
    """

    __slots__ = ("_delay", "_ok", "_value", "callbacks", "env")

    def __init__(self, env: "Environment", delay: float, value: Any = None) -> None:
        if not delay >= 0:
            raise bad_delay(delay)
        self.env = env
        self.callbacks = []
        self._value = value
        self._delay = delay
        self._ok = True
        at = env._now + delay
        if at < inf:
            heappush(env._queue, (at, NORMAL, next(env._eid), self))

    def __await__(self) -> "Generator[Any, None, Any]":
        # Nearly every wait is a task of ours for a time without a value. For it, an iterator that gives this
        # event and ends is as good as the generator `wait_for`, and saves a tenth of the event's cost.
        if self._value is None and self.callbacks is not None and self.env._active_proc is not None:
            return iter((self,))  # type: ignore[return-value]
        return wait_for(self)


def bad_delay(delay: float) -> ValueError:
    """What is raised for a delay that is not >= 0."""
    what = "Negative" if delay < 0 else "Impossible"
    return ValueError(f"{what} delay {delay!r}: it must be a number >= 0 (inf never happens)")
