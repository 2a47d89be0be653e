"""Letters are what messages with tasks, trips and flows of their own come to: every run is lived with both."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lived import lived, nothing, phones

from fedsim.errors import FedsimError
from fedsim.scenario import check
from fedsim.study.devices import device_table
from fedsim.study.links import link_table
from fedsim.system.letters import Letters


class Counted(Letters):
    """Counts those that were sent."""

    def __init__(self, sim, network):
        super().__init__(sim, network)
        self.sent = 0

    def post(self, *arguments):
        letter = super().post(*arguments)
        self.sent += letter is not None
        return letter


def scenario(**changes):
    """Phones and laptops in two offices, each with work of its own speed; what they learn is beside the point."""
    mid = {"device": "phone-mid", "link": "ethernet", **changes.pop("mid", {})}
    slow = {"speed": {"lognormal": {"median": "20 MFLOP/s", "sigma": 0.5}}, "at": ["west", "east"]}
    among_four = {"name": "k-regular", "neighbours": 4}
    gossip = {"name": "synchronous-gossip", "overlay": among_four, "mixing": "metropolis", **changes.pop("gossip", {})}
    return check(
        {
            "name": "letters",
            "topology": {
                "name": "two",
                "nodes": {"west": {"kind": "router"}, "east": {"kind": "router"}},
                "links": [{"from": "west", "to": "east", "capacity": "40 Mbit/s", "delay": "8 ms"}],
            },
            "network": {"transport": "ideal", "sharing": "equal-split", **changes.pop("network", {})},
            "fleet": [
                {"name": "mid", "count": 6, **mid, **slow},
                {"name": "wired", "count": 4, "device": "laptop", "link": "ethernet", **slow},
            ],
            "data": {"name": "counts", "examples": 20, "features": 20, "classes": 5},
            "model": "softmax",
            "learner": {"name": "d-psgd", "epochs": 1, "batch_size": 10, "step_size": 0.01},
            "protocol": gossip,
            "stop": {"rounds": 5, "time": "5 min"},
            **changes,
        },
        seed=1,
    )


def rows(sim):
    """What happened; of one instant in any order."""
    return sorted(sim.events.transcript().splitlines())


def is_tie(sim, patience_s):
    """Whether somebody's patience ended in the very instant in which a model arrived: then either may come first.

    Two messages and then a patience take as long as a patience and then two messages.
    """
    passed, mixed = sim.events.frame("passed"), sim.events.frame("mixed")
    came = set(zip(passed["peer"], passed["time_s"], strict=True)) if len(passed) else set()
    waited = mixed[(mixed["exchange_s"] - patience_s).abs() < 1e-9] if len(mixed) else mixed
    return any((row.subject, row.time_s) in came for row in waited.itertuples())


def twins(wanted, seed=1, meddle=None):
    """How many letters there were, after the run has been compared with the run without any."""
    world, sim, monitor = lived(wanted, "Letters", Counted, seed=seed, meddle=meddle)
    plain, plain_sim, plain_monitor = lived(wanted, "Letters", nothing, seed=seed, meddle=meddle)
    patience_s = getattr(wanted.protocol.value, "patience_s", None)
    if patience_s is not None and is_tie(plain_sim, patience_s):
        return 0  # nothing can be said
    assert rows(sim) == rows(plain_sim)
    assert sim.now == plain_sim.now
    ours, theirs = (pd.DataFrame([point.row() for point in each.points]) for each in (monitor, plain_monitor))
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-12)  # sums of bytes that arrive in one instant, in any order
    ours, theirs = (device_table(each.devices).sort_index() for each in (world, plain))
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-12, atol=1e-12)
    pd.testing.assert_frame_equal(link_table(world.network, sim.now), link_table(plain.network, plain_sim.now))
    assert world.waste.pieces == plain.waste.pieces
    for cause, usage in world.waste.usage.items():
        assert usage.work_j == pytest.approx(plain.waste.usage[cause].work_j, rel=1e-9, abs=1e-9)
    ours, theirs = world.network.traffic(), plain.network.traffic()
    for kind in ("offered_bytes", "delivered_bytes", "wasted_bytes", "moving_bytes"):
        assert getattr(ours, kind) == pytest.approx(getattr(theirs, kind), rel=1e-12, abs=1e-9)
    return 0 if world.letters is None else world.letters.sent


def test_on_wires_all_messages_are_letters():
    assert twins(scenario()) >= 5 * 40


@pytest.mark.parametrize("link", ["wifi", "4g", "3g"])
def test_radios_sleep_and_wake_as_ever(link):
    assert twins(scenario(mid={"link": link})) >= 5 * 40


@pytest.mark.parametrize("transport", ["tcp", "lv08"])
def test_transports_with_a_memory_have_it(transport):
    assert twins(scenario(network={"transport": transport})) >= 5 * 40


def test_who_shares_links_sends_no_letters():
    assert twins(scenario(network={"sharing": "max-min"})) == 0


@pytest.mark.parametrize(
    "network", [{"message_loss": "10 %"}, {"jitter": {"uniform": [0.5, 1.5]}}], ids=["losses", "jitter"]
)
def test_where_luck_meets_messages_there_are_no_letters(network):
    assert twins(scenario(network=network)) == 0


def test_a_neighbour_that_goes_in_the_middle_of_a_letter():
    stay = {"stay": {"exponential": {"mean": "200 ms"}}, "away": {"exponential": {"mean": "100 ms"}}}
    assert twins(scenario(mid={"availability": stay}, gossip={"patience": "300 ms"}, stop={"time": "3 s"})) > 40


def test_a_pair_that_exchanges_models_does_so_by_letters():
    pairs = {"name": "asynchronous-gossip", "overlay": {"name": "k-regular", "neighbours": 4}}
    assert twins(scenario(protocol=pairs)) > 10


def test_a_server_sends_letters_too():
    rounds = {"name": "synchronous-rounds", "cohort": 4}
    learner = {"name": "fedavg", "epochs": 1, "batch_size": 10, "step_size": 0.01}
    wanted = scenario(protocol=rounds, learner=learner, server={"at": "west", "device": "server"})
    assert twins(wanted) >= 5 * 8


def test_while_radios_wake_a_message_keeps_the_share_of_its_own_round():
    """A wait limit shorter than a radio's promotion: the next round, of other degrees, begins before bytes move."""
    wanted = scenario(
        mid={"link": "4g", "charge": {"uniform": ["0.001 %", "0.01 %"]}},
        gossip={"overlay": {"name": "matcha", "base": "ring"}, "mixing": "overlay-weights", "patience": "200 ms"},
        learner={"name": "d-psgd", "epochs": 1, "batch_size": 10, "step_size": 0.01, "overlaps": False},
        stop={"rounds": 6, "time": "3 s"},
    )
    assert twins(wanted, seed=3) > 40


