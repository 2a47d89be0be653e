"""Carries messages between nodes: wakes their radios, moves the bytes, and loses some."""

import math
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from fedsim.errors import DeviceDownError, MessageFailedError, MessageLostError, NoRouteError
from fedsim.kernel import Simulation
from fedsim.system.cargo import Cargo
from fedsim.system.delivery import Delivery
from fedsim.system.network import Flow, Network
from fedsim.system.outage import Outage, Outages
from fedsim.system.retry import Retry
from fedsim.system.trip import Trip


class Endpoint(Protocol):
    """Where a message starts or ends."""

    @property
    def name(self) -> str:
        """Its name in the network."""

    def present(self) -> AbstractAsyncContextManager[None]:
        """Ends with a ``DeviceDownError`` when the endpoint goes."""

    def connected(self, *, pushed: bool) -> AbstractAsyncContextManager[None]:
        """Hold its radio, from the time at which it is connected."""

    def follow(self, flow: Flow, *, outgoing: bool) -> None:
        """Take note of the present rate and bytes of a flow of this endpoint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manners:
    """What happens to messages beside their transport.

    message_loss: the probability that a message is sent in full and lost; or each of its chunks, where it is cut.
    retry: how a failed message is sent again; None leaves that to the protocol.    chunk_bytes: a message that breaks
    off loses only the chunk that was on its way; it is sent on after the last complete one.
    give_up_s: how long it takes a sender to find that there is no route.

    Raises:
        ValueError: a loss that is not >= 0 and < 1, a chunk that is not > 0, a time that is not > 0 and finite.
    """

    message_loss: float = 0.0
    retry: Retry | None = None
    chunk_bytes: float = math.inf
    give_up_s: float = 3.0

    def __post_init__(self) -> None:
        if not 0 <= self.message_loss < 1:
            raise ValueError(f"message_loss must be >= 0 and < 1, got {self.message_loss!r}")
        if not self.chunk_bytes > 0:
            raise ValueError(f"chunk_bytes must be > 0, got {self.chunk_bytes!r}")
        if not 0 < self.give_up_s < math.inf:
            raise ValueError(f"give_up_s must be > 0 and finite, got {self.give_up_s!r}")


@dataclass(slots=True)
class _Watcher:
    """Tells both ends of a message's flows about them, and keeps what was on the wire."""

    source: Endpoint
    target: Endpoint
    ended_bytes: float = 0.0

    def rate_changed(self, flow: Flow) -> None:
        if flow.ended_s is not None:
            self.ended_bytes += flow.sent_bytes
        self.source.follow(flow, outgoing=True)
        self.target.follow(flow, outgoing=False)


class Messenger:
    """Sends messages over a network in which some are lost, and again if that is the manner."""

    def __init__(
        self, sim: Simulation, network: Network, manners: Manners | None = None, *, outages: Sequence[Outage] = ()
    ) -> None:
        self._sim = sim
        self.network = network
        self._manners = manners or Manners()
        self._outages = Outages(sim, network, outages)
        self._luck: dict[tuple[str, str], np.random.Generator] = {}

    async def send(self, source: Endpoint, target: Endpoint, size_bytes: float) -> Delivery:
        """Return when the target has the message.

        The error of a message that did not get through says how many bytes of it were on the wire, in vain.

        Raises:
            DeviceDownError: the target is not there, or goes before it has all of the message.
            MessageLostError: all bytes were sent and the message, or a chunk of it, is lost.
            NoRouteError: nothing connects the two.
            LinkDownError: what carried it went away.
        """
        with self._outages.watching():
            return await self._send(source, target, size_bytes)

    async def _send(self, source: Endpoint, target: Endpoint, size_bytes: float) -> Delivery:
        begin_s, failures, wasted_bytes = self._sim.now, 0, 0.0
        cargo, watcher = Cargo(size_bytes, self._manners.chunk_bytes), _Watcher(source, target)
        while True:
            try:
                delivery = await self._try(source, target, cargo, watcher, begin_s)
            except DeviceDownError as error:
                error.sent_bytes = watcher.ended_bytes
                raise
            except MessageFailedError as error:
                failures += 1
                wasted_bytes += error.wasted_bytes
                error.sent_bytes = watcher.ended_bytes
                wait_s = self._manners.retry.wait_s(failures) if self._manners.retry else None
                if wait_s is None:
                    raise
                self._sim.record("failed", subject=source.name, peer=target.name, cause=error.cause, again_s=wait_s)
            else:
                wasted_bytes += delivery.wasted_bytes
                wire_bytes = watcher.ended_bytes
                return replace(delivery, size_bytes=size_bytes, wire_bytes=wire_bytes, wasted_bytes=wasted_bytes)
            await self._sim.timeout(wait_s)

    async def _try(
        self, source: Endpoint, target: Endpoint, cargo: Cargo, watcher: _Watcher, begin_s: float
    ) -> Delivery:
        """One attempt at what is left of a message that was first sent at ``begin_s``."""
        again_s = self._sim.now
        async with target.present(), source.connected(pushed=False), target.connected(pushed=True):
            woken_s = self._sim.now
            try:
                trip = await self.network.transfer(source.name, target.name, cargo, watcher)
            except NoRouteError:
                await self._sim.timeout(self._manners.give_up_s)
                raise
        self._lose(trip)
        delivery = trip.delivery()
        return replace(delivery, wake_s=woken_s - again_s, resend_s=delivery.resend_s + (again_s - begin_s))

    def _lose(self, trip: Trip) -> None:
        """Each message of a pair has its own luck, so that one pair more changes no other's."""
        if not self._manners.message_loss:
            return
        pair = source, target = trip.source, trip.target
        luck = self._luck.get(pair)
        if luck is None:
            luck = self._luck[pair] = self._sim.rng("loss", source, target)
        sent_bytes = trip.cargo.left_bytes
        lost_bytes = trip.cargo.lose(self._manners.message_loss, luck)
        if trip.cargo.chunks:
            self._sim.record("lost", subject=source, peer=target)
            error = MessageLostError(f"a message from {source} to {target} was lost")
            lost_share = lost_bytes / sent_bytes if sent_bytes else 1.0
            error.wasted_bytes = trip.wasted_bytes + lost_share * trip.flow.sent_bytes
            raise error
