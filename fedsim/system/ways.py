"""Ways into the network that devices of one kind have beside their own link, with laws of what each gets there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from fedsim.kernel import Luck
from fedsim.system.access import Access
from fedsim.system.course import STEADY, Course, OwnRates
from fedsim.system.handover import Fate, Handover, Moves, Way
from fedsim.system.law import Law
from fedsim.system.process import Numbers
from fedsim.system.profiles import RadioProfile


class Line(Protocol):
    """What a device's link is like, whatever its rates."""

    @property
    def half_duplex(self) -> bool:
        """Whether both directions share the medium."""

    @property
    def loss(self) -> float:
        """Share of packets lost."""

    @property
    def course(self) -> Course:
        """How rates go over time."""


@dataclass(frozen=True, kw_only=True)
class Roamer:
    """One device: its rank, its number (1,), its group's luck by name, and streams for its rates over time."""

    rank: int
    thing: Numbers
    luck: Callable[..., Luck]
    streams: Callable[..., np.random.Generator]


def access(line: Line, rates: OwnRates, rtt_s: float) -> Access:
    """A device's own link, with its mean rates and round trip."""
    up, down = line.course.of(rates)
    return Access(
        up_bps=rates.up_bps,
        down_bps=rates.down_bps,
        delay_s=rtt_s / 2,
        half_duplex=line.half_duplex,
        up=up,
        down=down,
        loss=line.loss,
    )


@dataclass(frozen=True, kw_only=True)
class OtherWay:
    """A way into the network that devices take at times: laws and places as those of their kind."""

    link: str
    places: Sequence[str]
    radio: RadioProfile
    half_duplex: bool
    paging_s: float
    up_bps: Law
    down_bps: Law
    rtt_s: Law
    loss: float = 0.0
    course: Course = STEADY

    def way(self, home: str, who: Roamer) -> Way:
        """That of one device, whose own link is ``home``.

        What it draws belongs to a technology, not to a way: it has the same luck with 4G in one cell as in the next.
        """
        about = () if self.link == home else (self.link,)

        def drawn(name: str, law: Law) -> float:
            return float(law.isf(who.luck(*about, name).uniforms(who.thing, 0))[0])

        rates = OwnRates(
            rank=who.rank,
            up_bps=drawn("up_bps", self.up_bps),
            down_bps=drawn("down_bps", self.down_bps),
            luck=partial(who.streams, *about),
        )
        return Way(
            link=self.link,
            place=self.places[who.rank % len(self.places)],
            access=access(self, rates, drawn("rtt_s", self.rtt_s)),
            radio=self.radio,
            paging_s=self.paging_s,
        )


@dataclass(frozen=True, kw_only=True)
class Roams:
    """How devices change between their own link and others; see ``Handover``."""

    others: Sequence[OtherWay]
    moves: Moves
    then: Fate = "continue"

    def handover(self, home: str, who: Roamer) -> Handover:
        """That of one device, whose own link is ``home``."""
        return Handover(others=tuple(way.way(home, who) for way in self.others), moves=self.moves, then=self.then)
