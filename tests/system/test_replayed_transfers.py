"""Transfers over measured traces against a direct integral, and what a link costs that nobody uses."""

import asyncio
import math
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fedsim.kernel import Simulation
from fedsim.kernel.budget import Budget
from fedsim.system.fading import Fading
from fedsim.system.links import SharedLinks
from fedsim.system.profiles import load_profiles
from fedsim.system.replay import Replay
from fedsim.system.scaled import Scaled
from fedsim.system.trace_file import read_recording

TRACES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "traces"


def measured(name):
    path = TRACES / name
    if not path.exists():
        pytest.skip("the measured traces are not beside this checkout")
    return path


def rows_of(path, trace_id, column):
    """Instants and bit/s of a trace's rows, and its end, as the file has them."""
    if path.suffix == ".npz":
        counts = np.load(path)[trace_id]
        return np.arange(len(counts)) / 10, counts * 120_000.0, len(counts) / 10
    table = pd.read_csv(path)
    rows = table[table["trace_id"] == trace_id].drop_duplicates("t_s", keep="last")
    starts_s = rows["t_s"].to_numpy(float) - rows["t_s"].iloc[0]
    last_s = rows["dur_s"].iloc[-1] if "dur_s" in rows else starts_s[-1] - starts_s[-2]
    unit = {"kbps": 1e3, "mbps": 1e6}[column.split("_")[-1]]
    return starts_s, rows[column].to_numpy(float) * unit, float(starts_s[-1] + last_s)


def arrival_s(starts_s, rates_bps, length_s, start_s, size_bytes):
    """When a lone transfer ends: row by row, lap by lap, until all bits have passed."""
    left_bits, time_s = 8 * size_bytes, start_s
    bounds_s = [*starts_s[1:].tolist(), length_s]
    lap = math.floor(start_s / length_s)
    while True:
        for rate_bps, bound_s in zip(rates_bps.tolist(), bounds_s, strict=True):
            span_s = lap * length_s + bound_s - time_s
            if span_s <= 0:
                continue
            if rate_bps * span_s >= left_bits:
                return time_s + left_bits / rate_bps
            left_bits -= rate_bps * span_s
            time_s += span_s
        lap += 1


def simulated(capacity, transfers):
    """When each of some transfers, (start_s, size_bytes), ends; one at a time."""
    sim = Simulation(seed=1)
    links = SharedLinks(sim)
    line = links.add_link(capacity)
    ends_s = []

    async def story():
        for start_s, size_bytes in transfers:
            await asyncio.sleep(max(start_s - sim.now, 0.0))
            await links.move(links.flow(size_bytes), (line,))
            ends_s.append(sim.now)

    sim.run(story())
    return ends_s


@pytest.mark.parametrize(
    ("name", "pattern", "column", "size_bytes"),
    [
        ("norway_3g.csv.gz", "2010-09-*", "down_kbps", 5e6),
        ("ghent_4g.csv.gz", "*", "down_kbps", 200e6),
        ("ucc_5g.csv.gz", "Download_*", "down_kbps", 300e6),
        ("ucc_5g.csv.gz", "Download_*", "up_kbps", 2e6),
        ("lumos5g.csv.gz", "5g*", "down_mbps", 3e9),
        ("wifi_zhuge.csv.gz", "*-wifi_*", "mbps", 100e6),
        ("wifi_cell_pairs.csv.gz", "*_wifi", "mbps", 100e6),
        ("mahimahi_cellular.npz", "*_up", "rate", 5e6),
        ("nyc_lte.npz", "*", "rate", 100e6),
    ],
)
def test_a_transfer_over_a_measured_trace_ends_when_its_integral_does(name, pattern, column, size_bytes):
    """Short and long ones (over several laps), from the start and from the middle."""
    path = measured(name)
    recording = read_recording(path)
    for trace_id, trace in list(recording.pick(pattern, column).items())[:3]:
        rows = rows_of(path, trace_id, column)
        assert trace.mean_bps * trace.length_s == pytest.approx(
            (rows[1] * np.diff([*rows[0], rows[2]])).sum(), rel=1e-9
        )
        for start_s, size in [(0.0, size_bytes / 1000), (17.3, size_bytes / 10), (1e4 / 3, size_bytes)]:
            [end_s] = simulated(Replay(trace), [(start_s, size)])
            expected_s = arrival_s(*rows, start_s, size)
            assert end_s - start_s == pytest.approx(expected_s - start_s, rel=1e-9)


def test_an_offset_is_a_start_later_in_the_trace():
    path = measured("norway_3g.csv.gz")
    [trace, *_] = read_recording(path).pick("*", "down_kbps").values()
    [late_s] = simulated(Replay(trace), [(100.25, 1e6)])
    [moved_s] = simulated(Replay(trace, offset_s=100.25), [(0.0, 1e6)])
    assert late_s - 100.25 == pytest.approx(moved_s, rel=1e-9)


def test_a_transfer_over_a_fading_link_ends_when_its_integral_does():
    """Second by second, through fades in which nothing moves; the second transfer begins an hour later."""
    shape = load_profiles().fading["3g_norway"]

    def capacity():
        return Scaled(Fading(shape, partial(Simulation(seed=5).rng, "line")), 1e6)

    transfers = [(0.5, 4e6), (3600.75, 4e6), (1e6, 1e3)]
    ends_s = simulated(capacity(), transfers)
    for (start_s, size_bytes), end_s in zip(transfers, ends_s, strict=True):
        left_bits, time_s, plain = 8 * size_bytes, start_s, capacity()
        while left_bits > 0:
            rate_bps, until_s = plain.at(time_s)
            moved_bits = min(rate_bps * (until_s - time_s), left_bits)
            time_s = until_s if moved_bits < left_bits else time_s + left_bits / rate_bps
            left_bits -= moved_bits
        assert end_s - start_s == pytest.approx(time_s - start_s, rel=1e-9)


def test_of_ten_thousand_fading_links_those_that_nobody_uses_cost_nothing():
    """One of them sends: nobody else's luck is asked for, and no event is anybody else's."""
    sim = Simulation(seed=1)
    links = SharedLinks(sim)
    shape = load_profiles().fading["4g_mpls"]
    asked = set()

    def luck(number, *names):
        asked.add(number)
        return sim.rng("fading", number, *names)

    lines = [links.add_link(Scaled(Fading(shape, partial(luck, number)), 8e6)) for number in range(10_000)]
    sim.run(links.move(links.flow(5e6), (lines[77],)), budget=Budget(events=50))
    assert sim.stopped is None
    assert asked == {77}
    assert 1.0 < sim.now < 20.0
