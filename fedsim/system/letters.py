"""Messages where every one has a rate of its own, and nothing happens to it but time: a few numbers each.

Under equal shares (``fedsim.system.equal_split``) a message's rate is known when it is sent, and no other message ever
changes it. Where its ends stay where they are, and there are neither mishaps nor outages nor jitter, a *letter* is all
that it takes: both radios wake, it waits, its bytes move, it is there; or an end goes. It is what an ``Attempt`` with a
flow of its own comes to, at the same instants; a test sends every message both ways.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from fedsim.errors import DeviceDownError, FedsimError
from fedsim.kernel import Simulation
from fedsim.system.delivery import Delivery
from fedsim.system.endpoint import Endpoint
from fedsim.system.network import Network
from fedsim.system.transport import FORGETFUL, Path, Plan
from fedsim.system.trip import arrived

Hear = Callable[[Delivery | DeviceDownError], None]
"""Hears the end of a letter: how it went, or which end went."""

_UNSENT: Final = Plan(wire_bytes=0.0, delay_s=0.0)


@dataclass(slots=True, eq=False)
class Road:
    """What every letter from one end to another meets: the path as a transport sees it, and whether the end may go.

    ``plans`` are those of its sizes, if it ``is_forgetful``: where they do not depend on what went before.
    """

    path: Path
    bps: float
    is_lasting: bool
    is_forgetful: bool
    is_used: bool = False
    plans: dict[float, Plan] = field(default_factory=dict)


class Letter:
    """One of them; for its ends it is a flow. It ends once: there, given up, or because an end has gone."""

    __slots__ = (
        "_asked_s",
        "_hear",
        "_held",
        "_is_watching",
        "_letters",
        "_moves_s",
        "_plan",
        "_road",
        "_sent_bytes",
        "_sim",
        "_size_bytes",
        "_timer",
        "_woken_s",
        "ended_s",
        "number",
        "rate_bps",
        "source",
        "target",
    )

    def __init__(
        self, letters: "Letters", source: Endpoint, target: Endpoint, road: Road, size_bytes: float, *, hear: Hear
    ) -> None:
        self._letters = letters
        self.source = source
        self.target = target
        self._road = road
        self._size_bytes = size_bytes
        self._hear = hear
        self._plan = _UNSENT
        self._sim = letters.sim
        self._asked_s = self._woken_s = letters.sim.now
        self._moves_s = math.inf
        self._sent_bytes = 0.0
        self._held = 0
        self._is_watching = False
        self._timer: asyncio.TimerHandle | None = None
        self.ended_s: float | None = None
        self.number = letters.next_number()
        self.rate_bps = 0.0

    @property
    def sent_bytes(self) -> float:
        """Bytes that have moved up to now; all of them, exactly, when it is there."""
        if self.ended_s is not None or not self.rate_bps:
            return self._sent_bytes
        wire_bytes = self._plan.wire_bytes
        return wire_bytes - max(0.0, wire_bytes - self.rate_bps * (self._sim.now - self._moves_s) / 8)

    def begin(self) -> None:
        """Wake the radio of its source, then that of its target.

        Raises:
            DeviceDownError: the target is not there.
        """
        if not self._road.is_lasting:
            self.target.enter(self)
            self._is_watching = True
        self._held = 1
        if self.source.hold(self, pushed=False):
            self.connected()

    def connected(self) -> None:
        """An end is connected."""
        if self._held == 1:
            self._held = 2
            if not self.target.hold(self, pushed=True):
                return
        self._woken_s = self._sim.now
        self._plan = self._letters.plan(self, self._road, self._size_bytes)
        if wait_s := self._plan.wait_s:
            self._timer = self._sim.loop.call_later(wait_s, self._move)
        else:
            self._move()

    def gone(self, error: DeviceDownError) -> None:
        """The target went."""
        if self.ended_s is None:
            self._end(complete=False)
            error.sent_bytes = self._sent_bytes
            self._hear(error)

    def give_up(self) -> None:
        """It goes no further, unheard; nothing happens if it is over."""
        if self.ended_s is None:
            self._end(complete=False)

    def _move(self) -> None:
        """The wait is over: its bytes move."""
        now_s, plan, bps = self._sim.now, self._plan, self._road.bps
        self._moves_s = now_s
        self.rate_bps = bps if bps < plan.cap_bps else plan.cap_bps  # noqa: FURB136  # min costs more than the rest
        self.source.follow(self, outgoing=True)
        self.target.follow(self, outgoing=False)
        self._timer = self._sim.loop.call_at(now_s + 8 * plan.wire_bytes / self.rate_bps, self._arrive)

    def _arrive(self) -> None:
        now_s, plan, wire_bytes = self._sim.now, self._plan, self._plan.wire_bytes
        moved_s, alone_s = now_s - self._moves_s, 8 * self.sent_bytes / self.rate_bps
        self._end(complete=True)
        wake_s = self._woken_s - self._asked_s
        delivery = arrived(plan, ends_s=now_s, moved_s=moved_s, alone_s=alone_s, wake_s=wake_s)
        delivery.size_bytes, delivery.wire_bytes = self._size_bytes, wire_bytes
        self._hear(delivery)

    def _end(self, *, complete: bool) -> None:
        """Leave everything: the bytes that moved are counted, the radios let go."""
        del self._letters.open[self]
        self._sent_bytes = self._plan.wire_bytes if complete else self.sent_bytes
        self.rate_bps, self.ended_s = 0.0, self._sim.now
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None  # which knows this letter: nothing of it is left behind for the garbage collector
        source, target, held = self.source, self.target, self._held
        if self._plan is not _UNSENT:
            self._letters.over(self, self._road, self._plan.window, complete=complete)
            source.follow(self, outgoing=True)
            target.follow(self, outgoing=False)
        if held > 1:
            target.release(self)
        if held:
            source.release(self)
        if self._is_watching:
            target.leave(self)


class Letters:
    """Sends them, through a network whose links nobody changes as long as any is under way."""

    def __init__(self, sim: Simulation, network: Network) -> None:
        self.sim = sim
        self._network = network
        self._links = network.links
        self._connections = network.connections
        self._transport = network.transport
        self._roads: dict[str, dict[str, Road | None]] = {}
        self.open: dict[Letter, None] = {}
        """Those under way."""
        network.disturbed = self._roads.clear
        network.changing = self._check
        self._links.moving_beside = self._moving_bytes

    def post(self, source: Endpoint, target: Endpoint, size_bytes: float, hear: Hear) -> Letter | None:
        """Send a message as a letter; None if it cannot go as one, and nothing has happened.

        ``hear`` is told of its end, but not if it is given up.

        Raises:
            DeviceDownError: the target is not there.
        """
        if self._links.vary or not size_bytes > 0:
            return None
        roads = self._roads.get(source.name)
        if roads is None:
            roads = self._roads[source.name] = {}
        if target.name not in roads:
            roads[target.name] = self._road(source, target)
        road = roads[target.name]
        if road is None:
            return None
        letter = Letter(self, source, target, road, size_bytes, hear=hear)
        letter.begin()
        self.open[letter] = None
        return letter

    def next_number(self) -> int:
        """The number of a new letter: flows are counted with them."""
        return self._links.next_number()

    def plan(self, letter: Letter, road: Road, size_bytes: float) -> Plan:
        """How a letter passes that sets out now."""
        if not road.is_used:
            road.is_used = True
            self._network.need(letter.source.name, letter.target.name)
        plan = road.plans.get(size_bytes)
        if plan is None:
            connection = self._connections.look(letter.source.name, letter.target.name, self.sim.now)
            plan = self._transport.plan(road.path, size_bytes, connection)
            if road.is_forgetful:
                road.plans[size_bytes] = plan
        self._links.offer(plan.wire_bytes)
        return plan

    def over(self, letter: Letter, road: Road, window: float, *, complete: bool) -> None:
        """A letter that had set out has ended."""
        self._links.decide(letter.sent_bytes, complete=complete)
        if road.is_forgetful:
            return
        source, target = letter.source.name, letter.target.name
        if complete:
            self._connections.keep(source, target, window, self.sim.now)
        else:
            self._connections.drop(source, target)

    def _moving_bytes(self) -> float:
        return math.fsum(letter.sent_bytes for letter in self.open)

    def _check(self, name: str | None) -> None:
        """Links change, or those of this name: letters would not notice.

        Raises:
            FedsimError: some are under way.
        """
        for letter in self.open:
            if name is None or name in {letter.source.name, letter.target.name}:
                raise FedsimError(
                    f"links cannot change while a letter is under way from {letter.source.name} to "
                    f"{letter.target.name}: let the scenario know of outages, or set messenger.letters to None"
                )

    def _road(self, source: Endpoint, target: Endpoint) -> Road | None:
        if source is target or not (source.is_settled and target.is_settled):
            return None
        path = self._network.road(source.name, target.name)
        if path is None or path.back_s is None or not 0 < path.rate_bps < math.inf:
            return None
        is_forgetful = self._transport.remembers(path) == FORGETFUL
        return Road(path, path.rate_bps, target.is_lasting, is_forgetful)
