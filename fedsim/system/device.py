"""A device: computes, sends and receives, spends energy, and may go away in the middle of any of it."""

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from fedsim.errors import DeviceDownError, JobRefusedError, LowChargeError, MessageFailedError
from fedsim.kernel import Simulation
from fedsim.system.delivery import Delivery
from fedsim.system.device_spec import DeviceSpec
from fedsim.system.endings import Ending, Standing, ending
from fedsim.system.endpoint import Endpoint, Guest
from fedsim.system.exposure import Coming
from fedsim.system.flow import Moving
from fedsim.system.flows import Flows, moved
from fedsim.system.foreseen import Exchange
from fedsim.system.labour import Labour
from fedsim.system.luck_taken import Taken
from fedsim.system.messenger import Messenger
from fedsim.system.meter import PowerMeter, Stretch
from fedsim.system.processor import ForeseenJob, Processor, Work
from fedsim.system.radio import Radio
from fedsim.system.roaming import Roaming
from fedsim.system.shift import Shift
from fedsim.system.stint import PastStint, Stint
from fedsim.system.tally import Log, Tally
from fedsim.system.usage import NOTHING, Usage, WasteBook, computing, total
from fedsim.system.watch import Watch


def _nobody_cares(index: int, ending: Ending) -> None:
    del index, ending


def _nobody_minds(index: int) -> None:
    del index


