"""A wait of a given length."""

from heapq import heappush
from math import inf
from typing import TYPE_CHECKING, Any

import simpy
from simpy.events import NORMAL

if TYPE_CHECKING:
    from collections.abc import Generator

    from fedsim.kernel.environment import Environment


class Timeout(simpy.Timeout):
    """An event that happens ``delay`` seconds after it is made; never, if the delay is infinite.

    Raises:
        ValueError: if the delay is negative or NaN.
    """

    _ok = True

    def __init__(self, env: "Environment", delay: float, value: Any = None) -> None:
        if not delay >= 0:
            raise ValueError(f"delay must be >= 0 (inf never fires), got {delay!r}")
        self.env = env
        self.callbacks = []
        self._value = value
        self._delay = delay
        at = env._now + delay
        if at < inf:
            heappush(env._queue, (at, NORMAL, next(env._eid), self))

    if TYPE_CHECKING:

        def __await__(self) -> Generator[Any, None, Any]: ...
