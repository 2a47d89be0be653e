"""Carries messages between nodes: wakes their radios, moves the bytes, and loses some."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fedsim.errors import DeviceDownError, MessageLostError
from fedsim.kernel import Simulation
from fedsim.system.network import Flow, Network
from fedsim.system.outage import Outage, Outages


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
class Delivery:
    """How long a message took: waking radios, then delay and bytes."""

    wake_s: float
    move_s: float


@dataclass(slots=True)
class _Watcher:
    """Tells both ends of a flow about it, and keeps how far it came."""

    source: Endpoint
    target: Endpoint
    sent_bytes: float = 0.0

    def rate_changed(self, flow: Flow) -> None:
        self.sent_bytes = flow.sent_bytes
        self.source.follow(flow, outgoing=True)
        self.target.follow(flow, outgoing=False)


class Messenger:
    """Sends messages over a network in which some are lost."""

    def __init__(
        self, sim: Simulation, network: Network, *, message_loss: float = 0.0, outages: Sequence[Outage] = ()
    ) -> None:
        if not 0 <= message_loss < 1:
            raise ValueError(f"message_loss must be >= 0 and < 1, got {message_loss!r}")
        self._sim = sim
        self.network = network
        self._message_loss = message_loss
        self._outages = Outages(sim, network, outages)
        self._luck: dict[tuple[str, str], np.random.Generator] = {}

    async def send(self, source: Endpoint, target: Endpoint, size_bytes: float) -> Delivery:
        """Return when the target has the message.

        Raises:
            DeviceDownError: the target is not there, or goes before it has all of the message.
            MessageLostError: all bytes were sent and the message is lost.
            NoRouteError: nothing connects the two.
        """
        with self._outages.watching():
            return await self._carry(source, target, size_bytes)

    async def _carry(self, source: Endpoint, target: Endpoint, size_bytes: float) -> Delivery:
        begin_s = self._sim.now
        watcher = _Watcher(source, target)
        try:
            async with target.present(), source.connected(pushed=False), target.connected(pushed=True):
                woken_s = self._sim.now
                await self.network.transfer(source.name, target.name, size_bytes, watcher)
            self._lose(source.name, target.name)
        except (DeviceDownError, MessageLostError) as error:
            error.sent_bytes = watcher.sent_bytes
            raise
        return Delivery(wake_s=woken_s - begin_s, move_s=self._sim.now - woken_s)

    def _lose(self, source: str, target: str) -> None:
        """Each message of a pair has its own luck, so that one pair more changes no other's."""
        if not self._message_loss:
            return
        luck = self._luck.get((source, target))
        if luck is None:
            luck = self._luck[source, target] = self._sim.rng("loss", source, target)
        if luck.random() < self._message_loss:
            self._sim.record("lost", subject=source, peer=target)
            raise MessageLostError(f"a message from {source} to {target} was lost")
