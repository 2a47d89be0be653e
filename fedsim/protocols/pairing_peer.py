"""One peer of an asynchronous gossip: it works, averages with a neighbour, and answers others in between."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from fedsim.errors import DeviceDownError, NoRouteError
from fedsim.learners.tape import Done, Due
from fedsim.protocols.node import Delivery, DeviceNode, Stint, under_way
from fedsim.protocols.pairs import Pairs
from fedsim.protocols.peer_work import deliver, work
from fedsim.protocols.session import GossipSession

_HALF: Final = 0.5
_AT_ONCE: Final = 1_000
"""So many exchanges of one peer in one instant: nothing in the scenario takes time."""


@dataclass(frozen=True, slots=True)
class Host:
    """A peer that is there: its stint, and a place for tasks that end with it."""

    stint: Stint
    tasks: asyncio.TaskGroup


@dataclass(slots=True)
class _Outcome:
    """How far an exchange has come."""

    has_arrived: bool = False
    is_mixed: bool = False


@dataclass(kw_only=True)
class PairingPeer:
    """One peer, over all its comings and goings."""

    session: GossipSession
    node: DeviceNode
    pairs: Pairs
    peers: "Sequence[PairingPeer]"
    targets: Sequence[int]
    number: int = 0
    host: Host | None = None
    is_working: bool = False
    began: tuple[float, int] = field(default=(-1.0, 0))

    async def live(self, patience_s: float) -> None:
        """Work whenever the device is there."""
        while not self.node.is_spent():
            await self.node.returned()
            with suppress(DeviceDownError):
                await self._stay(patience_s)

    async def _stay(self, patience_s: float) -> None:
        """One piece of work and exchange after the other, until the device goes."""
        async with self.node.at_work() as stint, asyncio.TaskGroup() as tasks:
            self.host = Host(stint, tasks)
            try:
                while True:
                    self.number += 1
                    await self._event(self.host, patience_s)
            finally:
                self.host = None

    async def _event(self, host: Host, patience_s: float) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await self._check_time(began_s)
        started = self.session.training.state(self.node.index)
        answer = await self._work(started)
        computed_s = loop.time()
        partner, parts, turn_s = await self._average(host, started, answer, patience_s)
        if partner is None:
            self._alone(started, answer)
        if partner is None and loop.time() == began_s:
            await self._rest(patience_s)
            return
        self.session.record(
            "mixed",
            subject=self.node.name,
            round=self.number,
            link=self.node.link,
            compute_s=computed_s - began_s,
            exchange_s=loop.time() - computed_s,
            models=0 if partner is None else 1,
            waited_for="" if partner is None else partner.name,
            waited_link="" if partner is None else partner.link,
            turn_s=turn_s - computed_s,
            **under_way(parts),
        )
        host.stint.settle()
        self.session.monitor.peer_round_ended(self.node.index)

    async def _work(self, started: Due) -> Done:
        self.is_working = True
        try:
            return await work(self.session, self.node, started, self.number)
        finally:
            self.is_working = False

    async def _rest(self, patience_s: float) -> None:
        """There was nothing to do, and nobody to ask: who has neither work nor anybody to ask waits to be asked."""
        index = self.node.index
        if self.targets or self.session.training.costs[index].steps:
            await asyncio.sleep(patience_s)
        else:
            await asyncio.get_running_loop().create_future()

    async def _check_time(self, now_s: float) -> None:
        """Do not go round in one instant for ever: stop the run instead."""
        since_s, count = self.began
        self.began = (now_s, count + 1 if since_s == now_s else 1)
        if self.began[1] > _AT_ONCE:
            self.session.monitor.stop("neither work nor messages take time")
            await asyncio.get_running_loop().create_future()

    async def _average(
        self, host: Host, started: Due, answer: Done, patience_s: float
    ) -> tuple[DeviceNode | None, Mapping[str, float], float]:
        """Average with one neighbour, None if nobody could be had; the parts of its reply, and when its turn came."""
        turn_s = asyncio.get_running_loop().time()
        if not self.targets:
            return None, {}, turn_s
        rng = self.session.streams("partner", self.node.name, self.number)
        for target in rng.permutation(len(self.targets)).tolist():
            other = self.peers[self.targets[target]]
            if other.host is None or not other.node.is_up():
                continue
            ends = (self.node.index, other.node.index)
            if not await self.pairs.take(ends, patience_s):
                break
            turn_s = asyncio.get_running_loop().time()
            try:
                reply = await self._exchange(host, other, started, answer)
            finally:
                self.pairs.free(ends)
            if reply is not None:
                return other.node, reply.parts, turn_s
        return None, {}, turn_s

    async def _exchange(self, host: Host, other: "PairingPeer", started: Due, answer: Done) -> Delivery | None:
        """Both models travel, and both peers become the mean; None, and no change, if one does not arrive."""
        training, here, there = self.session.training, self.node.index, other.node.index
        mine = self._offer(self._rebased(started, answer, training.state(here)))
        answered = self._offer(training.idle(there))
        with self._kept_or_lost(other) as outcome:
            if await self._send(host, other) is None:
                return None
            outcome.has_arrived = True
            reply = await self._reply(other)
            if reply is None:
                host.stint.lose("unreached", sent_bytes=training.message_bytes(1))
                return None
            done, idle = self._rebased(started, answer, training.state(here)), training.idle(there)
            training.mix(
                [
                    training.meeting(training.state(here), done, mine, {there: answered}, {there: _HALF}),
                    training.meeting(training.state(there), idle, answered, {here: mine}, {here: _HALF}),
                ]
            )
            outcome.is_mixed = True
        return reply

    def _offer(self, answer: Done) -> Due:
        """What a peer sends: its model, with the work of ``answer`` in it unless the learner overlaps."""
        training = self.session.training
        return training.offer(
            answer.device, training.state(answer.device), None if training.learner.overlaps else answer
        )

    @contextmanager
    def _kept_or_lost(self, other: "PairingPeer") -> Iterator[_Outcome]:
        """What the other had received by then is in vain unless both have mixed, whoever went."""
        outcome = _Outcome()
        try:
            yield outcome
        finally:
            if other.host is not None and outcome.is_mixed and not other.is_working:
                other.host.stint.settle()
            is_lost = outcome.has_arrived and not outcome.is_mixed and not self.session.monitor.is_done()
            if other.host is not None and is_lost:
                size_bytes = self.session.training.message_bytes(1)
                other.host.stint.lose("unreached", received_bytes=size_bytes)

    async def _reply(self, other: "PairingPeer") -> Delivery | None:
        """The other's model, sent by a task of its own that ends when it goes; None if it does not arrive."""
        if other.host is None:
            return None
        sending = other.host.tasks.create_task(other._send(other.host, self), name=f"{other.node.name} replies")  # noqa: SLF001
        await asyncio.wait([sending])
        return None if sending.cancelled() else sending.result()

    async def _send(self, host: Host, other: "PairingPeer") -> Delivery | None:
        """One model to another peer; None if it is gone, or there is no way."""
        size_bytes = self.session.training.message_bytes(1)
        try:
            delivery = await deliver(self.node, other.node, size_bytes, host.stint)
        except (DeviceDownError, NoRouteError) as error:
            host.stint.lose("unreached", sent_bytes=error.sent_bytes)
            return None
        for cause, wasted_bytes in delivery.wasted.items():
            host.stint.lose(cause, sent_bytes=wasted_bytes)
        self.session.record(
            "passed",
            subject=self.node.name,
            peer=other.node.name,
            round=self.number,
            move_s=delivery.move_s,
            **delivery.parts,
        )
        return delivery

    def _alone(self, started: Due, answer: Done) -> None:
        """Add the work to what the model is now."""
        training, index = self.session.training, self.node.index
        own = training.state(index)
        done = self._rebased(started, answer, own)
        training.mix([training.meeting(own, done, self._offer(done), {}, {})])

    def _rebased(self, started: Due, answer: Done, own: Due) -> Done:
        """The work as if it had been done on the model as it is now."""
        return self.session.training.rebased(started, answer, own)
