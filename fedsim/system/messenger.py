"""Carries messages between nodes: wakes their radios, moves the bytes, and loses, doubles and spoils some."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from fedsim.errors import (
    DeviceDownError,
    MessageCorruptedError,
    MessageFailedError,
    MessageLostError,
    NoRouteError,
)
from fedsim.kernel import Simulation
from fedsim.system.attempt import Attempt
from fedsim.system.cargo import Cargo
from fedsim.system.delivery import Delivery
from fedsim.system.endpoint import Endpoint
from fedsim.system.letters import Letters
from fedsim.system.mishaps import Fortune, Manners
from fedsim.system.network import Flow, Network
from fedsim.system.outage import Outage, Outages
from fedsim.system.trip import Trip

__all__ = ["Manners", "Messenger"]

_RESENT = "resent"
_DUPLICATE = "duplicate"
_BOOKED = (NoRouteError, MessageLostError, MessageCorruptedError)
"""Failures that wasted nothing, or of which the waste is booked where they are found."""


@dataclass(slots=True)
class _Errand:
    """A message from its first sending to its arrival: what it has left, and what was on the wire for it.

    It tells both ends about its flows.
    """

    source: Endpoint
    target: Endpoint
    size_bytes: float
    cargo: Cargo
    begin_s: float
    waste: str | None = None
    failures: int = 0
    ended_bytes: float = 0.0
    vain_bytes: dict[str, float] = field(default_factory=dict)

    def rate_changed(self, flow: Flow) -> None:
        if flow.ended_s is not None:
            self.ended_bytes += flow.sent_bytes
        self.source.follow(flow, outgoing=True, waste=self.waste)
        self.target.follow(flow, outgoing=False, waste=self.waste)

    def lose(self, cause: str, lost_bytes: float) -> None:
        """So much of it was moved in vain."""
        self.vain_bytes[cause] = self.vain_bytes.get(cause, 0.0) + lost_bytes

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
        self.letters: Letters | None = None
        """Sends what nothing can happen to, if there is such; that changes nothing but what it costs."""

    @property
    def is_calm(self) -> bool:
        """Whether nothing happens to messages beside what the network does, and nothing of that ever fails."""
        return not self._outages.may_come and not self._manners.mishaps

    @property
    def is_plain(self) -> bool:
        """Whether, moreover, what they meet follows from the links and their connection alone."""
        return self.is_calm and self.network.is_plain

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
        if self.letters is not None:
            arrival: asyncio.Future[Delivery] = self._sim.loop.create_future()
            letter = self.letters.post(source, target, size_bytes, partial(_settle, arrival))
            if letter is not None:
                try:
                    return await arrival
                finally:
                    letter.give_up()
        cargo = Cargo(size_bytes, self._manners.chunk_bytes)
        cargo.part = self.network.part_of(source.name, target.name)
        errand = _Errand(source, target, size_bytes, cargo, self._sim.now)
        if source.interrupted != "abort":
            await source.back()
        with self._outages:
            delivery = await self._send(errand)
        if self._fortune.is_doubled(source.name, target.name):
            copy = self._sim.spawn(self._send_in_vain(source, target, size_bytes), name=f"{source.name}: once more")
            self._copies.add(copy)
            copy.add_done_callback(self._copies.discard)
        return delivery

    async def _send(self, errand: _Errand) -> Delivery:
        """One attempt after the other at what is left."""
        watches_source = errand.source.interrupted != "abort"
        while True:
            again_s, spoilt_bytes = self._sim.now, errand.cargo.spoilt_bytes
            attempt = Attempt(
                self._sim, self.network, errand, late=self._fortune.late_s, give_up_s=self._manners.give_up_s
            )
            try:
                trip = await attempt.made(watches_source=watches_source)
                self._check(trip, errand)
            except DeviceDownError as error:
                error.sent_bytes = errand.ended_bytes
                await self._wait_for_ends(errand, error, spoilt_bytes)
            except MessageFailedError as error:
                error.sent_bytes = errand.ended_bytes
                await self._back_off(errand, error)
            else:
                return _delivery(errand, attempt, trip, again_s)

    async def _wait_for_ends(self, errand: _Errand, error: DeviceDownError, spoilt_bytes: float) -> None:
        """An end went: wait for it if it takes its messages up again, from where they were or the last chunk."""
        gone = errand.gone()
        if not gone or any(end.interrupted == "abort" for end in gone):
            raise error
        if all(end.interrupted == "pause" for end in gone):
            errand.cargo.keep_broken()
        if in_vain_bytes := errand.cargo.spoilt_bytes - spoilt_bytes:
            errand.lose(error.cause, in_vain_bytes)
        for end in gone:
            await end.back()
        self._sim.record("resumed", subject=errand.source.name, peer=errand.target.name, cause=error.cause)

    async def _back_off(self, errand: _Errand, error: MessageFailedError) -> None:
        """Wait before the next attempt, if there is one."""
        if not isinstance(error, _BOOKED):
            errand.lose(_RESENT, error.wasted_bytes)
        errand.failures += 1
        wait_s = self._manners.retry.wait_s(errand.failures) if self._manners.retry else None
        if wait_s is None:
            raise error
        source, target = errand.source.name, errand.target.name
        self._sim.record("failed", subject=source, peer=target, cause=error.cause, again_s=wait_s)
        await self._sim.timeout(wait_s)

    def _check(self, trip: Trip, errand: _Errand) -> None:
        """See which chunks were lost on the way, and which do not match their checksum; these have to go again.

        Raises:
            MessageLostError, MessageCorruptedError: there are some.
        """
        if trip.wasted_bytes:
            errand.lose(_RESENT, trip.wasted_bytes)
        if not self._fortune.may_spoil:
            return
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
                errand.lose(cause, share * wire_bytes)
        raise error

    async def _send_in_vain(self, source: Endpoint, target: Endpoint, size_bytes: float) -> None:
        """A message comes once more, and its receiver drops it."""
        self._sim.record("doubled", subject=source.name, peer=target.name)
        errand = _Errand(source, target, size_bytes, Cargo(size_bytes), self._sim.now, waste=_DUPLICATE)
        with suppress(DeviceDownError, MessageFailedError), self._outages:
            await Attempt(self._sim, self.network, errand).made(watches_source=True)


def _settle(arrival: "asyncio.Future[Delivery]", outcome: Delivery | DeviceDownError) -> None:
    """Let the task go on that waits for a letter, unless it has been cancelled."""
    if arrival.done():
        return
    if isinstance(outcome, DeviceDownError):
        arrival.set_exception(outcome)
    else:
        arrival.set_result(outcome)


def _delivery(errand: _Errand, attempt: Attempt, trip: Trip, again_s: float) -> Delivery:
    """Of a message that is there, after an attempt that began at ``again_s``."""
    delivery = trip.delivery(wake_s=attempt.woken_s - again_s, late_s=attempt.late_s, again_s=again_s - errand.begin_s)
    delivery.size_bytes = errand.size_bytes
    delivery.wire_bytes = errand.ended_bytes
    delivery.wasted = errand.vain_bytes
    return delivery
