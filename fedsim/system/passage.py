"""A message under way: where it goes, and who waits for it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from fedsim.system.flow import Flow


class Way(NamedTuple):
    """Links that a flow moves over at once, and what it takes of each: that many times its rate."""

    links: tuple[int, ...]
    uses: tuple[float, ...]

    @property
    def is_plain(self) -> bool:
        """Whether it takes just its rate everywhere."""
        return all(use == 1 for use in self.uses)


AT_HOME: Final = Way((1,), (1.0,))
"""Of those who need no link: its number is the first beside 0, which pads routes, and it limits nobody."""


def way(route: Sequence[int], back: Sequence[int], back_share: float) -> Way:
    """All of the rate on ``route`` and ``back_share`` of it on ``back``; both on a link that is in both."""
    if not back or not back_share:
        return Way(tuple(route), (1.0,) * len(route))
    if set(route).isdisjoint(back):
        return Way((*route, *back), (1.0,) * len(route) + (back_share,) * len(back))
    uses = dict.fromkeys(route, 1.0)
    for link in back:
        uses[link] = uses.get(link, 0.0) + back_share
    return Way(tuple(uses), tuple(uses.values()))


Over = Callable[[BaseException | None], None]
"""Hears the end of a flow: None when it is there, else why it is not."""


@dataclass(slots=True)
class Passage:
    """A flow from being sent to its end."""

    flow: Flow
    way: Way
    over: Over
    """Told when the flow is there, or of what it was abandoned with."""
    timer: asyncio.TimerHandle | None = None
    """Rings at the end of the delay."""
    moves: bool = False
    """Whether its delay is over."""
    legs: list[tuple[Way, float]] | None = None
    """Ways over which it has moved, and the bytes of each."""


def settle(arrival: "asyncio.Future[None]", error: BaseException | None) -> None:
    """Let the task go on that waits for a flow, unless it has been cancelled."""
    if arrival.done():
        return
    if error is None:
        arrival.set_result(None)
    else:
        arrival.set_exception(error)
