"""A device: computes, sends and receives, spends energy, and may go away in the middle of any of it."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

from fedsim.errors import BatteryEmptyError, DeviceDownError, MessageLostError
from fedsim.kernel import Simulation
from fedsim.system.messenger import Delivery, Endpoint, Messenger
from fedsim.system.meter import PowerMeter
from fedsim.system.network import Access, Flow
from fedsim.system.presence import Availability, Crashes, Presence
from fedsim.system.profiles import RadioProfile
from fedsim.system.radio import Radio
from fedsim.system.usage import Usage, WasteBook


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceSpec:
    """What one device is: the row of a fleet. Energies in joules; ``inf`` where it hangs on the mains."""

    name: str
    group: str
    index: int
    flops_per_s: float
    step_overhead_s: float
    train_w: float
    idle_w: float
    sleep_w: float
    charge_j: float
    link: str
    place: str
    access: Access
    radio: RadioProfile
    paging_s: float
    availability: Availability | None
    crashes: Crashes | None


_LOW_S: Final = 60.0
"""A battery that full power could empty within so many seconds is watched closely."""


def _peak_w(spec: DeviceSpec) -> float:
    """More than the device can ever draw."""
    radio = spec.radio
    connected_w = max([radio.promotion_w, *(power_w for _, power_w in radio.tails)])
    return spec.train_w + spec.idle_w + spec.sleep_w + radio.idle_w + radio.max_w + connected_w


class Stint:
    """One piece of a device's work for the learner: what it cost is either kept or goes to waste."""

    def __init__(self, device: "Device", waste: WasteBook) -> None:
        self._device = device
        self._waste = waste
        self._since = device.usage()
        self._settled = Usage()

    def settle(self) -> None:
        """What was spent since the last settling counted."""
        now = self._device.usage()
        self._settled, self._since = now - self._since, now

    def discard(self, cause: str) -> None:
        """What was settled last did not count after all."""
        self._waste.add(cause, self._settled)
        self._device.record_waste(cause, self._settled)
        self._settled = Usage()


