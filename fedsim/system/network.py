"""Sends messages through a topology, by a transport, and around what is down."""

import asyncio
import math
from collections.abc import Callable
from functools import partial
from typing import Literal

from fedsim.errors import LinkDownError, MessageFailedError
from fedsim.kernel import Simulation
from fedsim.system.access import Access
from fedsim.system.approach import Approach, Crossings
from fedsim.system.capacity import Capacity
from fedsim.system.cargo import Cargo
from fedsim.system.connections import Connections
from fedsim.system.detours import Detours, OnOutage
from fedsim.system.equal_split import Degrees, EqualSplit
from fedsim.system.flow import Flow, FlowObserver
from fedsim.system.foreseen import ForeseenMessage
from fedsim.system.ideal import Ideal
from fedsim.system.jitter import Jitter
from fedsim.system.law import Law
from fedsim.system.ledger import LinkUse, Traffic
from fedsim.system.leg import Planner
from fedsim.system.lines import Arc
from fedsim.system.link_series import LinkSeries
from fedsim.system.links import SharedLinks
from fedsim.system.passage import Over, settle
from fedsim.system.process import Array
from fedsim.system.routing import Metric, Router
from fedsim.system.topology import Topology
from fedsim.system.transport import Path, Transport
from fedsim.system.trip import Trip
from fedsim.system.wiring import Wiring

__all__ = ["Access", "Flow", "FlowObserver", "LinkUse", "Network", "Traffic"]

OnMove = Literal["continue", "restart", "fail"]


class _AgainError(Exception):
    """What a flow is abandoned with of which the message starts again."""


def _nobody_minds() -> None:
    pass


def _nobody_cares(name: str | None) -> None:
    del name


