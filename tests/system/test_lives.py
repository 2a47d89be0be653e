"""Laws of devices that live at random and die at any instant: nothing is lost, and nobody waits for ever.

Times are multiples of a quarter of a second, so that ends, deaths and cancellations often fall on one instant.
"""

import asyncio
import itertools
import math
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from instead import instead
from slow_radio import SlowRadio, write_down

from fedsim.system import watch
from fedsim.system.battery import Charging
from fedsim.system.battery_rules import BatteryRules
from fedsim.system.charger import Charger
from fedsim.system.chip import Chip
from fedsim.system.faults import Faults
from fedsim.system.interruption import INTERRUPTIONS
from fedsim.system.law import Constant
from fedsim.system.meter import CAUSES
from fedsim.system.mishaps import Lateness, Manners
from fedsim.system.outage import Outage, Schedule
from fedsim.system.profiles import Doze
from fedsim.system.retry import Retry
from fedsim.system.server import Server

MB = 1_000_000
GIGA = 1e9
CHARGER = Charger(power_w=2.0, efficiency=0.5, taper_from_share=1.0)
ARRIVING_W = 1.0

moments = st.integers(0, 20).map(lambda number: number / 4)
lasting = st.integers(1, 12).map(lambda number: number / 4)
repairs = st.sampled_from([0.25, 1.0])
batteries = st.floats(0, 50) | st.integers(8, 200).map(lambda number: number / 4)


@dataclass(frozen=True)
class Deed:
    """Something a phone does at work, from one instant to its end, or until somebody has waited long enough."""

    phone: int
    kind: str
    start_s: float
    lasts_s: float
    patience_s: float


@dataclass(frozen=True)
class Life:
    """What happens to some phones."""

    deeds: list[Deed]
    charges_j: list[float]
    crashes: list[list[tuple[float, float]]]
    promotion_s: float
    paging_s: float
    doze_s: float
    core_bps: float
    cores: int = 1
    plugged: tuple[float, ...] = ()
    interrupted: tuple[str, ...] = ("abort", "abort", "abort")
    faults: Faults | None = None
    server_crashes: tuple[tuple[float, float], ...] = ()
    server_interrupted: str = "abort"
    cut_s: float = math.inf
    manners: Manners | None = None


AGAIN = Retry(attempts=3, first_s=0.25)
MANNERS = [
    Manners(chunk_bytes=MB / 2),
    Manners(message_loss=0.2, corruption=0.2, retry=AGAIN, chunk_bytes=MB / 2),
    Manners(corruption=0.2),
    Manners(duplication=0.4, lateness=Lateness(share=0.3, by_s=Constant(0.5))),
]
FAULTS = [Faults(per_job=0.3, attempts=2, pause_s=0.25), Faults(every_s=Constant(1.5), attempts=2)]


@st.composite
def lives(draw, charges=st.just(math.inf) | batteries, phones=3, plugs=st.just(())):  # noqa: B008  # strategies are values
    kinds = st.sampled_from(["compute", "up", "down", "across", "nothing"])
    patience = st.just(math.inf) | lasting
    deeds = st.builds(Deed, st.integers(0, phones - 1), kinds, moments, lasting, patience)
    return Life(
        deeds=draw(st.lists(deeds, min_size=2, max_size=10)),
        charges_j=[draw(charges) for _ in range(phones)],
        crashes=[draw(st.lists(st.tuples(lasting, repairs), max_size=3)) for _ in range(phones)],
        promotion_s=draw(st.sampled_from([0.0, 0.5, 1.0])),
        paging_s=draw(st.sampled_from([0.0, 1.28])),
        doze_s=draw(st.sampled_from([0.0, 0.25])),
        core_bps=draw(st.sampled_from([8e6, 16e6, math.inf])),
        cores=draw(st.integers(1, 2)),
        plugged=draw(plugs),
        interrupted=tuple(draw(st.sampled_from(INTERRUPTIONS)) for _ in range(phones)),
        faults=draw(st.none() | st.sampled_from(FAULTS)),
        server_crashes=tuple(draw(st.lists(st.tuples(lasting, repairs), max_size=2))),
        server_interrupted=draw(st.sampled_from(["abort", "resume"])),
        cut_s=draw(st.just(math.inf) | lasting),
        manners=draw(st.none() | st.sampled_from(MANNERS)),
    )


