"""Ways into the network that devices of one kind have, with laws of what each gets there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from fedsim.kernel import Luck
from fedsim.system.access import Access
from fedsim.system.copula import correlated
from fedsim.system.course import STEADY, Course, OwnRates
from fedsim.system.handover import Fate, Handover, Moves, Way
from fedsim.system.law import Law
from fedsim.system.process import Array, Numbers
from fedsim.system.profiles import RadioProfile


@dataclass(frozen=True, kw_only=True)
class Roamer:
    """One device: its rank, its number (1,), its group's luck by name, and streams for its rates over time."""

    rank: int
    thing: Numbers
    luck: Callable[..., Luck]
    streams: Callable[..., np.random.Generator]


@dataclass(frozen=True, kw_only=True)
class WayIn:
    """A way into the network that devices of one kind have: their own, or another one that they take at times.

    The devices are spread in turn over the places. ``up_bps``, ``down_bps`` and ``rtt_s`` are the laws from which each
    draws its own mean rates and round trip; ``correlation`` is the rank correlation of the two rates. ``loss`` is that
    of packets on the link, and ``course`` how its rates go over time.

    Raises:
        ValueError: no places.
    """

    link: str
    places: Sequence[str]
    radio: RadioProfile
    half_duplex: bool
    paging_s: float
    up_bps: Law
    down_bps: Law
    rtt_s: Law
    correlation: float = 0.0
    loss: float = 0.0
    course: Course = STEADY

    def __post_init__(self) -> None:
        if not self.places:
            raise ValueError("devices need a place")

    def place(self, rank: int) -> str:
        """Where the device of this rank is attached."""
        return self.places[rank % len(self.places)]

    @property
    def is_steady(self) -> bool:
        """Whether rates stay what they are."""
        return self.course is STEADY

    def steady_access(self, up_bps: float, down_bps: float, rtt_s: float) -> Access:
        """A device's own link, with its rates, which stay what they are, and round trip."""
        return Access(up_bps=up_bps, down_bps=down_bps, delay_s=rtt_s / 2, half_duplex=self.half_duplex, loss=self.loss)

    def access(self, rates: OwnRates, rtt_s: float) -> Access:
        """A device's own link, with its mean rates and round trip."""
        up, down = self.course.of(rates)
        return Access(
            up_bps=rates.up_bps,
            down_bps=rates.down_bps,
            delay_s=rtt_s / 2,
            half_duplex=self.half_duplex,
            up=up,
            down=down,
            loss=self.loss,
        )

    def way(self, home: str, who: Roamer) -> Way:
        """That of one device, whose own link is ``home``.

        What it draws belongs to a technology, not to a way: it has the same luck with 4G in one cell as in the next.
        """
        about = () if self.link == home else (self.link,)

        def uniform(name: str) -> Array:
            return who.luck(*about, name).uniforms(who.thing, 0)

        down = uniform("down_bps")
        rates = OwnRates(
            rank=who.rank,
            up_bps=float(self.up_bps.isf(correlated(uniform("up_bps"), down, self.correlation))[0]),
            down_bps=float(self.down_bps.isf(down)[0]),
            luck=partial(who.streams, *about),
        )
        return Way(
            link=self.link,
            place=self.place(who.rank),
            access=self.access(rates, float(self.rtt_s.isf(uniform("rtt_s"))[0])),
            radio=self.radio,
            paging_s=self.paging_s,
        )


@dataclass(frozen=True, kw_only=True)
class Roams:
    """How devices change between their own link and others; see ``Handover``."""

    others: Sequence[WayIn]
    moves: Moves
    then: Fate = "continue"

    def handover(self, home: str, who: Roamer) -> Handover:
        """That of one device, whose own link is ``home``."""
        return Handover(others=tuple(way.way(home, who) for way in self.others), moves=self.moves, then=self.then)
