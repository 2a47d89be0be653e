"""What messages meet that go from one name to another, for as long as nothing about the links changes."""

import math
from dataclasses import dataclass
from typing import Final

from fedsim.system.passage import AT_HOME, Way
from fedsim.system.track import Both, Track
from fedsim.system.transport import Path

_UNKNOWN: Final = -1.0


@dataclass(slots=True, eq=False)
class Approach:
    """The path as a transport sees it, the links there and back, and what each carries, by its number.

    After ``go_with`` it also has the way of messages whose acknowledgements take such a share of the way back: the rate
    that they have alone if nothing else bounds them, and the links of the way that others may use, too.
    """

    path: Path
    both: Both
    carries_bps: dict[int, float]
    is_steady: bool
    way: Way = AT_HOME
    narrowest_bps: float = math.inf
    shared: tuple[tuple[int, float], ...] = ()
    back_share: float = _UNKNOWN

    def go_with(self, back_share: float) -> None:
        """With acknowledgements of this share."""
        if back_share == self.back_share:
            return
        self.back_share, self.way = back_share, self.both.way(back_share)
        uses = list(zip(self.way.links, self.way.uses, strict=True))
        self.narrowest_bps = min((self.carries_bps[link] / use for link, use in uses), default=math.inf)
        core = {link for track in self._tracks() for link in track.core.links}
        self.shared = tuple((link, use) for link, use in uses if link in core)

    def _tracks(self) -> tuple[Track, ...]:
        return (self.both.there,) if self.both.back is None else (self.both.there, self.both.back)
