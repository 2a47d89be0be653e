"""Flows that nobody holds back: each moves as fast as alone, and is a few numbers in place of a row of a table.

A flow is *free* while every link of its way is loose, or used by nobody else (``fedsim.system.tightness``): then its
max-min fair rate is what it would have alone. A link that becomes tight claims the free flows on it for the table.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable

from fedsim.kernel import Simulation
from fedsim.system.flow import Flow
from fedsim.system.passage import Way
from fedsim.system.tightness import Tightness


class Solo:
    """A flow by itself: it waits for the end of the instant in which it came, then moves at ``lone_bps`` to its end."""

    __slots__ = ("_sim", "alarm", "bps", "end_s", "flow", "left_bytes", "lone_bps", "since_s", "way")

    def __init__(self, sim: Simulation, flow: Flow, way: Way, lone_bps: float) -> None:
        self._sim = sim
        self.flow = flow
        self.way = way
        self.lone_bps = lone_bps
        self.bps = 0.0
        self.left_bytes = flow.size_bytes
        self.since_s = sim.env._now  # noqa: SLF001  # a property less for every message
        self.end_s = math.inf
        self.alarm: asyncio.TimerHandle | None = None
        flow.start_moving(self, -1, self.since_s)

    def rate_bps(self, slot: int) -> float:
        """Present rate; it has no slot."""
        del slot
        return self.bps

    def sent_bytes(self, slot: int) -> float:
        """What it has sent up to now; it has no slot."""
        del slot
        return self.left_bytes - self.left_now_bytes()

    def left_now_bytes(self) -> float:
        """What it has yet to send."""
        return max(0.0, self.left_bytes - self.bps * (self._sim.now - self.since_s) / 8)

    def alone_s(self) -> float:
        """What it would have needed alone for what it has sent."""
        if self.lone_bps > 0:
            return 8 * (self.left_bytes - self.left_now_bytes()) / self.lone_bps
        return self._sim.now - self.since_s


class Solos:
    """All free flows, by the links of their ways; ``arrive(solo)`` is told of those that have sent all."""

    def __init__(self, sim: Simulation, links: Tightness, arrive: Callable[[Solo], None]) -> None:
        self._sim = sim
        self._links = links
        self._arrive = arrive
        self._on: defaultdict[int, dict[Solo, float]] = defaultdict(dict)

    def begin(self, solo: Solo) -> bool:
        """Let a flow move if it is free; whether it is. Everything of this instant has happened."""
        if not (0 < solo.lone_bps < math.inf and self._links.are_free(solo.way.links)):
            return False
        for link, use in zip(solo.way.links, solo.way.uses, strict=True):
            self._on[link][solo] = use
        solo.bps = solo.lone_bps
        solo.end_s = solo.since_s + 8 * solo.left_bytes / solo.bps
        solo.alarm = self._sim.loop.call_at(solo.end_s, self._arrive, solo)
        return True

    def end(self, solo: Solo) -> None:
        """It is free no more."""
        if solo.alarm is None:
            return
        solo.alarm.cancel()
        solo.alarm = None
        for link in solo.way.links:
            del self._on[link][solo]

    def on(self, link: int) -> dict[Solo, float]:
        """The free flows on a link, and how many times its rate each takes of it."""
        return self._on.get(link, {})

    def take(self, links: list[int]) -> list[Solo]:
        """The free flows on any of these links, which are free no more, oldest first."""
        taken = {solo: None for link in links for solo in self._on.get(link, ())}
        for solo in taken:
            self.end(solo)
        return sorted(taken, key=lambda solo: solo.flow.number)
