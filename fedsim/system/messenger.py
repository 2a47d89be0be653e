"""Carries messages between nodes: wakes their radios, moves the bytes, and loses, doubles and spoils some."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from fedsim.errors import (
    DeviceDownError,
    MessageCorruptedError,
    MessageFailedError,
    MessageLostError,
    NoRouteError,
)
from fedsim.kernel import Simulation
from fedsim.system.cargo import Cargo
from fedsim.system.delivery import Delivery
from fedsim.system.interruption import Interrupted
from fedsim.system.mishaps import Fortune, Manners
from fedsim.system.network import Flow, Network
from fedsim.system.outage import Outage, Outages
from fedsim.system.trip import Trip

__all__ = ["Endpoint", "Manners", "Messenger"]

_RESENT = "resent"
_DUPLICATE = "duplicate"


class Endpoint(Protocol):
    """Where a message starts or ends."""

    @property
    def name(self) -> str:
        """Its name in the network."""

    @property
    def interrupted(self) -> Interrupted:
        """What becomes of its messages when it goes."""

    def present(self) -> AbstractAsyncContextManager[None]:
        """Ends with a ``DeviceDownError`` when the endpoint goes."""

    def is_there(self) -> bool:
        """Whether it is there now."""

    async def back(self) -> None:
        """Return when it is there, or raise a ``DeviceDownError`` when it is gone for good."""

    def connected(self, *, pushed: bool) -> AbstractAsyncContextManager[None]:
        """Hold its radio, from the time at which it is connected."""

    def follow(self, flow: Flow, *, outgoing: bool, waste: str | None = None) -> None:
        """Take note of the present rate and bytes of a flow of this endpoint, and why they are in vain, if so."""


@dataclass(slots=True)
class _Errand:
    """A message from its first sending to its arrival: what it has left, and what was on the wire for it.

    It tells both ends about its flows.
    """

    source: Endpoint
    target: Endpoint
    cargo: Cargo
    begin_s: float
    waste: str | None = None
    failures: int = 0
    ended_bytes: float = 0.0
    vain_bytes: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def rate_changed(self, flow: Flow) -> None:
        if flow.ended_s is not None:
            self.ended_bytes += flow.sent_bytes
        self.source.follow(flow, outgoing=True, waste=self.waste)
        self.target.follow(flow, outgoing=False, waste=self.waste)

    def gone(self) -> list[Endpoint]:
        """Which of its ends are not there."""
        return [end for end in (self.source, self.target) if not end.is_there()]


class Messenger:
    """Sends messages over a network in which some meet with mishaps, and again if that is the manner."""

    def __init__(
        self, sim: Simulation, network: Network, manners: Manners | None = None, *, outages: Sequence[Outage] = ()
    ) -> None:
        self._sim = sim
        self.network = network
        self._manners = manners or Manners()
        self._outages = Outages(sim, network, outages)
        self._fortune = Fortune(sim, self._manners)
        self._copies: set[asyncio.Task[None]] = set()

    async def send(self, source: Endpoint, target: Endpoint, size_bytes: float) -> Delivery:
        """Return when the target has the message.

        When an end goes whose messages are not aborted, what is left waits for it to come back. The error of a
        message that did not get through says how many bytes of it were on the wire, in vain.

        Raises:
            DeviceDownError: the target is not there, or an end goes before the target has all of the message.
            MessageLostError: all bytes were sent and the message, or a chunk of it, is lost.
            MessageCorruptedError: likewise, and it is corrupted.
            NoRouteError: nothing connects the two.
            LinkDownError: what carried it went away.
        """
        errand = _Errand(source, target, Cargo(size_bytes, self._manners.chunk_bytes), self._sim.now)
        if source.interrupted != "abort":
            await source.back()
        with self._outages.watching():
            delivery = await self._send(errand)
        if self._fortune.is_doubled(source.name, target.name):
            copy = self._sim.spawn(self._send_in_vain(source, target, size_bytes), name=f"{source.name}: once more")
            self._copies.add(copy)
            copy.add_done_callback(self._copies.discard)
        wasted = dict(errand.vain_bytes)
        return replace(delivery, size_bytes=size_bytes, wire_bytes=errand.ended_bytes, wasted=wasted)

    async def _send(self, errand: _Errand) -> Delivery:
        while True:
            spoilt_bytes = errand.cargo.spoilt_bytes
            try:
                return await self._try(errand)
            except DeviceDownError as error:
                error.sent_bytes = errand.ended_bytes
                await self._wait_for_ends(errand, error, spoilt_bytes)
            except MessageFailedError as error:
                error.sent_bytes = errand.ended_bytes
                await self._back_off(errand, error)

    async def _wait_for_ends(self, errand: _Errand, error: DeviceDownError, spoilt_bytes: float) -> None:
        """An end went: wait for it if it takes its messages up again, from where they were or the last chunk."""
        gone = errand.gone()
        if not gone or any(end.interrupted == "abort" for end in gone):
            raise error
        if all(end.interrupted == "pause" for end in gone):
            errand.cargo.keep_broken()
        if in_vain_bytes := errand.cargo.spoilt_bytes - spoilt_bytes:
            errand.vain_bytes[error.cause] += in_vain_bytes
        for end in gone:
            await end.back()
        self._sim.record("resumed", subject=errand.source.name, peer=errand.target.name, cause=error.cause)

    async def _back_off(self, errand: _Errand, error: MessageFailedError) -> None:
        """Wait before the next attempt, if there is one."""
        errand.failures += 1
        wait_s = self._manners.retry.wait_s(errand.failures) if self._manners.retry else None
        if wait_s is None:
            raise error
        source, target = errand.source.name, errand.target.name
        self._sim.record("failed", subject=source, peer=target, cause=error.cause, again_s=wait_s)
        await self._sim.timeout(wait_s)

    async def _try(self, errand: _Errand) -> Delivery:
        """One attempt at what is left."""
        again_s, source, target = self._sim.now, errand.source, errand.target
        async with self._ends(errand):
            woken_s = self._sim.now
            if late_s := self._fortune.late_s(source.name, target.name):
                await self._sim.timeout(late_s)
            try:
                trip = await self.network.transfer(source.name, target.name, errand.cargo, errand)
            except NoRouteError:
                await self._sim.timeout(self._manners.give_up_s)
                raise
            except MessageFailedError as error:
                errand.vain_bytes[_RESENT] += error.wasted_bytes
                raise
        self._check(trip, errand)
        delivery = trip.delivery()
        return replace(
            delivery,
            wake_s=woken_s - again_s,
            delay_s=delivery.delay_s + late_s,
            resend_s=delivery.resend_s + (again_s - errand.begin_s),
        )

    @asynccontextmanager
    async def _ends(self, errand: _Errand) -> AsyncIterator[None]:
        """For as long as both ends are there, from when both are connected.

        A source whose messages are aborted is watched by whoever sends from it.
        """
        source, target = errand.source, errand.target
        async with (
            _watched(source),
            target.present(),
            source.connected(pushed=False),
            target.connected(pushed=True),
        ):
            yield

    def _check(self, trip: Trip, errand: _Errand) -> None:
        """See which chunks were lost on the way, and which do not match their checksum; these have to go again."""
        if trip.wasted_bytes:
            errand.vain_bytes[_RESENT] += trip.wasted_bytes
        mishaps = (self._fortune.losses(trip.source, trip.target), self._fortune.corruptions(trip.source, trip.target))
        sent_bytes, wire_bytes = trip.cargo.left_bytes, trip.flow.sent_bytes
        lost, corrupted = trip.cargo.meet(mishaps)
        if not lost and not corrupted:
            return
        what = "lost" if lost else "corrupted"
        self._sim.record(what, subject=trip.source, peer=trip.target)
        error = (MessageLostError if lost else MessageCorruptedError)(
            f"a message from {trip.source} to {trip.target} was {what}"
        )
        error.wasted_bytes = trip.wasted_bytes
        for cause, chunks in ((_RESENT, lost), (MessageCorruptedError.cause, corrupted)):
            share = (sum(chunks) / sent_bytes if sent_bytes else 1.0) if chunks else 0.0
            error.wasted_bytes += share * wire_bytes
            if share:
                errand.vain_bytes[cause] += share * wire_bytes
        raise error

    async def _send_in_vain(self, source: Endpoint, target: Endpoint, size_bytes: float) -> None:
        """A message comes once more, and its receiver drops it."""
        self._sim.record("doubled", subject=source.name, peer=target.name)
        errand = _Errand(source, target, Cargo(size_bytes), self._sim.now, waste=_DUPLICATE)
        with suppress(DeviceDownError, MessageFailedError), self._outages.watching():
            async with (
                source.present(),
                target.present(),
                source.connected(pushed=False),
                target.connected(pushed=True),
            ):
                await self.network.transfer(source.name, target.name, errand.cargo, errand)


@asynccontextmanager
async def _watched(source: Endpoint) -> AsyncIterator[None]:
    if source.interrupted == "abort":
        yield
    else:
        async with source.present():
            yield
