"""Links and nodes that go down, and devices that move, under the messages: lines of 8 Mbit/s carry 1 MB a second."""

import asyncio
import math

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import LinkDownError, MessageFailedError, NoRouteError
from fedsim.kernel import Simulation
from fedsim.system.access import Access
from fedsim.system.cargo import Cargo
from fedsim.system.ledger import LinkUse
from fedsim.system.network import Network
from fedsim.system.tcp import Tcp
from fedsim.system.topology import Topology

MB = 1_000_000
MBPS = 1e6
FAST = Access(up_bps=math.inf, down_bps=math.inf)


def square(*, slow_bps=4 * MBPS):
    """From the cell to the server over "left" (8 Mbit/s, 0.1 s) or over "right" (slower, 0.2 s); "lone" hangs on it."""
    graph = nx.DiGraph()
    for node, kind in (
        ("server", "server"),
        ("left", "router"),
        ("right", "router"),
        ("cell", "cell"),
        ("lone", "cell"),
    ):
        graph.add_node(node, kind=kind)
    for middle, rate_bps, delay_s in (("left", 8 * MBPS, 0.05), ("right", slow_bps, 0.1)):
        for end in ("server", "cell"):
            for arc in ((middle, end), (end, middle)):
                graph.add_edge(*arc, capacity_bps=rate_bps, delay_s=delay_s, duplex="full")
    for arc in (("lone", "server"), ("server", "lone")):
        graph.add_edge(*arc, capacity_bps=2 * MBPS, delay_s=0.0, duplex="full")
    return Topology("square", graph)


class Story:
    """Devices a and b at the cell."""

    def __init__(self, transport=None, **options):
        self.sim = Simulation(seed=1)
        self.network = Network(self.sim, square(**options), transport=transport)
        self.network.attach("a", "cell", FAST)
        self.network.attach("b", "cell", FAST)

    def run(self, *coroutines, changes=()):
        """The results of all messages, errors among them; changes: (seconds, function, arguments ...)."""

        async def change(at_s, function, *arguments):
            await asyncio.sleep(at_s)
            function(*arguments)

        async def together():
            rest = [asyncio.create_task(change(*one)) for one in changes]
            found = await asyncio.gather(*coroutines, return_exceptions=True)
            await asyncio.gather(*rest)
            return found

        return self.sim.run(together())

    async def send(self, source="a", target="server", size_bytes=2 * MB, *, at_s=0.0, cargo=None):
        await asyncio.sleep(at_s)
        trip = await self.network.transfer(source, target, cargo or size_bytes)
        return self.sim.now, trip.delivery()

    def down(self, at_s, *link, flows="reroute"):
        return at_s, lambda: self.network.set_link_up(*link, False, flows=flows)

    def up(self, at_s, *link):
        return at_s, lambda: self.network.set_link_up(*link, True)

    def move(self, at_s, where, access=FAST, *, flows="continue"):
        return at_s, lambda: self.network.move("a", where, access, flows=flows)

    def carried(self, *link):
        return self.network.use(*link).carried_bytes


def test_a_message_takes_another_way_around_a_link_that_fails():
    """1 MB by 1.1 s; the other 1 MB over the slower way takes 2 s. Its new delay is not waited for."""
    story = Story()
    [(end_s, delivery)] = story.run(story.send(), changes=[story.down(1.1, "cell", "left")])
    assert end_s == pytest.approx(3.1)
    assert delivery.bytes_s == pytest.approx(3.0)
    assert delivery.outage_s == delivery.resend_s == 0.0
    assert story.carried("cell", "left") == pytest.approx(MB)
    assert story.carried("cell", "right") == pytest.approx(MB)
    assert story.network.use("cell", "left").wasted_bytes == 0


def test_without_another_way_it_waits_for_one():
    """Both ways fail, one 1 s after the other; 5 s later the slower one is back."""
    story = Story()
    changes = [story.down(1.1, "cell", "left"), story.down(2.1, "right", "server"), story.up(7.1, "server", "right")]
    [(end_s, delivery)] = story.run(story.send(), changes=changes)
    assert end_s == pytest.approx(0.1 + 1 + 1 + 5 + 1)
    assert delivery.outage_s == pytest.approx(5.0)
    assert delivery.bytes_s == pytest.approx(3.0)
    assert delivery.total_s == pytest.approx(end_s)


def test_a_message_may_wait_for_its_own_link():
    """Stalled though the slower way is there; the other message, sent meanwhile, takes it."""
    story = Story()
    changes = [story.down(1.1, "cell", "left", flows="stall"), story.up(4.1, "cell", "left")]
    first, second = story.run(story.send(), story.send("b", size_bytes=MB, at_s=2.0), changes=changes)
    assert first[0] == pytest.approx(2.1 + 3.0)
    assert first[1].outage_s == pytest.approx(3.0)
    assert second[0] == pytest.approx(2.0 + 0.2 + 2.0)


