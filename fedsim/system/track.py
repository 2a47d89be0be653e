"""Lines from one name to another, one after the other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fedsim.system.lines import Line


@dataclass(frozen=True, slots=True)
class Section:
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