class Network:
    """A topology in use. Messages in progress share its links max-min fairly, each direction on its own.

    A half-duplex link has a third capacity, the larger of the two, that both directions share. Names of links are
    pairs: two nodes, or an attached name and its node. With ``split``, nothing is shared: see ``EqualSplit``.
    """

    def __init__(
        self,
        sim: Simulation,
        topology: Topology,
        *,
        transport: Transport | None = None,
        jitter: Law | None = None,
        metric: Metric = "delay",
        split: Degrees | Callable[[], Degrees] | None = None,
    ) -> None:
        """``jitter`` is the law of a factor on the delays of each message, there and back."""
        self._sim = sim
        self._links = SharedLinks(sim)
        self._wiring = Wiring(self._links, topology, Router(topology, metric))
        self._connections = Connections()
        transport = transport or Ideal()
        self._planner = Planner(
            links=self._links,
            wiring=self._wiring,
            crossings=Crossings(self._links, transport, self._wiring.cores),
            transport=transport,
            connections=self._connections,
            jitter=Jitter(sim, jitter),
            split=None if split is None else EqualSplit(self._links, split),
        )
        self._detours = Detours(sim, self._links, self._wiring, self._planner)
        self._underway = self._detours.underway
        self.disturbed: Callable[[], None] = _nobody_minds
        """Called before somebody changes links, or follows one: what was foreseen must become real."""
        self.looked_at: Callable[[], None] = _nobody_minds
        """Called before somebody looks at links: so must it then, but what messages meet stays as it is."""
        self.changing: Callable[[str | None], None] = _nobody_cares
        """Called before this name moves, or (None) anything goes down or comes back."""

    def attach(self, name: str, at: str, access: Access) -> None:
        """Hang ``name`` on a node. That costs a row: its links are made when it first sends or receives.

        Raises:
            ValueError: a name that is taken, or an unknown node.
        """
        self._wiring.attach(name, at, access)

    async def transfer(
        self,
        source: str,
        target: str,
        message: float | Cargo,
        observer: FlowObserver | None = None,
        *,
        cap_bps: float = math.inf,
    ) -> Trip:
        """Return when the message is there, with where its time went.

        source, target: nodes of the topology or attached names    message: bytes, or what of a message is left
        cap_bps: the most that it ever uses

        A message to oneself uses no link. If the waiting task is cancelled, the flow gives back its shares at that
        instant; ``observer`` hears of it, and the bytes sent so far are counted as wasted.

        Raises:
            NoRouteError: no way leads from source to target.
            LinkDownError: what happened on its way was to make it fail; complete chunks of ``message`` are there.
            ValueError: an unknown name, a size that is not finite and >= 0, or a cap that is not > 0.
        """
        cargo = message if isinstance(message, Cargo) else Cargo(message)
        arrival: asyncio.Future[None] = self._sim.loop.create_future()
        trip = self.launch(source, target, cargo, partial(settle, arrival), observer, cap_bps=cap_bps)
        try:
            await arrival
        finally:
            self.give_up(trip)
        return trip

    def launch(
        self,
        source: str,
        target: str,
        cargo: Cargo,
        over: Over,
        observer: FlowObserver | None = None,
        *,
        cap_bps: float = math.inf,
    ) -> Trip:
        """The same, without waiting: ``over`` is told of the arrival, or of what went wrong, be that at once.

        Raises:
            NoRouteError, ValueError: as for ``transfer``; then ``over`` hears nothing.
        """
        trip = Trip(source, target, cargo, self._sim.now, cap_bps, over, observer)
        self._depart(trip)
        return trip

    def give_up(self, trip: Trip) -> None:
        """Give back all shares of a message's flow now, unheard; nothing happens if it is over."""
        if trip in self._underway:
            self._links.give_up(trip.flow)
            self._close(trip)
        trip.over = None

    def move(self, name: str, at: str, access: Access, *, flows: OnMove = "continue") -> None:
        """From now on ``name`` hangs on another node, or has another access link there.

        What is on its way from or to it goes on over the new way (``"continue"``: its delay and set-up are not
        repeated), starts again with a new connection (``"restart"``: after the last complete chunk), or fails.

        Raises:
            ValueError: a name that is not attached, or an unknown node.
        """
        self.disturbed()
        self.changing(name)
        self._wiring.move(name, at, access)
        if flows != "continue":
            self._connections.drop(name)
        for trip in self._underway.of(name):
            if flows == "continue":
                self._detours.go_on(trip)
            elif flows == "restart":
                self._links.abandon(trip.flow, _AgainError(f"{name} moved to {at} in the middle of a message"))
            else:
                self._links.abandon(trip.flow, LinkDownError(f"{name} moved to {at} in the middle of a message"))

    def set_link_up(self, source: str, target: str, up: bool, *, flows: OnOutage = "reroute") -> None:  # noqa: FBT001  # as in "set it up"
        """From now on a link is up or down, in both directions; ``flows``: what happens to messages on one that fails.

        They take another way, or wait until there is one (``"reroute"``); wait for this link (``"stall"``); or fail.
        New messages take what ways there are.

        Raises:
            ValueError: no such link.
        """
        self.disturbed()
        self.changing(None)
        links = self._wiring.set_up(source, target, up=up)
        if up:
            self._detours.came_back()
        else:
            self._detours.went_down(links, flows, f"the link between {source} and {target} went down")

    def set_node_up(self, node: str, up: bool, *, flows: OnOutage = "reroute") -> None:  # noqa: FBT001  # the same
        """From now on a node and all its links are up or down; see ``set_link_up``.

        Raises:
            ValueError: no such node.
        """
        self.disturbed()
        self.changing(None)
        links = self._wiring.set_node_up(node, up=up)
        if up:
            self._detours.came_back()
        else:
            self._detours.went_down(links, flows, f"{node} went down")

    def set_capacity(self, source: str, target: str, capacity: float | Capacity) -> None:
        """From now on the link from ``source`` to ``target`` has this capacity; 0 stops what is on it.

        A half-duplex medium goes on to carry as much as the larger of its directions.

        Raises:
            ValueError: no such link, or a capacity that is not >= 0.
        """
        self.disturbed()
        self._wiring.set_capacity(source, target, capacity)

    def use(self, source: str, target: str) -> LinkUse:
        """What the link from ``source`` to ``target`` did up to now, in this direction.

        Raises:
            ValueError: no such link.
        """
        self.looked_at()
        return self._links.use(self._wiring.line(source, target).link)

    def uses(self) -> tuple[list[Arc], Array]:
        """All links that were there or were needed, n, each as source and target, and what they did up to now.

        That is (7, n), under the headings of a ``LinkUse``.
        """
        self.looked_at()
        links = self._wiring.links()
        return list(links), self._links.uses(list(links.values()))

    def follow(self, source: str, target: str) -> LinkSeries:
        """Load and capacity over time of the link from ``source`` to ``target``, from when this was first asked.

        Raises:
            ValueError: no such link.
        """
        self.disturbed()
        return self._links.follow(self._wiring.line(source, target).link)

    def traffic(self) -> Traffic:
        """What became of the bytes of all messages up to now, as they were on the wire."""
        self.looked_at()
        return self._links.traffic()

    @property
    def is_plain(self) -> bool:
        """Whether what a message meets follows from the links and its connection alone."""
        return self._planner.is_plain

    def approaches(self, source: str, target: str) -> tuple[Approach, Approach] | None:
        """What messages will meet that go from here to there, and back, until ``disturbed``; None if that may vary."""
        try:
            return self._planner.approaches(source, target)
        except MessageFailedError:
            return None

    @property
    def is_split(self) -> bool:
        """Whether every message has a rate of its own from its sending to its end, and all have the same delays."""
        return self._planner.is_split

    def road(self, source: str, target: str) -> Path | None:
        """The path of messages with rates of their own, until ``disturbed``; None if nothing connects the two."""
        try:
            return self._planner.road(source, target)
        except MessageFailedError:
            return None

    def part(self, source: str, target: str, out: int, into: int) -> None:
        """Messages sent from now on from here to there share the access links with those of so many neighbours.

        Under equal shares, where that changes; see ``EqualSplit``. Elsewhere nothing happens.
        """
        if self._planner.split is not None:
            self.disturbed()
            self._planner.split.part(source, target, out, into)

    def part_of(self, source: str, target: str) -> tuple[int, int] | None:
        """What was said last of messages from here to there, if anything was and matters."""
        return None if self._planner.split is None else self._planner.split.part_of(source, target)

    def need(self, source: str, target: str) -> None:
        """A message that does not use the links sets out: they count as used from now on."""
        self._wiring.need(source, target)

    @property
    def transport(self) -> Transport:
        """How messages pass."""
        return self._planner.transport

    def came(self, source: str, target: str, there: ForeseenMessage, back: ForeseenMessage) -> None:
        """A message that was foreseen, and then one that went back, have arrived: links and connection learn of it."""
        self._wiring.need(source, target)
        windows = there.crossing.plan.window, back.crossing.plan.window
        self._connections.keep_both(source, target, (there.quiet_s, windows[0]), (back.quiet_s, windows[1]))
        book = self._links.ledger.book
        book(there.crossing.way, there.crossing.wire_bytes, there.moves_s, there.quiet_s)
        book(back.crossing.way, back.crossing.wire_bytes, back.moves_s, back.quiet_s)

    @property
    def links(self) -> SharedLinks:
        """Its links."""
        return self._links

    @property
    def connections(self) -> Connections:
        """Which are warm."""
        return self._connections

    def _depart(self, trip: Trip) -> None:
        """One flow of a message sets out."""
        try:
            leg = self._planner.leg(trip.source, trip.target, trip.cargo, self._sim.now)
        except MessageFailedError as error:
            raise trip.told(error) from None
        plan = leg.plan
        flow = self._links.flow(
            plan.wire_bytes,
            source=trip.source,
            target=trip.target,
            cap_bps=min(trip.cap_bps, plan.cap_bps),
            weight=plan.weight,
            observer=trip.observer,
        )
        trip.depart(flow, leg)
        self._underway.add(trip)
        try:
            self._links.launch(flow, leg.way, plan.wait_s, partial(self._ended, trip))
        except BaseException:
            self._close(trip)
            raise

    def _close(self, trip: Trip) -> None:
        """The flow of a message is over."""
        flow, now_s = trip.flow, self._sim.now
        self._underway.remove(trip)
        self._planner.release(trip.leg)
        trip.go_on(now_s)
        if flow.complete:
            self._connections.keep(trip.source, trip.target, trip.plan.window, now_s)
        else:
            self._connections.drop(trip.source, trip.target)
            trip.broke_off()

    def _ended(self, trip: Trip, error: BaseException | None) -> None:
        """A flow is there; or it was abandoned, and nobody has given its message up since."""
        if trip.is_over:
            return
        self._close(trip)
        if isinstance(error, _AgainError):
            try:
                self._depart(trip)
            except MessageFailedError as failed:
                trip.tell(failed)
        else:
            trip.tell(error if error is None else trip.told(error))
