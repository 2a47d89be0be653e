"""One direction of a link each: numbers among the shared links, media, delays and losses."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from fedsim.system.access import Access
from fedsim.system.capacity import Capacity, Constant
from fedsim.system.links import SharedLinks
from fedsim.system.medium import Larger

Arc = tuple[str, str]
"""Two names: a line leads from the first to the second."""


class Line(NamedTuple):
    """One direction of a link: its number, the medium that it shares with the other one if it is half duplex."""

    link: int
    medium: tuple[int, ...]
    delay_s: float
    loss: float


@dataclass(slots=True, eq=False)
class Spur:
    """Where a name hangs, and its access link there: both lines of it, which have the same delay and loss.

    ``up`` and ``down`` are their links, each followed by the medium that the two share if the link is half duplex. A
    node of the core hangs on itself, by no link.
    """

    node: str
    up: tuple[int, ...] = ()
    down: tuple[int, ...] = ()
    delay_s: float = 0.0
    loss: float = 0.0


class Lines:
    """The lines of a network, by the names that they join: strung in the core, hung for what is attached to it."""

    def __init__(self, links: SharedLinks, nodes: Iterable[str]) -> None:
        self._links = links
        self.ends = {node: Spur(node) for node in nodes}
        """Where messages start and end: at nodes of the core, and where those names hang whose links have been made."""
        self._lines: dict[Arc, Line] = {}
        """Of the core."""
        self._left: dict[Arc, Spur] = {}
        """Of names that have hung elsewhere before, by name and node: they may come back."""
        self._arcs: dict[int, Arc] = {}
        self._capacities: dict[int, float | Capacity] = {}
        """Of those that share a medium."""

    def __getitem__(self, arc: Arc) -> Line:
        line = self.get(arc)
        if line is None:
            raise KeyError(arc)
        return line

    def get(self, arc: Arc) -> Line | None:
        """The line of an arc, None where there never was one."""
        line = self._lines.get(arc)
        if line is None:
            source, target = arc
            if (spur := self._spur(source, target)) is not None:
                return Line(spur.up[0], spur.up[1:], spur.delay_s, spur.loss)
            if (spur := self._spur(target, source)) is not None:
                return Line(spur.down[0], spur.down[1:], spur.delay_s, spur.loss)
        return line

    def arc(self, link: int) -> Arc:
        """The names that a line, by its link's number, joins."""
        if link not in self._arcs:  # nobody asks but where something fails
            self._arcs = {number: arc for arc, number in self.links().items()}
        return self._arcs[link]

    def links(self, names: Iterable[str] | None = None, unused: Collection[str] = ()) -> dict[Arc, int]:
        """The link of every line: of the core, then of these names in their order, or of all that ever hung.

        unused: names of which those lines are left out by which they hang now
        """
        found = {arc: line.link for arc, line in self._lines.items()}
        elsewhere: dict[str, list[Spur]] = {}
        for (name, _), spur in self._left.items():
            elsewhere.setdefault(name, []).append(spur)
        for name in {**elsewhere, **self.ends} if names is None else names:
            here = None if name in unused else self.ends.get(name)
            for spur in (*elsewhere.get(name, ()), here) if elsewhere else (here,):
                if spur is not None and spur.up:
                    found[name, spur.node], found[spur.node, name] = spur.up[0], spur.down[0]
        return found

    def numbers(self, arcs: Iterable[Arc]) -> list[int]:
        """The links of these arcs, as far as there are any."""
        return [line.link for arc in arcs if (line := self.get(arc)) is not None]

    def string(self, source: str, target: str, ways: list[dict[str, Any]]) -> None:
        """The lines of a link of the core: one, or one each way."""
        media: tuple[int, ...] = ()
        if ways[0]["duplex"] == "half":
            media = (self._links.add_link(max(way["capacity_bps"] for way in ways)),)
        for arc, way in zip(((source, target), (target, source)), ways, strict=False):
            link = self._links.add_link(way["capacity_bps"])
            self._lines[arc] = Line(link, media, way["delay_s"], way["loss"])
            if media:
                self._capacities[link] = way["capacity_bps"]

    def hang(self, name: str, node: str, access: Access) -> Spur:
        """The access link of a name that hangs nowhere.

        A name that comes back to a node finds its old one, as it now needs it.
        """
        up, down = access.upwards, access.downwards
        old = self._left.get((name, node)) if self._left else None
        if old is not None:
            spur = self._again(old, access)
        elif access.half_duplex:
            medium = self._links.add_links((_larger(up, down), up, down))
            spur = Spur(node, (medium + 1, medium), (medium + 2, medium), access.delay_s, access.loss)
        else:
            link = self._links.add_links((up, down))
            spur = Spur(node, (link,), (link + 1,), access.delay_s, access.loss)
        if access.half_duplex:
            self._capacities[spur.up[0]], self._capacities[spur.down[0]] = up, down
        self.ends[name] = spur
        return spur

    def take_off(self, name: str) -> None:
        """It hangs nowhere now; nothing happens if it never did."""
        spur = self.ends.pop(name, None)
        if spur is not None:
            self._left[name, spur.node] = spur

    def set_capacity(self, arc: Arc, capacity: float | Capacity) -> None:
        """From now on a line carries so much; a half-duplex medium goes on to carry as much as the larger direction."""
        line = self[arc]
        self._links.set_capacity(line.link, capacity)
        for medium in line.medium:
            self._capacities[line.link] = capacity
            self._links.set_capacity(medium, _larger(capacity, self._capacities[self[arc[::-1]].link]))

    def _spur(self, name: str, node: str) -> Spur | None:
        """The access link by which a name hangs on a node, or did when it last hung there."""
        spur = self.ends.get(name)
        return spur if spur is not None and spur.up and spur.node == node else self._left.get((name, node))

    def _again(self, old: Spur, access: Access) -> Spur:
        """An old access link as it is needed now; a medium that it had and has no more is forgotten."""
        up, down, media = access.upwards, access.downwards, old.up[1:] if access.half_duplex else ()
        if media:
            self._links.set_capacity(media[0], _larger(up, down))
        elif access.half_duplex:
            media = (self._links.add_link(_larger(up, down)),)
        self._links.set_capacity(old.up[0], up)
        self._links.set_capacity(old.down[0], down)
        return Spur(old.node, (old.up[0], *media), (old.down[0], *media), access.delay_s, access.loss)


def _larger(one: float | Capacity, other: float | Capacity) -> float | Capacity:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return max(one, other)
    first, second = (Constant(float(way)) if isinstance(way, int | float) else way for way in (one, other))
    return Larger(first, second)
