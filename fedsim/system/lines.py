"""One direction of a link each: numbers among the shared links, media, delays and losses."""

from collections.abc import Iterable, Iterator
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


class Lines:
    """The lines of a network, by the names that they join: strung in the core, hung for what is attached to it."""

    def __init__(self, links: SharedLinks) -> None:
        self._links = links
        self._lines: dict[Arc, Line] = {}
        self._arcs: dict[int, Arc] = {}
        self._capacities: dict[int, float | Capacity] = {}
        """Of those that share a medium."""

    def __iter__(self) -> Iterator[Arc]:
        return iter(self._lines)

    def __getitem__(self, arc: Arc) -> Line:
        return self._lines[arc]

    def get(self, arc: Arc) -> Line | None:
        """The line of an arc, None where there never was one."""
        return self._lines.get(arc)

    def arc(self, link: int) -> Arc:
        """The names that a line, by its link's number, joins."""
        if len(self._arcs) < len(self._lines):  # nobody asks but where something fails
            self._arcs = {line.link: arc for arc, line in self._lines.items()}
        return self._arcs[link]

    def numbers(self, arcs: Iterable[Arc]) -> list[int]:
        """The links of these arcs, as far as there are any."""
        return [self._lines[arc].link for arc in arcs if arc in self._lines]

    def string(self, source: str, target: str, ways: list[dict[str, Any]]) -> None:
        """The lines of a link of the core: one, or one each way."""
        media: tuple[int, ...] = ()
        if ways[0]["duplex"] == "half":
            media = (self._link(None, max(way["capacity_bps"] for way in ways)),)
        for arc, way in zip(((source, target), (target, source)), ways, strict=False):
            link = self._link(None, way["capacity_bps"])
            self._put(arc, Line(link, media, way["delay_s"], way["loss"]), way["capacity_bps"])

    def hang(self, name: str, node: str, access: Access) -> tuple[Line, Line]:
        """The lines of an access link, up and down.

        A name that comes back to a node finds its old ones, as it now needs them.
        """
        up, down, delay_s, loss = access.upwards, access.downwards, access.delay_s, access.loss
        old_up, old_down = self._lines.get((name, node)), self._lines.get((node, name))
        media: tuple[int, ...] = ()
        if access.half_duplex:
            media = (self._link(old_up.medium[0] if old_up and old_up.medium else None, _larger(up, down)),)
        upwards = Line(self._link(old_up and old_up.link, up), media, delay_s, loss)
        downwards = Line(self._link(old_down and old_down.link, down), media, delay_s, loss)
        self._put((name, node), upwards, up)
        self._put((node, name), downwards, down)
        return upwards, downwards

    def set_capacity(self, arc: Arc, capacity: float | Capacity) -> None:
        """From now on a line carries so much; a half-duplex medium goes on to carry as much as the larger direction."""
        line = self._lines[arc]
        self._links.set_capacity(line.link, capacity)
        for medium in line.medium:
            self._capacities[line.link] = capacity
            self._links.set_capacity(medium, _larger(capacity, self._capacities[self._lines[arc[::-1]].link]))

    def _put(self, arc: Arc, line: Line, capacity: float | Capacity) -> None:
        self._lines[arc] = line
        if line.medium:
            self._capacities[line.link] = capacity

    def _link(self, old: int | None, capacity: float | Capacity) -> int:
        """A link that carries so much: the old one, if there is one."""
        if old is None:
            return self._links.add_link(capacity)
        self._links.set_capacity(old, capacity)
        return old


def _larger(one: float | Capacity, other: float | Capacity) -> float | Capacity:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return max(one, other)
    first, second = (Constant(float(way)) if isinstance(way, int | float) else way for way in (one, other))
    return Larger(first, second)
