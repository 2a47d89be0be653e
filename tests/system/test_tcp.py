"""Transports alone: closed forms against a recursion packet by packet, and against published numbers."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import NoRouteError
from fedsim.system.congestion import Cubic, Mathis
from fedsim.system.ideal import Ideal
from fedsim.system.lv08 import Lv08
from fedsim.system.slow_start import slow_start
from fedsim.system.tcp import Tcp
from fedsim.system.transport import Connection, Path, Plan

COLD = Connection()
WARM = Connection(idle_s=0.0, quiet_s=0.0)
BARE = Tcp(handshakes=0)
PROFILES = {"3g": (1.2e6, 0.150), "4g": (20e6, 0.070), "5g": (120e6, 0.040), "wifi": (30e6, 0.025), "wan": (1e9, 0.1)}
SIZES = [10**4, 10**5, 10**6, 10**7, 10**8]


def path(rate_bps, rtt_s, loss=0.0):
    return Path(delay_s=rtt_s / 2, back_s=rtt_s / 2, rates_bps=(rate_bps,), loss=loss)


def alone_s(plan, rate_bps):
    """How long the message takes that has its links to itself."""
    return plan.wait_s + 8 * plan.wire_bytes / min(rate_bps, plan.cap_bps)


def recursion(size_bytes, rate_bps, rtt_s, *, window=10, header=66, packet=1448, largest=4194304):
    """Packet after packet: each goes when an acknowledgement lets it and the line is free.

    Returns when the last one is there, and the window then. One acknowledgement for every packet; each lets two
    packets go until the window is the largest.
    """
    packets = math.ceil(size_bytes / packet)
    passed_s = []  # when a packet has left the line
    acks, most = 0, int(largest / packet)
    for number in range(packets):
        while min(window + 2 * acks, acks + max(most, window)) <= number:
            acks += 1
        may_s = passed_s[acks - 1] + rtt_s if acks else 0.0
        free_s = passed_s[-1] if passed_s else 0.0
        length = min(packet, size_bytes - number * packet) + header
        passed_s.append(max(may_s, free_s) + 8 * length / rate_bps)
    return passed_s[-1] + rtt_s / 2


@pytest.mark.parametrize("size", SIZES[:4])
@pytest.mark.parametrize("name", PROFILES)
def test_slow_start_agrees_with_packets(name, size):
    """Within 1 %; within 5 % at 1 Gbit/s and 100 ms, where the window stops growing between round trips."""
    rate_bps, rtt_s = PROFILES[name]
    found_s = alone_s(BARE.plan(path(rate_bps, rtt_s), size, COLD), rate_bps)
    assert found_s == pytest.approx(recursion(size, rate_bps, rtt_s), rel=0.05 if name == "wan" else 0.01)


NOTES = {
    ("3g", "fixed"): (-52, -24, -7, -5, -4),
    ("3g", "lv08"): (254, 69, 8, 0, -1),
    ("4g", "fixed"): (-64, -72, -39, -10, -5),
    ("4g", "lv08"): (321, 84, 21, 2, -1),
    ("5g", "fixed"): (-66, -82, -72, -27, -7),
    ("5g", "lv08"): (330, 85, 7, 1, -1),
    ("wifi", "fixed"): (-62, -62, -23, -7, -5),
    ("wifi", "lv08"): (311, 83, 20, 1, -1),
    ("wan", "fixed"): (-67, -86, -92, -88, -74),
    ("wan", "lv08"): (334, 86, -10, -17, -7),
}
"""Errors in per cent against packets after a handshake, 10 kB to 100 MB: the table of the device notes, section 5."""


@pytest.mark.parametrize(("name", "model"), NOTES)
def test_the_errors_of_the_coarser_models_are_known(name, model):
    rate_bps, rtt_s = PROFILES[name]
    transport = {"fixed": Ideal(), "lv08": Lv08()}[model]
    for size, per_cent in zip(SIZES[:4], NOTES[name, model], strict=False):
        found_s = alone_s(transport.plan(path(rate_bps, rtt_s), size, COLD), rate_bps)
        exact_s = rtt_s + recursion(size, rate_bps, rtt_s)
        assert 100 * (found_s / exact_s - 1) == pytest.approx(per_cent, abs=0.75), size  # printed in whole per cent


def closed_form(packets, rate_bps, rtt_s, *, handshakes=0, window=10, growth=2.0, largest=4194304):
    """The lines of the device notes, as they stand there."""
    rate = min(rate_bps / (8 * (1448 + 66)), largest / (1448 * rtt_s))
    pipe, k, sent, w = rate * rtt_s, 0, 0, window
    while w < pipe and sent + w < packets:
        sent += w
        w *= growth
        k += 1
    return handshakes * rtt_s + k * rtt_s + (packets - sent) / rate + rtt_s / 2


@given(
    packets=st.integers(1, 10**6),
    rate_bps=st.floats(1e4, 1e11),
    rtt_s=st.floats(1e-5, 2.0),
    handshakes=st.integers(0, 3),
    window=st.integers(1, 100),
    growth=st.sampled_from([1.5, 2.0]),
)
@settings(deadline=None, max_examples=200)
def test_alone_a_message_takes_the_time_of_the_closed_form(packets, rate_bps, rtt_s, handshakes, window, growth):
    tcp = Tcp(handshakes=handshakes, first_window=window, growth=growth)
    plan = tcp.plan(path(rate_bps, rtt_s), packets * 1448, COLD)
    expected_s = closed_form(packets, rate_bps, rtt_s, handshakes=handshakes, window=window, growth=growth)
    assert alone_s(plan, rate_bps) == pytest.approx(expected_s, rel=1e-9)
    assert plan.slow_start_s >= 0
    assert plan.wire_bytes == packets * 1514


def by_name(tcp, path, size_bytes, connection):
    """What ``Tcp.plan`` does, everything by its name and where it is needed."""
    packets, rtt_s = math.ceil(size_bytes / tcp.packet_bytes), path.rtt_s
    on_wire = (tcp.packet_bytes + tcp.header_bytes) / tcp.packet_bytes
    largest_bytes = tcp.largest_window_bytes
    if path.loss and tcp.congestion is not None:
        largest_bytes = min(largest_bytes, tcp.congestion.window(path.loss, rtt_s) * tcp.packet_bytes)
    cap_bps = 8 * on_wire * largest_bytes / rtt_s if rtt_s > 0 else math.inf
    rate_bps = min(path.rate_bps, cap_bps)
    is_warm = connection.quiet_s <= tcp.remembers(path).warm_s
    start = slow_start(
        packets,
        rate=rate_bps / (8 * on_wire * tcp.packet_bytes),
        rtt_s=rtt_s,
        window=max(float(tcp.first_window), connection.window if is_warm else 0.0),
        growth=tcp.growth,
    )
    padding_bytes = packets * tcp.packet_bytes - size_bytes
    acked_bytes = tcp.packets_per_ack * (tcp.packet_bytes + tcp.header_bytes)
    return Plan(
        wire_bytes=size_bytes + packets * tcp.header_bytes,
        delay_s=path.delay_s,
        setup_s=0.0 if connection.idle_s <= tcp.keep_alive_s else tcp.handshakes * rtt_s,
        slow_start_s=start.extra_s + (8 * padding_bytes / rate_bps if rate_bps > 0 else 0.0),
        cap_bps=cap_bps,
        back_share=tcp.header_bytes / acked_bytes if acked_bytes else 0.0,
        window=min(start.window, tcp.largest_window_bytes / tcp.packet_bytes),
    )


@given(
    tcp=st.builds(
        Tcp,
        handshakes=st.integers(0, 3),
        packet_bytes=st.sampled_from([536, 1448, 1448.0, 8960.0]),
        header_bytes=st.sampled_from([0, 40, 66.0]),
        packets_per_ack=st.integers(0, 2),
        first_window=st.sampled_from([1, 10]),
        growth=st.floats(1.25, 2.0),
        largest_window_bytes=st.sampled_from([65536.0, 4194304.0]),
        retransmission_timeout_s=st.sampled_from([0.0, 1.0]),
        congestion=st.sampled_from([None, Cubic(), Mathis()]),
    ),
    size_bytes=st.one_of(st.integers(0, 10**8), st.floats(0.0, 1e8)),
    path=st.builds(
        Path,
        delay_s=st.one_of(st.just(0.0), st.floats(1e-4, 1.0)),
        back_s=st.one_of(st.just(0.0), st.floats(1e-4, 1.0)),
        rates_bps=st.lists(st.one_of(st.sampled_from([0.0, math.inf]), st.floats(1e3, 1e10)), max_size=4).map(tuple),
        loss=st.one_of(st.just(0.0), st.floats(1e-6, 0.5)),
    ),
    connection=st.builds(
        Connection, idle_s=st.floats(0.0, 100.0), window=st.floats(0.0, 1e4), quiet_s=st.floats(0.0, 5.0)
    ),
)
@settings(deadline=None, max_examples=300)
def test_a_plan_is_the_closed_form_to_the_last_digit(tcp, size_bytes, path, connection):
    assert repr(tcp.plan(path, size_bytes, connection)) == repr(by_name(tcp, path, size_bytes, connection))


def test_slow_start_of_the_reference_numbers(oracle):
    """Segments of 1460 bytes without headers."""
    entries = [entry for entry in oracle("analytic")["entries"] if entry["id"].startswith("slow_start")]
    assert len(entries) == 3
    for entry in entries:
        inputs, value = entry["inputs"], entry["value"]
        rate_bps = 1e6 * inputs["mbit"]
        tcp = Tcp(handshakes=0, packet_bytes=1460, header_bytes=0)
        plan = tcp.plan(path(rate_bps, inputs["RTT"]), inputs["size_B"], COLD)
        padding = -inputs["size_B"] % 1460  # the entries' last packet is a short one
        assert alone_s(plan, rate_bps) - 8 * padding / rate_bps == pytest.approx(value["T"], rel=1e-11)
        rounds = slow_start(
            inputs["size_B"] / 1460, rate=rate_bps / 8 / 1460, rtt_s=inputs["RTT"], window=10, growth=2
        ).rounds
        assert rounds == value["K"]


def test_mathis_of_the_reference_numbers(oracle):
    entries = [entry for entry in oracle("analytic")["entries"] if entry["id"].startswith("mathis")]
    assert len(entries) == 2
    for entry in entries:
        inputs = entry["inputs"]
        tcp = Tcp(packet_bytes=inputs["MSS_B"], header_bytes=0, congestion=Mathis())
        cap_bps = tcp.plan(path(math.inf, inputs["RTT"], inputs["loss"]), 1e6, COLD).cap_bps
        assert cap_bps / 8 == pytest.approx(entry["value"]["Bps"], rel=1e-11)


def test_cubic_is_bolder_than_reno_on_long_ways():
    """At 200 ms and a loss of 1e-4: 1.054 (0.2 / 1e-4)^(3/4) = 315.2 packets, Reno 122.5. At 1 ms they are the same."""
    assert Cubic().window(1e-4, 0.2) == pytest.approx(1.054 * 2000**0.75)
    assert Cubic().window(1e-4, 1e-3) == Mathis().window(1e-4, 1e-3) == pytest.approx(122.474, rel=1e-5)


def test_loss_caps_the_rate_only_where_there_is_loss():
    """A window of 4 MiB in 100 ms, against 122.5 packets."""
    reno = replace(BARE, congestion=Mathis())
    assert reno.plan(path(1e9, 0.1), 1e6, COLD).cap_bps == pytest.approx(8 * 4194304 * 1514 / 1448 / 0.1)
    assert reno.plan(path(1e9, 0.1, 1e-4), 1e6, COLD).cap_bps == pytest.approx(8 * 122.4745 * 1514 / 0.1, rel=1e-6)
    assert replace(BARE, congestion=None).plan(path(1e9, 0.1, 1e-4), 1e6, COLD).cap_bps > 300e6


def test_headers_and_acknowledgements():
    """100,000 bytes in 70 packets; an acknowledgement of 66 bytes for two packets of 1514."""
    plan = BARE.plan(path(1e6, 0.01), 100_000, COLD)
    assert plan.wire_bytes == 100_000 + 70 * 66
    assert plan.back_share == 66 / (2 * 1514)
    assert replace(BARE, packets_per_ack=0).plan(path(1e6, 0.01), 1e5, COLD).back_share == 0.0
    assert replace(BARE, header_bytes=0).plan(path(1e6, 0.01), 1e5, COLD).wire_bytes == 1e5
    assert BARE.plan(path(1e6, 0.01), 0.0, COLD).wire_bytes == 0.0


def test_a_connection_is_set_up_once():
    tcp = Tcp(handshakes=3, keep_alive_s=10.0)
    assert tcp.plan(path(1e6, 0.25), 1.0, COLD).setup_s == 0.75
    assert tcp.plan(path(1e6, 0.25), 1.0, Connection(idle_s=10.0)).setup_s == 0.0
    assert tcp.plan(path(1e6, 0.25), 1.0, Connection(idle_s=10.1)).setup_s == 0.75


def test_a_warm_window_is_kept_and_a_cold_one_is_not():
    """100 packets at 100 Mbit/s and 100 ms: 10, 20, 40 and 30 packets from the cold, then 80 + 30 at once."""
    far = path(100e6, 0.1)
    first = BARE.plan(far, 100 * 1448, COLD)
    assert first.window == 80 + 30
    assert first.slow_start_s == pytest.approx(0.3 - 70 * 1514 * 8 / 100e6)
    assert BARE.plan(far, 100 * 1448, WARM._replace(window=110.0)).slow_start_s == 0.0
    quiet = Connection(idle_s=1.1, quiet_s=1.1, window=110.0)
    assert BARE.plan(far, 100 * 1448, quiet) == first
    assert BARE.plan(path(100e6, 0.4), 100 * 1448, quiet).slow_start_s == 0.0  # 1.1 s is less than three round trips
    patient = replace(BARE, retransmission_timeout_s=2.0)
    assert patient.plan(far, 100 * 1448, quiet).slow_start_s == 0.0


def test_a_window_grows_to_the_largest():
    """Slow start at infinite rate ends at the receiver's window, which then sets the pace."""
    plan = BARE.plan(path(math.inf, 0.1), 10**9, COLD)
    assert plan.window == 4194304 / 1448
    assert plan.cap_bps == pytest.approx(8 * 4194304 * 1514 / 1448 / 0.1)