class Device:
    """A device in the simulation, seen by protocols as a node.

    While it works for the learner it runs inside ``at_work``; whatever else touches it (a message on its way to it)
    runs inside ``present``. Both end with a ``DeviceDownError`` at the instant the device crashes, leaves or
    empties its battery; but work that is not to be aborted waits for it to come back (``fedsim.system.interruption``).
    """

    __slots__ = (
        "_awake",
        "_booked",
        "_drawn",
        "_flows",
        "_is_away",
        "_labour",
        "_messenger",
        "_processor",
        "_received_bytes",
        "_roaming",
        "_sent_bytes",
        "_sim",
        "_waste",
        "_watch",
        "ended",
        "foreseen",
        "index",
        "interrupted",
        "is_settled",
        "meter",
        "name",
        "settled",
        "spec",
        "touched",
        "wasted",
    )

    def __init__(
        self,
        sim: Simulation,
        spec: DeviceSpec,
        messenger: Messenger,
        waste: WasteBook,
        presence: Coming,
        *,
        since_s: float | None = None,
    ) -> None:
        """``since_s``: since when it has stood by; None for now."""
        since_s, kind = sim.now if since_s is None else since_s, spec.kind
        self.spec = spec
        self.name = spec.name
        self.index = spec.row
        self.meter = PowerMeter(spec.battery(sim), at_s=since_s, peak_w=spec.peak_w)
        self.wasted = NOTHING
        self.interrupted = kind.interrupted
        self._roaming = Roaming(sim, spec, meter=self.meter, network=messenger.network)
        self._watch = Watch(sim, spec.name, self.meter, presence)
        self._sim = sim
        self._messenger = messenger
        self._waste = waste
        self._flows: Flows | None = None  # until the first of them
        self._sent_bytes = 0.0
        self._received_bytes = 0.0
        self._booked = NOTHING
        self.is_settled = spec.is_settled
        """Whether it stays where it is, and its messages are over when it goes."""
        self.foreseen: Callable[[], None] | None = None
        """Makes real what is foretold of it, if anything is."""
        self._awake = 0
        self._drawn = kind.standby
        self._is_away = False
        self._processor = Processor(
            sim,
            spec.name,
            flops_per_s=spec.flops_per_s,
            step_overhead_s=kind.step_overhead_s,
            chip=kind.chip,
            owner=self,
        )
        self.touched: Callable[[int], None] = _nobody_minds
        self.ended: Callable[[int, Ending], None] = _nobody_cares
        """Hears how an exchange that was foretold has left it,"""
        self.settled: Callable[[int], None] = _nobody_minds
        """and that all of its accounts have been brought up to date since."""
        self._labour = Labour(sim, self, self._processor, self._watch, kind)
        self.meter.draw("sleep", kind.sleep_w, since_s)

    @property
    def is_lasting(self) -> bool:
        """Whether nothing ever takes it down."""
        return self._watch.is_lasting

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

    @property
    def _is_at_work(self) -> bool:
        is_used = self._awake or self.foreseen is not None or self._processor.busy_since_s is not None
        return bool(is_used) or self._roaming.is_used

    def be_real(self) -> None:
        """If something is foretold of it, let that be lived up to now: somebody looks, or interferes."""
        if self.foreseen is not None:
            self.foreseen()

    def _begin(self) -> None:
        """Something begins with it: what was told of it up to now holds no longer."""
        self.be_real()
        self.touched(self.index)

    def sure_until_s(self) -> float:
        """Until when nothing will come of itself between it and an exchange with a server that begins now.

        -infinity if something may, or if it is at work.
        """
        if self._is_at_work or not self.spec.is_plain or self.meter.witness is not None:
            return -math.inf
        return self._watch.sure_until_s()

    def foresee_job(self, work: Work, from_s: float, taken: Taken) -> ForeseenJob | None:
        """See ``Processor.foresee``."""
        return self._processor.foresee(work, from_s, taken)

    def live(self, exchange: Exchange) -> Stint:
        """Go through an exchange that was foretold; its stint."""
        down, job, up, begins_s = exchange.down, exchange.job, exchange.up, exchange.begins_s
        kind = self.spec.kind
        idle_w, computing_w = kind.idle_w, kind.full_w * job.share + kind.idle_w * (1 - job.share)
        self.foreseen = None
        before = (self._sent_bytes, self._received_bytes, self._processor.busy_s)
        self._received_bytes += down.crossing.wire_bytes
        self._sent_bytes += up.crossing.wire_bytes
        self._labour.live(job)
        received, sent, staged, then = self._roaming.radio.live(down, up)
        drawn = (
            ("idle", idle_w, begins_s, job.begins_s),
            received,
            ("compute", computing_w, job.begins_s, job.ends_s),
            sent,
            ("idle", idle_w, job.ends_s, up.quiet_s),
        )
        meter = self.meter
        before_j, after_j = meter.live(begins_s, drawn, staged, then)
        after = (after_j, self._sent_bytes, self._received_bytes, self._processor.busy_s)
        self.ended(self.index, ending((up.quiet_s, *after, meter.seconds[0], meter.had_j, meter.sure_s)))
        return PastStint((before_j, *before), after, self._booked, self._book)

    def radio_times(self) -> dict[str, dict[str, float]]:
        """Seconds of each of its radios in each state, by technology; see ``Radio.times``."""
        self._settle()
        return {link: radio.times() for link, radio in self._roaming.radios.items()}

    def is_up(self) -> bool:
        """Whether it is there, has charge, and takes part, now."""
        return self.away_until_s() is None

    @property
    def lasts_s(self) -> float:
        """Until when it has charge, whatever it does; -infinity if somebody wants to know of every look at it."""
        return self.meter.lasts_s if self.meter.witness is None else -math.inf

    def is_spent(self) -> bool:
        """Whether it is gone for good: departed, empty with nothing to recharge it, or never willing."""
        return self.away_until_s() == math.inf

    async def returned(self) -> None:
        """Wait until it is there and takes part; or, if it is spent meanwhile, until that could have been."""
        while (until_s := self.away_until_s()) is not None and until_s < math.inf:
            await self._sim.timeout(until_s - self._sim.now)

    def away_until_s(self) -> float | None:
        """When to look again whether it is there and takes part, infinity for never; None if it does now."""
        if (down := self._watch.down()) is not None:
            return down[1]
        rules, battery = self.spec.kind.rules.takes_part, self.meter.battery
        if rules.only_links:
            until_s = self._roaming.look_from_afar(self)
            if self.link not in rules.only_links:
                return until_s
        if battery is None:
            return None
        if battery.share < rules.min_charge_share:
            until_s = self.meter.reaches_s(rules.min_charge_share)
            if until_s > self._sim.now:  # else it will be there before the clock can move on
                return until_s
        if rules.only_charging and not battery.is_plugged(self._sim.now):
            return self.meter.changes_s()
        return None

    def usage(self) -> Usage:
        """What it has spent up to now."""
        self._settle()
        sent_bytes, received_bytes = self._moved_bytes()
        return Usage(
            energy_j=self.meter.spent_j,
            sent_bytes=sent_bytes,
            received_bytes=received_bytes,
            compute_s=self._processor.busy_s,
        )

    def tally(self) -> Tally:
        """The same as a row of numbers."""
        self._settle()
        return *self.meter.joules, *self._moved_bytes(), self._processor.busy_s

    def log(self, states: Sequence[str]) -> Log:
        """What it has done up to now, with its seconds in these states of its radios; "off" is without charge."""
        spent, meter = self.tally(), self.meter
        radios = [{**seconds, "off": meter.off_s} for seconds in meter.seconds]
        return Log(spent, [sum([seconds.get(state, 0.0) for seconds in radios]) for state in states])

    def _settle(self) -> None:
        """Bring all accounts up to date."""
        self.be_real()
        self.meter.settle(self._sim.now)
        self.settled(self.index)

    def _moved_bytes(self) -> tuple[float, float]:
        """Sent and received up to now."""
        flows = self._flows
        if flows is None:
            return self._sent_bytes, self._received_bytes
        return self._sent_bytes + flows.sent_bytes, self._received_bytes + flows.received_bytes

    def compute_s(self, flops: float, dispatches: int, *, moved_bytes: float = 0.0) -> float:
        """Seconds that so many operations would take on this device from now on, if nothing interfered.

        See ``Processor.seconds``: the heat that it has is in it, the noise of its steps and other apps are not.
        """
        self.be_real()
        return self._processor.seconds(Work(flops=flops, dispatches=dispatches, moved_bytes=moved_bytes))

    async def compute(
        self,
        flops: float,
        dispatches: int,
        *,
        moved_bytes: float = 0.0,
        memory_bytes: float = 0.0,
        epochs: float = 1.0,
    ) -> None:
        """Compute for as long as that takes; computations at the same time share the cores.

        epochs: passes over the data, after each of which work that is resumed is safe

        Raises:
            JobRefusedError: it does not fit into the memory, the charge is below the floor, or it failed once too
                often; the record has it, too.
        """
        work = Work(flops=flops, dispatches=dispatches, moved_bytes=moved_bytes, memory_bytes=memory_bytes)
        if not self._awake:  # else it works already
            self._begin()
        try:
            self._check_charge()
            await self._labour.do(work, epochs)
        except JobRefusedError as error:
            self._sim.record("refused", subject=self.name, cause=error.cause)
            raise

    def done_share(self) -> float:
        """How much of its latest computation is done, and was not in vain."""
        self.be_real()
        return self._labour.done_share()

    @property
    def charge_share(self) -> float:
        """How full its battery is now, 1 on the mains."""
        self._settle()
        return 1.0 if self.meter.battery is None else self.meter.battery.share

    def send(self, target: Endpoint, size_bytes: float) -> Coroutine[Any, Any, Delivery]:
        """Return when the target has the message; see ``Messenger.send``."""
        return self._messenger.send(self, target, size_bytes)

    def record_life(self) -> None:
        """From now on, put every stretch of constant power into the record, with charge and cause."""
        self._begin()
        self.meter.witness = self._record_stretch
        battery = self.meter.battery
        if battery is not None:
            self._sim.record("battery", subject=self.name, charge_share=battery.share, **self._battery_words())

    def rests(self) -> bool:
        """Whether it draws its standby power and nothing else, until somebody works with it again.

        What charges, takes part only now and then, or is recorded, never rests: a row does not say it all.
        """
        meter = self.meter
        if self._awake or self._is_at_work or not self.spec.kind.may_rest or meter.witness is not None:
            return False
        return meter.is_steady(self._sim.now)

    def is_empty(self) -> bool:
        """Whether it has no charge to run on."""
        self.be_real()
        return not self.meter.has_charge(self._sim.now)

    def standing(self) -> Standing:
        """How it stands now; nothing is settled by that, unless something may have happened to its battery."""
        self.be_real()
        joules, left_j = self.meter.peek(self._sim.now)
        return Standing((*joules, *self._moved_bytes(), self._processor.busy_s), left_j, self.rests())

    def enter(self, guest: Guest) -> None:
        """A message depends on it from now on; see ``Watch.enter``."""
        self._begin()
        self._watch.enter(guest)

    def leave(self, guest: Guest) -> None:
        """A message depends on it no more."""
        self._watch.leave(guest)

    def is_there(self) -> bool:
        """Whether it is there and has charge, whether or not it takes part."""
        return self._watch.down() is None

    async def back(self) -> None:
        """Return when it is there; see ``Watch.back``."""
        await self._watch.back()

    def at_work(self) -> Shift:
        """Awake for the learner; what is spent inside is waste if the work does not come to its end.

        Raises the ``DeviceDownError`` of its cause when the device goes, or goes for good where work is not aborted.
        A cancelled stint is wasted under the cause that stands in the message of its cancellation.
        """
        self._begin()
        return Shift(self, self._watch.present(None if self.interrupted == "abort" else self._set_there))

    def start_work(self) -> Stint:
        """It is awake for one thing more; called at the beginning of ``at_work``."""
        stint = Stint(self._kept, self._book)
        self._awake += 1
        self.update_power()
        return stint

    def end_work(self, stint: Stint, error: BaseException | None) -> None:
        """This came to its end; called at that of ``at_work``."""
        stint.settle()
        if error is not None:
            stint.discard(self._cause(error))
        self._awake -= 1
        self._is_away = self._is_away and self._awake > 0
        self.update_power()

    def hold(self, guest: Guest, *, pushed: bool) -> bool:
        """Hold the radio for a message; whether it is connected. If not, the message is told when it is."""
        if not self._awake:  # else that has begun already
            self._begin()
        is_connected = self._roaming.hold(self, guest, pushed=pushed)
        self._watch.power_changed()
        return is_connected

    def release(self, guest: Guest) -> None:
        """A message needs the radio no more."""
        self._roaming.release(guest)
        self._watch.power_changed()

    def follow(self, flow: Moving, *, outgoing: bool, waste: str | None = None) -> None:
        """Follow a flow from or to this device: its bytes are counted, its rate costs radio power.

        ``waste``: its bytes are in vain from the first, and why.
        """
        flows = self._flows
        if flows is None:
            flows = self._flows = Flows()
        of_its_way = flows.outgoing if outgoing else flows.incoming
        if flow.ended_s is None:
            of_its_way[flow.number] = flow
            if waste is not None:
                flows.in_vain[flow.number] = (flow, outgoing)
        else:
            of_its_way.pop(flow.number, None)
            if flows.in_vain:
                flows.in_vain.pop(flow.number, None)
            if waste is not None:
                self.lose(waste, moved(flow, outgoing=outgoing))
            if outgoing:
                self._sent_bytes += flow.sent_bytes
            else:
                self._received_bytes += flow.sent_bytes
        self._roaming.radio.follow(flow, outgoing=outgoing)
        self._watch.power_changed()

    def flows(self) -> Iterable[tuple[Moving, bool]]:
        """Its flows in progress, each with whether it is outgoing."""
        return () if self._flows is None else self._flows

    def _set_there(self, is_there: bool) -> None:  # noqa: FBT001  # it is all that there is to say
        """It went, or is back, in the middle of work that is not aborted: meanwhile it is not awake."""
        self._is_away = not is_there
        self.update_power()

    def computed(self) -> Usage:
        """What computing has cost up to now, without what was booked as waste."""
        self.meter.settle(self._sim.now)
        return computing(self.meter.spent_j["compute"], self._processor.busy_s) - self._booked.computing

    def _kept(self) -> Usage:
        """What it has spent up to now, without what was booked as waste, or is in vain."""
        in_vain = [] if self._flows is None else self._flows.lost
        spent = self.usage()
        return spent - total((self._booked, *in_vain)) if in_vain or self._booked is not NOTHING else spent

    def lose(self, cause: str, usage: Usage) -> None:
        """This was in vain, whatever becomes of the stint that it belongs to."""
        self._booked += usage
        self._book(cause, usage)

    def _check_charge(self) -> None:
        """Below its floor it works for nobody."""
        battery, floor_share = self.meter.battery, self.spec.kind.rules.floor_share
        if battery is None or not floor_share:
            return
        self.meter.settle(self._sim.now)
        if battery.share < floor_share:
            raise LowChargeError(f"{self.name} refuses a job at {battery.share:.1%} of charge, below {floor_share:.1%}")

    def update_power(self) -> None:
        """A processor computes with some of its cores, or waits awake, or sleeps; the radio speaks for itself."""
        now_s, kind, (before, _) = self._sim.now, self.spec.kind, self._drawn
        if self._processor.busy_since_s is not None:
            load = self._processor.load
            drawn = "compute", kind.full_w * load + kind.idle_w * (1 - load)
        elif self._awake and not self._is_away:
            drawn = "idle", kind.idle_w
        else:
            drawn = kind.standby
        if drawn == self._drawn:
            return
        self._drawn = drawn
        if drawn[0] != before:
            self.meter.draw(before, 0.0, now_s)
        self.meter.draw(*drawn, now_s)
        self._watch.power_changed()

    def _battery_words(self) -> dict[str, float]:
        """How large its battery is, what arrives in it on its charger, and from where on that tapers."""
        charging = self.spec.kind.rules.charging
        arriving_w, taper = (0.0, 1.0)
        if charging is not None:
            arriving_w, taper = charging.charger.arriving_w, charging.charger.taper_from_share
        return {"capacity_j": self.spec.kind.capacity_j or 0.0, "arriving_w": arriving_w, "taper_from_share": taper}

    def _record_stretch(self, stretch: Stretch, power_w: Mapping[str, float]) -> None:
        battery, piece = self.meter.battery, stretch.battery
        charge = {} if piece is None or battery is None else {"charge_share": piece.charge_j / battery.capacity_j}
        self._sim.record(
            "life",
            subject=self.name,
            from_s=stretch.from_s,
            to_s=stretch.to_s,
            on=stretch.is_on,
            plugged=piece is None or piece.is_plugged,
            **{f"{cause}_w": watts for cause, watts in power_w.items()},
            **charge,
        )

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
        if isinstance(error, DeviceDownError | MessageFailedError | JobRefusedError):
            return error.cause
        is_told = isinstance(error, asyncio.CancelledError) and error.args
        return str(error.args[0]) if is_told else "stopped"
