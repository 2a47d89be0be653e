"""From names to lines: access link, route through the core, access link."""

from collections.abc import Collection, Iterable

from fedsim.errors import NoRouteError
from fedsim.problems import unknown
from fedsim.system.access import Access
from fedsim.system.capacity import Capacity
from fedsim.system.lines import Arc, Line, Lines, Spur
from fedsim.system.links import SharedLinks
from fedsim.system.passage import way
from fedsim.system.room import Uses
from fedsim.system.routing import Router
from fedsim.system.topology import Topology
from fedsim.system.track import Both, Section, Track, both, section


class Wiring:
    """The links of a topology, and those of names that hang on its nodes.

    An attached name costs a row: its links are made when it first sends or receives.
    """

    def __init__(self, links: SharedLinks, topology: Topology, router: Router) -> None:
        self._lines = Lines(links, topology.graph)
        self._ends = self._lines.ends
        self._graph = topology.graph
        self._router = router
        self._attached: dict[str, tuple[str, Access]] = {}
        self._cut: set[Arc] = set()
        self._core: dict[Arc, Section] = {}
        self._both: dict[Arc, Both] = {}
        """For messages that go where others went before, until anything changes."""
        self._cores: dict[tuple[tuple[int, ...], tuple[int, ...], float], Uses] = {}
        self._foreseen: set[str] = set()
        """Names of which the lines are there only because somebody has asked what a message would meet."""
        for source, target, arc in topology.graph.edges(data=True):
            if self._lines.get((source, target)) is None:
                back = topology.graph.get_edge_data(target, source)
                self._lines.string(source, target, [way for way in (arc, back) if way])

    def attach(self, name: str, at: str, access: Access) -> None:
        """Hang ``name`` on a node.

        Raises:
            ValueError: a name that is taken, or an unknown node.
        """
        if name in self._attached or name in self._graph:
            raise ValueError(f"the network has something called {name!r} already")
        self._check_place(at)
        self._attached[name] = (at, access)

    def move(self, name: str, at: str, access: Access) -> None:
        """Hang ``name`` on another node, or on the same one in another way.

        Raises:
            ValueError: a name that is not attached, or an unknown node.
        """
        if name not in self._attached:
            raise ValueError(unknown(name, "name attached to the network", self._attached))
        self._check_place(at)
        self._attached[name] = (at, access)
        self._lines.take_off(name)
        self._both.clear()

    def both(self, source: str, target: str) -> Both:
        """The lines from one name to another, and those back if there is a way back.

        Raises:
            NoRouteError: there is no way from source to target.
            ValueError: an unknown name.
        """
        if self._foreseen:
            self.need(source, target)
        return self._found(source, target)

    def foresee(self, source: str, target: str) -> tuple[Track, Track | None]:
        """The same tracks for messages that are not sent yet, and may never be; who asks keeps them.

        Raises:
            NoRouteError, ValueError: as for ``both``.
        """
        for name in (source, target):
            if name not in self._ends:
                self._foreseen.add(name)
        return self._tracks(source, target)

    def need(self, *names: str) -> None:
        """A message has gone from or to these, or somebody has asked for their links."""
        if self._foreseen:
            self._foreseen.difference_update(names)

    def _found(self, source: str, target: str) -> Both:
        found = self._both.get((source, target))
        if found is None:
            turned = self._both.get((target, source))
            found = None if turned is None else turned.turned()
            if found is None:
                found = both(*self._tracks(source, target))
            self._both[source, target] = found
        return found

    def _tracks(self, source: str, target: str) -> tuple[Track, Track | None]:
        """The lines there and back, with all outages of the moment."""
        sender, receiver = self._end(source), self._end(target)
        for name, end in ((source, sender), (target, receiver)) if self._cut else ():
            if (name, end.node) in self._cut:
                raise NoRouteError(f"no route leads from {source!r} to {target!r}: the access link of {name!r} is down")
        there = Track(sender, self._through(sender.node, receiver.node), receiver)
        try:
            return there, Track(receiver, self._through(receiver.node, sender.node), sender)
        except NoRouteError:
            return there, None

    def cores(self, there: Track, back: Track | None, back_share: float) -> Uses:
        """Those links of two tracks that others may use, too, when acknowledgements take this share of the one back."""
        links, links_back = there.core.links, () if back is None else back.core.links
        found = self._cores.get((links, links_back, back_share))
        if found is None:
            uses = way(links, links_back, back_share)
            found = self._cores[links, links_back, back_share] = tuple(zip(*uses, strict=True))
        return found

    def line(self, source: str, target: str) -> Line:
        """One direction of a link.

        Raises:
            ValueError: no such link.
        """
        for name, other in ((source, target), (target, source)):
            if name in self._attached and other == self._attached[name][0]:
                self._end(name)
                self.need(name)
        line = self._lines.get((source, target))
        if line is None:
            raise ValueError(f"the network has no link from {source!r} to {target!r}")
        return line

    def links(self) -> dict[Arc, int]:
        """Every link that was ever needed, by the names that it joins: the core's, then name by name as attached."""
        return self._lines.links(self._attached, self._foreseen)

    def set_capacity(self, source: str, target: str, capacity: float | Capacity) -> None:
        """From now on a line carries so much; see ``Lines``.

        Raises:
            ValueError: no such link.
        """
        self.line(source, target)
        self._lines.set_capacity((source, target), capacity)

    def set_up(self, source: str, target: str, *, up: bool) -> list[int]:
        """From now on both directions of a link are up, or down; gives back which links these are.

        Raises:
            ValueError: no such link.
        """
        arcs = [arc for arc in ((source, target), (target, source)) if self._exists(*arc)]
        if not arcs:
            self.line(source, target)
        for arc in arcs:
            self._set_arc(arc, up=up)
        return self._lines.numbers(arcs)

    def set_node_up(self, node: str, *, up: bool) -> list[int]:
        """From now on a node and all of its links are up, or down; gives back which links these are.

        Raises:
            ValueError: no such node.
        """
        self._forget(self._router.set_up(node, up))
        return [link for arc, link in self._lines.links().items() if node in arc]

    def are_open(self, links: Iterable[int]) -> bool:
        """Whether messages may pass over all of these links."""
        return all(self._is_open(*self._lines.arc(link)) for link in links)

    def check(self, name: str) -> None:
        """See to it that a name is one.

        Raises:
            ValueError: it is not.
        """
        self._end(name)

    def _is_open(self, source: str, target: str) -> bool:
        if self._graph.has_edge(source, target):
            return self._router.is_up((source, target))
        name, node = (source, target) if source in self._attached else (target, source)
        return (name, node) not in self._cut and self._router.is_up(node)

    def _exists(self, source: str, target: str) -> bool:
        return self._lines.get((source, target)) is not None or any(
            name in self._attached and other == self._attached[name][0]
            for name, other in ((source, target), (target, source))
        )

    def _set_arc(self, arc: Arc, *, up: bool) -> None:
        self._both.clear()
        if self._graph.has_edge(*arc):
            self._forget(self._router.set_up(arc, up))
        elif arc[0] in self._attached:
            (self._cut.discard if up else self._cut.add)(arc)

    def _forget(self, sources: Collection[str]) -> None:
        """Ways from these nodes may be others now."""
        self._both.clear()
        for ends in [ends for ends in self._core if ends[0] in sources]:
            del self._core[ends]

    def _check_place(self, at: str) -> None:
        if at not in self._graph:
            raise ValueError(unknown(at, "place in the topology", self._graph))

    def _end(self, name: str) -> Spur:
        """Where messages of this name start and end."""
        end = self._ends.get(name)
        if end is None:
            if name not in self._attached:
                raise ValueError(f"{name!r} is neither attached to the network nor a node of it")
            node, access = self._attached[name]
            end = self._lines.hang(name, node, access)
        return end

    def _through(self, source: str, target: str) -> Section:
        """The core's part of a track."""
        found = self._core.get((source, target))
        if found is None:
            route = self._router.route(source, target)
            found = section([self._lines[arc] for arc in route.arcs], route.delay_s)
            self._core[source, target] = found
        return found
