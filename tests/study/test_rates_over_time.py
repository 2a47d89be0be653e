"""Whole runs in which rates go over time: repeatable, different from constant ones, and nobody else's business."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

import fedsim
from fedsim.kernel import Simulation
from fedsim.scenario import check, load
from fedsim.scenario.build import build

QUICKSTART = Path(__file__).resolve().parents[2] / "scenarios" / "quickstart.yaml"
BRIEF = ["stop.time=20 s", "stop.target=null"]


def brief(*overrides):
    return fedsim.run(QUICKSTART, overrides=[*BRIEF, *overrides])


@pytest.fixture(scope="module")
def constant():
    return brief()


def test_a_fading_fleet_learns_the_same_way_twice_and_otherwise_than_a_constant_one(constant):
    one, two = (brief("fleet.*.rate=fading") for _ in range(2))
    assert one.events.equals(two.events)
    assert one.curve.equals(two.curve)
    assert one.summary.rounds > 0
    assert not one.events.equals(constant.events)


def test_a_replayed_trace_is_what_it_would_be_by_hand(tmp_path):
    """A trace of one rate gives the run that this rate gives, if it were constant."""
    (tmp_path / "flat.csv").write_text("t_s,down_kbps,up_kbps\n0,2000,1000\n1,2000,1000\n")
    hilly = "".join(f"{second},{4000 * (second % 2)},{500 + 1000 * (second % 2)}\n" for second in range(9))
    (tmp_path / "hilly.csv").write_text("t_s,down_kbps,up_kbps\n" + hilly)
    by_hand = brief("fleet.*.up=1 Mbit/s", "fleet.*.down=2 Mbit/s")
    flat, hills, again = (
        brief("fleet.*.up=1 Mbit/s", "fleet.*.down=2 Mbit/s", f"fleet.*.rate={{trace: {tmp_path / name}}}")
        for name in ("flat.csv", "hilly.csv", "hilly.csv")
    )
    assert flat.events.equals(by_hand.events)
    assert hills.events.equals(again.events)
    assert not hills.events.equals(flat.events)


def test_a_group_whose_rates_change_changes_nobody_elses_luck(tmp_path):
    """The same rows of the fleet, and the same fading of those that fade in both."""
    (tmp_path / "walk.csv").write_text("t_s,mbps\n0,4\n1,0\n2,9\n")
    before = load(QUICKSTART, ["fleet.mid-4g.rate=fading"])
    after = load(QUICKSTART, ["fleet.mid-4g.rate=fading", f"fleet.low-3g.rate.trace={tmp_path / 'walk.csv'}"])
    worlds = [build(scenario, Simulation(seed=scenario.seed)) for scenario in (before, after)]
    for one, other in zip(*(world.devices for world in worlds), strict=True):
        assert (one.spec.flops_per_s, one.spec.charge_j) == (other.spec.flops_per_s, other.spec.charge_j)
        ours, theirs = one.spec.access, other.spec.access
        assert (ours.up_bps, ours.down_bps, ours.delay_s, ours.loss) == (
            theirs.up_bps,
            theirs.down_bps,
            theirs.delay_s,
            theirs.loss,
        )
        if one.spec.group == "low-3g":
            assert (ours.up, theirs.up.at(0.5)) == (None, (4e6, 1.0))
        elif one.spec.group == "mid-4g":
            assert [ours.up.at(second) for second in range(50)] == [theirs.up.at(second) for second in range(50)]
        else:
            assert ours == theirs


def test_what_limits_nobody_does_not_fade(constant):
    fast = [f"fleet.*.{way}=inf" for way in ("up", "down")]
    assert brief(*fast, "fleet.*.rate=fading").events.equals(brief(*fast).events)
    assert not brief(*fast).events.equals(constant.events)


@pytest.mark.parametrize(("offset", "round_s"), [("0 s", 30.0), ("20 s", 10.0), ("40 s", 0.0)])
def test_a_round_waits_for_the_end_of_a_fade(tiny, tmp_path, offset, round_s):
    """Nothing comes down in the first 30 s of a trace, and then all at once; the rest of a round takes under 3 s."""
    (tmp_path / "tunnel.csv").write_text("t_s,down_mbps\n0,0\n30,1000\n60,1000\n")
    rate = {"trace": str(tmp_path / "tunnel.csv"), "offset": offset}
    result = fedsim.run({**tiny, "fleet": [{**tiny["fleet"][0], "rate": rate}], "stop": {"rounds": 1}})
    assert round_s < result.summary.simulated_s < round_s + 3.0


@pytest.mark.parametrize(("way", "least_s"), [("down", 30.0), ("up", 30.0), ("other", 0.0)])
def test_a_link_of_the_topology_may_have_a_trace(tiny, tmp_path, way, least_s):
    """``down`` is the way from ``from`` to ``to``; both ways are needed in a round, and nothing fades elsewhere."""
    (tmp_path / "storm.csv").write_text("t_s,mbps\n0,0\n30,10\n60,10\n")
    rate = {"down" if way == "other" else way: {"trace": str(tmp_path / "storm.csv")}}
    graph = {
        **tiny["topology"],
        "nodes": {**tiny["topology"]["nodes"], "far": {"kind": "cell"}},
        "links": [*tiny["topology"]["links"], {"from": "server", "to": "far", "capacity": "1 Mbit/s", "delay": 0}],
    }
    link = {"from": "server", "to": "far" if way == "other" else "cell", "rate": rate}
    result = fedsim.run({**tiny, "topology": graph, "network": {"links": [link]}, "stop": {"rounds": 1}})
    assert least_s < result.summary.simulated_s < least_s + 3.0


def test_links_fade_about_the_capacities_of_the_topology(tiny):
    links = [{"from": "server", "to": "cell", "rate": {"fading": "4g_mpls"}}]
    world = build(check({**tiny, "network": {"links": links}}), Simulation(seed=1))

    async def rates():
        found = []
        for _ in range(300):
            await asyncio.sleep(600)
            found.append([world.network.use(*ends).capacity_bps for ends in (("server", "cell"), ("cell", "server"))])
        return np.array(found)

    found = world.sim.run(rates())
    assert found.mean() == pytest.approx(100e6, rel=0.2)
    assert found.std() > 20e6
    assert found[:, 0].tolist() == found[:, 1].tolist()


def test_what_a_link_loses_slows_a_message_over_tcp(tiny):
    """With a tenth of the packets lost, a window stays under four of them, 40 kB to the second over a 150 ms way."""
    phones = {**tiny["fleet"][0], "rtt": "150 ms"}
    times_s = [
        fedsim.run({**tiny, "fleet": [{**phones, "loss": loss}], "stop": {"rounds": 3}}).summary.simulated_s
        for loss in (0, "1e-9 %", "10 %")
    ]
    assert times_s[0] == pytest.approx(times_s[1], rel=1e-6)
    assert times_s[2] > times_s[0]
