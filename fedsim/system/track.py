"""Lines from one name to another, one after the other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from fedsim.system.lines import Line
from fedsim.system.passage import AT_HOME, Way, way


class Section(NamedTuple):
    """Lines one after the other: their links, media among them, and their delay; put together once for many tracks."""

    lines: tuple[Line, ...] = ()
    links: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()
    """Links without media."""
    delay_s: float = 0.0
    loses: bool = False


def section(lines: Sequence[Line], delay_s: float | None = None) -> Section:
    """Of these lines; ``delay_s`` where it is known better than as their sum."""
    return Section(
        lines=tuple(lines),
        links=tuple([link for line in lines for link in (line.link, *line.medium)]),
        numbers=tuple([line.link for line in lines]),
        delay_s=sum(line.delay_s for line in lines) if delay_s is None else delay_s,
        loses=any(line.loss for line in lines),
    )


def of_one(line: Line) -> Section:
    """Of this line, as ``section`` would put it together: most sections are of the access link of one device."""
    number = (line.link,)
    return Section((line,), number + line.medium, number, line.delay_s, line.loss > 0)


@dataclass(slots=True)
class Track:
    """Lines from one name to another: those of the sender's access, of the core, and of the receiver's access."""

    up: Section
    core: Section
    down: Section

    @property
    def delay_s(self) -> float:
        """Seconds from end to end."""
        return self.up.delay_s + self.core.delay_s + self.down.delay_s

    @property
    def lines(self) -> tuple[Line, ...]:
        """All of them in order."""
        return self.up.lines + self.core.lines + self.down.lines

    @property
    def links(self) -> tuple[int, ...]:
        """Theirs, media among them, in order."""
        return self.up.links + self.core.links + self.down.links

    @property
    def numbers(self) -> tuple[int, ...]:
        """Theirs, without media, in order."""
        return self.up.numbers + self.core.numbers + self.down.numbers

    @property
    def loss(self) -> float:
        """Share of packets that do not get through."""
        if not (self.up.loses or self.core.loses or self.down.loses):
            return 0.0
        return 1 - math.prod(1 - line.loss for line in self.lines)


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
            there = self.there.links or AT_HOME.links
            back = self.back.links if self.back is not None and back_share else ()
            if len(there) == len(self.numbers):  # no media, so that no link is in both
                self._way = Way(there + back, _uses(len(there), len(back), back_share))
            else:
                self._way = way(there, back, back_share)
            self._back_share = back_share
        return self._way

    def turned(self) -> "Both | None":
        """As who answers finds them; None if there is no way back."""
        back = self.back
        if back is None or self.back_s is None:
            return None
        return Both(back, self.there, self.back_s, self.delay_s, back.numbers, back.loss)

    def tracks(self, back_share: float) -> tuple[Track, ...]:
        """Those of which an outage ends a message whose acknowledgements take this share."""
        return (self.there,) if self.back is None or not back_share else (self.there, self.back)


@lru_cache
def _uses(there: int, back: int, back_share: float) -> tuple[float, ...]:
    """Of so many links there and back; the same object for all devices of a place."""
    return (1.0,) * there + (back_share,) * back


def both(there: Track, back: Track | None) -> Both:
    """These two, or the one."""
    return Both(there, back, there.delay_s, None if back is None else back.delay_s, there.numbers, there.loss)
