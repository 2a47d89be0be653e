"""Marfoq's model of delays: access links split equally by the overlay's degrees, the core not shared at all.

Marfoq, Xu, Neglia and Vidal, "Throughput-optimal topology design for cross-silo federated learning", NeurIPS 2020,
equation 3: a message of M bits from i to j takes ``l(i, j) + M / min(C_up(i) / out-degree(i), C_down(j) /
in-degree(j), A(i, j))``, with the route's latency l and A its capacity over the number of its hops.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import truediv
from typing import Any

import networkx as nx

from fedsim.system.lines import Line
from fedsim.system.links import SharedLinks
from fedsim.system.track import Track


@dataclass(frozen=True, kw_only=True, slots=True)
class Degrees:
    """How many neighbours each name sends to and hears from, 1 where nothing is said."""

    out: Mapping[str, int] = field(default_factory=dict)
    into: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, overlay: "nx.DiGraph[Any] | nx.Graph[Any]") -> "Degrees":
        """Those of an overlay; in an undirected one, neighbours send to each other. Loops do not count."""
        directed: nx.DiGraph[Any] = nx.DiGraph(overlay)
        arcs: list[tuple[Any, Any]] = [arc for arc in directed.edges if arc[0] != arc[1]]
        out: dict[str, int] = {}
        into: dict[str, int] = {}
        for source, target in arcs:
            out[source] = out.get(source, 0) + 1
            into[target] = into.get(target, 0) + 1
        return cls(out=out, into=into)


class EqualSplit:
    """Gives every message a link of its own, of the rate that the model says at the time of its sending.

    The directions of a half-duplex access link count as two links, and acknowledgements take nothing.
    """

    def __init__(self, links: SharedLinks, degrees: Degrees | Callable[[], Degrees]) -> None:
        """``degrees``, or what gives them when the first message is sent."""
        self._links = links
        self._given = degrees
        self._parts: dict[tuple[str, str], tuple[int, int]] = {}
        self._free: list[int] = []

    def part(self, source: str, target: str, out: int, into: int) -> None:
        """Messages that are sent from now on from here to there share links with those of so many neighbours."""
        self._parts[source, target] = (out, into)

    def part_of(self, source: str, target: str) -> tuple[int, int] | None:
        """What was said of messages between these two, if anything was."""
        return self._parts.get((source, target)) if self._parts else None

    def pipe(self, source: str, target: str, track: Track, part: tuple[int, int] | None = None) -> Line:
        """A link for one message that stands for all lines of a track, until it is released.

        ``part``: that of the message, if it was sent with one; what has been said since is of others.
        """
        rate_bps = self.rate_bps(source, target, track, part)
        if self._free:
            link = self._free.pop()
            if self._links.rates_bps((link,)) != (rate_bps,):
                self._links.set_capacity(link, rate_bps)
        else:
            link = self._links.add_link(rate_bps)
        return Line(link, (), track.delay_s, track.loss)

    def release(self, link: int) -> None:
        """The message is over, or goes on elsewhere."""
        self._free.append(link)

    @cached_property
    def _degrees(self) -> Degrees:
        return self._given() if callable(self._given) else self._given

    def rate_bps(self, source: str, target: str, track: Track, part: tuple[int, int] | None = None) -> float:
        """What a message gets that is sent now, or was sent with this part."""
        part = part or self.part_of(source, target)
        out, into = part or (self._degrees.out.get(source, 1), self._degrees.into.get(target, 1))
        core = len(track.core.numbers)
        shares = [out] * len(track.sender.up[:1]) + [core] * core + [into] * len(track.receiver.down[:1])
        return min(map(truediv, self._links.rates_bps(track.numbers), shares), default=math.inf)
