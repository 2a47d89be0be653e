"""What the same luck for all is worth, measured on two scenarios that ship: FedAvg and MOCHA on the same phones."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from fedsim.report.side_by_side import comparison_report
from fedsim.scenario import load
from fedsim.study.compare import compare

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@pytest.fixture(scope="module")
def found():
    pair = [load(SCENARIOS / f"{name}.yaml", ["stop.time=15 s"]) for name in ("quickstart", "quickstart_mocha")]
    return compare(pair, range(1, 9), metric="accuracy", target=0.5)


def difference(found, field):
    [measure] = [measure for measure in found.measures if measure.field == field]
    return found.difference("quickstart_mocha", measure)


@pytest.mark.parametrize("field", ["time_to_target_s", "energy_to_target_j"])
def test_pairing_shrinks_the_variance(found, field):
    """Seed for seed the differences vary far less than with the same runs paired in any other way."""
    pairs = difference(found, field).pairs
    own, first = (np.array([getattr(pair, side).value for pair in pairs]) for side in ("own", "first"))
    paired, apart = np.var(own - first, ddof=1), np.var(own, ddof=1) + np.var(first, ddof=1)
    assert difference(found, field).explained == pytest.approx(1 - paired / apart)
    assert paired < 0.4 * apart
    rng = np.random.default_rng(0)
    shuffled = [np.var(own - rng.permutation(first), ddof=1) for _ in range(2000)]
    assert np.mean(np.array(shuffled) <= paired) < 0.03


def test_so_a_few_seeds_do_for_many(found):
    """The interval of eight pairs is as narrow as that of twice as many runs apart."""
    time = difference(found, "time_to_target_s")
    own, first = ([getattr(pair, side).value for pair in time.pairs] for side in ("own", "first"))
    apart = np.var(own, ddof=1) + np.var(first, ddof=1)
    assert apart / np.var(time.differences, ddof=1) > 2


def test_the_report_says_what_it_is_worth(found):
    out = io.StringIO()
    Console(file=out, width=200).print(comparison_report(found))
    time = difference(found, "time_to_target_s")
    worth = f"pairing explains {100 * time.explained:.0f} % of the variance in time to target"
    assert f"{worth} (correlation {time.correlation:.2f})" in out.getvalue()
