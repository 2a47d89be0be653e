"""Synchronous gossip: every peer computes, exchanges models with its neighbours, mixes, and goes on.

Lian et al., D-PSGD, NeurIPS 2017, Algorithm 1. The barrier is among neighbours only: a peer starts its next round
when its neighbours' models of this round are there, not when everybody is ready. A learner that sends its model from
before the local work computes and sends at the same time; any other computes, then sends.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from fedsim.errors import DeviceDownError
from fedsim.learners.mixing import Metropolis, Mixing
from fedsim.learners.tape import Due
from fedsim.protocols.couriers import Couriers, Told
from fedsim.protocols.fit import check_mutual, check_peer_fit
from fedsim.protocols.inbox import Inbox
from fedsim.protocols.node import DeviceNode, under_way
from fedsim.protocols.overlay import Overlay, hears, tells
from fedsim.protocols.peer_work import work
from fedsim.protocols.schedule import Schedule, Turn
from fedsim.protocols.session import GossipSession


@dataclass(frozen=True, kw_only=True)
class SynchronousGossip:
    """Gossip over ``overlay`` with weights by ``mixing``.

    A peer waits at most ``patience_s``, from the end of its own computing, for neighbours that are late or gone
    (for ever if None). The weight of a neighbour whose model is missing goes to the peer's own model, so that the
    weights still sum to 1. A peer that fell behind, or comes back, goes on at the round of its most advanced
    neighbour; where arcs go one way, and that one may be ahead without anybody having given up, only when it comes
    back, or is behind by more rounds than there are peers. A lost message is sent again at once. Where the
    overlay changes, a peer sends to those that hear it in this round, and waits for those that it hears.

    At most ``in_flight`` models are on their way to one neighbour at a time; of those that wait, the last one goes. In
    Marfoq's model, and wherever a peer's rounds may be shorter than a message, rounds keep their pace
    only if it is more than 1.
    """

    overlay: Overlay
    """Who talks to whom."""
    mixing: Mixing = field(default_factory=Metropolis)
    """How much a peer's own model and each neighbour's count in its average."""
    patience_s: float | None = 10.0
    """How long a peer waits for neighbours after its own computing; null waits for ever."""
    in_flight: int = 1
    """Models on their way to one neighbour at a time; >= 1."""

    def __post_init__(self) -> None:
        if not self.in_flight >= 1:
            raise ValueError(f"in_flight must be >= 1, got {self.in_flight!r}")
        if self.patience_s is not None and not self.patience_s > 0:
            raise ValueError(f"patience must be > 0, got {self.patience_s!r}")

    async def run(self, session: GossipSession) -> None:
        """All peers until they are cancelled, or gone for good.

        Raises:
            FedsimError: neighbours do not hear each other, and the learner needs it.
        """
        check_peer_fit(self, session.training.learner)
        schedule = Schedule(self.overlay, self.mixing, session.peers)
        check_mutual(schedule.base, session.training.learner)
        inboxes = [Inbox(hears(schedule.base, index)) for index in range(len(session.devices))]
        async with asyncio.TaskGroup() as group:
            for device in session.devices:
                peer = _Peer(
                    session=session,
                    node=device,
                    inboxes=inboxes,
                    schedule=schedule,
                    in_flight=self.in_flight,
                )
                group.create_task(peer.live(self.patience_s), name=device.name)
        session.monitor.stop("no devices are left")


@dataclass(kw_only=True)
class _Peer:
    """One peer of a gossip, over all its comings and goings."""

    session: GossipSession
    node: DeviceNode
    inboxes: Sequence[Inbox]
    schedule: Schedule
    in_flight: int
    number: int = 0
    couriers: Couriers = field(init=False)

    def __post_init__(self) -> None:
        self.couriers = Couriers(
            self.session,
            self.node,
            tells(self.schedule.base, self.node.index),
            in_flight=self.in_flight,
            told=Told(self._arrived, self.inbox.give_up),
        )

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
        async with self.node.at_work() as stint, asyncio.TaskGroup() as tasks:
            self.inbox.welcome = self._welcome
            self.couriers.begin(stint, tasks)
            self.number = max(self.number, self.inbox.newest - 1)
            try:
                while True:
                    self.number = self._next()
                    await self._round(patience_s)
                    stint.settle()
                    self.session.monitor.peer_round_ended(self.node.index)
            finally:
                self.couriers.end()

    def _next(self) -> int:
        """The next round; that of the most advanced of those neighbours that went on without this peer, if any did.

        A neighbour did if it sent for a round after one in which it was to hear this peer, or, where nobody
        who is ahead hears this one, if it is ahead by more than all can be.
        """
        following = self.number + 1
        if self.inbox.newest <= following:
            return following
        ahead = {sender: newest for sender, newest in self.inbox.latest.items() if newest > following}
        return max((newest for sender, newest in ahead.items() if self._is_given_up(sender, newest)), default=following)

    def _is_given_up(self, sender: int, newest: int) -> bool:
        index, most = self.node.index, self.schedule.most_apart
        is_expected = any(
            index in self.schedule.turn(sender, number).hears for number in range(self.number + 1, newest)
        )
        return is_expected or newest > self.number + most

    async def _round(self, patience_s: float | None) -> None:
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        training = self.session.training
        turn = self.schedule.turn(self.node.index, self.number)
        own = training.state(self.node.index)
        if training.learner.overlaps:
            offered = training.offer(self.node.index, own)
            self._offer(offered, turn)
            answer = await work(self.session, self.node, own, self.number)
        else:
            answer = await work(self.session, self.node, own, self.number)
            offered = training.offer(self.node.index, own, answer)
            self._offer(offered, turn)
        computed_s = loop.time()
        received = await self.inbox.fill(self.number, turn.hears, patience_s)
        training.mix([training.meeting(own, answer, offered, received, turn.hears)])
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

    def _offer(self, model: Due, turn: Turn) -> None:
        """Send a model to those who hear it in this round."""
        if self.session.part is not None and self.schedule.changes:
            for neighbour in turn.tells:
                target, into = self.session.devices[neighbour], self.schedule.heard(neighbour, self.number)
                self.session.part(self.node.name, target.name, len(turn.tells), into)
        self.couriers.offer(self.number, model, turn.tells)

    def _last_heard(self) -> dict[str, str | float]:
        """The neighbour whose model, if any, came last, its link, and where that message's time went."""
        last = self.inbox.last
        if last is None:
            return {"waited_for": "", "waited_link": ""}
        node = self.session.devices[last]
        return {"waited_for": node.name, "waited_link": node.link, **under_way(self.inbox.parts)}

    def _welcome(self, neighbour: int) -> None:
        """A neighbour is back and missed what was offered: offer it again."""
        self.couriers.offer_again(neighbour, self._told_in)

    def _told_in(self, number: int) -> Sequence[int]:
        return self.schedule.turn(self.node.index, number).tells

    def _arrived(self, neighbour: int, number: int, model: Due, parts: Mapping[str, float]) -> None:
        self.inboxes[neighbour].put(self.node.index, number, model, parts)
