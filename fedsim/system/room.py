"""Room on links, kept for flows that are foreseen: as long as it is theirs, they go by themselves."""

from collections.abc import Callable

from fedsim.system.passage import Way
from fedsim.system.tightness import Tightness


def _nobody_minds() -> None:
    pass


Uses = tuple[tuple[int, float], ...]
"""Links, each with what a flow takes of it: that many times its rate."""


class Room:
    """What is kept of each link, and who must be told before a flow comes for which there is not enough beside.

    ``is_closed``: nothing may be foreseen.
    """

    def __init__(self, links: Tightness) -> None:
        self._links = links
        self._kept_bps: dict[int, float] = {}
        self.is_closed = False
        self.crowded: Callable[[], None] = _nobody_minds

    def is_there(self, uses: Uses, bps: float) -> bool:
        """Whether a flow of this rate that uses these links would be free, and leave others so."""
        return not self.is_closed and self._links.would_be_free(uses, bps, self._kept_bps)

    def keep(self, uses: Uses, bps: float) -> None:
        """For one flow more."""
        kept_bps = self._kept_bps
        for link, use in uses:
            kept_bps[link] = kept_bps.get(link, 0.0) + use * bps

    def clear(self) -> None:
        """For nobody."""
        self._kept_bps.clear()

    def come(self, way: Way, lone_bps: float) -> None:
        """A flow will come; if that may hold back one for which room is kept, say so now."""
        kept_bps = self._kept_bps
        if not kept_bps or kept_bps.keys().isdisjoint(way.links):
            return
        if not self.is_there(tuple(zip(*way, strict=True)), lone_bps):
            self.crowded()
