"""What is told in advance is what would have come: every run is lived twice, once with foresight and once without."""

import gc
from contextlib import suppress

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lived import lived, nothing, phones

from fedsim.errors import FedsimError
from fedsim.protocols.asking import Reply
from fedsim.scenario import check
from fedsim.study.devices import device_table
from fedsim.study.links import link_table
from fedsim.system.crew import Crew
from fedsim.system.foreseen import Exchange
from fedsim.system.foresight import Foresight


class Counted(Foresight):
    """Counts what comes as foretold, and what is disturbed."""

    def __init__(self, sim, network):
        super().__init__(sim, network)
        self.came = self.dropped = 0

    def _end(self, exchange):
        self.came += 1
        super()._end(exchange)

    def disturb(self):
        self.dropped += len(self._open)
        super().disturb()


def scenario(**changes):
    """Phones and laptops in two offices, that learn nothing: only their messages and work take time."""
    places = {"at": ["west", "east"]}
    return check(
        {
            "name": "foreseen",
            "topology": {
                "name": "two",
                "nodes": {"hub": {"kind": "server"}, "west": {"kind": "cell"}, "east": {"kind": "access-point"}},
                "links": [
                    {"from": "hub", "to": "west", "capacity": changes.pop("trunk", "10 Gbit/s"), "delay": "8 ms"},
                    {"from": "hub", "to": "east", "capacity": "10 Gbit/s", "delay": "3 ms"},
                ],
            },
            "server": {"at": "hub", "device": "server"},
            "fleet": [
                {"name": "mid", "count": 16, "device": "phone-mid", "link": "4g", **places, **changes.pop("mid", {})},
                {"name": "high", "count": 8, "device": "phone-high", "link": "wifi", **places},
                {"name": "wired", "count": 4, "device": "laptop", "link": "ethernet", **places},
            ],
            "data": {"name": "counts", "examples": 100, "features": 60, "classes": 10},
            "model": "softmax",
            "learner": {"name": "fedavg", "epochs": 1, "batch_size": 10, "step_size": 0.01},
            "protocol": {"name": "synchronous-rounds", "cohort": 12, **changes.pop("protocol", {})},
            "stop": {"rounds": 4, "time": "5 min"},
            **changes,
        },
        seed=changes.pop("seed", 1),
    )


def twins(wanted, seed=1, meddle=None):
    """The foresight of the run, after it has been compared with the run without."""
    world, sim, monitor = lived(wanted, "Foresight", Counted, seed=seed, meddle=meddle)
    plain, plain_sim, plain_monitor = lived(wanted, "Foresight", nothing, seed=seed, meddle=meddle)
    assert sim.events.transcript() == plain_sim.events.transcript()
    assert sim.now == plain_sim.now
    assert [point.row() for point in monitor.points] == [point.row() for point in plain_monitor.points]
    pd.testing.assert_frame_equal(device_table(world.devices), device_table(plain.devices), check_exact=True)
    pd.testing.assert_frame_equal(
        link_table(world.network, sim.now), link_table(plain.network, plain_sim.now), rtol=1e-12, atol=1e-9
    )
    assert world.devices.spent() == plain.devices.spent()
    assert world.devices.charge_j().tolist() == plain.devices.charge_j().tolist()
    assert world.served() == plain.served()
    assert world.waste.usage == plain.waste.usage
    ours, theirs = world.network.traffic(), plain.network.traffic()
    assert ours.moved_bytes == pytest.approx(theirs.moved_bytes, rel=1e-12)
    assert ours.offered_bytes == pytest.approx(theirs.offered_bytes, rel=1e-12)
    return world.foresight


def test_undisturbed_rounds_come_as_foretold():
    found = twins(scenario())
    assert found.came == 4 * 12
    assert found.dropped == 0


def test_what_came_as_foretold_leaves_nothing_to_the_garbage_collector():
    """Of a job it was a tenth of the time."""
    gc.collect()
    gc.disable()
    try:
        before = sum(type(thing) in {Exchange, Reply} for thing in gc.get_objects())
        lived(scenario(), "Foresight", Counted)
        assert sum(type(thing) in {Exchange, Reply} for thing in gc.get_objects()) == before
    finally:
        gc.enable()


def test_who_is_cut_off_when_the_round_closes_has_lived_until_then():
    found = twins(scenario(protocol={"over_selection": 1.5}))
    assert found.came > 3 * 12
    assert found.dropped > 10


def test_an_evaluation_in_the_middle_of_a_round_finds_everything_as_it_is():
    found = twins(scenario(evaluate={"every": "700 ms"}))
    assert found.dropped > 20


def test_a_link_that_gets_crowded_is_shared():
    """Laptops come to a trunk that phones have found wide enough, and slow them down."""
    found = twins(scenario(trunk="30 Mbit/s"))
    assert found.dropped > 0


def test_edge_servers_do_not_disturb_each_other():
    """Each closes its rounds in its own time, while the other's devices are still at work."""
    protocol = {"name": "hierarchical-rounds", "cohort": 6, "edge_rounds": 2, "deadline": "20 s"}
    found = twins(scenario(protocol=protocol, edges={"at": ["west", "east"], "device": "server"}))
    assert found.came > 20
    assert found.dropped == 0


def test_who_would_leave_or_run_empty_is_not_foretold():
    stay = {"stay": {"exponential": {"mean": "4 s"}}, "away": {"exponential": {"mean": "2 s"}}}
    found = twins(scenario(mid={"availability": stay, "charge": {"uniform": ["0.1 %", "2 %"]}}))
    assert 0 < found.came < 4 * 12


