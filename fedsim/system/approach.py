"""What messages meet that go from one name to another, for as long as nothing about the links changes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from fedsim.system.connections import Trace, warmth
from fedsim.system.links import SharedLinks
from fedsim.system.passage import AT_HOME, Way
from fedsim.system.room import Uses
from fedsim.system.track import Both, Track
from fedsim.system.transport import Connection, Memory, Path, Plan, Transport

_MANY: Final = 64

Traces = tuple[Trace | None, Trace | None]
"""What the last messages between two names left: the one that went this way, and the one that went back."""

_Key = tuple[float, bool, float | None]
"""Bytes, whether the connection is there, and its window, if that counts."""


_Lane = tuple[Way, float, Uses]
"""A way, what a message has on it alone, and those of its links that others may use, too."""


_NOWHERE: Final[_Lane] = (AT_HOME, math.inf, ())
_OPEN: Final = Connection(idle_s=0.0)
_CLOSED: Final = Connection()


class Crossing(NamedTuple):
    """How a message passes that has all the room that it wants: it waits, and then its bytes move for ``lasts_s``.

    ``core`` are those links of its way that others may use, too, with what it takes of each: that many times ``bps``.
    """

    plan: Plan
    way: Way
    wait_s: float
    lasts_s: float
    bps: float
    wire_bytes: float
    core: Uses


@dataclass(slots=True, eq=False)
class Approach:
    """The path as a transport sees it, and the links there and back. Messages that are alike cross it alike."""

    links: SharedLinks
    transport: Transport
    path: Path
    both: Both
    cores: Callable[[Track, Track | None, float], Uses]
    _memory: Memory | None = None
    _key: _Key | None = None
    _latest: Crossing | None = None
    _others: dict[_Key, Crossing | None] | None = None  # most devices are asked once, or in one way
    _back_share: float = -1.0
    _known_lane: _Lane = _NOWHERE

    def crossing(self, size_bytes: float, traces: Traces, now_s: float) -> Crossing | None:
        """That of a message that is sent now; None if it moves nothing, or takes no time."""
        key = (size_bytes, *self._warmth(*traces, now_s))
        if key != self._key:
            self._recall(key)
        return self._latest

    def _warmth(self, there: Trace | None, back: Trace | None, now_s: float) -> tuple[bool, float | None]:
        """Whether the connection is there, and its window, if that counts."""
        if there is None and back is None:
            return False, None
        if self._memory is None:
            self._memory = self.transport.remembers(self.path)
        connection = warmth(there, back, now_s)
        is_warm = connection.quiet_s <= self._memory.warm_s
        return connection.idle_s <= self._memory.open_s, connection.window if is_warm else None

    def _recall(self, key: _Key) -> None:
        """Let the crossing of such a message be the latest."""
        if self._key is None:
            self._key, self._latest = key, self._crossing(key)
            return
        if self._others is None or len(self._others) == _MANY:
            self._others = {}
        self._others[self._key] = self._latest
        self._latest = self._others.pop(key) if key in self._others else self._crossing(key)
        self._key = key

    def _crossing(self, key: _Key) -> Crossing | None:
        size_bytes, is_open, window = key
        connection = _OPEN if is_open else _CLOSED
        if window is not None:
            connection = Connection(connection.idle_s, window, 0.0)
        plan = self.transport.plan(self.path, size_bytes, connection)
        way, lone_bps, core = self._lane(plan.back_share)
        wire_bytes, bps = plan.wire_bytes, min(plan.cap_bps, lone_bps)
        if not (wire_bytes > 0 and 0 < bps < math.inf):
            return None
        return Crossing(plan, way, plan.wait_s, 8 * wire_bytes / bps, bps, wire_bytes, core)

    def _lane(self, back_share: float) -> _Lane:
        """Of messages whose acknowledgements take this share of the way back."""
        if back_share != self._back_share:
            way = self.both.way(back_share)
            self._back_share = back_share
            self._known_lane = way, self.links.lone_bps(way), self.cores(self.both.there, self.both.back, back_share)
        return self._known_lane
