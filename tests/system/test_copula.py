"""Draws that go together, and what the data say of that."""

import csv
import gzip
import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fedsim.system.copula import correlated

TRACES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "traces"


@settings(deadline=None, max_examples=30)
@given(spearman=st.floats(-1, 1), seed=st.integers(0, 1000))
def test_they_are_uniform_and_have_the_rank_correlation(spearman, seed):
    given_q, q = np.random.default_rng(seed).random((2, 4000))
    found = correlated(q, given_q, spearman)
    assert stats.spearmanr(found, given_q).statistic == pytest.approx(spearman, abs=5 / math.sqrt(4000))
    assert stats.kstest(found, "uniform").pvalue > 1e-6


def test_the_ends():
    """Up to the root of a rounding: 2 sin(pi / 6) is a little less than 1."""
    given_q, q = np.random.default_rng(1).random((2, 100))
    assert correlated(q, given_q, 0.0) is q
    assert correlated(q, given_q, 1.0) == pytest.approx(given_q, abs=1e-7)
    assert correlated(q, given_q, -1.0) == pytest.approx(1 - given_q, abs=1e-7)


@pytest.mark.parametrize("spearman", [-1.1, 2.0, math.nan])
def test_a_correlation_beyond_one_is_refused(spearman):
    with pytest.raises(ValueError, match="a rank correlation must be from -1 to 1"):
        correlated(np.array([0.5]), np.array([0.5]), spearman)


def rows_of(name):
    path = TRACES / name
    if not path.exists():
        pytest.skip("needs shared/data/traces beside the checkout")
    text = gzip.decompress(path.read_bytes()).decode() if name.endswith(".gz") else path.read_text()
    return list(csv.DictReader(text.splitlines()))


def test_rates_up_and_down_go_together_in_the_data():
    """The numbers of docs/devices.md: 19 phones on WiFi, and 83 runs on 4G and 5G, each by its means."""
    phones = rows_of("flash_wifi_speed.csv")
    down, up = ([float(row[f"{way}_mean_kBps"]) for row in phones] for way in ("down", "up"))
    assert (len(phones), round(stats.spearmanr(down, up).statistic, 2)) == (19, 0.74)
    runs = defaultdict(list)
    for row in rows_of("ucc_5g.csv.gz"):
        runs[row["trace_id"]].append((float(row["down_kbps"]), float(row["up_kbps"])))
    down, up = np.array([np.mean(rates, axis=0) for rates in runs.values()]).T
    assert (len(runs), round(stats.spearmanr(down, up).statistic, 2)) == (83, 0.77)
