"""What messages meet that go from one name to another, for as long as nothing about the links changes."""

import math
from dataclasses import dataclass
from typing import Final

from fedsim.system.links import SharedLinks
from fedsim.system.passage import AT_HOME, Way
from fedsim.system.track import Both
from fedsim.system.transport import Path

_UNKNOWN: Final = -1.0


@dataclass(slots=True, eq=False)
class Approach:
    """The path as a transport sees it, and the links there and back.

    After ``go_with`` it also has the way of messages whose acknowledgements take such a share of the way back: the rate
    that they have alone if nothing else bounds them, and the links of the way that others may use, too.
    """

    links: SharedLinks
    path: Path
    both: Both
    way: Way = AT_HOME
    narrowest_bps: float = math.inf
    shared: tuple[tuple[int, float], ...] = ()
    back_share: float = _UNKNOWN

    def go_with(self, back_share: float) -> None:
        """With acknowledgements of this share."""
        if back_share == self.back_share:
            return
        there, back = self.both.there, self.both.back
        self.back_share, self.way = back_share, self.both.way(back_share)
        self.narrowest_bps = self.links.lone_bps(self.way)
        core = {*there.core.links, *(() if back is None else back.core.links)}
        self.shared = tuple([(link, use) for link, use in zip(*self.way, strict=True) if link in core])