def test_acknowledgements_over_a_shared_medium_wait_with_their_message():
    """1 MB over 8 Mbit/s, 2.2 % more of the medium for acknowledgements; a second without its line."""
    story = Story(Tcp(handshakes=0))
    story.network.attach("wifi", "cell", Access(up_bps=8 * MBPS, down_bps=8 * MBPS, half_duplex=True))
    changes = [story.down(1.0, "cell", "left", flows="stall"), story.up(2.0, "cell", "left")]
    [(end_s, delivery)] = story.run(story.send("wifi", size_bytes=MB), changes=changes)
    assert delivery.outage_s == pytest.approx(1.0)
    assert delivery.bytes_s == pytest.approx((MB + 691 * 66) * (1 + 66 / (2 * 1514)) / MB)
    assert delivery.total_s == pytest.approx(end_s)


def test_a_message_may_fail_with_its_link():
    story = Story()
    [error] = story.run(story.send(), changes=[story.down(1.1, "cell", "left", flows="fail")])
    assert isinstance(error, LinkDownError)
    assert str(error) == "the link between cell and left went down under a message"
    assert error.sent_bytes == error.wasted_bytes == pytest.approx(MB)
    assert error.cause == "link-down"
    traffic = story.network.traffic()
    assert traffic.wasted_bytes == pytest.approx(MB)
    assert traffic.moving_bytes == 0


def test_messages_elsewhere_notice_nothing():
    story = Story()
    [(end_s, _)] = story.run(story.send(), changes=[story.down(1.1, "cell", "right", flows="fail")])
    assert end_s == pytest.approx(2.1)


def test_a_node_takes_its_links_along():
    story = Story()
    changes = [
        (1.1, lambda: story.network.set_node_up("left", False)),
        (2.1, lambda: story.network.set_node_up("left", True)),
    ]
    first, second = story.run(story.send(), story.send("b", size_bytes=MB, at_s=5.0), changes=changes)
    assert first[0] == pytest.approx(3.1)  # it stays on its new way
    assert second[0] == pytest.approx(5.0 + 0.1 + 1.0)  # a new one takes the better way again


def test_in_its_delay_a_message_is_sent_another_way_too():
    """Down at 0.05 s, in the delay of 0.1 s: then 2 MB at 4 Mbit/s."""
    story = Story()
    [(end_s, delivery)] = story.run(story.send(), changes=[story.down(0.05, "cell", "left")])
    assert end_s == pytest.approx(0.1 + 4.0)
    assert delivery.delay_s == pytest.approx(0.1)


def test_an_outage_that_ends_in_the_delay_costs_nothing():
    story = Story()
    changes = [story.down(0.02, "cell", "left", flows="stall"), story.up(0.08, "cell", "left")]
    [(end_s, delivery)] = story.run(story.send(), changes=changes)
    assert end_s == pytest.approx(2.1)
    assert delivery.outage_s == 0.0


def test_new_messages_without_a_route_fail_and_others_do_not():
    story = Story()
    changes = [
        (1.0, lambda: story.network.set_node_up("cell", False)),
        (3.0, lambda: story.network.set_node_up("cell", True)),
    ]
    story.network.attach("c", "lone", FAST)
    late, lone, first = story.run(story.send("b", at_s=2.0), story.send("c", at_s=2.0), story.send(), changes=changes)
    assert isinstance(late, NoRouteError)
    assert "'cell' is down" in str(late)
    assert late.sent_bytes == 0.0
    assert lone[0] == pytest.approx(2.0 + 8.0)
    assert first[1].outage_s == pytest.approx(2.0)


def test_an_access_link_can_fail():
    story = Story()
    story.network.attach("c", "cell", FAST)
    changes = [story.down(1.1, "a", "cell"), story.up(2.1, "cell", "a")]
    first, late, other = story.run(
        story.send(), story.send("b", "a", at_s=1.5), story.send("b", "c", at_s=1.5), changes=changes
    )
    assert first[1].outage_s == pytest.approx(1.0)
    assert isinstance(late, NoRouteError)
    assert "the access link of 'a' is down" in str(late)
    assert other[0] == 1.5


@pytest.mark.parametrize("flows", ["reroute", "stall", "fail"])
def test_in_the_instant_of_its_arrival_a_message_has_arrived(flows):
    """The last byte and the failure come at the same instant, in either order of making."""
    story = Story()
    sent = story.send()
    [(end_s, _)] = story.run(sent, changes=[story.down(2.1, "cell", "left", flows=flows)])
    assert end_s == pytest.approx(2.1)


