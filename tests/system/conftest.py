"""A small world of phones around a cell, in round numbers, for stories and laws of devices."""

import asyncio
import json
import math
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest

from fedsim.errors import DeviceLeftError, FedsimError
from fedsim.kernel import EventLoop, Simulation
from fedsim.system import few
from fedsim.system.access import Access
from fedsim.system.blackout import Blackout
from fedsim.system.device import Device
from fedsim.system.device_spec import DeviceKind, DeviceSpec
from fedsim.system.law import Constant
from fedsim.system.messenger import Manners, Messenger
from fedsim.system.network import Network
from fedsim.system.presence import Crashes, GroupPresence
from fedsim.system.process import Crowd
from fedsim.system.profiles import RadioProfile
from fedsim.system.renewal import cycle, from_new
from fedsim.system.server import Server, ServerSpec
from fedsim.system.solo import Solos
from fedsim.system.topology import Topology
from fedsim.system.usage import WasteBook

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
MBPS = 1e6
MB = 1_000_000

RADIO = RadioProfile(
    name="round",
    alpha_up_w_per_bps=0.25 / MBPS,
    alpha_down_w_per_bps=0.125 / MBPS,
    beta_w=1.0,
    max_w=8.0,
    promotion_s=1.0,
    promotion_w=2.0,
    tails=((4.0, 1.0), (6.0, 0.5)),
    idle_w=0.125,
)
"""At 8 Mbit/s (1 MB a second) it sends with 3 W and receives with 2 W; its tail is worth 7 J."""

QUICK = replace(RADIO, name="quick", promotion_s=0.0, tails=())
"""Connected at once, and idle as soon as nothing moves."""

PHONE = DeviceSpec(
    name="phone",
    group="phones",
    row=0,
    kind=DeviceKind(
        step_overhead_s=0.25,
        train_w=4.0,
        idle_w=0.5,
        sleep_w=0.0625,
        link="4g",
        radio=QUICK,
        paging_s=0.0,
    ),
    flops_per_s=1e9,
    charge_j=math.inf,
    place="cell",
    access=Access(up_bps=8 * MBPS, down_bps=8 * MBPS),
)
OF_KIND = {field.name for field in fields(DeviceKind)}


BOTH_WAYS = (("server", "cell"), ("cell", "server"))


def topology(core_bps, ways):
    """Phones hang on the cell; a line joins it to the server."""
    graph = nx.DiGraph()
    graph.add_node("server", kind="server")
    graph.add_node("cell", kind="cell")
    for ends in ways:
        graph.add_edge(*ends, capacity_bps=core_bps, delay_s=0.0, duplex="full")
    return Topology("phones", graph)


def presence_of(sim, name, rules):
    """The presence of one device by these rules (None for none), with luck of its own name."""
    crowd = Crowd(things=np.zeros(1, dtype=np.uint64), luck=lambda *names: sim.luck("presence", name, *names))
    return GroupPresence(crowd, [rule for rule in rules if rule is not None]).of(0)


class World:
    """A simulation with a server, 1 GFLOP/s, and the phones that a test adds."""

    def __init__(self, *, graph=None, core_bps=math.inf, ways=BOTH_WAYS, transport=None, outages=(), seed=1, **manners):
        self.sim = Simulation(seed=seed)
        self.network = Network(self.sim, graph or topology(core_bps, ways), transport=transport)
        given = manners.pop("manners", None) or Manners(**manners)
        self.messenger = Messenger(self.sim, self.network, given, outages=outages)
        self.waste = WasteBook()
        self.server = Server(self.sim, ServerSpec(place="server", flops_per_s=1e9), self.messenger)
        self.phones = []

    def phone(self, name="phone", *, availability=None, crashes=None, cuts=(), **changes):
        """One more phone; changes: what is different from ``PHONE``; cuts: what takes it down from outside."""
        kind = replace(PHONE.kind, **{key: changes.pop(key) for key in OF_KIND & changes.keys()})
        spec = PHONE._replace(name=name, row=len(self.phones), kind=kind, **changes)
        self.network.attach(name, spec.place, spec.access)
        rules = [*(Blackout(cut) for cut in cuts), availability, crashes]
        presence = presence_of(self.sim, name, rules)
        self.phones.append(Device(self.sim, spec, self.messenger, self.waste, presence))
        return self.phones[-1]

    def run(self, *coroutines, until_s=0.0):
        """All of them to their ends, and on until ``until_s``; gives their values."""

        async def story():
            values = await asyncio.gather(*coroutines)
            await asyncio.sleep(max(until_s - self.sim.now, 0.0))
            return values

        return self.sim.run(story())

    def spent(self, phone):
        """Joules by cause, without those that are 0."""
        return {cause: joules for cause, joules in phone.usage().energy_j.items() if joules}

    def events(self, kind):
        """Rows of one kind: (time, fields)."""
        return [(at_s, fields) for at_s, of_kind, fields in self.sim.events if of_kind == kind]

    def check_nothing_is_held(self):
        """Nobody works any more: once the instant is over, nothing is in use and nothing will happen."""
        self.sim.run(asyncio.sleep(1e-3))
        for phone in self.phones:
            for radio in phone._roaming.radios.values():
                assert radio._users == 0
                assert radio._alarm is None
                assert not radio._up_bps
                assert not radio._down_bps
            assert phone._roaming._users == 0
            assert phone._roaming._timer is None
            assert phone._processor.load == 0
            assert phone._processor.busy_since_s is None
            assert phone._processor._alarm is None
            assert phone._awake == 0
            assert not list(phone.flows())
            assert not phone._watch._attendants
            assert phone._watch._timer is None
        assert not self.server._watch._attendants
        assert self.server._watch._timer is None
        assert not self.server._queue.locked()
        assert not self.messenger._copies
        assert self.messenger._outages._timer is None
        assert self.network.traffic().moving_bytes == 0
        assert not asyncio.all_tasks(self.sim.loop)
        assert [entry for entry in self.sim.env._queue if entry[-1].callbacks] == []


