"""What links carried and what became of it."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, NamedTuple

import numpy as np

from fedsim.system.busy import BusyTimes, Numbers, Stretches
from fedsim.system.passage import Way
from fedsim.system.process import Array

_MANY: Final = 4096
"""So many messages are booked before they are entered."""
_MORE: Final = 1024
"""By so many links the columns grow."""


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


class _Columns:
    """A number for each link under each of these headings: read and written one by one, or as arrays all at once."""

    def __init__(self) -> None:
        self.offered_bytes = array("d")
        self.delivered_bytes = array("d")
        self.wasted_bytes = array("d")
        self.undecided_bytes = array("d")
        """Carried for flows that are on other links by now and not yet over."""
        self.booked_bytes = array("d")
        """Of messages that were foreseen: offered, and delivered."""
        self.busy_since_s = array("d")
        self.full_s = array("d")
        self.rated_bytes = array("d")
        """Carried up to the last change of capacity, for which ``full_s`` is told."""

    def grow(self) -> None:
        """Be some links longer."""
        zeros, never = bytes(8 * _MORE), array("d", [math.inf]) * _MORE
        for name, column in vars(self).items():
            if name == "busy_since_s":
                column.extend(never)
            else:
                column.frombytes(zeros)


class Ledger:
    """Adds up flows when they come to links, leave them, and end, so that moving costs no bookkeeping.

    Messages that were foreseen have an account of their own on each link: it is written for many of them at once.
    """

    def __init__(self) -> None:
        self.offered_bytes = 0.0
        self.delivered_bytes = 0.0
        self.wasted_bytes = 0.0
        self._links = 0
        self._of = _Columns()
        self._busy = BusyTimes()
        self._booked: list[tuple[Way, float, float, float]] = []  # and not entered yet
        self.is_replayed = False
        """While flows of an earlier time are added: each is told when it is over, or that time is, and not before."""
        self.foreseen_s = math.inf
        """From when on messages may still be booked that were foreseen."""

    def add_links(self, links: int) -> None:
        """So many links more, with the next numbers."""
        self._links += links
        while self._links > len(self._of.full_s):
            self._of.grow()

    def begin(self, way: Way, left_bytes: float, now_s: float) -> None:
        """A flow begins to move over these links."""
        offered_bytes, busy_since_s = self._of.offered_bytes, self._of.busy_since_s
        for link, use in zip(way.links, way.uses, strict=True):
            offered_bytes[link] += use * left_bytes
            if now_s < busy_since_s[link] and not self.is_replayed:
                busy_since_s[link] = now_s

    def move_on(self, way: Way, moved_bytes: float) -> None:
        """A flow that has moved so much over these links goes on over others."""
        _add(self._of.undecided_bytes, way, moved_bytes)

    def end(self, way: Way, moved_bytes: float, *, complete: bool) -> None:
        """A flow is over that has last moved so much over these links."""
        if complete:
            self.delivered_bytes += moved_bytes
            _add(self._of.delivered_bytes, way, moved_bytes)
        else:
            self.wasted_bytes += moved_bytes
            _add(self._of.wasted_bytes, way, moved_bytes)

    def decide(self, way: Way, moved_bytes: float, *, complete: bool) -> None:
        """A flow is over that had gone on from these links."""
        self.end(way, moved_bytes, complete=complete)
        self.move_on(way, -moved_bytes)

    def rest(self, links: Sequence[int], now_s: float) -> None:
        """The last flow left these links."""
        if self.is_replayed:
            return
        busy_since_s = self._of.busy_since_s
        for link in links:
            self._busy.tell(link, busy_since_s[link], now_s)
            busy_since_s[link] = math.inf
        if self._busy.are_many:
            self._enter()

    def book(self, way: Way, moved_bytes: float, from_s: float, to_s: float) -> None:
        """A message that was foreseen, and of which its links have heard nothing yet, has moved and arrived.

        They hear of it when somebody asks, or of many at once.
        """
        self.offered_bytes += moved_bytes
        self.delivered_bytes += moved_bytes
        self._booked.append((way, moved_bytes, from_s, to_s))
        if len(self._booked) == _MANY:
            self._enter()

    def was_busy(self, way: Way, from_s: float, to_s: float | None) -> None:
        """A flow of an earlier time moved over these links, up to then; or, None, it still does."""
        busy_since_s = self._of.busy_since_s
        for link in way.links:
            if to_s is not None:
                self._busy.tell(link, from_s, to_s)
            else:
                busy_since_s[link] = min(busy_since_s[link], from_s)

    def change_capacity(self, link: int, *, before_bps: float, moving_bytes: float) -> None:
        """From now on a link has another capacity than before; the flows on it have moved so much over it."""
        self._enter()
        of = self._of
        delivered_bytes = of.delivered_bytes[link] + of.booked_bytes[link]
        carried_bytes = delivered_bytes + of.wasted_bytes[link] + of.undecided_bytes[link] + moving_bytes
        if before_bps > 0:
            of.full_s[link] += 8 * (carried_bytes - of.rated_bytes[link]) / before_bps
        of.rated_bytes[link] = carried_bytes

    def uses(self, links: Numbers, *, capacity_bps: Array, used_bps: Array, moving_bytes: Array, now_s: float) -> Array:
        """What each of these links, (n,), did up to now, with what the flows on it have moved over it: (7, n).

        The rows are those of a ``LinkUse``. Links have ``capacity_bps`` now, and had ``used_bps`` when they were last
        in use.
        """
        self._enter()
        of = self._of
        offered_bytes, booked_bytes = np.frombuffer(of.offered_bytes)[links], np.frombuffer(of.booked_bytes)[links]
        delivered_bytes = np.frombuffer(of.delivered_bytes)[links] + booked_bytes
        wasted_bytes = np.frombuffer(of.wasted_bytes)[links]
        carried_bytes = delivered_bytes + wasted_bytes + np.frombuffer(of.undecided_bytes)[links] + moving_bytes
        unrated_bytes = np.where(used_bps > 0, carried_bytes - np.frombuffer(of.rated_bytes)[links], 0.0)
        rows = (
            capacity_bps,
            offered_bytes + booked_bytes,
            carried_bytes,
            delivered_bytes,
            wasted_bytes,
            self._busy.seconds(links, np.frombuffer(of.busy_since_s)[links], now_s),
            np.frombuffer(of.full_s)[links] + 8 * unrated_bytes / np.where(used_bps > 0, used_bps, 1.0),
        )
        return np.stack(rows)

    def _enter(self) -> None:
        """Write what was booked into the accounts, and sum up what links did when that is much.

        More may be told from when on a link is in use, and from the first message that is foreseen; but what was
        booked may be of any earlier time, so that nothing is summed up before it is written.
        """
        if self._booked:
            self._write()
        if self._busy.are_many:
            self._busy.gather(np.minimum(np.frombuffer(self._of.busy_since_s)[: self._links], self.foreseen_s))

    def _write(self) -> None:
        (ways, moved_bytes, from_s, to_s), self._booked = zip(*self._booked, strict=True), []
        lengths = [len(way.links) for way in ways]
        links = np.fromiter(chain.from_iterable([way.links for way in ways]), dtype=np.int64, count=sum(lengths))
        uses = np.fromiter(chain.from_iterable([way.uses for way in ways]), dtype=np.float64, count=len(links))
        np.add.at(np.frombuffer(self._of.booked_bytes), links, uses * np.repeat(moved_bytes, lengths))
        self._busy.tell_many(Stretches(links, np.repeat(from_s, lengths), np.repeat(to_s, lengths)))


def _add(column: "array[float]", way: Way, moved_bytes: float) -> None:
    for link, use in zip(way.links, way.uses, strict=True):
        column[link] += use * moved_bytes