@pytest.mark.parametrize("flows", ["continue", "restart", "fail"])
def test_moving_in_the_instant_of_arrival_changes_nothing(flows):
    story = Story()
    [(end_s, delivery)] = story.run(story.send(), changes=[story.move(2.1, "lone", flows=flows)])
    assert end_s == pytest.approx(2.1)
    assert delivery.wasted_bytes == 0


def test_a_device_moves_and_its_message_goes_on():
    """1 MB from the cell, the other 1 MB from "lone" at 2 Mbit/s."""
    story = Story()
    [(end_s, delivery)] = story.run(story.send(), changes=[story.move(1.1, "lone")])
    assert end_s == pytest.approx(1.1 + 4.0)
    assert delivery.wasted_bytes == delivery.resend_s == 0
    assert story.carried("lone", "server") == pytest.approx(MB)
    assert story.network.use("a", "cell").carried_bytes == pytest.approx(MB)
    assert story.network.use("a", "lone").carried_bytes == pytest.approx(MB)


def test_a_device_moves_and_its_message_starts_again():
    story = Story()
    [(end_s, delivery)] = story.run(story.send(), changes=[story.move(1.1, "lone", flows="restart")])
    assert end_s == pytest.approx(1.1 + 8.0)
    assert (delivery.resend_s, delivery.bytes_s) == (pytest.approx(1.1), pytest.approx(8.0))
    assert (delivery.wire_bytes, delivery.wasted_bytes) == (pytest.approx(3 * MB), pytest.approx(MB))


def test_complete_chunks_are_not_sent_again():
    """In chunks of 0.3 MB, three are there after 1 MB: 0.1 MB is wasted, 1.1 MB are left."""
    story = Story()
    cargo = Cargo(2 * MB, 0.3 * MB)
    [(end_s, delivery)] = story.run(story.send(cargo=cargo), changes=[story.move(1.1, "lone", flows="restart")])
    assert end_s == pytest.approx(1.1 + 4.4)
    assert delivery.wasted_bytes == pytest.approx(0.1 * MB)


def test_a_device_moves_and_its_message_fails():
    story = Story()
    [up, down] = story.run(story.send(), story.send("server", "a"), changes=[story.move(1.1, "lone", flows="fail")])
    for error in (up, down):
        assert isinstance(error, LinkDownError)
        assert str(error) == "a moved to lone in the middle of a message"


def test_moving_with_nowhere_to_go_waits_and_going_back_helps():
    story = Story()
    changes = [
        story.down(0.5, "lone", "server"),
        story.move(1.1, "lone"),
        story.move(3.1, "cell"),
    ]
    [(end_s, delivery)] = story.run(story.send(), changes=changes)
    assert end_s == pytest.approx(4.1)
    assert delivery.outage_s == pytest.approx(2.0)


def test_restarting_where_there_is_no_route_is_a_failure():
    story = Story()
    changes = [story.down(0.5, "lone", "server"), story.move(1.1, "lone", flows="restart")]
    [error] = story.run(story.send(), changes=changes)
    assert isinstance(error, NoRouteError)
    assert error.wasted_bytes == pytest.approx(MB)


def test_at_the_same_node_a_device_may_change_its_access():
    """From 8 Mbit/s to half-duplex 4 up, 2 down, and back: links of the pair are the same ones."""
    story = Story()
    wifi = Access(up_bps=4 * MBPS, down_bps=2 * MBPS, half_duplex=True)
    up, down = story.run(
        story.send(),
        story.send("server", "a", MB, at_s=1.0),
        changes=[story.move(1.1, "cell", wifi), story.move(3.1, "cell")],
    )
    # from 1.1 s on they share 4 Mbit/s of which the download can use 2: 0.5 MB of each by 3.1 s, then alone
    assert up[0] == pytest.approx(3.1 + 0.5)
    assert down[0] == pytest.approx(3.1 + 0.5)
    assert story.carried("a", "cell") == pytest.approx(2 * MB)


def test_tcp_goes_on_with_the_window_that_the_new_way_allows():
    """A window of 50 kB in 0.2 s there and back is 2 Mbit/s, in 0.4 s one half of that."""
    tcp = Tcp(handshakes=0, header_bytes=0, packets_per_ack=0, largest_window_bytes=50_000, packet_bytes=1000)
    story = Story(tcp, slow_bps=8 * MBPS)
    [(end_s, delivery)] = story.run(story.send(size_bytes=MB), changes=[story.down(2.0, "cell", "left")])
    sent = (2.0 - 0.1 - delivery.slow_start_s) * 0.25 * MB
    assert end_s == pytest.approx(2.0 + (MB - sent) / (0.125 * MB))


