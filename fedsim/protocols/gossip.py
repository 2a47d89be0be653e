"""Synchronous gossip: every peer computes, exchanges models with its neighbours, mixes, and goes on.

Lian et al., D-PSGD, NeurIPS 2017, Algorithm 1. The barrier is among neighbours only: a peer starts its next round
when its neighbours' models of this round are there, not when everybody is ready. A learner that sends its model from
before the local work computes and sends at the same time; any other computes, then sends.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from fedsim.errors import DeviceDownError, JobRefusedError, MessageFailedError, NoRouteError
from fedsim.learners.mixing import Metropolis, Mixing, neighbour_weights
from fedsim.learners.tape import Due, Labour
from fedsim.protocols.cost import cost
from fedsim.protocols.inbox import Inbox
from fedsim.protocols.node import Delivery, DeviceNode, Stint, under_way
from fedsim.protocols.overlay import Overlay, hears, tells
from fedsim.protocols.session import GossipSession


@dataclass(frozen=True, kw_only=True)
class SynchronousGossip:
    """Gossip over ``overlay`` with weights by ``mixing``.

    A peer waits at most ``patience_s``, from the end of its own computing, for neighbours that are late or gone
    (for ever if None). The weight of a neighbour whose model is missing goes to the peer's own model, so that the
    weights still sum to 1. A peer that fell behind, or comes back, goes on at the round of its most advanced
    neighbour; where arcs go one way, and that one may be ahead without anybody having given up, only when it comes
    back, or is behind by more rounds than there are peers. A lost message is sent again at once.

    At most ``in_flight`` models are on their way to one neighbour at a time; of those that wait, the last one goes. In
    Marfoq's model, and wherever a peer's rounds may be shorter than a message, rounds keep their pace
    only if it is more than 1.
    """

    overlay: Overlay
    mixing: Mixing = field(default_factory=Metropolis)
    patience_s: float | None = 10.0
    in_flight: int = 1

    def __post_init__(self) -> None:
        if not self.in_flight >= 1:
            raise ValueError(f"in_flight must be >= 1, got {self.in_flight!r}")
        if self.patience_s is not None and not self.patience_s > 0:
            raise ValueError(f"patience must be > 0, got {self.patience_s!r}")

    async def run(self, session: GossipSession) -> None:
        """All peers until they are cancelled, or gone for good."""
        graph = self.overlay.graph(session.peers)
        W = self.mixing.weights(graph)
        inboxes = [Inbox(hears(graph, index)) for index in range(len(session.devices))]
        async with asyncio.TaskGroup() as group:
            for device in session.devices:
                peer = _Peer(
                    session=session,
                    node=device,
                    inboxes=inboxes,
                    targets=tells(graph, device.index),
                    weights=neighbour_weights(W, device.index),
                    in_flight=self.in_flight,
                    lead=len(inboxes) if graph.is_directed() else 1,
                )
                group.create_task(peer.live(self.patience_s), name=device.name)
        session.monitor.stop("no devices are left")


@dataclass(kw_only=True)
class _Peer:
    """One peer of a gossip, over all its comings and goings."""

    session: GossipSession
    node: DeviceNode
    inboxes: Sequence[Inbox]
    targets: Sequence[int]
    weights: Mapping[int, float]
    in_flight: int
    lead: int
    number: int = 0
    outbox: dict[int, "asyncio.Queue[tuple[int, Due]]"] = field(default_factory=dict)
    offered: tuple[int, Due] | None = None

    @property
    def inbox(self) -> Inbox:
        return self.inboxes[self.node.index]

    async def live(self, patience_s: float | None) -> None:
        """Work whenever the device is there."""
        while not self.node.is_spent():
            await self.node.returned()
            with suppress(DeviceDownError):
                await self._work(patience_s)

    async def _work(self, patience_s: float | None) -> None:
        """Rounds until the device goes."""
        async with self.node.at_work() as stint, asyncio.TaskGroup() as couriers:
            self.inbox.welcome = self._welcome
            for neighbour in self.targets:
                self.outbox[neighbour] = asyncio.Queue(maxsize=1)
                for _ in range(self.in_flight):
                    couriers.create_task(self._carry(neighbour, stint), name=f"{self.node.name} to peer {neighbour}")
            self.number = max(self.number, self.inbox.newest - 1)
            while True:
                is_behind = self.inbox.newest > self.number + self.lead
                self.number = self.inbox.newest if is_behind else self.number + 1
                await self._round(patience_s)
                stint.settle()
                self.session.monitor.peer_round_ended(self.node.index)

    async def _round(self, patience_s: float | None) -> None:
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        training = self.session.training
        own = training.state(self.node.index)
        if training.learner.overlaps:
            offered = training.offer(self.node.index, own)
            self._offer(offered)
            answer = await self._compute(own)
        else:
            answer = await self._compute(own)
            offered = training.offer(self.node.index, own, answer)
            self._offer(offered)
        computed_s = loop.time()
        received = await self.inbox.fill(self.number, patience_s)
        weights = {sender: self.weights[sender] for sender in received}
        training.mix([training.meeting(own, answer, offered, received, weights)])
        self.inbox.forget(self.number)
        self.session.record(
            "mixed",
            subject=self.node.name,
            round=self.number,
            link=self.node.link,
            compute_s=computed_s - start_s,
            exchange_s=loop.time() - computed_s,
            models=len(received),
            **self._last_heard(),
        )

    def _last_heard(self) -> dict[str, str | float]:
        """The neighbour whose model, if any, came last, its link, and where that message's time went."""
        last = self.inbox.last
        if last is None:
            return {"waited_for": "", "waited_link": ""}
        node = self.session.devices[last]
        return {"waited_for": node.name, "waited_link": node.link, **under_way(self.inbox.parts)}

    async def _compute(self, own: Due) -> Labour:
        """Local work; a peer whose device refuses it does no step, and only mixes."""
        training, index = self.session.training, self.node.index
        work = training.begin(index, own, training.costs[index].steps, (self.node.name, self.number), self.number - 1)
        try:
            await cost(training, index, work.steps).spend(self.node)
        except JobRefusedError:
            work = training.begin(index, own, 0, (self.node.name, self.number), self.number - 1)
        return training.done(work)

    def _offer(self, model: Due) -> None:
        """Hand a model to the couriers; one that still waits for its courier is superseded."""
        self.offered = (self.number, model)
        for queue in self.outbox.values():
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(self.offered)

    def _welcome(self, neighbour: int) -> None:
        """A neighbour is back and missed what was offered: offer it again."""
        if self.offered is not None and neighbour in self.outbox and self.outbox[neighbour].empty():
            self.outbox[neighbour].put_nowait(self.offered)

    async def _carry(self, neighbour: int, stint: Stint) -> None:
        """Bring one model after the other to one neighbour."""
        target = self.session.devices[neighbour]
        size_bytes = self.session.training.learner.up_bytes(self.session.training.problem)
        while True:
            number, model = await self.outbox[neighbour].get()
            try:
                delivery = await self._deliver(target, size_bytes, stint)
            except (DeviceDownError, NoRouteError) as error:
                stint.lose("unreached", sent_bytes=error.sent_bytes)
                self.inbox.give_up(neighbour)
                continue
            for cause, wasted_bytes in delivery.wasted.items():
                stint.lose(cause, sent_bytes=wasted_bytes)
            parts = delivery.parts
            self.inboxes[neighbour].put(self.node.index, number, model, parts)
            self.session.record(
                "passed",
                subject=self.node.name,
                peer=target.name,
                round=number,
                move_s=delivery.move_s,
                **parts,
            )

    async def _deliver(self, target: DeviceNode, size_bytes: int, stint: Stint) -> Delivery:
        """Send until it arrives, as long as there is a way: a peer that is missed would hold up its neighbours."""
        while True:
            try:
                return await self.node.send(target, size_bytes)
            except NoRouteError:
                raise
            except MessageFailedError as error:
                stint.lose(error.cause, sent_bytes=error.sent_bytes)
