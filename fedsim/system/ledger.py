"""What links carried and what became of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """Bytes of all messages so far. Every moved byte is in exactly one of the last three.

    offered: in messages that were sent    delivered: of messages that arrived
    wasted: moved for messages that were abandoned    moving: moved so far for messages on their way
    """

    offered_bytes: float
    delivered_bytes: float
    wasted_bytes: float
    moving_bytes: float

    @property
    def moved_bytes(self) -> float:
        """Bytes that used the links, whether or not it helped."""
        return self.delivered_bytes + self.wasted_bytes + self.moving_bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkUse:
    """One link up to now: bytes that crossed it, and seconds in which a flow had bytes to move over it."""

    capacity_bps: float
    carried_bytes: float
    busy_s: float


class Ledger:
    """Adds up flows when they end, so that moving costs no bookkeeping."""

    def __init__(self) -> None:
        self.offered_bytes = 0.0
        self.delivered_bytes = 0.0
        self.wasted_bytes = 0.0
        self._carried_bytes: list[float] = []
        self._busy_s: list[float] = []
        self._busy_since_s: list[float] = []

    def add_link(self) -> None:
        """One more link, with the next number."""
        self._carried_bytes.append(0.0)
        self._busy_s.append(0.0)
        self._busy_since_s.append(math.inf)

    def begin(self, route: Sequence[int], now_s: float) -> None:
        """A flow begins to move."""
        for link in route:
            self._busy_since_s[link] = min(self._busy_since_s[link], now_s)

    def end(self, route: Sequence[int], sent_bytes: float, *, complete: bool) -> None:
        """A flow is over."""
        if complete:
            self.delivered_bytes += sent_bytes
        else:
            self.wasted_bytes += sent_bytes
        for link in route:
            self._carried_bytes[link] += sent_bytes

    def rest(self, link: int, now_s: float) -> None:
        """The last flow left a link."""
        self._busy_s[link] += now_s - self._busy_since_s[link]
        self._busy_since_s[link] = math.inf

    def busy_s(self, link: int, now_s: float) -> float:
        """Seconds in which somebody had bytes to move over this link."""
        return self._busy_s[link] + max(0.0, now_s - self._busy_since_s[link])

    def carried_bytes(self, link: int) -> float:
        """Bytes of flows that are over."""
        return self._carried_bytes[link]
