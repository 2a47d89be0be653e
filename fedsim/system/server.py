"""A server: always there, on the mains, and seldom the slowest."""

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from fedsim.kernel import Simulation
from fedsim.system.delivery import Delivery
from fedsim.system.messenger import Endpoint, Messenger
from fedsim.system.network import Flow


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerSpec:
    """Where the server is in the topology and how fast it computes."""

    place: str
    flops_per_s: float


class Server:
    """The server in the simulation, seen by protocols as a node. Its energy is not accounted."""

    def __init__(self, sim: Simulation, spec: ServerSpec, messenger: Messenger) -> None:
        self._sim = sim
        self._messenger = messenger
        self.spec = spec
        self.name = spec.place
        self.sent_bytes = 0.0
        self.received_bytes = 0.0

    async def compute(self, flops: float) -> None:
        """Compute for as long as that takes."""
        await self._sim.timeout(flops / self.spec.flops_per_s)

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