class Cuts:
    """Plugged in and out at these times."""

    def __init__(self, cuts):
        self.cuts = cuts

    def times(self, rng):
        return self

    def at(self, time_s):
        past = sum(cut <= time_s for cut in self.cuts)
        return past % 2 == 1, min((cut for cut in self.cuts if cut > time_s), default=math.inf)


class Lived:
    """A life that was lived: the world afterwards, and what the phones' parts were told to do."""

    def __init__(self, life, make_world, radio, crashing, *, end_s=60.0):
        self.world = world = make_world(core_bps=life.core_bps, manners=life.manners)
        crashes = crashing([on_s for on_s, _ in life.server_crashes], [off_s for _, off_s in life.server_crashes])
        spec = replace(world.server.spec, crashes=crashes, interrupted=life.server_interrupted)
        world.server = Server(world.sim, spec, world.messenger)
        self.cut = None
        if life.cut_s < math.inf:
            times = Schedule(from_s=(life.cut_s,), for_s=(0.5,))
            self.cut = Outage(machines=("region",), times=times).cut(world.sim)
        doze = Doze(after_s=1.0, min_s=life.doze_s, max_s=life.doze_s)
        profile = replace(radio, promotion_s=life.promotion_s, max_w=3.5, doze=doze)
        charging = Charging(charger=CHARGER, plug=Cuts(life.plugged)) if life.plugged else None
        for number, (charge_j, times_s) in enumerate(zip(life.charges_j, life.crashes, strict=True)):
            self.world.phone(
                f"phone-{number}",
                radio=profile,
                charge_j=charge_j,
                capacity_j=charge_j + 4.0,
                chip=Chip(cores=life.cores, job_cores=1),
                rules=BatteryRules(charging=charging),
                paging_s=life.paging_s,
                crashes=crashing([on_s for on_s, _ in times_s], [off_s for _, off_s in times_s]),
                interrupted=life.interrupted[number],
                faults=life.faults,
                cuts=[self.cut] if self.cut and number != 1 else [],
            )
        self.diaries = [Diary(self.world.sim, phone) for phone in self.world.phones]
        self.outcomes = self.world.run(*(self.do(deed) for deed in life.deeds), until_s=end_s)

    async def do(self, deed):
        """Do it; how it ended, and when."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(deed.start_s)
        task = asyncio.ensure_future(self.at_work(deed))
        # A battery that never lasts for an epoch would have somebody without a deadline resume for ever.
        timer = loop.call_at(deed.start_s + min(deed.patience_s, 30.0), task.cancel, "late")
        await asyncio.wait([task])
        timer.cancel()
        error = "late" if task.cancelled() else task.exception()
        return loop.time(), error if error is None or error == "late" else error.cause

    async def at_work(self, deed):
        world, phone = self.world, self.world.phones[deed.phone]
        peer = world.phones[deed.phone - 1]
        async with phone.at_work():
            if deed.kind == "compute":
                await phone.compute(deed.lasts_s * GIGA, 0, epochs=2 * deed.lasts_s)
            elif deed.kind == "up":
                await phone.send(world.server, deed.lasts_s * MB)
            elif deed.kind == "down":
                await world.server.send(phone, deed.lasts_s * MB)
            elif deed.kind == "across":
                await phone.send(peer, deed.lasts_s * MB)
            else:
                await asyncio.sleep(deed.lasts_s)


class Diary:
    """Writes down what a phone's parts are told, at the places where they are told: (time, what, detail)."""

    def __init__(self, sim, phone):
        self.rows = []
        self.phone = phone
        write_down(self.rows, sim, phone.radio)
        follow, update_power = phone.follow, phone.update_power

        def written_follow(flow, *, outgoing, waste=None):
            self.rows.append((sim.now, "rate", (flow.number, outgoing, flow.rate_bps)))
            follow(flow, outgoing=outgoing, waste=waste)

        def written_update():
            update_power()
            load = phone._processor.load
            state = "compute" if load else "idle" if phone._awake and not phone._is_away else "sleep"
            self.rows.append((sim.now, "processor", (state, load)))

        instead(phone, follow=written_follow, update_power=written_update)


