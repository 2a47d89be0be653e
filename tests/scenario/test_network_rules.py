"""The block ``network`` of a scenario: transports, losses, jitter, retries, chunks, and how links are shared."""

import pytest
import yaml

from fedsim.errors import ScenarioError
from fedsim.kernel import Simulation
from fedsim.scenario import check, resolved
from fedsim.scenario.build import build
from fedsim.system.congestion import Mathis
from fedsim.system.ideal import Ideal
from fedsim.system.lv08 import Lv08
from fedsim.system.retry import Retry
from fedsim.system.tcp import Tcp


def rules(tiny, network):
    return check({**tiny, "network": network}).network


def test_tcp_is_the_default_and_every_default_is_shown(tiny):
    scenario = check(tiny)
    assert scenario.network.transport.make() == Tcp()
    written = yaml.safe_load(resolved(scenario))["network"]
    assert written["transport"]["handshakes"] == 2
    assert written["transport"]["largest_window"] == "4 MiB"
    assert {key: written[key] for key in written if key != "transport"} == {
        "sharing": "max-min",
        "routes": "delay",
        "jitter": None,
        "message_loss": "0 %",
        "message_corruption": "0 %",
        "message_duplication": "0 %",
        "message_delay": None,
        "give_up": "3 s",
        "retry": None,
        "chunk": None,
        "links": [],
    }


def test_every_key_is_read_and_written(tiny):
    network = {
        "transport": {"name": "tcp", "handshakes": 3, "congestion": "mathis", "keep_alive": "5 s"},
        "sharing": "equal-split",
        "routes": "hops",
        "jitter": {"lognormal": {"median": 1, "sigma": 0.03}},
        "message_loss": "1 %",
        "retry": {"attempts": 3, "first": "200 ms", "factor": 3, "limit": "10 s"},
        "chunk": "64 kB",
    }
    scenario = check({**tiny, "network": network})
    found = scenario.network
    assert found.transport.make() == Tcp(handshakes=3, congestion=Mathis(), keep_alive_s=5.0)
    assert (found.sharing, found.routes, found.message_loss, found.chunk_bytes) == ("equal-split", "hops", 0.01, 64e3)
    assert found.jitter.sigma == 0.03
    assert found.retry == Retry(attempts=3, first_s=0.2, factor=3.0, limit_s=10.0)
    again = check(yaml.safe_load(resolved(scenario)))
    assert again == scenario


@pytest.mark.parametrize(
    ("words", "transport"),
    [("ideal", Ideal()), ("lv08", Lv08()), ({"name": "ideal"}, Ideal()), ({"handshakes": 0}, Tcp(handshakes=0))],
)
def test_a_name_or_a_block_says_which_transport(tiny, words, transport):
    assert rules(tiny, {"transport": words}).transport.make() == transport


def test_a_single_key_can_be_set(tiny):
    assert check(tiny, ["network.transport.handshakes=1"]).network.transport.make() == Tcp(handshakes=1)
    assert check(tiny, ["network.transport=ideal"]).network.transport.make() == Ideal()
    assert check(tiny, {"network.transport.congestion": None}).network.transport.make() == Tcp(congestion=None)


@pytest.mark.parametrize(
    ("network", "rule"),
    [
        ({"transport": "tpc"}, "network.transport.name: 'tpc' is not a known transport; did you mean 'tcp'"),
        ({"transport": {"handshakes": 9}}, "network.transport: handshakes must be 0, 1, 2 or 3, got 9"),
        ({"transport": {"name": "ideal", "growth": 2}}, "network.transport.growth: 'growth' is not a known key"),
        ({"sharing": "fair"}, "network.sharing: 'fair' is not a known way of sharing"),
        ({"routes": "hop"}, "network.routes: 'hop' is not a known metric of routes; did you mean 'hops'"),
        ({"jitter": {"uniform": [-1, 1]}}, "network.jitter: must be > 0, got"),
        ({"retry": {"attempts": 1}}, "network.retry: attempts must be > 1, got 1"),
        ({"retry": {"first": "1 MB"}}, "network.retry.first: "),
        ({"chunk": "0 kB"}, "network.chunk: must be > 0 and finite, got '0 kB'"),
    ],
)
def test_mistakes_are_told_with_their_place(tiny, network, rule):
    with pytest.raises(ScenarioError) as refusal:
        rules(tiny, network)
    assert rule in str(refusal.value)


def sending(tiny, network, **more):
    """Seconds that a phone of the scenario needs to send 1 MB to the server, and where they went."""
    world = build(check({**tiny, "network": network, **more}), Simulation(seed=1))
    return world.sim.run(world.devices[0].send(world.server, 1e6))


def test_what_is_said_is_what_is_run(tiny):
    """The same phone, message and luck under one option after the other."""
    fleet = [{**tiny["fleet"][0], "up": "8 Mbit/s", "down": "8 Mbit/s", "rtt": "50 ms", "radio": "ethernet"}]
    plain = sending(tiny, {"transport": "ideal"}, fleet=fleet)
    assert plain.move_s == pytest.approx(1.030)  # 25 ms of access, 5 ms of core, 1 MB at 8 Mbit/s
    tcp = sending(tiny, {}, fleet=fleet)
    assert tcp.setup_s == pytest.approx(2 * 0.060)
    assert tcp.wire_bytes == 1e6 + 691 * 66
    assert sending(tiny, {"transport": "lv08"}, fleet=fleet).delay_s == pytest.approx(13.01 * 0.03)
    assert sending(tiny, {"transport": "ideal", "jitter": 3}, fleet=fleet).delay_s == pytest.approx(0.09)
    shown = sending(tiny, {"transport": "ideal", "sharing": "equal-split"}, fleet=fleet)
    assert shown.move_s == pytest.approx(1.030)  # one neighbour, one hop
    lossy = {"transport": "ideal", "message_loss": "90 %", "retry": {"attempts": 1000, "first": "1 s", "factor": 1}}
    again = sending(tiny, lossy, fleet=fleet)
    assert again.resend_s > 0
    assert again.wasted_bytes == again.wire_bytes - 1e6
    chunked = sending(tiny, {**lossy, "chunk": "100 kB"}, fleet=fleet)
    assert chunked.wasted_bytes % 1e5 == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("gossip", "overlay", "bytes_s"),
    [
        ("synchronous-gossip", "ring", 2.0),
        ("synchronous-gossip", "complete", 3.0),
        ("synchronous-gossip", "one-peer-exponential", 1.0),
        ("asynchronous-gossip", "ring", 1.0),
        ("asynchronous-gossip", "complete", 1.0),
    ],
)
def test_degrees_are_those_of_the_overlay(tiny, gossip, overlay, bytes_s):
    """Of four, everybody has two neighbours on a ring: half of the access link for each; one partner at a time."""
    mixing = {"mixing": "equal-shares"} if gossip == "synchronous-gossip" else {}
    words = {
        "server": None,
        "learner": {"name": "d-psgd", "step_size": 0.5},
        "protocol": {"name": gossip, "overlay": overlay, **mixing},
        "fleet": [{**tiny["fleet"][0], "up": "8 Mbit/s", "down": "8 Mbit/s", "rtt": "0 ms", "radio": "ethernet"}],
        "network": {"transport": "ideal", "sharing": "equal-split"},
    }
    world = build(check({**tiny, **words}), Simulation(seed=1))
    assert world.sim.run(world.devices[0].send(world.devices[1], 1e6)).bytes_s == pytest.approx(bytes_s)
