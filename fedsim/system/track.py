"""Lines from one name to another, one after the other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import NamedTuple

from fedsim.system.lines import Line, Spur
from fedsim.system.passage import AT_HOME, Way, way

_way = partial(tuple.__new__, Way)  # as Way does, in two thirds of the time


class Section(NamedTuple):
    """Lines of the core one after the other: their links, media among them, and their delay; the same for many tracks.

    ``numbers`` are the links without media, ``losses`` the shares of packets that lines lose which lose any.
    """

    links: tuple[int, ...]
    numbers: tuple[int, ...]
    delay_s: float
    losses: tuple[float, ...]


def section(lines: Sequence[Line], delay_s: float) -> Section:
    """Of these lines; ``delay_s`` is known better than as their sum."""
    return Section(
        links=tuple([link for line in lines for link in (line.link, *line.medium)]),
        numbers=tuple([line.link for line in lines]),
        delay_s=delay_s,
        losses=tuple([line.loss for line in lines if line.loss]),
    )


@dataclass(slots=True, eq=False)
class Track:
    """Lines from one name to another: those of the sender's access, of the core, and of the receiver's access."""

    sender: Spur
    core: Section
    receiver: Spur

    @property
    def delay_s(self) -> float:
        """Seconds from end to end."""
        return self.sender.delay_s + self.core.delay_s + self.receiver.delay_s

    @property
    def links(self) -> tuple[int, ...]:
        """Theirs, media among them, in order."""
        return self.sender.up + self.core.links + self.receiver.down

    @property
    def numbers(self) -> tuple[int, ...]:
        """Theirs, without media, in order."""
        return self.sender.up[:1] + self.core.numbers + self.receiver.down[:1]

    @property
    def loss(self) -> float:
        """Share of packets that do not get through."""
        first, then, last = self.sender.loss, self.core.losses, self.receiver.loss
        if not (first or then or last):
            return 0.0
        return 1 - math.prod([1 - loss for loss in (first, *then, last)])

    def way(self, back: "Track | None", back_share: float) -> Way:
        """The links there, and those back, of which acknowledgements take this share of the rate."""
        links = self.links or AT_HOME.links
        links_back = back.links if back is not None and back_share else ()
        if len(self.sender.up) > 1 or len(self.receiver.down) > 1 or self.core.links != self.core.numbers:
            return way(links, links_back, back_share)
        # No media: no link is in both.
        return _way((links + links_back, _uses(len(links), len(links_back), back_share)))


@lru_cache
def _uses(there: int, back: int, back_share: float) -> tuple[float, ...]:
    """Of so many links there and back; the same object for all devices of a place."""
    return (1.0,) * there + (back_share,) * back


@dataclass(slots=True)
class Both:
    """The track from one name to another, and that back, None where there is none; put together once for many messages.

    ``delay_s``, ``back_s``, ``numbers`` and ``loss`` are those that a transport asks for, as long as nothing changes.
    """

    there: Track
    back: Track | None
    delay_s: float
    back_s: float | None
    numbers: tuple[int, ...]
    loss: float
    _way: Way = AT_HOME
    _back_share: float = -1.0

    def way(self, back_share: float) -> Way:
        """The links there, and those back, of which acknowledgements take this share of the rate."""
        if back_share != self._back_share:
            self._way, self._back_share = self.there.way(self.back, back_share), back_share
        return self._way

    def turned(self) -> "Both | None":
        """As who answers finds them; None if there is no way back."""
        return None if self.back is None else both(self.back, self.there)

    def tracks(self, back_share: float) -> tuple[Track, ...]:
        """Those of which an outage ends a message whose acknowledgements take this share."""
        return (self.there,) if self.back is None or not back_share else (self.there, self.back)


def both(there: Track, back: Track | None) -> Both:
    """These two, or the one."""
    return Both(there, back, there.delay_s, None if back is None else back.delay_s, there.numbers, there.loss)
