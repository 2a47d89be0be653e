"""A message under way: where it goes, and who waits for it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from fedsim.system.flow import Flow


@dataclass(frozen=True, slots=True)
class Way:
    """Links that a flow moves over at once, and what it takes of each: that many times its rate."""

    links: tuple[int, ...]
    uses: tuple[float, ...]

    @property
    def is_plain(self) -> bool:
        """Whether it takes just its rate everywhere."""
        return all(use == 1 for use in self.uses)


def way(route: Sequence[int], back: Sequence[int], back_share: float) -> Way:
    """All of the rate on ``route`` and ``back_share`` of it on ``back``; both on a link that is in both."""
    if not back or not back_share:
        return Way(tuple(route), (1.0,) * len(route))
    uses = dict.fromkeys(route, 1.0)
    for link in back:
        uses[link] = uses.get(link, 0.0) + back_share
    return Way(tuple(uses), tuple(uses.values()))


@dataclass(slots=True)
class Passage:
    """A flow from being sent to its end."""

    flow: Flow
    way: Way
    arrival: asyncio.Future[None]
    """Done when the flow is there, or failed when it is abandoned."""
    timer: asyncio.TimerHandle | None = None
    """Rings at the end of the delay."""
    slot: int = -1
    """Its slot while it moves."""
    legs: list[tuple[Way, float]] = field(default_factory=list)
    """Ways over which it has moved, and the bytes of each."""
