"""Links that the flows in progress share, and moving a message over them."""

import asyncio
import math
from collections.abc import Sequence

from fedsim.kernel import Simulation
from fedsim.system.flow import Flow, FlowObserver
from fedsim.system.ledger import Ledger, LinkUse, Traffic
from fedsim.system.sharing import FairShares

_NOWHERE = 0  # pads routes; nobody is on it
_AT_HOME = 1  # the route of those who need no link


class SharedLinks:
    """Links, by number, and the flows that move over them; each link has one direction and one capacity.

    A flow names its links itself; ``fedsim.system.network`` finds them in a topology.
    """

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._shares = FairShares(sim, self._arrive)
        self._ledger = Ledger()
        self._flows = 0
        self._arrivals: dict[int, asyncio.Future[None]] = {}
        for _ in (_NOWHERE, _AT_HOME):
            self.add_link(math.inf)

    def add_link(self, capacity_bps: float) -> int:
        """Number of a new link.

        Raises:
            ValueError: a capacity that is not >= 0. It may be 0 (nothing moves) or infinite.
        """
        link = self._shares.add_link(_checked_capacity(capacity_bps))
        self._ledger.add_link()
        return link

    def set_capacity(self, link: int, capacity_bps: float) -> None:
        """From now on ``link`` has this capacity; flows on it change their rates at once.

        Raises:
            ValueError: an unknown link, or a capacity that is not >= 0.
        """
        self._check([link])
        self._shares.set_capacity(link, _checked_capacity(capacity_bps))

    def flow(
        self,
        size_bytes: float,
        *,
        source: str = "",
        target: str = "",
        cap_bps: float = math.inf,
        observer: FlowObserver | None = None,
    ) -> Flow:
        """A new message, numbered in the order of making, to be moved by ``move``.

        Raises:
            ValueError: a size that is not a finite number >= 0, or a cap that is not > 0.
        """
        flow = Flow(size_bytes, number=self._flows, source=source, target=target, cap_bps=cap_bps, observer=observer)
        self._flows += 1
        return flow

    async def move(self, flow: Flow, route: Sequence[int], delay_s: float = 0.0) -> None:
        """Wait for ``delay_s``, using no link, then move the flow's bytes over all links of ``route`` at once.

        If the waiting task is cancelled, every share is given back at that instant, and the flow tells how far it
        came.

        Raises:
            ValueError: an unknown link, a link twice, a flow that was moved before.
        """
        self._check(route)
        if flow.started_s is not None:
            raise ValueError(f"a flow is moved once, and {flow!r} started at {flow.started_s!r} s")
        flow.started_s = self._sim.now
        self._ledger.offered_bytes += flow.size_bytes
        try:
            if delay_s != 0:
                await self._sim.timeout(delay_s)
            if flow.size_bytes > 0:
                await self._move_bytes(flow, route or (_AT_HOME,))
            else:
                flow.end(0.0, self._sim.now, complete=True)
        finally:
            if flow.ended_s is None:
                flow.end(0.0, self._sim.now, complete=False)

    def use(self, link: int) -> LinkUse:
        """What a link did up to now.

        Raises:
            ValueError: an unknown link.
        """
        self._check([link])
        return LinkUse(
            capacity_bps=self._shares.capacity_bps(link),
            carried_bytes=self._ledger.carried_bytes(link) + self._shares.sent_bytes(link),
            busy_s=self._ledger.busy_s(link, self._sim.now),
        )

    def traffic(self) -> Traffic:
        """What became of all bytes up to now."""
        return Traffic(
            offered_bytes=self._ledger.offered_bytes,
            delivered_bytes=self._ledger.delivered_bytes,
            wasted_bytes=self._ledger.wasted_bytes,
            moving_bytes=self._shares.sent_bytes(),
        )

    def _check(self, route: Sequence[int]) -> None:
        if route and (len(set(route)) < len(route) or min(route) <= _AT_HOME or max(route) >= self._shares.links):
            raise ValueError(f"a route must name known links, each once, got {route!r}")

    async def _move_bytes(self, flow: Flow, route: Sequence[int]) -> None:
        self._ledger.begin(route, self._sim.now)
        slot = self._shares.join(flow, route)
        arrival = self._arrivals[slot] = self._sim.loop.create_future()
        try:
            await arrival
        finally:
            if flow.ended_s is None:
                self._end(slot, flow.sent_bytes, complete=False)

    def _arrive(self, flow: Flow, slot: int) -> None:
        """All bytes are there: the task that waits for them goes on."""
        arrival = self._arrivals[slot]
        self._end(slot, flow.size_bytes, complete=True)
        if not arrival.done():
            arrival.set_result(None)

    def _end(self, slot: int, sent_bytes: float, *, complete: bool) -> None:
        """The flow is over and leaves every link."""
        now_s = self._sim.now
        del self._arrivals[slot]
        flow, route, idle = self._shares.leave(slot)
        self._ledger.end(route, sent_bytes, complete=complete)
        for link in idle:
            self._ledger.rest(link, now_s)
        flow.end(sent_bytes, now_s, complete=complete)


def _checked_capacity(capacity_bps: float) -> float:
    if not capacity_bps >= 0:
        raise ValueError(f"capacity_bps must be >= 0, got {capacity_bps!r}")
    return capacity_bps