@pytest.fixture(scope="session")
def the_long_way():
    """Within this, no flow goes by itself, rates of few are found as those of many, every instant has its event."""

    @contextmanager
    def the_long_way():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Solos, "begin", lambda solos, solo: False)
            patch.setattr(few, "MOST", 0)
            patch.setattr(EventLoop, "is_last_of_instant", lambda loop: False)
            yield

    return the_long_way


@pytest.fixture(scope="session")
def make_world():
    return World


@pytest.fixture
def world():
    return World()


@pytest.fixture(scope="session")
def radio():
    """A radio with a promotion of 1 s and a tail of 4 s and 6 s."""
    return RADIO


@pytest.fixture(scope="session")
def quick():
    """A radio that needs no waking."""
    return QUICK


@pytest.fixture(scope="session")
def slow_rates():
    """The definition of weighted max-min fairness, by which faster ways are judged."""
    return fill_slowly


def fill_slowly(takes, capacity_bps, cap_bps, weights):
    """Raise the levels of all unfrozen flows alike until a link is full or a cap is reached; freeze; go on.

    takes: for each flow, how many times its rate it takes of each link that it uses, by link
    """
    rates = [0.0] * len(takes)
    waiting = set(range(len(takes)))
    while waiting:
        used = {link: sum(take.get(link, 0) * rates[f] for f, take in enumerate(takes)) for link in set().union(*takes)}
        slope = {link: sum(takes[f].get(link, 0) * weights[f] for f in waiting) for link in used}
        room = {link: max(0.0, capacity_bps[link] - used[link]) / slope[link] for link in used if slope[link]}
        above = {f: (cap_bps[f] - rates[f]) / weights[f] for f in waiting}
        step = min([*room.values(), *above.values()])
        if math.isinf(step):
            return [math.inf if f in waiting else rate for f, rate in enumerate(rates)]
        full = {link for link in room if room[link] == step}
        for f in waiting:
            rates[f] += step * weights[f]
        waiting -= {f for f in waiting if full & takes[f].keys() or above[f] == step}
    return rates


@pytest.fixture(scope="session")
def at():
    """Runs a coroutine function from one time on, and cancels it at another; tells how that ended, and when."""

    async def run(start_s, function, *args, until_s=math.inf, cause=None):
        loop = asyncio.get_running_loop()
        await asyncio.sleep(start_s - loop.time())
        task = asyncio.ensure_future(function(*args))
        timer = loop.call_at(until_s, task.cancel, cause)
        try:
            value, error = await task, None
        except (FedsimError, asyncio.CancelledError) as failure:
            value, error = None, failure
        finally:
            timer.cancel()
        return SimpleNamespace(value=value, error=error, end_s=loop.time())

    return run


@pytest.fixture(scope="session")
def crashing():
    """Crashes after the given seconds on, each repaired after the given seconds; then never again."""

    def crashes(on_s, off_s=(1e9,)):
        return Crashes(every_s=Script(on_s), repair_s=Script(off_s))

    return crashes


@pytest.fixture(scope="session")
def visits():
    """Comes at time 0, stays and is away for so many seconds each, again and again."""
    return Visits


@dataclass(frozen=True)
class Visits:
    stay_s: float
    away_s: float

    def processes(self, crowd):
        laws = cycle(Constant(self.stay_s), Constant(self.away_s), len(crowd))
        return [(from_new(laws, crowd.luck("visits"), crowd), DeviceLeftError)]


class Script:
    """A law of one device that gives these values, then 1e9."""

    support = (0.0, 1e9)
    mean = 1e9

    def __init__(self, values):
        self.values = list(values)

    def draw(self, rng):
        return float(self.isf([rng])[0])

    def isf(self, q):
        return np.array([self.values.pop(0) if self.values else 1e9 for _ in q])


@pytest.fixture(scope="session")
def oracle():
    """Reads a file of reference numbers by its name."""

    def read(name):
        path = SHARED / "oracles" / f"{name}.json"
        if not path.exists():
            pytest.skip("needs shared/data/oracles beside the checkout")
        return json.loads(path.read_text())

    return read


@pytest.fixture(scope="session")
def analytic(oracle):
    """Closed forms with worked numbers, by id."""
    return {entry["id"]: entry for entry in oracle("analytic")["entries"]}


@pytest.fixture(scope="session")
def closed_form(analytic):
    """The closed form of this name: its inputs and its values."""

    def entry(name):
        return analytic[name]["inputs"], analytic[name]["value"]

    return entry