def test_without_delay_nothing_is_waited_for():
    plan = BARE.plan(path(1e6, 0.0), 700 * 1448, COLD)
    assert (plan.wait_s, plan.cap_bps) == (0.0, math.inf)


def test_a_link_that_stands_still_now_costs_no_slow_start():
    assert BARE.plan(path(0.0, 0.1), 10**6, COLD).wait_s == 0.05


def test_no_way_back():
    oneway = Path(delay_s=0.1, back_s=None, rates_bps=(1e6,))
    with pytest.raises(NoRouteError, match="acknowledgements"):
        BARE.plan(oneway, 1.0, COLD)
    assert Ideal().plan(oneway, 1.0, COLD).wait_s == 0.1
    assert Lv08().plan(oneway, 1.0, COLD).back_share == 0.0


def test_ideal_is_the_size_after_the_delay():
    plan = Ideal().plan(path(1e6, 0.2), 1000.0, COLD)
    assert (plan.wire_bytes, plan.wait_s, plan.cap_bps, plan.weight, plan.back_share) == (1000, 0.1, math.inf, 1, 0)


def test_lv08_plans_by_simgrids_constants():
    """100 kB over 10 ms and 1 Mbit/s."""
    plan = Lv08().plan(path(1e6, 0.02), 100_000, COLD)
    assert plan.wait_s == pytest.approx(0.1301)
    assert plan.back_share == 0.05
    assert plan.weight == pytest.approx(1 / (0.01 + 20537 / 125_000))
    assert plan.cap_bps == pytest.approx(8 * 4194304 / 0.02)
    assert Lv08().plan(Path(delay_s=0.0, back_s=0.0), 1.0, COLD).weight == 1.0


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"handshakes": 4}, "handshakes must be 0, 1, 2 or 3, got 4"),
        ({"keep_alive_s": math.nan}, "keep_alive must be >= 0, got nan"),
        ({"packet_bytes": 0.5}, "packet must be"),
        ({"header_bytes": -1.0}, "header must be"),
        ({"packets_per_ack": -1}, "packets_per_ack must be"),
        ({"first_window": 0}, "first_window must be"),
        ({"growth": 1.0}, "growth must be above 1"),
        ({"growth": 2.5}, "growth must be above 1"),
        ({"largest_window_bytes": 1000.0}, "largest_window must be a packet or more, got 1000.0"),
        ({"retransmission_timeout_s": -1.0}, "retransmission_timeout must be"),
    ],
)
def test_numbers_out_of_range_are_refused(wrong, rule):
    with pytest.raises(ValueError, match=rule):
        Tcp(**wrong)


@given(
    transport=st.sampled_from([Ideal(), Lv08(), Tcp(), Tcp(keep_alive_s=0.5), Tcp(keep_alive_s=math.inf)]),
    rtt_s=st.sampled_from([0.001, 0.07, 2.0]),
    size_bytes=st.floats(1, 1e8),
    connection=st.builds(
        Connection,
        idle_s=st.floats(0, 100) | st.just(math.inf),
        window=st.floats(0, 1000),
        quiet_s=st.floats(0, 10) | st.just(math.inf),
    ),
)
def test_a_transport_says_what_it_remembers(transport, rtt_s, size_bytes, connection):
    """Idle for longer than that, a connection is like none; quiet for longer, its window is. Nothing else counts."""
    over = path(1e7, rtt_s)
    open_s, warm_s = transport.remembers(over)
    alike = Connection(
        idle_s=0.0 if connection.idle_s <= open_s else math.inf,
        window=connection.window if connection.quiet_s <= warm_s else 0.0,
        quiet_s=0.0 if connection.quiet_s <= warm_s else math.inf,
    )
    assert transport.plan(over, size_bytes, alike) == transport.plan(over, size_bytes, connection)