def test_a_link_does_not_go_down_under_a_letter():
    """Who knows of outages beforehand sends no letters; who cuts a link on the way is told what to do."""

    async def cut(world):
        await world.sim.timeout(0.05)
        assert world.letters.open
        world.network.set_link_up("west", "east", False)

    with pytest.raises(FedsimError, match=r"a letter is under way from .*: let the scenario know of outages"):
        lived(scenario(), "Letters", Letters, meddle=cut)
    outage = {"link": ["west", "east"], "schedule": [{"from": "50 ms", "for": "40 ms"}]}
    assert twins(scenario(outages=[outage])) == 0


PHONES = phones(["50 %", {"uniform": ["0.001 %", "0.01 %"]}], "ms", st.integers(50, 2000), st.integers(10, 500))
GOSSIP = st.fixed_dictionaries(
    {},
    optional={
        "patience": st.sampled_from([None, "200 ms", "1 s"]),
        "in_flight": st.integers(1, 3),
        "overlay": st.sampled_from(["ring", "complete", "path", "random-matchings"]),
    },
)


@settings(deadline=None, max_examples=20)
@given(
    mid=PHONES,
    gossip=GOSSIP,
    transport=st.sampled_from(["ideal", "tcp", "lv08"]),
    overlaps=st.booleans(),
    every_ms=st.none() | st.integers(20, 1000),
    seed=st.integers(0, 1000),
    end_ms=st.integers(100, 5000),
)
def test_letters_change_nothing(mid, gossip, transport, overlaps, every_ms, seed, end_ms):
    """Whoever goes, wakes, runs empty, or looks, and whenever it ends."""
    wanted = scenario(
        mid=mid,
        gossip=gossip,
        network={"transport": transport},
        learner={"name": "d-psgd", "epochs": 1, "batch_size": 10, "step_size": 0.01, "overlaps": overlaps},
        evaluate={"every_rounds": 1} if every_ms is None else {"every": f"{every_ms} ms"},
        stop={"rounds": 6, "time": f"{end_ms} ms"},
    )
    twins(wanted, seed)


def looks_at_traffic(world):
    traffic = world.network.traffic()
    world.sim.record("seen", moved_bytes=round(traffic.moved_bytes, 3), offered_bytes=traffic.offered_bytes)


def narrows_a_link(world):
    world.network.set_capacity("west", "east", 20e6)


def looks_at_devices(world):
    for device in world.devices.made:
        usage, radio = device.usage(), device.radio_times()[device.link]
        world.sim.record("spent", subject=device.name, work_j=usage.work_j, sent_bytes=usage.sent_bytes, **radio)


@settings(deadline=None, max_examples=10)
@given(
    at_s=st.lists(st.floats(0.01, 0.5), min_size=1, max_size=4),
    deed=st.sampled_from([looks_at_traffic, narrows_a_link, looks_at_devices]),
    seed=st.integers(0, 99),
)
def test_whoever_looks_or_interferes_meets_the_present(at_s, deed, seed):
    """At random instants somebody looks at bytes, at devices, or narrows a link for what is sent from then on."""

    async def meddle(world):
        for instant_s in sorted(at_s):
            await world.sim.timeout(max(0.0, instant_s - world.sim.now))
            deed(world)

    twins(scenario(), seed, meddle)
