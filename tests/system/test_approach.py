"""What messages will meet: the same plan, way and rate as when they are sent."""

import math

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.kernel import Simulation
from fedsim.system import approach as approach_module
from fedsim.system.access import Access
from fedsim.system.cargo import Cargo
from fedsim.system.network import Network
from fedsim.system.tcp import Tcp
from fedsim.system.topology import Topology

MBPS = 1e6
ENDLESS = Access(up_bps=math.inf, down_bps=math.inf)
LOSSES = st.sampled_from([0.0, 0.0, 0.01, 0.1])
RATES_BPS = st.floats(1e5, 1e9)
DELAYS_S = st.floats(0.0, 0.2)

ACCESSES = st.builds(
    Access,
    up_bps=RATES_BPS,
    down_bps=RATES_BPS,
    delay_s=DELAYS_S,
    half_duplex=st.booleans(),
    up=st.none(),
    down=st.none(),
    loss=LOSSES,
)
CORES = st.fixed_dictionaries(
    {"capacity_bps": RATES_BPS, "delay_s": DELAYS_S, "loss": LOSSES, "duplex": st.sampled_from(["full", "half"])}
)


def network_of(core, **accesses):
    """A server and a cell with a link of the core between them; names on the cell."""
    graph = nx.DiGraph()
    graph.add_node("server", kind="server")
    graph.add_node("cell", kind="cell")
    for source, target in (("server", "cell"), ("cell", "server")):
        graph.add_edge(source, target, **core)
    network = Network(Simulation(seed=1), Topology("two", graph), transport=Tcp())
    for name, access in accesses.items():
        network.attach(name, "cell", access)
    return network


def meets(network, approach, source, target, size_bytes, now_s):
    """Plan, way, and rate, as foreseen; and as a message finds them that sets out."""
    crossing = approach.crossing(size_bytes, network.connections.traces(source, target), now_s)
    leg = network._planner.leg(source, target, Cargo(size_bytes), now_s)
    limits_bps = [network.links.capacity_bps(link) / use for link, use in zip(*leg.way, strict=True)]
    bps = min(leg.plan.cap_bps, *limits_bps)
    wire_bytes = leg.plan.wire_bytes
    found = crossing.plan, crossing.way, crossing.bps, crossing.wire_bytes, crossing.wait_s, crossing.lasts_s
    return repr(found), repr((leg.plan, leg.way, bps, wire_bytes, leg.plan.wait_s, 8 * wire_bytes / bps))


@given(
    core=CORES,
    phone=ACCESSES,
    other=ACCESSES,
    target=st.sampled_from(["server", "cell", "other"]),
    messages=st.lists(
        st.tuples(st.booleans(), st.sampled_from([1.0, 2440.0, 1e6]), st.sampled_from([0.0, 0.5, 20.0, 100.0])),
        min_size=1,
        max_size=12,
    ),
)
@settings(deadline=None, max_examples=100)
def test_messages_meet_what_was_foreseen(core, phone, other, target, messages):
    """Whichever way they go, whatever the last ones left, and in whatever order they come again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(approach_module, "_MANY", 2)
        network, now_s = network_of(core, phone=phone, other=other), 0.0
        down, up = network.approaches(target, "phone")
        for is_down, size_bytes, pause_s in messages:
            source, sink = (target, "phone") if is_down else ("phone", target)
            found, expected = meets(network, down if is_down else up, source, sink, size_bytes, now_s)
            assert found == expected
            network.connections.keep(source, sink, 20.0, now_s)
            now_s += pause_s


def test_messages_that_are_alike_meet_the_same():
    """Two kinds by turns: each is planned once."""
    network = network_of(
        {"capacity_bps": MBPS, "delay_s": 0.0, "duplex": "full"}, phone=Access(up_bps=MBPS, down_bps=MBPS)
    )
    down, _ = network.approaches("server", "phone")
    one, other = (down.crossing(size_bytes, (None, None), 0.0) for size_bytes in (1000.0, 2000.0))
    assert other.lasts_s > one.lasts_s
    for _ in range(2):
        assert down.crossing(1000.0, (None, None), 1.0) is one
        assert down.crossing(2000.0, (None, None), 1.0) is other


@pytest.mark.parametrize(("size_bytes", "core_bps"), [(0.0, MBPS), (1.0, 0.0)])
def test_nothing_is_foreseen_of_what_does_not_move(size_bytes, core_bps):
    network = network_of({"capacity_bps": MBPS, "delay_s": 0.0, "duplex": "full"}, phone=ENDLESS)
    network.set_capacity("server", "cell", core_bps)
    down, _ = network.approaches("server", "phone")
    assert down.crossing(size_bytes, (None, None), 0.0) is None


def test_links_are_told_in_the_order_in_which_names_were_attached():
    """Name by name, and of each the places in the order in which it came to them first, be it there again or not."""
    network = network_of(
        {"capacity_bps": MBPS, "delay_s": 0.0, "duplex": "full"}, one=ENDLESS, two=ENDLESS, three=ENDLESS
    )
    for name in ("two", "one"):
        network.use(name, "cell")
    network.move("one", "server", Access(up_bps=MBPS, down_bps=2 * MBPS, half_duplex=True))
    medium_too = network.links.add_link(1.0) + 1
    network.use("one", "server")
    assert network.links.add_link(1.0) == medium_too + 3
    network.move("one", "cell", Access(up_bps=3 * MBPS, down_bps=4 * MBPS))
    network.use("one", "cell")
    network.approaches("three", "one")  # nobody has needed the links of three yet
    arcs, uses = network.uses()
    assert arcs == [
        ("server", "cell"),
        ("cell", "server"),
        ("one", "cell"),
        ("cell", "one"),
        ("one", "server"),
        ("server", "one"),
        ("two", "cell"),
        ("cell", "two"),
    ]
    assert uses[0].tolist() == [MBPS, MBPS, 3 * MBPS, 4 * MBPS, MBPS, 2 * MBPS, math.inf, math.inf]


def test_what_a_name_used_elsewhere_stays_when_something_is_foreseen_where_it_hangs_now():
    """What it has not used there is not told of, until somebody asks for it."""
    network = network_of({"capacity_bps": MBPS, "delay_s": 0.0, "duplex": "full"}, phone=ENDLESS)
    network.use("phone", "cell")
    network.move("phone", "server", ENDLESS)
    network.approaches("cell", "phone")
    core, before = [("server", "cell"), ("cell", "server")], [("phone", "cell"), ("cell", "phone")]
    assert network.uses()[0] == core + before
    network.use("phone", "server")
    assert network.uses()[0] == [*core, *before, ("phone", "server"), ("server", "phone")]
