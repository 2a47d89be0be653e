"""How far a run may go, and why it stopped."""

import time
from dataclasses import dataclass
from math import inf
from typing import Literal

_CHUNK = 1000  # steps between two looks at the host's clock: some milliseconds

Reason = Literal["simulated time", "events", "host time", "interrupt"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """How far a run may go; what is used up first stops it, between two events.

    Attributes:
        until_s: the simulated time at which the run stops; events of that very time do not happen any more.
        events: how many steps the run may take: events, and rounds of callbacks that are ready at one time.
        host_s: how many seconds the run may take on this computer. What is done by then depends on the computer,
            so use it as a safety net, and not where results must be repeatable.
    """

    until_s: float = inf
    events: int | None = None
    host_s: float = inf

    def __post_init__(self) -> None:
        if not self.until_s > 0:
            raise ValueError(f"until_s must be > 0, got {self.until_s!r}")
        if self.events is not None and not (self.events >= 0 and self.events % 1 == 0):
            raise ValueError(f"events must be a whole number >= 0, got {self.events!r}")
        if not self.host_s >= 0:
            raise ValueError(f"host_s must be >= 0, got {self.host_s!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopped:
    """A run that was stopped before its coroutine came to an end: by what, and at which simulated time."""

    reason: Reason
    at_s: float


class Meter:
    """Counts a run's steps and seconds against its budget."""

    def __init__(self, budget: Budget) -> None:
        self._events = inf if budget.events is None else budget.events
        self._deadline = time.monotonic() + budget.host_s

    def spent(self) -> Reason | None:
        """What is used up, if anything."""
        if self._events <= 0:
            return "events"
        if time.monotonic() >= self._deadline:
            return "host time"
        return None

    def take(self) -> int:
        """The number of steps to take before asking again."""
        steps = int(min(self._events, _CHUNK))
        self._events -= steps
        return steps