PHONES = phones(["50 %", {"uniform": ["0.02 %", "1 %"]}], "s", st.integers(1, 30), st.integers(1, 5))
ROUNDS = st.fixed_dictionaries(
    {},
    optional={
        "over_selection": st.floats(1, 2),
        "deadline": st.integers(300, 3000).map("{} ms".format),
        "cohort": st.integers(1, 20),
        "late": st.sampled_from(["drop", "keep-anyway"]),
    },
)


@settings(deadline=None, max_examples=12)
@given(
    mid=PHONES,
    protocol=ROUNDS,
    trunk=st.sampled_from(["10 Gbit/s", "100 Mbit/s", "30 Mbit/s", "8 Mbit/s"]),
    every_ms=st.none() | st.integers(100, 5000),
    seed=st.integers(0, 1000),
    end_ms=st.integers(500, 20000),
)
def test_foresight_changes_nothing(mid, protocol, trunk, every_ms, seed, end_ms):
    """Whatever disturbs it, and whenever."""
    evaluate = {"every_rounds": 1} if every_ms is None else {"every": f"{every_ms} ms"}
    stop = {"rounds": 4, "time": f"{end_ms} ms"}
    twins(scenario(mid=mid, protocol=protocol, trunk=trunk, evaluate=evaluate, stop=stop), seed)


def looks_at_links(world):
    world.sim.record("seen", **{f"{way}_bytes": use.carried_bytes for way, use in west(world).items()})
    world.sim.record("busy", **{f"{way}_s": use.busy_s for way, use in west(world).items()})


def west(world):
    return {"down": world.network.use("hub", "west"), "up": world.network.use("west", "hub")}


def narrows_a_link(world):
    world.network.set_capacity("hub", "west", 20e6)


def cuts_a_link(world):
    world.network.set_link_up("hub", "east", False)
    world.sim.loop.call_later(0.1, world.network.set_link_up, "hub", "east", True)


def looks_at_batteries(world):
    charge_j = world.devices.charge_j()
    world.sim.record("charge", left_j=float(charge_j[charge_j < float("inf")].sum()), up=len(world.devices.there()))


def looks_at_devices(world):
    for device in world.devices.made:
        radio = device.radio_times()[device.link]
        world.sim.record("spent", subject=device.name, work_j=device.usage().work_j, **radio)


def looks_at_charges(world):
    for device in world.devices.made:
        world.sim.record("charge", subject=device.name, share=device.charge_share)


def sends_to_a_device(world):
    world.sim.spawn(sent(world, world.devices[3]), name="sender")


async def sent(world, device):
    with suppress(FedsimError):
        delivery = await world.server.send(device, 50_000)
        world.sim.record("sent", subject=device.name, move_s=delivery.move_s)


def sends_from_a_device(world, device=None):
    """Outside of its part in any round."""
    world.sim.spawn(answered(world, device or world.devices[5]), name="sender")


async def answered(world, device):
    with suppress(FedsimError):
        delivery = await device.send(world.server, 50_000)
        world.sim.record("sent", subject=device.name, move_s=delivery.move_s)


def computes_beside(world, device=None):
    world.sim.spawn((device or world.devices[7]).compute(1e9, 100), name="app")


DEEDS = [
    looks_at_links,
    narrows_a_link,
    cuts_a_link,
    looks_at_batteries,
    looks_at_devices,
    looks_at_charges,
    sends_to_a_device,
    sends_from_a_device,
    computes_beside,
]


@settings(deadline=None, max_examples=15)
@given(at_s=st.lists(st.floats(0.01, 3), min_size=1, max_size=4), deed=st.sampled_from(DEEDS), seed=st.integers(0, 99))
def test_whoever_looks_or_interferes_meets_the_present(at_s, deed, seed):
    """At random instants somebody looks at links, batteries, devices, narrows a link, or sends a message."""

    async def meddle(world):
        for instant_s in sorted(at_s):
            await world.sim.timeout(max(0.0, instant_s - world.sim.now))
            deed(world)

    twins(scenario(trunk="60 Mbit/s"), seed, meddle)


def test_a_look_at_charges_leaves_the_seconds_of_radios_as_they_are():
    """While devices are in their tails, after an exchange that came as foretold."""

    async def meddle(world):
        for _ in range(10):
            await world.sim.timeout(0.37)
            looks_at_charges(world)

    assert twins(scenario(), 1, meddle).came > 12


@pytest.mark.parametrize("deed", [sends_from_a_device, computes_beside])
@pytest.mark.parametrize("at_s", [0.2, 3.1])
def test_what_a_device_does_beside_the_rounds_is_not_missed(deed, at_s):
    """In the middle of an exchange that was foretold, and after one that came so."""

    async def meddle(world):
        await world.sim.timeout(at_s)
        for device in world.devices.made[:12]:
            deed(world, device)

    twins(scenario(), 1, meddle)


def test_what_is_told_of_many_at_once_is_what_each_would_say(monkeypatch):
    """After every round, of devices that are in their tails, or rest: to the last digit."""
    told, standings = [], Crew._standings

    def compared(crew):
        found = standings(crew)
        told.extend(crew._endings.standings(crew._active, crew._sim.now).values())
        assert found == {row: device.standing() for row, device in crew._active.items()}
        return found

    monkeypatch.setattr(Crew, "_standings", compared)
    world, _, _ = lived(scenario(stop={"rounds": 12, "time": "5 min"}), "Foresight", Counted)
    assert len(told) > 12 * 12
    assert {standing.rests for standing in told} == {True, False}
    crew, states = world.devices, ("idle", "moving", "tail-1", "off")
    spent, times_s = crew.logs(states)
    assert set((times_s[:, 2] > 0).tolist()) == {True, False}
    for device, spent_of_one, times_of_one_s in zip(crew.made, spent.tolist(), times_s.tolist(), strict=True):
        assert device.log(states) == (tuple(spent_of_one), times_of_one_s)