class SlowPhone(SlowRadio):
    """The slow twin of a phone: its radio's, with a processor and a battery."""

    def __init__(self, spec, paging):
        super().__init__(spec.radio, spec.paging_s, paging)
        self.spec = spec
        self.processor = ("sleep", 0.0)
        self.spent_j = dict.fromkeys(CAUSES, 0.0)
        self.left_j = spec.charge_j
        self.died_s = 0.0 if spec.charge_j == 0 else math.inf
        self.is_on = spec.charge_j > 0
        self.is_tied = False  # it was empty, or full enough, at the very instant at which a phase or its plug changed

    def on_processor(self, detail):
        self.processor = detail

    def power_w(self):
        state, load = self.processor
        power_w = Counter({state: {"compute": 0.5 + 3.5 * load, "idle": 0.5, "sleep": 0.0625}[state]})
        power_w.update(super().power_w())
        return power_w

    def spend(self, until_s):
        """Piece by piece, cut where it is plugged in or out, and where it dies or comes back."""
        while self.now_s < until_s:
            cuts = self.spec.kind.rules.charging.plug.cuts if self.spec.kind.rules.charging else ()
            end_s = min([until_s, *(cut for cut in cuts if cut > self.now_s)])
            arriving_w = ARRIVING_W if sum(cut <= self.now_s for cut in cuts) % 2 else 0.0
            self.spend_piece(end_s - self.now_s, arriving_w, is_told=end_s not in (*cuts, self.until_s))

    def spend_piece(self, lasts_s, arriving_w, *, is_told):
        """A piece in which nothing changes; ``is_told`` if it ends because the phone was told something."""
        power_w = self.power_w() if self.is_on else Counter()
        net_w = arriving_w - sum(power_w.values())
        goal_j = 0.0 if self.is_on else 0.05 * self.spec.kind.capacity_j
        switch_s = (goal_j - self.left_j) / net_w if (net_w < 0) == self.is_on and net_w else math.inf
        # What ends with its death ends when the phone computed that, maybe a rounding before this twin does.
        state, switches = self.state() if self.is_on else "off", switch_s <= lasts_s + 1e-12
        self.is_tied |= not is_told and abs(switch_s - lasts_s) < 1e-9
        lasts_s = min(lasts_s, switch_s)
        self.left_j = goal_j if switches else min(self.left_j + net_w * lasts_s, self.full_j())
        for cause, watts in power_w.items():
            self.spent_j[cause] += watts * lasts_s
        self.seconds[state] += lasts_s
        self.now_s += lasts_s
        if switches:
            self.died_s = min(self.died_s, self.now_s) if self.is_on else self.died_s
            self.is_on = not self.is_on

    def full_j(self):
        return math.inf if math.isinf(self.left_j) else self.spec.kind.capacity_j


@pytest.fixture(scope="module")
def live(make_world, radio, crashing):
    def live(life, *, end_s=60.0):
        return Lived(life, make_world, radio, crashing, end_s=end_s)

    return live


given_up_while_a_radio_dozes = Life(
    deeds=[Deed(0, *deed, math.inf) for deed in (("across", 1.5, 0.25), ("nothing", 0.0, 0.25))]
    + [Deed(2, "up", 0.0, 0.25, math.inf)],
    charges_j=[2.0, math.inf, math.inf],
    crashes=[[], [], []],
    promotion_s=0.5,
    paging_s=0.0,
    doze_s=0.25,
    core_bps=8e6,
)


@settings(deadline=None, max_examples=200)
@given(life=lives())
@example(life=given_up_while_a_radio_dozes)
def test_energy_is_power_over_time_and_comes_out_of_the_battery(live, life):
    """Against the slow twin, by cause, by state of the radio, and to the instant of death."""
    world = (lived := live(life)).world
    for phone, diary in zip(world.phones, lived.diaries, strict=True):
        twin = SlowPhone(phone.spec, world.sim.rng("paging", phone.name)).live(diary.rows, world.sim.now)
        spent_j = phone.usage().energy_j
        assert spent_j == pytest.approx(twin.spent_j, rel=1e-9, abs=1e-9)
        if math.isfinite(phone.spec.charge_j):
            left_j = phone.spec.charge_j - sum(spent_j.values())
            assert phone.meter.charge_j == pytest.approx(left_j, rel=1e-9, abs=1e-9)
            assert 0 <= phone.meter.charge_j <= phone.spec.charge_j
        assert phone.radio.times() == pytest.approx(twin.seconds, rel=1e-9, abs=1e-9)
        assert sum(phone.radio.times().values()) == pytest.approx(world.sim.now, rel=1e-12)
        assert phone.is_spent() == math.isfinite(twin.died_s)
        for at_s in deaths(world, phone, "battery"):
            assert at_s == pytest.approx(twin.died_s, rel=1e-12)


