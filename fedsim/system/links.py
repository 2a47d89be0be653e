"""Links that the flows in progress share, and moving a message over them."""

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np

from fedsim.kernel import Simulation
from fedsim.system.capacity import Capacity, Followers, checked_bps
from fedsim.system.flow import Flow, FlowObserver, checked_cap_bps
from fedsim.system.ledger import Ledger, LinkUse, Traffic
from fedsim.system.link_series import LinkSeries
from fedsim.system.passage import AT_HOME, Over, Passage, Way, settle, way
from fedsim.system.process import Array
from fedsim.system.room import Room
from fedsim.system.sharing import FairShares
from fedsim.system.tightness import Tightness

_NUMBERS = (int, float)
_FIRST_LINKS = 64
_NOWHERE = 0  # pads routes; nobody is on it
(_AT_HOME,) = AT_HOME.links


class SharedLinks:
    """Links, by number, and the flows that move over them; each link has one direction and one capacity.

    A flow names its links itself; ``fedsim.system.network`` finds them in a topology.
    """

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._tightness = Tightness(_FIRST_LINKS)
        self._shares = FairShares(sim, self._tightness, self._arrive)
        self._followers = Followers(sim, self._change_capacity)
        self._ledger = Ledger()
        self._flows = 0
        self._passages: dict[Flow, Passage] = {}
        self.moving_beside: Callable[[], float] = float
        """Bytes moved so far by messages on their way that use none of these links."""
        for _ in (_NOWHERE, _AT_HOME):
            self.add_link(math.inf)

    def add_link(self, capacity: float | Capacity) -> int:
        """Number of a new link, which carries so many bit/s.

        Raises:
            ValueError: a capacity that is not >= 0. It may be 0 (nothing moves) or infinite.
        """
        return self.add_links((capacity,))

    def add_links(self, capacities: Sequence[float | Capacity]) -> int:
        """Number of the first of some new links, whose numbers follow each other; else as ``add_link``."""
        now_bps = [checked_bps(capacity) if isinstance(capacity, _NUMBERS) else 0.0 for capacity in capacities]
        first = self._tightness.add(now_bps)
        self._ledger.add_links(len(now_bps))
        for link, capacity in enumerate(capacities, first):
            if not isinstance(capacity, _NUMBERS):
                self._followers.add(link, capacity)
        return first

    def set_capacity(self, link: int, capacity: float | Capacity) -> None:
        """From now on ``link`` has this capacity; flows on it change their rates at once.

        A capacity that varies is followed only while flows are on the link.

        Raises:
            ValueError: an unknown link, or a capacity that is not >= 0.
        """
        self._check([link])
        if isinstance(capacity, int | float):
            checked_bps(capacity)
            self._followers.drop(link)
            self._change_capacity(link, capacity)
        else:
            self._followers.add(link, capacity)
            if not self._shares.is_idle(link):
                self._followers.wake(link)

    def flow(
        self,
        size_bytes: float,
        *,
        source: str = "",
        target: str = "",
        cap_bps: float = math.inf,
        weight: float = 1.0,
        observer: FlowObserver | None = None,
    ) -> Flow:
        """A new message, numbered in the order of making, to be moved by ``move``.

        Raises:
            ValueError: a size that is not a finite number >= 0, a cap that is not > 0, or a weight that is not > 0
                and finite.
        """
        return Flow(
            size_bytes,
            number=self.next_number(),
            source=source,
            target=target,
            cap_bps=cap_bps,
            weight=weight,
            observer=observer,
        )

    def next_number(self) -> int:
        """The number of a new message."""
        self._flows += 1
        return self._flows - 1

    def offer(self, size_bytes: float) -> None:
        """A message sets out that uses none of these links."""
        self._ledger.offered_bytes += size_bytes

    def decide(self, sent_bytes: float, *, complete: bool) -> None:
        """It has ended."""
        if complete:
            self._ledger.delivered_bytes += sent_bytes
        else:
            self._ledger.wasted_bytes += sent_bytes

    async def move(
        self,
        flow: Flow,
        route: Sequence[int],
        delay_s: float = 0.0,
        back: Sequence[int] = (),
        back_share: float = 0.0,
    ) -> None:
        """Wait for ``delay_s``, using no link, then move the flow's bytes over all links of ``route`` at once.

        Meanwhile it also takes ``back_share`` times its rate on each link of ``back``, as acknowledgements do. If
        the waiting task is cancelled, every share is given back at that instant, and the flow tells how far it came.

        Raises:
            ValueError: an unknown link, a link twice, a flow that was moved before, or a delay or share that is not
                >= 0.
        """
        arrival: asyncio.Future[None] = self._sim.loop.create_future()
        self.launch(flow, self._way(route, back, back_share), delay_s, partial(settle, arrival))
        try:
            await arrival
        finally:
            self.give_up(flow)

    def launch(self, flow: Flow, planned: Way, delay_s: float, over: Over) -> None:
        """The same, without waiting: ``over`` is told of the flow's end, be that at once.

        Raises:
            ValueError: as for ``move``; links are taken as they are.
        """
        if not delay_s >= 0:
            raise ValueError(f"delay_s must be >= 0, got {delay_s!r}")
        if flow.started_s is not None:
            raise ValueError(f"a flow is moved once, and {flow!r} started at {flow.started_s!r} s")
        flow.started_s = self._sim.now
        self._ledger.offered_bytes += flow.size_bytes
        passage = self._passages[flow] = Passage(flow, planned, over)
        if delay_s:
            passage.timer = self._sim.loop.call_later(delay_s, self._delay_is_over, passage)
            return
        try:
            self._set_off(passage)
        except BaseException:
            self.give_up(flow)
            raise
        if passage.moves:
            self._shares.settle_later()

    def give_up(self, flow: Flow) -> None:
        """Give back all shares of the flow now, unheard; nothing happens if it is over."""
        passage = self._passages.get(flow)
        if passage is not None:
            self._end(passage, complete=False)

    def reroute(self, flow: Flow, route: Sequence[int], back: Sequence[int] = (), back_share: float = 0.0) -> None:
        """From now on the rest of the flow's bytes moves over these links; a delay that it is in goes on.

        Raises:
            ValueError: an unknown link, a link twice, a flow that is not on its way, a share that is not >= 0.
        """
        self.put_on(flow, self._way(route, back, back_share))

    def put_on(self, flow: Flow, planned: Way) -> None:
        """The same with a way as it is.

        Raises:
            ValueError: a flow that is not on its way.
        """
        passage = self._passage(flow)
        if passage.moves:
            moved_bytes = self._shares.leg_bytes(flow)
            passage.legs = [*(passage.legs or ()), (passage.way, moved_bytes)]
            self._ledger.move_on(passage.way, moved_bytes)
            self._shares.change_way(flow, planned)
            self._rest(passage.way)
            self._come(planned, flow.size_bytes - flow.sent_bytes)
        passage.way = planned

    def set_cap(self, flow: Flow, cap_bps: float) -> None:
        """From now on the flow never uses more than ``cap_bps``.

        Raises:
            ValueError: a cap that is not > 0, or a flow that is not on its way.
        """
        passage = self._passage(flow)
        flow.cap_bps = checked_cap_bps(cap_bps)
        if passage.moves:
            self._shares.set_cap(flow, cap_bps)

    def abandon(self, flow: Flow, error: BaseException) -> None:
        """Give back all shares of the flow now; who waits for it gets the error before time moves.

        Raises:
            ValueError: a flow that is not on its way.
        """
        passage = self._passage(flow)
        self._end(passage, complete=False)
        self._sim.loop.call_soon(passage.over, error)

    def capacity_bps(self, link: int) -> float:
        """What a link can carry now."""
        self._check([link])
        return self._followers.now_bps(link) if link in self._followers else self._shares.capacity_bps(link)

    def rates_bps(self, links: Sequence[int]) -> tuple[float, ...]:
        """What each of these links, which are known, can carry now."""
        if self._followers.capacities:
            return tuple([self.capacity_bps(link) for link in links])
        return self._tightness.carry_bps(links)

    def load_bps(self, link: int) -> float:
        """What the flows on a link use of it now, as of the end of the last instant in which something changed."""
        self._check([link])
        return self._shares.load_bps(link)

    def follow(self, link: int) -> LinkSeries:
        """Load and capacity of a link over time, from when this was first asked; costs nothing for other links.

        Raises:
            ValueError: an unknown link.
        """
        self._check([link])
        if link in self._followers and self._shares.is_idle(link):
            self._change_capacity(link, self._followers.now_bps(link))
        return self._shares.series(link)

    def use(self, link: int) -> LinkUse:
        """What a link did up to now.

        Raises:
            ValueError: an unknown link.
        """
        return LinkUse(*self.uses([link])[:, 0].tolist())

    def uses(self, links: Sequence[int]) -> Array:
        """What each of these links, n, did up to now, under the headings of a ``LinkUse``: (7, n).

        Raises:
            ValueError: an unknown link, or one twice.
        """
        self._check(links)
        idle = self._shares.is_idle
        moving_bytes = [0.0 if idle(link) else self._shares.crossed_bytes(link) for link in links]
        return self._ledger.uses(
            np.array(links, dtype=np.int64),
            capacity_bps=np.array(self.rates_bps(links)),
            used_bps=np.array(self._tightness.carry_bps(links)),
            moving_bytes=np.array(moving_bytes),
            now_s=self._sim.now,
        )

    def traffic(self) -> Traffic:
        """What became of all bytes up to now."""
        return Traffic(
            offered_bytes=self._ledger.offered_bytes,
            delivered_bytes=self._ledger.delivered_bytes,
            wasted_bytes=self._ledger.wasted_bytes,
            moving_bytes=self._shares.sent_bytes() + self.moving_beside(),
        )

    @property
    def vary(self) -> bool:
        """Whether the capacity of any link changes by itself."""
        return bool(self._followers.capacities)

    def are_steady(self, links: Sequence[int]) -> bool:
        """Whether the capacities of these links stay as they are until somebody sets them."""
        return not any(link in self._followers for link in links)

    def lone_bps(self, planned: Way, cap_bps: float) -> float:
        """What a flow would have alone on this way, if its capacities are steady."""
        return self._tightness.lone_bps(planned, cap_bps)

    @property
    def room(self) -> Room:
        """What is kept for flows that are foreseen."""
        return self._shares.room

    def set_foreseen(self, since_s: float) -> None:
        """The first flow that was foreseen begins no sooner than this; infinity, if there is none any more."""
        self._ledger.foreseen_s = since_s

    @property
    def ledger(self) -> Ledger:
        """What they carried."""
        return self._ledger

    @contextmanager
    def replayed(self) -> Iterator[None]:
        """Inside, flows set out at earlier times than now: see ``Simulation.replay``."""
        self._ledger.is_replayed, first = True, self._flows
        try:
            with self._shares.apart():
                yield
        finally:
            self._ledger.is_replayed = False
            for flow, passage in self._passages.items():
                if flow.number >= first and passage.moves and flow.moving_s is not None:
                    self._ledger.was_busy(passage.way, flow.moving_s, None)

    def _way(self, route: Sequence[int], back: Sequence[int], back_share: float) -> Way:
        self._check(route)
        self._check(back)
        if not 0 <= back_share < math.inf:
            raise ValueError(f"back_share must be >= 0 and finite, got {back_share!r}")
        return way(route or AT_HOME.links, back, back_share)

    def _check(self, route: Sequence[int]) -> None:
        if route and (len(set(route)) < len(route) or min(route) <= _AT_HOME or max(route) >= self._shares.links):
            raise ValueError(f"a route must name known links, each once, got {route!r}")

    def _passage(self, flow: Flow) -> Passage:
        passage = self._passages.get(flow)
        if passage is None:
            raise ValueError(f"only a flow on its way can be changed, got {flow!r}")
        return passage

    def _change_capacity(self, link: int, capacity_bps: float) -> None:
        """From now on a link carries so much."""
        moving_bytes = 0.0 if self._shares.is_idle(link) else self._shares.crossed_bytes(link)
        self._ledger.change_capacity(link, before_bps=self._shares.capacity_bps(link), moving_bytes=moving_bytes)
        self._shares.set_capacity(link, capacity_bps)

    def _delay_is_over(self, passage: Passage) -> None:
        self._set_off(passage)
        if passage.moves:
            self._shares.settle()

    def _set_off(self, passage: Passage) -> None:
        """The delay is over: the bytes begin to move."""
        passage.timer = None
        if passage.flow.size_bytes > 0:
            self._come(passage.way, passage.flow.size_bytes)
            self._shares.join(passage.flow, passage.way)
            passage.moves = True
        else:
            self._end(passage, complete=True)

    def _arrive(self, flow: Flow) -> None:
        """All bytes are there: who waits for them goes on."""
        self._end(self._passages[flow], complete=True)

    def _end(self, passage: Passage, *, complete: bool) -> None:
        """The flow is over and leaves every link."""
        flow, now_s, alone_s = passage.flow, self._sim.now, 0.0
        sent_bytes = flow.size_bytes if complete else flow.sent_bytes
        del self._passages[flow]
        if passage.timer is not None:
            passage.timer.cancel()
        if passage.moves:
            if self._ledger.is_replayed and flow.moving_s is not None:
                self._ledger.was_busy(passage.way, flow.moving_s, now_s)
            alone_s = self._shares.leave(flow)
            self._close(passage, sent_bytes, complete=complete)
            self._rest(passage.way)
        flow.end(sent_bytes, now_s, complete=complete, alone_s=alone_s)
        if complete:
            passage.over(None)

    def _close(self, passage: Passage, sent_bytes: float, *, complete: bool) -> None:
        """Tell what became of the bytes of a flow that has moved."""
        for earlier, moved_bytes in passage.legs or ():
            self._ledger.decide(earlier, moved_bytes, complete=complete)
            sent_bytes -= moved_bytes
        self._ledger.end(passage.way, sent_bytes, complete=complete)

    def _come(self, onto: Way, left_bytes: float) -> None:
        """A flow comes to these links."""
        self._ledger.begin(onto, left_bytes, self._sim.now)
        for link in onto.links if self._followers.capacities else ():
            self._followers.wake(link)

    def _rest(self, off: Way) -> None:
        """A flow has left these links, and may have been the last."""
        idle = self._shares.idle(off.links)
        self._ledger.rest(idle, self._sim.now)
        for link in idle if self._followers.capacities else ():
            self._followers.rest(link)
