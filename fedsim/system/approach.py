"""What messages meet that go from one name to another, for as long as nothing about the links changes."""

import math
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from fedsim.system.connections import Trace, warmth
from fedsim.system.links import SharedLinks
from fedsim.system.passage import Way
from fedsim.system.room import Uses
from fedsim.system.track import Track
from fedsim.system.transport import Connection, Memory, Path, Plan, Transport

_MANY: Final = 64

Traces = tuple[Trace | None, Trace | None]
"""What the last messages between two names left: the one that went this way, and the one that went back."""

_Key = tuple[float, bool, float | None]
"""Bytes, whether the connection is there, and its window, if that counts."""

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


_crossing = partial(tuple.__new__, Crossing)  # as Crossing does, in two thirds of the time
_path = partial(tuple.__new__, Path)


class Crossings:
    """What becomes of messages on tracks of a network, for as long as nothing about the links changes."""

    def __init__(self, links: SharedLinks, transport: Transport, cores: Callable[[Track, Track, float], Uses]) -> None:
        """``cores``: those links of a track and of that back that others may use, too."""
        self._links = links
        self.transport = transport
        self._cores = cores

    def path(self, there: Track, back: Track) -> Path:
        """The way there as a transport sees it."""
        return _path((there.delay_s, back.delay_s, self._links.rates_bps(there.numbers), there.loss))

    def of(self, there: Track, back: Track, path: Path, key: _Key) -> Crossing | None:
        """That of such a message; None if it moves nothing, or takes no time."""
        size_bytes, is_open, window = key
        connection = _OPEN if is_open else _CLOSED
        if window is not None:
            connection = Connection(connection.idle_s, window, 0.0)
        plan = self.transport.plan(path, size_bytes, connection)
        wire_bytes, cap_bps, back_share = plan.wire_bytes, plan.cap_bps, plan.back_share
        way = there.way(back, back_share)
        bps = self._links.lone_bps(way, cap_bps)
        if not (wire_bytes > 0 and 0 < bps < math.inf):
            return None
        core = self._cores(there, back, back_share)
        return _crossing((plan, way, plan.wait_s, 8 * wire_bytes / bps, bps, wire_bytes, core))


class Approach:
    """What messages meet that go over one track while others go back over another; those that are alike meet the same.

    Most are asked of once, or for messages of one kind: only others cost more than a few numbers.
    """

    __slots__ = ("_back", "_crossings", "_is_open", "_latest", "_memory", "_others", "_size_bytes", "_there", "_window")

    def __init__(self, crossings: Crossings, there: Track, back: Track) -> None:
        self._crossings = crossings
        self._there = there
        self._back = back
        self._size_bytes: float | None = None
        self._is_open = False
        self._window: float | None = None
        self._latest: Crossing | None = None
        self._memory: Memory | None = None
        self._others: dict[_Key, Crossing | None] | None = None

    def crossing(self, size_bytes: float, traces: Traces, now_s: float) -> Crossing | None:
        """That of a message that is sent now; None if it moves nothing, or takes no time."""
        there, back = traces
        path, is_open, window = None, False, None
        if there is not None or back is not None:
            if self._memory is None:
                path = self._crossings.path(self._there, self._back)
                self._memory = self._crossings.transport.remembers(path)
            idle_s, window, quiet_s = warmth(there, back, now_s)
            is_open = idle_s <= self._memory.open_s
            if quiet_s > self._memory.warm_s:
                window = None
        if size_bytes != self._size_bytes or is_open != self._is_open or window != self._window:
            self._recall((size_bytes, is_open, window), path)
        return self._latest

    def _recall(self, key: _Key, path: Path | None) -> None:
        """Let the crossing of such a message be the latest."""
        others = self._others
        if self._size_bytes is not None:
            if others is None or len(others) == _MANY:
                others = self._others = {}
            others[self._size_bytes, self._is_open, self._window] = self._latest
        if others and key in others:
            self._latest = others.pop(key)
        else:
            path = path or self._crossings.path(self._there, self._back)
            self._latest = self._crossings.of(self._there, self._back, path, key)
        self._size_bytes, self._is_open, self._window = key
