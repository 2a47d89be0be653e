"""A server: always there, on the mains, and seldom the slowest."""

import asyncio
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from fedsim.kernel import Simulation
from fedsim.system.delivery import Delivery
from fedsim.system.law import Law
from fedsim.system.messenger import Endpoint, Messenger
from fedsim.system.meter import PowerMeter
from fedsim.system.network import Flow
from fedsim.system.usage import Usage


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerSpec:
    """Where the server is in the topology, how fast it computes, and what it draws.

    With a ``service_s`` every computation takes a time drawn from this law, whatever its operations.
    """

    place: str
    flops_per_s: float
    train_w: float = 0.0
    idle_w: float = 0.0
    service_s: Law | None = None


class Server:
    """The server in the simulation, seen by protocols as a node.

    It computes one thing after the other, in the order in which they were asked for: a queue with one server.
    """

    def __init__(self, sim: Simulation, spec: ServerSpec, messenger: Messenger) -> None:
        self._sim = sim
        self._messenger = messenger
        self.spec = spec
        self.name = spec.place
        self.sent_bytes = 0.0
        self.received_bytes = 0.0
        self._queue = asyncio.Lock()
        self._busy_s = 0.0
        self._busy_since_s: float | None = None
        self._luck = sim.rng("service", spec.place)
        self._meter = PowerMeter(at_s=sim.now)
        self._draw()

    def usage(self) -> Usage:
        """What it has spent up to now."""
        now_s = self._sim.now
        self._meter.settle(now_s)
        return Usage(
            energy_j=dict(self._meter.spent_j),
            sent_bytes=self.sent_bytes,
            received_bytes=self.received_bytes,
            compute_s=self._busy_s + (0.0 if self._busy_since_s is None else now_s - self._busy_since_s),
        )

    async def compute(self, flops: float) -> None:
        """Return when the queue has come to it and so many operations are done."""
        async with self._queue:
            self._busy_since_s = since_s = self._sim.now
            self._draw()
            try:
                await self._sim.timeout(self._service_s(flops))
            finally:
                self._busy_s += self._sim.now - since_s
                self._busy_since_s = None
                self._draw()

    async def send(self, target: Endpoint, size_bytes: float) -> Delivery:
        """Return when the target has the message; see ``Messenger.send``."""
        return await self._messenger.send(self, target, size_bytes)

    def present(self) -> AbstractAsyncContextManager[None]:
        """It is always there."""
        return nullcontext()

    def connected(self, *, pushed: bool) -> AbstractAsyncContextManager[None]:  # noqa: ARG002  # an endpoint has it
        """It hangs on a wire: connected at once."""
        return nullcontext()

    def follow(self, flow: Flow, *, outgoing: bool) -> None:
        """Count what it sent and received."""
        if flow.ended_s is None:
            return
        if outgoing:
            self.sent_bytes += flow.sent_bytes
        else:
            self.received_bytes += flow.sent_bytes

    def _service_s(self, flops: float) -> float:
        law = self.spec.service_s
        return flops / self.spec.flops_per_s if law is None else law.draw(self._luck)

    def _draw(self) -> None:
        now_s, is_busy = self._sim.now, self._busy_since_s is not None
        self._meter.draw("compute", self.spec.train_w if is_busy else 0.0, now_s)
        self._meter.draw("idle", 0.0 if is_busy else self.spec.idle_w, now_s)
