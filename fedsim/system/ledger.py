"""What links carried and what became of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from fedsim.system.passage import Way
from fedsim.system.spans import MANY, Span, Spans

_MANY: Final = 4096
"""So many messages are booked before they are entered."""


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


class LinkUse(NamedTuple):
    """One link up to now. A flow that takes a share of its rate on its way back counts there with that share.

    offered: what flows had yet to send when they came to the link    carried: what crossed it
    delivered: of that, for messages that have arrived    wasted: of that, for messages that were abandoned
    busy: seconds in which a flow had bytes to move over it    full: seconds at its full capacity of the moment that
    would have carried the same, the integral of load over capacity; 0 for an infinite one
    """

    capacity_bps: float
    offered_bytes: float
    carried_bytes: float
    delivered_bytes: float
    wasted_bytes: float
    busy_s: float
    full_s: float


@dataclass(slots=True)
class _Account:
    """Of one link."""

    link: int
    offered_bytes: float = 0.0
    delivered_bytes: float = 0.0
    wasted_bytes: float = 0.0
    undecided_bytes: float = 0.0
    """Carried for flows that are on other links by now and not yet over."""
    busy: Spans = field(default_factory=Spans)
    busy_since_s: float = math.inf
    full_s: float = 0.0
    rated_bytes: float = 0.0
    """Carried up to the last change of capacity, for which ``full_s`` is told."""

    @property
    def done_bytes(self) -> float:
        """Carried for flows that have left it."""
        return self.delivered_bytes + self.wasted_bytes + self.undecided_bytes

    def new_full_s(self, carried_bytes: float, capacity_bps: float) -> float:
        """Seconds that all since the last change of capacity would have taken of this one."""
        return 8 * (carried_bytes - self.rated_bytes) / capacity_bps if capacity_bps > 0 else 0.0


class Booking(NamedTuple):
    """Bytes that move, and their links' accounts, each with what moves over it."""

    moved_bytes: float
    shares: tuple[tuple[_Account, float], ...]


class Ledger:
    """Adds up flows when they come to links, leave them, and end, so that moving costs no bookkeeping."""

    def __init__(self) -> None:
        self.offered_bytes = 0.0
        self.delivered_bytes = 0.0
        self.wasted_bytes = 0.0
        self._accounts: list[_Account] = []
        self._booked: list[Booking] = []  # and not entered yet; they moved then:
        self._moved: list[Span] = []
        self.is_replayed = False
        """While flows of an earlier time are added: each is told when it is over, or that time is, and not before."""
        self.foreseen_s = math.inf
        """From when on messages may still be booked that were foreseen."""

    def add_link(self) -> None:
        """One more link, with the next number."""
        self._accounts.append(_Account(link=len(self._accounts)))

    def begin(self, way: Way, left_bytes: float, now_s: float) -> None:
        """A flow begins to move over these links."""
        accounts = self._entered()
        for link, use in zip(way.links, way.uses, strict=True):
            account = accounts[link]
            account.offered_bytes += use * left_bytes
            if now_s < account.busy_since_s and not self.is_replayed:
                account.busy_since_s = now_s

    def move_on(self, way: Way, moved_bytes: float) -> None:
        """A flow that has moved so much over these links goes on over others."""
        accounts = self._entered()
        for link, use in zip(way.links, way.uses, strict=True):
            accounts[link].undecided_bytes += use * moved_bytes

    def end(self, way: Way, moved_bytes: float, *, complete: bool) -> None:
        """A flow is over that has last moved so much over these links."""
        accounts = self._entered()
        if complete:
            self.delivered_bytes += moved_bytes
            for link, use in zip(way.links, way.uses, strict=True):
                accounts[link].delivered_bytes += use * moved_bytes
        else:
            self.wasted_bytes += moved_bytes
            for link, use in zip(way.links, way.uses, strict=True):
                accounts[link].wasted_bytes += use * moved_bytes

    def decide(self, way: Way, moved_bytes: float, *, complete: bool) -> None:
        """A flow is over that had gone on from these links."""
        self.end(way, moved_bytes, complete=complete)
        self.move_on(way, -moved_bytes)

    def rest(self, links: Sequence[int], now_s: float) -> None:
        """The last flow left these links."""
        accounts = self._entered()
        for link in () if self.is_replayed else links:
            account = accounts[link]
            account.busy.add(account.busy_since_s, now_s, min(self.foreseen_s, now_s))
            account.busy_since_s = math.inf

    def booking(self, way: Way, moved_bytes: float) -> Booking:
        """How messages of so many bytes are booked on these links."""
        shares = tuple([(self._accounts[link], use * moved_bytes) for link, use in zip(*way, strict=True)])
        return Booking(moved_bytes, shares)

    def book(self, booking: Booking, from_s: float, to_s: float) -> None:
        """A message that was foreseen, and of which its links have heard nothing yet, has moved and arrived.

        They hear of it when somebody asks, or of many at once: then it takes a quarter of the time.
        """
        self.offered_bytes += booking.moved_bytes
        self.delivered_bytes += booking.moved_bytes
        self._booked.append(booking)
        self._moved.append((from_s, to_s))
        if len(self._booked) == _MANY:
            self._entered()

    def _entered(self) -> list[_Account]:
        """The accounts, when everything that was booked is in them."""
        if self._booked:
            booked, moved, self._booked, self._moved = self._booked, self._moved, [], []
            crowded: dict[int, Spans] = {}
            for (_, shares), span in zip(booked, moved, strict=True):
                for account, its_bytes in shares:
                    account.offered_bytes += its_bytes
                    account.delivered_bytes += its_bytes
                    fresh = account.busy.fresh
                    fresh.append(span)
                    if len(fresh) > MANY:
                        crowded[account.link] = account.busy
            for busy in crowded.values():
                busy.gather(self.foreseen_s)
        return self._accounts

    def was_busy(self, way: Way, from_s: float, to_s: float | None) -> None:
        """A flow of an earlier time moved over these links, up to then; or, None, it still does."""
        accounts = self._entered()
        for link in way.links:
            account = accounts[link]
            if to_s is not None:
                account.busy.add(from_s, to_s, self.foreseen_s)
            else:
                account.busy_since_s = min(account.busy_since_s, from_s)

    def change_capacity(self, link: int, *, before_bps: float, moving_bytes: float) -> None:
        """From now on a link has another capacity than before; the flows on it have moved so much over it."""
        account = self._entered()[link]
        carried_bytes = account.done_bytes + moving_bytes
        account.full_s += account.new_full_s(carried_bytes, before_bps)
        account.rated_bytes = carried_bytes

    def use(self, link: int, *, capacity_bps: float, used_bps: float, moving_bytes: float, now_s: float) -> LinkUse:
        """What a link did up to now, with what the flows on it have moved over it.

        It has ``capacity_bps`` now, and had ``used_bps`` when it was last in use.
        """
        account = self._entered()[link]
        carried_bytes = account.done_bytes + moving_bytes
        return LinkUse(
            capacity_bps=capacity_bps,
            offered_bytes=account.offered_bytes,
            carried_bytes=carried_bytes,
            delivered_bytes=account.delivered_bytes,
            wasted_bytes=account.wasted_bytes,
            busy_s=account.busy.seconds(account.busy_since_s, now_s),
            full_s=account.full_s + account.new_full_s(carried_bytes, used_bps),
        )
