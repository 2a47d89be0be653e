"""Rates that fade: a slow readable twin, laws of the process, and the measured traces that it was fitted to."""

import math
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.kernel import Simulation
from fedsim.system.fading import BLOCK, Fading, FadingShape
from fedsim.system.profiles import load_profiles
from fedsim.system.scaled import Scaled

TRACES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "traces"
SHAPES = load_profiles().fading
NORWAY = SHAPES["3g_norway"]


def fading(shape=NORWAY, *names, seed=1):
    return Fading(shape, partial(Simulation(seed=seed).rng, "fading", *names))


def rates(shape, seconds, luck):
    """The first seconds of a process: (seconds,)."""
    process = Fading(shape, luck)
    blocks = [process.process(block) for block in range(-(-seconds // BLOCK))]
    return shape.value(np.concatenate(blocks)[:seconds])


def plain_path(tau_s, luck, row, block):
    """One AR(1) process by the book: from its value long ago, leap by leap, and then step by step."""

    def leap(number):
        page, place = divmod(number, 128)
        return float(luck("leaps", page).standard_normal((2, 128))[row, place])

    keep = math.exp(-BLOCK / tau_s)
    value = 0.0
    for number in range(block - math.ceil(37 * tau_s / BLOCK), block):
        value = keep * value + math.sqrt(1 - keep**2) * leap(number)
    a = math.exp(-1 / tau_s)
    free = [0.0]
    for normal in luck("steps", block).standard_normal((2, BLOCK))[row]:
        free.append(a * free[-1] + math.sqrt(1 - a * a) * float(normal))
    miss = math.sqrt(1 - keep**2) * leap(block) - free[-1]
    covariance = [a ** (BLOCK - i) * (1 - a ** (2 * i)) for i in range(BLOCK + 1)]
    return [a**i * value + free[i] + covariance[i] / covariance[-1] * miss for i in range(BLOCK)]


@pytest.mark.parametrize("block", [0, 1, 500])
def test_the_process_is_its_slow_twins(block):
    shape = SHAPES["5g_ucc"]
    luck = partial(Simulation(seed=3).rng, "x")
    slow, fast = (plain_path(tau_s, luck, row, block) for row, tau_s in enumerate((600.0, 8.0)))
    expected = math.sqrt(0.5) * np.array(slow) + math.sqrt(0.5) * np.array(fast)
    assert Fading(shape, luck).process(block) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(times_s=st.lists(st.floats(0, 1e7), min_size=1, max_size=8), seed=st.integers(0, 100))
def test_a_rate_is_a_function_of_time_however_one_asks(times_s, seed):
    asked = fading(seed=seed)
    for time_s in times_s:
        rate_bps, until_s = asked.at(time_s)
        assert (rate_bps, until_s) == fading(seed=seed).at(time_s)
        assert until_s == math.floor(time_s) + 1 > time_s
        assert asked.at(math.floor(time_s)) == (rate_bps, until_s)


def test_a_step_is_what_the_table_says_of_the_process():
    process = fading()
    expected = NORWAY.value(np.concatenate([process.process(0), process.process(1)]))
    assert [process.at(second + 0.5)[0] for second in range(2 * BLOCK)] == expected.tolist()
    table = FadingShape(
        name="x", slow_weight=0.5, slow_s=9.0, fast_s=1.0, probabilities=(0.0, 0.5, 1.0), quantiles=(0.0, 0.0, 4.0)
    )
    assert table.mean == 1.0
    assert table.value(np.array([-9.0, -0.1, 0.0, 9.0])).tolist() == pytest.approx([0.0, 0.0, 0.0, 4.0])


def test_distant_times_cost_no_more_than_near_ones():
    drawn = []

    def luck(*names):
        drawn.append(names)
        return np.random.Generator(np.random.Philox(len(drawn)))

    process = Fading(NORWAY, luck)
    assert drawn == []
    process.at(1e9)
    assert len(drawn) <= 3
    process.at(1e9 + 1)
    assert len(drawn) <= 3


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_x_is_standard_normal_and_forgets_at_two_paces(shape):
    """Across 60 lives, at places far apart: means within four standard errors, lags within a block and across two."""
    processes = [fading(shape, life) for life in range(60)]
    paths = np.array([[np.concatenate([p.process(k), p.process(k + 1)]) for k in range(0, 240, 40)] for p in processes])
    paths = paths.reshape(-1, 2 * BLOCK)  # 360 stretches that know nothing of each other
    bound = 4 / math.sqrt(len(paths))
    for start in (0, BLOCK - 5, BLOCK, 2 * BLOCK - 21):
        assert abs(paths[:, start].mean()) < bound
        assert abs((paths[:, start] ** 2).mean() - 1) < math.sqrt(2) * bound
        for lag in (1, 5, 20):
            expected = shape.slow_weight * math.exp(-lag / shape.slow_s)
            expected += (1 - shape.slow_weight) * math.exp(-lag / shape.fast_s)
            products = paths[:, start] * paths[:, start + lag]
            assert products.mean() == pytest.approx(expected, abs=math.sqrt(1 + expected**2) * bound)


def test_neighbouring_seconds_are_alike_where_blocks_meet():
    """The variance of a step from one second to the next is the same inside a block and between two."""
    path = np.concatenate([fading().process(block) for block in range(1000)])
    steps = np.diff(path)
    expected = 2 * (1 - 0.7 * math.exp(-1 / 180) - 0.3 * math.exp(-1 / 8))
    assert (steps[BLOCK - 1 :: BLOCK] ** 2).mean() == pytest.approx(expected, rel=0.2)
    assert (steps**2).mean() == pytest.approx(expected, rel=0.02)


def test_the_long_run_mean_is_the_tables():
    """Within four standard errors of 400 lives."""
    lives = np.array([fading(NORWAY, life).at(1000.0)[0] for life in range(400)])
    assert lives.mean() == pytest.approx(NORWAY.mean, abs=4 * lives.std() / math.sqrt(400))


def test_a_scaled_capacity_keeps_its_instants():
    process = fading()
    scaled = Scaled(process, 3e6)
    assert scaled.at(7.25) == (3e6 * process.at(7.25)[0], 8.0)
    for by in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="must be scaled by a finite number > 0"):
            Scaled(process, by)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"slow_weight": 1.5}, "slow_weight of x must be from 0 to 1, got 1.5"),
        ({"slow_weight": math.nan}, "slow_weight of x must be from 0 to 1, got nan"),
        ({"fast_s": 0.0}, "time constants of x must be > 0"),
        ({"slow_s": 1e6}, "time constants of x must be > 0 and <= 1 day"),
        ({"probabilities": (0.0, 0.9)}, "probabilities of x must rise from 0 to 1"),
        ({"probabilities": (0.0, 0.5, 1.0)}, "probabilities of x must rise from 0 to 1, one for each quantile"),
        ({"quantiles": (2.0, 1.0)}, "quantiles of x must rise"),
        ({"quantiles": (0.0, 0.0)}, "quantiles of x must rise from >= 0 to a finite number > 0"),
        ({"quantiles": (math.nan, 1.0)}, "quantiles of x must rise"),
    ],
)
def test_a_shape_that_is_none_is_refused(changes, rule):
    given = {"slow_weight": 0.5, "slow_s": 9.0, "fast_s": 1.0, "probabilities": (0.0, 1.0), "quantiles": (0.0, 2.0)}
    with pytest.raises(ValueError, match=rule):
        FadingShape(name="x", **(given | changes))