@settings(deadline=None, max_examples=150)
@given(life=lives(batteries, plugs=st.lists(moments, min_size=1, max_size=5, unique=True).map(sorted).map(tuple)))
def test_energy_and_charge_on_a_charger_equal_the_slow_twin(live, life):
    """It charges and drains, dies and comes back, at any instant of whatever it does."""
    world = (lived := live(life)).world
    for phone, diary in zip(world.phones, lived.diaries, strict=True):
        twin = SlowPhone(phone.spec, world.sim.rng("paging", phone.name)).live(diary.rows, world.sim.now)
        assume(not twin.is_tied)  # either may come first: an empty battery, or the phase that needs less
        spent_j = phone.usage().energy_j
        assert spent_j == pytest.approx(twin.spent_j, rel=1e-9, abs=1e-8)
        battery = phone.meter.battery
        assert battery.charge_j == pytest.approx(twin.left_j, rel=1e-9, abs=1e-8)
        assert 0 <= battery.charge_j <= battery.capacity_j
        left_j = phone.spec.charge_j + battery.charged_j - sum(spent_j.values())
        assert battery.charge_j == pytest.approx(left_j, rel=1e-9, abs=1e-8)
        assert phone.radio.times() == pytest.approx(twin.seconds, rel=1e-9, abs=1e-8)
    lived.world.check_nothing_is_held()


def deaths(world, phone, *causes):
    """When somebody saw it go."""
    fields = [(at_s, row["subject"], row["cause"]) for at_s, row in world.events("down")]
    return [at_s for at_s, name, cause in fields if name == phone.name and cause in causes]


@settings(deadline=None, max_examples=200)
@given(life=lives())
def test_nothing_is_held_and_nobody_waits_for_ever(live, life):
    """The run ends at all, and everybody has given back what he had."""
    lived = live(life)
    lived.world.check_nothing_is_held()
    causes = {None, "late", "crash", "battery", "outage", "server", "fault", "lost", "corrupted"}
    assert {error for _, error in lived.outcomes} <= causes

    for number, phone in enumerate(lived.world.phones):
        for gone_s in gone(life, lived.world, number, phone) if life.interrupted[number] == "abort" else ():
            for deed, (end_s, _) in zip(life.deeds, lived.outcomes, strict=True):
                assert not (deed.phone == number and deed.start_s < gone_s < end_s), "at work while it was gone"


def gone(life, world, number, phone):
    """When it crashed, when its battery was empty, and when its region was cut off."""
    times_s = itertools.accumulate(itertools.chain(*life.crashes[number]))
    cut_s = [life.cut_s] if number != 1 else []
    return [*itertools.islice(times_s, 0, None, 2), *deaths(world, phone, "battery"), *cut_s]


@settings(deadline=None, max_examples=200)
@given(life=lives())
def test_bytes_and_waste_add_up(live, life):
    """What was sent was received, moved and counted, or moved and wasted; the book is the record."""
    world = live(life).world
    spent = [phone.usage() for phone in world.phones]
    sent_bytes = sum(usage.sent_bytes for usage in spent) + world.server.sent_bytes
    received_bytes = sum(usage.received_bytes for usage in spent) + world.server.received_bytes
    traffic = world.network.traffic()
    assert sent_bytes == pytest.approx(traffic.delivered_bytes + traffic.wasted_bytes, rel=1e-9)
    assert received_bytes == pytest.approx(sent_bytes, rel=1e-9)

    wasted = [row for _, row in world.events("wasted")]
    assert Counter(row["cause"] for row in wasted) == world.waste.pieces
    total = world.waste.total
    for name, value in [("energy_j", total.work_j), ("sent_bytes", total.sent_bytes), ("compute_s", total.compute_s)]:
        assert sum(row[name] for row in wasted) == pytest.approx(value, rel=1e-9, abs=1e-9)
        assert all(row[name] >= -1e-9 for row in wasted)