def test_a_new_address_means_a_new_connection():
    """The first message sets up; the second finds that; after a restart the connection is set up again."""
    story = Story(Tcp(handshakes=3))

    async def three():
        found = [(await story.network.transfer("a", "server", 1000.0)).delivery().setup_s for _ in range(2)]
        story.network.move("a", "cell", FAST, flows="continue")
        found.append((await story.network.transfer("a", "server", 1000.0)).delivery().setup_s)
        story.network.move("a", "cell", FAST, flows="restart")
        return [*found, (await story.network.transfer("server", "a", 1000.0)).delivery().setup_s]

    assert story.sim.run(three()) == [pytest.approx(0.6), 0.0, 0.0, pytest.approx(0.6)]


def test_names_are_checked():
    network = Story().network
    with pytest.raises(ValueError, match="'x' is not a known name attached to the network"):
        network.move("x", "cell", FAST)
    with pytest.raises(ValueError, match="'sell' is not a known place in the topology"):
        network.move("a", "sell", FAST)
    with pytest.raises(ValueError, match="no link from 'cell' to 'server'"):
        network.set_link_up("cell", "server", False)
    with pytest.raises(ValueError, match="'nowhere' is not a known node"):
        network.set_node_up("nowhere", False)


LINKS = [("cell", "left"), ("left", "server"), ("cell", "right"), ("right", "server"), ("lone", "server"), ("a", None)]


@given(
    messages=st.lists(
        st.tuples(st.sampled_from(["up", "down", "between"]), st.floats(0, 10), st.floats(0, 4 * MB)), max_size=6
    ),
    changes=st.lists(
        st.tuples(
            st.floats(0, 12),
            st.sampled_from(["link", "node", "move"]),
            st.integers(0, 5),
            st.booleans(),
            st.sampled_from([0, 1, 2]),
        ),
        max_size=8,
    ),
    transport=st.sampled_from([None, Tcp()]),
    chunk_bytes=st.sampled_from([math.inf, 0.3 * MB]),
)
@settings(deadline=None, max_examples=60)
def test_whatever_happens_bytes_and_seconds_are_accounted_for(messages, changes, transport, chunk_bytes):
    """Each message's parts add up to its time, what arrived is its size, and links keep what they are told."""
    story = Story(transport)
    network = story.network
    ends = {"up": ("a", "server"), "down": ("server", "a"), "between": ("a", "b")}

    def act(what, which, up, policy):
        if what == "link":
            source, target = LINKS[which]
            place = network._wiring._attached["a"][0]
            network.set_link_up(source, target or place, up, flows=("reroute", "stall", "fail")[policy])
        elif what == "node":
            network.set_node_up(("left", "right", "cell")[which % 3], up, flows=("reroute", "stall", "fail")[policy])
        else:
            access = Access(up_bps=4 * MBPS, down_bps=4 * MBPS, half_duplex=up)
            network.move("a", ("cell", "lone")[which % 2], access, flows=("continue", "restart", "fail")[policy])

    async def one(kind, at_s, size_bytes):
        await asyncio.sleep(at_s)
        cargo = Cargo(size_bytes, chunk_bytes)
        try:
            async with asyncio.timeout(60):
                trip = await network.transfer(*ends[kind], cargo)
        except (MessageFailedError, TimeoutError) as error:
            return error
        delivery = trip.delivery()
        assert delivery.total_s == pytest.approx(story.sim.now - at_s, abs=1e-9)
        assert min(delivery.parts.values()) >= 0
        assert -1e-6 <= delivery.wasted_bytes <= delivery.wire_bytes
        useful = delivery.wire_bytes - delivery.wasted_bytes
        overhead = 0 if transport is None else 66 * (size_bytes / 1448 + 50) + 1448 * 50
        assert size_bytes - 1e-3 <= useful <= size_bytes + overhead + 1e-3
        return delivery

    found = story.run(*(one(*message) for message in messages), changes=[(at_s, act, *rest) for at_s, *rest in changes])
    assert len(found) == len(messages)
    for outcome in found:
        if isinstance(outcome, Exception) and not isinstance(outcome, (MessageFailedError, TimeoutError)):
            raise outcome
    traffic = network.traffic()
    assert traffic.moving_bytes == 0
    assert traffic.delivered_bytes + traffic.wasted_bytes == pytest.approx(traffic.moved_bytes)
    assert traffic.moved_bytes <= traffic.offered_bytes + 1e-3
    for row in network.uses()[1].T:
        use = LinkUse(*row)
        assert use.carried_bytes == pytest.approx(use.delivered_bytes + use.wasted_bytes, abs=1e-3)
        assert use.carried_bytes <= use.offered_bytes + 1e-3
        assert use.busy_s <= story.sim.now + 1e-9
    assert not list(network._underway)
    assert not network._underway._trips
