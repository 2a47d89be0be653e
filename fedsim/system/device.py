"""A device: computes, sends and receives, spends energy, and may go away in the middle of any of it."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from fedsim.errors import DeviceDownError, MessageFailedError
from fedsim.kernel import Simulation
from fedsim.system.delivery import Delivery
from fedsim.system.handover import Handover, Way
from fedsim.system.messenger import Endpoint, Messenger
from fedsim.system.meter import PowerMeter
from fedsim.system.network import Access, Flow
from fedsim.system.presence import Presence
from fedsim.system.profiles import RadioProfile
from fedsim.system.radio import Radio
from fedsim.system.roaming import Roaming
from fedsim.system.stint import Stint
from fedsim.system.usage import Usage, WasteBook
from fedsim.system.watch import Watch


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceSpec:
    """What one device is: the row of a fleet. ``charge_j`` is infinite where it hangs on the mains.

    Raises:
        ValueError: a speed that is not > 0, or an overhead that is not >= 0.
    """

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
    handover: Handover | None = None

    def __post_init__(self) -> None:
        if not self.flops_per_s > 0:
            raise ValueError(f"flops_per_s of {self.name} must be > 0, got {self.flops_per_s!r}")
        if not self.step_overhead_s >= 0:
            raise ValueError(f"step_overhead_s of {self.name} must be >= 0, got {self.step_overhead_s!r}")

    @property
    def home(self) -> Way:
        """Its usual way into the network."""
        return Way(link=self.link, place=self.place, access=self.access, radio=self.radio, paging_s=self.paging_s)


def _peak_w(spec: DeviceSpec) -> float:
    """The most that the device can ever draw: its processor and its radios, each in one state at a time."""
    others = () if spec.handover is None else spec.handover.others
    radios = {way.link: way.radio for way in (*reversed(others), spec.home)}
    return max(spec.train_w, spec.idle_w, spec.sleep_w) + sum(map(_radio_peak_w, radios.values()))


def _radio_peak_w(radio: RadioProfile) -> float:
    silent_w = [radio.idle_w, radio.promotion_w, *(power_w for _, power_w in radio.tails)]
    return max(radio.max_w, *silent_w)


def _nobody_minds() -> None:
    pass


class Device:
    """A device in the simulation, seen by protocols as a node.

    While it works for the learner it runs inside ``at_work``; whatever else touches it (a message on its way to it)
    runs inside ``present``. Both end with a ``DeviceDownError`` at the instant the device crashes, leaves or
    empties its battery.
    """

    def __init__(
        self, sim: Simulation, spec: DeviceSpec, messenger: Messenger, waste: WasteBook, presence: Presence
    ) -> None:
        self.spec = spec
        self.name = spec.name
        self.index = spec.index
        self.meter = PowerMeter(charge_j=spec.charge_j, at_s=sim.now)
        self.wasted = Usage()
        self._roaming = Roaming(sim, spec.name, spec.home, spec.handover, meter=self.meter, network=messenger.network)
        self._watch = Watch(sim, spec.name, self.meter, presence, peak_w=_peak_w(spec))
        self._sim = sim
        self._messenger = messenger
        self._waste = waste
        self._outgoing: dict[int, Flow] = {}
        self._incoming: dict[int, Flow] = {}
        self._sent_bytes = 0.0
        self._received_bytes = 0.0
        self._processor = asyncio.Lock()
        self._compute_s = 0.0
        self._computing_since_s: float | None = None
        self._awake = 0
        self.touched: Callable[[], None] = _nobody_minds
        self._update_power()

    @property
    def link(self) -> str:
        """The technology by which it is attached, as far as anybody has looked."""
        return self._roaming.way.link

    @property
    def place(self) -> str:
        """Where it is attached, as far as anybody has looked."""
        return self._roaming.way.place

    @property
    def radio(self) -> Radio:
        """The radio of that technology."""
        return self._roaming.radio

    def radio_times(self) -> dict[str, dict[str, float]]:
        """Seconds of each of its radios in each state, by technology; see ``Radio.times``."""
        return {link: radio.times() for link, radio in self._roaming.radios.items()}

    def is_up(self) -> bool:
        """Whether it is there and has charge, now."""
        return self._watch.down() is None

    def is_spent(self) -> bool:
        """Whether it is down for good: its battery is empty and nothing recharges it, or it has departed."""
        return (down := self._watch.down()) is not None and math.isinf(down[1])

    async def returned(self) -> None:
        """Wait until it is there; or, if it is found down for good meanwhile, until then."""
        while (down := self._watch.down()) is not None and math.isfinite(down[1]):
            await self._sim.timeout(down[1] - self._sim.now)

    def usage(self) -> Usage:
        """What it has spent up to now."""
        now_s = self._sim.now
        self.meter.settle(now_s)
        since_s = now_s if self._computing_since_s is None else self._computing_since_s
        return Usage(
            energy_j=dict(self.meter.spent_j),
            sent_bytes=self._sent_bytes + sum(flow.sent_bytes for flow in self._outgoing.values()),
            received_bytes=self._received_bytes + sum(flow.sent_bytes for flow in self._incoming.values()),
            compute_s=self._compute_s + (now_s - since_s),
        )

    def compute_s(self, flops: float, dispatches: int) -> float:
        """Seconds that so many operations take on this device, started by so many calls of the training library.

        ``dispatches * step_overhead_s + flops / flops_per_s`` (device notes, section 2).
        """
        return dispatches * self.spec.step_overhead_s + flops / self.spec.flops_per_s

    async def compute(self, flops: float, dispatches: int) -> None:
        """Compute for as long as that takes, one computation at a time, in the order in which they were asked for."""
        async with self._processor:
            self._computing_since_s = self._sim.now
            self._update_power()
            try:
                await self._sim.timeout(self.compute_s(flops, dispatches))
            finally:
                self._compute_s += self._sim.now - self._computing_since_s
                self._computing_since_s = None
                self._update_power()

    async def send(self, target: Endpoint, size_bytes: float) -> Delivery:
        """Return when the target has the message; see ``Messenger.send``."""
        return await self._messenger.send(self, target, size_bytes)

    def rests(self) -> bool:
        """Whether it draws its standby power and nothing else, until somebody works with it again."""
        self.meter.settle(self._sim.now)
        return not (self._awake or self._roaming.is_used) and self.meter.is_steady

    def present(self) -> AbstractAsyncContextManager[None]:
        """Runs its body for as long as the device is there; see ``Watch.present``."""
        self.touched()
        return self._watch.present()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Stint]:
        """Awake for the learner; what is spent inside is waste if the work does not come to its end.

        Raises the ``DeviceDownError`` of its cause when the device goes. A cancelled stint is wasted under the
        cause that stands in the message of its cancellation.
        """
        async with self.present():
            stint = Stint(self.usage, self._book)
            self._awake += 1
            self._update_power()
            try:
                yield stint
            except BaseException as error:
                stint.settle()
                stint.discard(self._cause(error))
                raise
            else:
                stint.settle()
            finally:
                self._awake -= 1
                self._update_power()

    @asynccontextmanager
    async def connected(self, *, pushed: bool) -> AsyncIterator[None]:
        """Hold the radio for a message, from the time at which it is connected."""
        self._roaming.hold(self, pushed=pushed)
        try:
            self._watch.power_changed()
            await self._roaming.ready()
            yield
        finally:
            self._roaming.release()
            self._watch.power_changed()

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
        self._watch.power_changed()

    def flows(self) -> Iterator[tuple[Flow, bool]]:
        """Its flows in progress, each with whether it is outgoing."""
        yield from [(flow, True) for flow in self._outgoing.values()]
        yield from [(flow, False) for flow in self._incoming.values()]

    def _update_power(self) -> None:
        """A processor computes, or waits awake, or sleeps; the radio speaks for itself."""
        now_s, spec = self._sim.now, self.spec
        computing, awake = self._computing_since_s is not None, self._awake > 0
        self.meter.draw("compute", spec.train_w if computing else 0.0, now_s)
        self.meter.draw("idle", spec.idle_w if awake and not computing else 0.0, now_s)
        self.meter.draw("sleep", 0.0 if awake or computing else spec.sleep_w, now_s)
        self._watch.power_changed()

    def _book(self, cause: str, usage: Usage) -> None:
        """Put into the waste book and the record what was spent in vain."""
        self._waste.add(cause, usage)
        self.wasted += usage
        self._sim.record(
            "wasted",
            subject=self.name,
            cause=cause,
            energy_j=usage.work_j,
            sent_bytes=usage.sent_bytes,
            received_bytes=usage.received_bytes,
            compute_s=usage.compute_s,
        )

    def _cause(self, error: BaseException) -> str:
        """What ended a piece of work: the device itself before anything else."""
        if (down := self._watch.down()) is not None:
            return down[0].cause
        if isinstance(error, DeviceDownError | MessageFailedError):
            return error.cause
        is_told = isinstance(error, asyncio.CancelledError) and error.args
        return str(error.args[0]) if is_told else "stopped"