@settings(deadline=None, max_examples=100)
@given(life=lives())
def test_work_that_came_to_its_end_is_not_wasted_and_other_work_is(live, life):
    """One phone at a time at one deed, on one core: what it wasted and what finished deeds cost is what it spent."""
    deeds = [replace(deed, start_s=40.0 * number) for number, deed in enumerate(life.deeds)]
    one_by_one = replace(life, deeds=deeds)
    lived = live(one_by_one, end_s=40.0 * len(deeds))
    for number, phone in enumerate(lived.world.phones):
        wasted = [row for _, row in lived.world.events("wasted") if row["subject"] == phone.name]
        ended = zip(deeds, lived.outcomes, strict=True)
        computed_s = sum(
            life.cores * d.lasts_s for d, (_, error) in ended if d.phone == number and d.kind == "compute" and not error
        )
        assert computed_s + sum(row["compute_s"] for row in wasted) == pytest.approx(phone.usage().compute_s, abs=1e-9)


# A battery that lasts to one of the instants at which something else happens may be empty a rounding before or after.
odd_batteries = batteries.map(lambda charge_j: charge_j + math.pi / 1e4)
connected_as_it_crashes = Life(
    deeds=[Deed(0, "compute", 0.0, 0.25, math.inf), Deed(2, "across", 0.75, 1.0, math.inf)],
    charges_j=[0.0, 1.0, 3.0],
    crashes=[[], [], [(1.75, 0.25)]],
    promotion_s=1.0,
    paging_s=0.0,
    doze_s=0.0,
    core_bps=8e6,
)


@settings(deadline=None, max_examples=100)
@given(life=lives(odd_batteries))
@example(life=connected_as_it_crashes)
def test_a_battery_dies_at_the_same_instant_however_it_is_watched(live, life):
    """Closely from the start, closely in the last minute, or hardly ever."""
    # Where both ends of a message crash at once, either may be named as the cause.
    down_s = [at_s for crashes in life.crashes for at_s, _ in crashes]
    assume(not {at_s for at_s, _ in life.server_crashes} & set(down_s))
    ends, causes = [], []
    for low_s in (math.inf, 60.0, 1e-3):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(watch, "_LOW_S", low_s)
            lived = live(life)
            spent_j = [phone.usage().energy_j["sleep"] for phone in lived.world.phones]
            ends.append([at_s for at_s, _ in lived.outcomes] + spent_j)
            causes.append([error for _, error in lived.outcomes])
    assert ends[1] == pytest.approx(ends[0], rel=1e-9, abs=1e-9)
    assert ends[2] == pytest.approx(ends[0], rel=1e-9, abs=1e-9)
    assert causes[0] == causes[1] == causes[2]


@settings(deadline=None, max_examples=30)
@given(life=lives())
def test_a_life_is_lived_twice_alike(live, life):
    assert live(life).world.sim.events.transcript() == live(life).world.sim.events.transcript()


@settings(deadline=None, max_examples=60)
@given(life=lives())
def test_shortcuts_of_messages_change_nothing(live, life, the_long_way):
    """Whatever dies, fails and joins, at whatever instant: ends, bytes and joules are those of the long way."""
    short = live(life)
    with the_long_way():
        long = live(life)
    for (at_s, error), (other_s, other) in zip(short.outcomes, long.outcomes, strict=True):
        assert at_s == pytest.approx(other_s, rel=1e-12)
        assert error == other
    for phone, twin in zip(short.world.phones, long.world.phones, strict=True):
        found, expected = phone.usage(), twin.usage()
        assert found.energy_j == pytest.approx(expected.energy_j, rel=1e-12, abs=1e-12)
        assert found.sent_bytes == pytest.approx(expected.sent_bytes, rel=1e-12, abs=1e-6)
        assert found.received_bytes == pytest.approx(expected.received_bytes, rel=1e-12, abs=1e-6)
