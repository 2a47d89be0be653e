"""What the devices of a group make of how their rates go."""

import math
from functools import partial

import numpy as np
import pytest

from fedsim.kernel import Simulation
from fedsim.system.course import STEADY, Fades, Lane, OwnRates, Replays
from fedsim.system.law import Uniform
from fedsim.system.profiles import load_profiles
from fedsim.system.trace import Trace

FADES = Fades(shape=load_profiles().fading["4g_mpls"])
STEP = Trace(np.array([1.0, 4.0]), np.array([40.0, 20.0]))
"""25 bit/s on average."""
LOW = Trace(np.array([1.0, 2.0]), np.array([1.0, 3.0]))


def device(rank=0, name="phone", up_bps=8e6, down_bps=20e6):
    return OwnRates(rank=rank, up_bps=up_bps, down_bps=down_bps, luck=partial(Simulation(seed=1).rng, "rate", name))


def course(capacity, until_s):
    found, time_s = [], 0.0
    while time_s < until_s:
        rate_bps, end_s = capacity.at(time_s)
        found.append(rate_bps)
        time_s = end_s
    return found


def test_who_is_steady_has_no_capacity_of_its_own():
    assert STEADY.of(device()) == (None, None)


def test_up_and_down_fade_together_about_their_means():
    up, down = FADES.of(device())
    ups, downs = np.array(course(up, 600)), np.array(course(down, 600))
    assert downs == pytest.approx(2.5 * ups, rel=1e-12)
    assert ups.std() > 1e6


def test_everyone_has_a_fading_of_their_own_and_always_the_same():
    mine, others = (course(FADES.of(device(name=name))[0], 60) for name in ("a", "b"))
    assert not set(mine) & set(others)
    assert course(FADES.of(device(name="a"))[0], 60) == mine


def test_an_infinite_rate_stays_so():
    up, down = FADES.of(device(up_bps=math.inf))
    assert up is None
    assert down is not None
    lanes = Replays(up=Lane(traces=(STEP,), scale=None), down=Lane(traces=(STEP,)))
    up, down = lanes.of(device(up_bps=math.inf))
    assert up is None
    assert down is not None


def test_devices_take_traces_in_turn():
    replays = Replays(up=Lane(traces=(STEP, LOW)))
    firsts = [replays.of(device(rank))[0].at(0.0)[0] for rank in range(4)]
    assert firsts == [40.0, 1.0, 40.0, 1.0]
    assert replays.of(device())[1] is None


def test_a_trace_is_scaled_by_a_factor_or_to_the_devices_mean():
    replays = Replays(up=Lane(traces=(STEP,), scale=3.0), down=Lane(traces=(STEP,), scale=None))
    up, down = replays.of(device(down_bps=50.0))
    assert course(up, 4.0) == [120.0, 60.0]
    assert course(down, 4.0) == [80.0, 40.0]


def test_an_offset_is_drawn_once_for_both_directions():
    replays = Replays(up=Lane(traces=(STEP,)), down=Lane(traces=(STEP,)), offset_s=Uniform(0.0, 4.0))
    changes = []
    for name in ("a", "b", "c"):
        up, down = replays.of(device(name=name))
        assert up.at(0.0) == down.at(0.0) == replays.of(device(name=name))[0].at(0.0)
        changes.append(up.at(0.0)[1])
    assert len(set(changes)) == 3


def test_without_a_loop_the_last_rate_holds():
    assert Replays(up=Lane(traces=(STEP,)), loop=False).of(device())[0].at(100.0) == (20.0, math.inf)
    assert Replays(up=Lane(traces=(STEP,))).of(device())[0].at(100.0) == (40.0, 101.0)
