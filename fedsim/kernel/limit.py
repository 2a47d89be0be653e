"""The simulated time at which a run stops."""

from heapq import heappush
from math import inf
from typing import TYPE_CHECKING, Any

from simpy.core import EmptySchedule
from simpy.events import Event

from fedsim.kernel.withdrawal import Entry, Withdrawn

if TYPE_CHECKING:
    from fedsim.kernel.environment import Environment

_BEFORE_ALL = -2


class Limit(Withdrawn):
    """The callbacks of an event that only marks a time in the queue: there the run stops.

    Nothing happens at a limit. So if nothing else is scheduled, the simulation is stuck, and time stays.
    """

    def leave(self, place: Entry) -> None:
        """The queue has come to the limit."""
        env = self._event.env
        if env.peek() == inf:
            raise EmptySchedule
        env._now = place[0]
        env.loop.stop_because("simulated time")


def limit_at(env: "Environment", at_s: float) -> Any:
    """Stop the run at this simulated time, before everything that is due then. ``drop`` takes the limit back."""
    event = Event(env)
    event._ok = True
    event._value = None
    event.callbacks = Limit(event)
    heappush(env._queue, (at_s, _BEFORE_ALL, next(env._eid), event))
    return event