def second_by_second(name, column, scale, keep):
    """Recorded rates, averaged over seconds: one array for each trace of a minute and more."""
    if not (TRACES / name).exists():
        pytest.skip("the measured traces are not beside this checkout")
    table = pd.read_csv(TRACES / name)
    traces = []
    for trace_id, rows in table[table[column] >= 0].groupby("trace_id"):
        start_s = rows["t_s"].to_numpy(float)
        last_s = rows["dur_s"].iloc[-1] if "dur_s" in rows else float(np.median(np.diff(start_s)))
        ends_s = np.append(start_s, start_s[-1] + last_s)
        moved = np.append(0.0, np.cumsum(rows[column].to_numpy(float) * scale * np.diff(ends_s)))
        trace = np.diff(np.interp(np.arange(math.floor(ends_s[-1]) + 1), ends_s, moved))
        if keep(trace_id) and len(trace) >= 60 and trace.any():
            traces.append(trace)
    return traces


def figures(traces):
    """Those of the trace table: the mean and the bad share of all seconds, the median trace's CV and correlations."""
    spread, one, ten = [], [], []
    for trace in traces:
        rest = trace - trace.mean()
        variance = (rest * rest).mean()
        spread.append(math.sqrt(variance) / trace.mean())
        one.append((rest[1:] * rest[:-1]).mean() / variance)
        ten.append((rest[10:] * rest[:-10]).mean() / variance)
    bad = np.concatenate([trace <= 0.1 * np.median(trace[trace > 0]) for trace in traces])
    mean = np.concatenate(traces).mean()
    return np.array([mean, np.median(spread), np.median(one), np.median(ten), bad.mean()])


def generated(shape, measured, seeds):
    """The figures of as many fading links, each as long and on average as fast as a measured one."""
    found = []
    for seed in range(seeds):
        sim = Simulation(seed=seed)
        lives = [rates(shape, len(trace), partial(sim.rng, i)) * trace.mean() for i, trace in enumerate(measured)]
        found.append(figures([life for life in lives if life.any()]))
    return np.mean(found, axis=0)


def test_check_5_of_the_device_notes():
    """Oslo's 3G against the trace table, which has mean 1.02 Mbit/s, CV 0.68, rho 0.86 and 0.64, bad share 0.14."""
    measured = second_by_second("norway_3g.csv.gz", "down_kbps", 1e-3, lambda _: True)
    assert len(measured) == 86
    mean, spread, one, ten, bad = generated(NORWAY, measured, seeds=20)
    assert mean == pytest.approx(1.02, rel=0.15)
    assert spread == pytest.approx(0.68, rel=0.25)
    assert one == pytest.approx(0.86, rel=0.10)
    assert ten == pytest.approx(0.64, rel=0.20)
    assert bad == pytest.approx(0.140, rel=0.25)


@pytest.mark.parametrize(("name", "prefix"), [("4g_mpls", "4g"), ("5g_mmwave", "5g")])
def test_sets_of_eighty_traces_and_more(name, prefix):
    """Device notes, 1.1: mean within 10 %, autocorrelation within about 15 % where there are 80 or more traces."""
    measured = second_by_second("lumos5g.csv.gz", "down_mbps", 1.0, lambda trace_id: trace_id.startswith(prefix))
    ratio = generated(SHAPES[name], measured, seeds=8) / figures(measured)
    assert ratio[0] == pytest.approx(1.0, abs=0.10)
    assert ratio[1] == pytest.approx(1.0, abs=0.15)
    assert ratio[2:4].tolist() == pytest.approx([1.0, 1.0], abs=0.155)
