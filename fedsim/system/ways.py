"""Ways into the network that devices of one kind have beside their own link, with laws of what each gets there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fedsim.kernel import Luck
from fedsim.system.access import Access
from fedsim.system.handover import Fate, Handover, Moves, Way
from fedsim.system.law import Law
from fedsim.system.process import Numbers
from fedsim.system.profiles import RadioProfile


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

    def way(self, rank: int, thing: Numbers, luck: Callable[..., Luck]) -> Way:
        """That of one device; thing: (1,) its number    luck: by name, of this technology."""

        def drawn(name: str, law: Law) -> float:
            return float(law.isf(luck(name).uniforms(thing, 0))[0])

        access = Access(
            up_bps=drawn("up_bps", self.up_bps),
            down_bps=drawn("down_bps", self.down_bps),
            delay_s=drawn("rtt_s", self.rtt_s) / 2,
            half_duplex=self.half_duplex,
        )
        place = self.places[rank % len(self.places)]
        return Way(link=self.link, place=place, access=access, radio=self.radio, paging_s=self.paging_s)


@dataclass(frozen=True, kw_only=True)
class Roams:
    """How devices change between their own link and others; see ``Handover``."""

    others: Sequence[OtherWay]
    moves: Moves
    then: Fate = "continue"

    def handover(self, home: str, rank: int, thing: int, luck: Callable[..., Luck]) -> Handover:
        """That of one device, whose own link is ``home``.

        What it draws belongs to a technology, not to a way: it has the same luck with 4G in one cell as in the next.
        """
        things = np.array([thing], dtype=np.uint64)
        ways = []
        for way in self.others:
            about = () if way.link == home else (way.link,)
            ways.append(way.way(rank, things, lambda *names, about=about: luck(*about, *names)))
        return Handover(others=tuple(ways), moves=self.moves, then=self.then)
