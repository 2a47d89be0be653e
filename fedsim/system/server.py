"""A server: on the mains, seldom the slowest, and down now and then."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

from fedsim.errors import DeviceDownError, ServerDownError
from fedsim.kernel import Simulation
from fedsim.system.delivery import Delivery
from fedsim.system.endpoint import Endpoint, Guest
from fedsim.system.exposure import Cut, Exposed
from fedsim.system.flow import Moving
from fedsim.system.law import Law
from fedsim.system.messenger import Messenger
from fedsim.system.meter import PowerMeter
from fedsim.system.on_off import OnOff
from fedsim.system.presence import Crashes
from fedsim.system.usage import Usage
from fedsim.system.watch import Watch


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerSpec:
    """Where the server is in the topology, how fast it computes, what it draws, and how it fails.

    With a ``service_s`` every computation takes a time drawn from this law, whatever its operations.
    ``interrupted`` is what becomes of a round when the server goes: "abort": it is lost. "resume": what has arrived is
    safe, messages wait for the server from their last complete chunk, and it computes again what it was at.
    """

    place: str
    flops_per_s: float
    train_w: float = 0.0
    idle_w: float = 0.0
    service_s: Law | None = None
    crashes: Crashes | None = None
    interrupted: Literal["abort", "resume"] = "abort"


class Server:
    """The server in the simulation, seen by protocols as a node.

    It computes one thing after the other, in the order in which they were asked for: a queue with one server. While it
    is down it draws what it draws when it waits.
    """

    def __init__(self, sim: Simulation, spec: ServerSpec, messenger: Messenger, cuts: Sequence[Cut] = ()) -> None:
        """``cuts``: what takes the server down beside its own crashes."""
        self._sim = sim
        self._messenger = messenger
        self.spec = spec
        self.name = spec.place
        self.interrupted = spec.interrupted
        self.sent_bytes = 0.0
        self.received_bytes = 0.0
        self.wasted = Usage()
        self._queue = asyncio.Lock()
        self._busy_s = 0.0
        self._busy_since_s: float | None = None
        self._luck = sim.rng("service", spec.place)
        self._meter = PowerMeter(at_s=sim.now)
        down = [(cut, ServerDownError) for cut in (*_crashes(sim, spec), *cuts)]
        self._watch = Watch(sim, spec.place, self._meter, Exposed(down))
        self.is_lasting = not down
        """Whether nothing ever takes it down."""
        self._draw()

    @property
    def is_settled(self) -> bool:
        """Whether its messages are over when it goes."""
        return self.interrupted == "abort"

    def usage(self) -> Usage:
        """What it has spent up to now."""
        now_s = self._sim.now
        self._meter.settle(now_s)
        return Usage(
            energy_j=self._meter.spent_j,
            sent_bytes=self.sent_bytes,
            received_bytes=self.received_bytes,
            compute_s=self._busy_s + (0.0 if self._busy_since_s is None else now_s - self._busy_since_s),
        )

    async def compute(self, flops: float) -> None:
        """Return when the queue has come to it and so many operations are done.

        Raises:
            ServerDownError: it is down, or goes, and its work is aborted.
        """
        async with self._queue:
            while True:
                before = self.usage()
                try:
                    async with self.present():
                        await self._serve(flops)
                except DeviceDownError:
                    self._lose(before)
                    if self.interrupted == "abort":
                        raise
                    await self.back()
                else:
                    return

    def send(self, target: Endpoint, size_bytes: float) -> Coroutine[Any, Any, Delivery]:
        """Return when the target has the message; see ``Messenger.send``."""
        return self._messenger.send(self, target, size_bytes)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """A round: it ends with a ``ServerDownError`` when the server goes, unless rounds outlast that."""
        async with self.present() if self.interrupted == "abort" else nullcontext():
            yield

    def present(self) -> AbstractAsyncContextManager[None]:
        """Runs its body for as long as the server is there; see ``Watch.present``."""
        return self._watch.present()

    def is_there(self) -> bool:
        """Whether it is there now."""
        return self._watch.down() is None

    async def back(self) -> None:
        """Return when it is there."""
        await self._watch.back()

    def enter(self, guest: Guest) -> None:
        """A message depends on it from now on; see ``Watch.enter``."""
        self._watch.enter(guest)

    def leave(self, guest: Guest) -> None:
        """A message depends on it no more."""
        self._watch.leave(guest)

    def hold(self, guest: Guest, *, pushed: bool) -> bool:
        """It hangs on a wire: connected at once."""
        del guest, pushed
        return True

    def release(self, guest: Guest) -> None:
        """There is no radio to let go."""

    def follow(self, flow: Moving, *, outgoing: bool, waste: str | None = None) -> None:  # noqa: ARG002  # as above
        """Count what it sent and received."""
        if flow.ended_s is None:
            return
        if outgoing:
            self.sent_bytes += flow.sent_bytes
        else:
            self.received_bytes += flow.sent_bytes

    async def _serve(self, flops: float) -> None:
        self._busy_since_s = since_s = self._sim.now
        self._draw()
        try:
            await self._sim.timeout(self._service_s(flops))
        finally:
            self._busy_s += self._sim.now - since_s
            self._busy_since_s = None
            self._draw()

    def _lose(self, before: Usage) -> None:
        """What it has computed since was in vain."""
        lost = (self.usage() - before).computing
        if lost.compute_s:
            self.wasted += lost
            self._sim.record("undone", subject=self.name, compute_s=lost.compute_s)

    def _service_s(self, flops: float) -> float:
        law = self.spec.service_s
        return flops / self.spec.flops_per_s if law is None else law.draw(self._luck)

    def _draw(self) -> None:
        now_s, is_busy = self._sim.now, self._busy_since_s is not None
        self._meter.draw("compute", self.spec.train_w if is_busy else 0.0, now_s)
        self._meter.draw("idle", 0.0 if is_busy else self.spec.idle_w, now_s)


def _crashes(sim: Simulation, spec: ServerSpec) -> list[Cut]:
    crashes = spec.crashes
    return [] if crashes is None else [OnOff(crashes.every_s, crashes.repair_s, sim.rng("crashes", spec.place))]