class Device:
    """A device in the simulation, seen by protocols as a node.

    While it works for the learner it runs inside ``at_work``; whatever else touches it (a message on its way to it)
    runs inside ``present``. Both end with a ``DeviceDownError`` at the instant the device crashes, leaves or
    empties its battery.
    """

    def __init__(self, sim: Simulation, spec: DeviceSpec, messenger: Messenger, waste: WasteBook) -> None:
        self.spec = spec
        self.name = spec.name
        self.index = spec.index
        self.link = spec.link
        self.meter = PowerMeter(charge_j=spec.charge_j)
        self.radio = Radio(sim, spec.radio, self.meter, paging_s=spec.paging_s, rng=sim.rng("paging", spec.name))
        self.presence = Presence(
            availability=spec.availability,
            crashes=spec.crashes,
            availability_rng=sim.rng("availability", spec.name),
            crashes_rng=sim.rng("crashes", spec.name),
        )
        self._sim = sim
        self._messenger = messenger
        self._waste = waste
        self._outgoing: dict[int, Flow] = {}
        self._incoming: dict[int, Flow] = {}
        self._sent_bytes = 0.0
        self._received_bytes = 0.0
        self._compute_s = 0.0
        self._awake = 0
        self._computing = 0
        self._scopes: list[asyncio.Timeout] = []
        self._watch: asyncio.TimerHandle | None = None
        self._is_low = True
        self._peak_w = _peak_w(spec)
        self._reason: type[DeviceDownError] = DeviceDownError
        self._update_power()

    def is_up(self) -> bool:
        """Whether it is there and has charge, now."""
        return self._down() is None

    def usage(self) -> Usage:
        """What it has spent up to now."""
        self.meter.settle(self._sim.now)
        return Usage(
            energy_j=dict(self.meter.spent_j),
            sent_bytes=self._sent_bytes + sum(flow.sent_bytes for flow in self._outgoing.values()),
            received_bytes=self._received_bytes + sum(flow.sent_bytes for flow in self._incoming.values()),
            compute_s=self._compute_s,
        )

    def compute_s(self, flops: float, steps: int) -> float:
        """Seconds that so many steps of so many operations in all take on this device.

        ``steps * step_overhead_s + flops / flops_per_s`` (device notes, section 2).
        """
        return steps * self.spec.step_overhead_s + flops / self.spec.flops_per_s

    async def compute(self, flops: float, steps: int) -> None:
        """Compute for as long as that takes."""
        start_s = self._sim.now
        self._computing += 1
        self._update_power()
        try:
            await self._sim.timeout(self.compute_s(flops, steps))
        finally:
            self._computing -= 1
            self._compute_s += self._sim.now - start_s
            self._update_power()

    def is_spent(self) -> bool:
        """Whether its battery is empty: nothing recharges it."""
        self.meter.settle(self._sim.now)
        return self.meter.is_empty

    async def send(self, target: Endpoint, size_bytes: float) -> Delivery:
        """Return when the target has the message; see ``Messenger.send``."""
        return await self._messenger.send(self, target, size_bytes)

    async def returned(self) -> None:
        """Wait until it is there; for ever if it is spent."""
        while (down := self._down()) is not None:
            await self._sim.timeout(down[1] - self._sim.now)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Stint]:
        """Awake for the learner; what is spent inside is waste if the work does not come to its end.

        Raises the ``DeviceDownError`` of its cause when the device goes. A cancelled stint is wasted under the
        cause that stands in the message of its cancellation.
        """
        async with self.present():
            stint = Stint(self, self._waste)
            self._awake += 1
            self._update_power()
            try:
                yield stint
            except (asyncio.CancelledError, MessageLostError, DeviceDownError) as error:
                stint.settle()
                stint.discard(self._cause(error))
                raise
            else:
                stint.settle()
            finally:
                self._awake -= 1
                self._update_power()

    @asynccontextmanager
    async def present(self) -> AsyncIterator[None]:
        """Runs its body for as long as the device is there."""
        if (down := self._down()) is not None:
            raise down[0](f"{self.name} is down ({down[0].cause})")
        scope = asyncio.timeout(None)
        try:
            async with scope:
                self._scopes.append(scope)
                self._keep_watch()
                try:
                    yield
                finally:
                    self._scopes.remove(scope)
        except TimeoutError:
            if not scope.expired():
                raise
            raise self._reason(f"{self.name} went down ({self._reason.cause})") from None

    def record_waste(self, cause: str, usage: Usage) -> None:
        """Put into the record what was spent in vain."""
        self._sim.record(
            "wasted",
            subject=self.name,
            cause=cause,
            energy_j=usage.work_j,
            sent_bytes=usage.sent_bytes,
            received_bytes=usage.received_bytes,
            compute_s=usage.compute_s,
        )

    def follow(self, flow: Flow, *, outgoing: bool) -> None:
        """Follow a flow from or to this device: its bytes are counted, its rate costs radio power."""
        flows = self._outgoing if outgoing else self._incoming
        if flow.ended_s is None:
            flows[flow.number] = flow
        else:
            flows.pop(flow.number, None)
            if outgoing:
                self._sent_bytes += flow.sent_bytes
            else:
                self._received_bytes += flow.sent_bytes
        self.radio.follow(flow, outgoing=outgoing)
        self._power_changed()

    @contextmanager
    def connected(self, *, pushed: bool) -> Iterator[float]:
        """Hold the radio for a message; gives the seconds until it is connected."""
        with self.radio.use(pushed=pushed) as wake_s:
            self._power_changed()
            yield wake_s
        self._power_changed()

    def _update_power(self) -> None:
        """A processor computes, or waits awake, or sleeps; the radio speaks for itself."""
        now_s, spec = self._sim.now, self.spec
        computing, awake = self._computing > 0, self._awake > 0
        self.meter.draw("compute", spec.train_w if computing else 0.0, now_s)
        self.meter.draw("idle", spec.idle_w if awake and not computing else 0.0, now_s)
        self.meter.draw("sleep", 0.0 if awake or computing else spec.sleep_w + spec.radio.idle_w, now_s)
        self._power_changed()

    def _power_changed(self) -> None:
        """A battery that is nearly empty is watched at every change of power; any other cannot be empty so soon."""
        if self._is_low:
            self._keep_watch()

    def _down(self) -> tuple[type[DeviceDownError], float] | None:
        now_s = self._sim.now
        self.meter.settle(now_s)
        if self.meter.is_empty:
            return BatteryEmptyError, math.inf
        return self.presence.down(now_s)

    def _cause(self, error: BaseException) -> str:
        if isinstance(error, MessageLostError):
            return "lost"
        if isinstance(error, DeviceDownError):
            return error.cause
        if (down := self._down()) is not None:
            return down[0].cause
        return str(error.args[0]) if error.args else "stopped"

    def _keep_watch(self) -> None:
        """Keep one timer no later than the instant at which the device will go, while somebody depends on it."""
        if not self._scopes:
            if self._watch is not None:
                self._watch.cancel()
                self._watch = None
            return
        goes_s = min(self.presence.goes_s(self._sim.now), self._empty_s())
        if self._watch is not None:
            if self._watch.when() <= goes_s:
                return  # it looks again when it fires
            self._watch.cancel()
            self._watch = None
        if goes_s < math.inf:
            self._watch = self._sim.loop.call_at(goes_s, self._look)

    def _empty_s(self) -> float:
        """When the battery will be empty if power stays as it is; or, far from that, the soonest it could."""
        self.meter.settle(self._sim.now)
        soonest_s = self._sim.now + self.meter.charge_j / self._peak_w
        self._is_low = soonest_s < self._sim.now + _LOW_S
        return self.meter.empty_s() if self._is_low else soonest_s

    def _look(self) -> None:
        self._watch = None
        if (down := self._down()) is None:
            self._keep_watch()
            return
        self._reason = down[0]
        self._sim.record("down", subject=self.name, cause=self._reason.cause)
        for scope in self._scopes:
            scope.reschedule(self._sim.now)
