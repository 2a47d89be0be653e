"""Speed and overhead from measured times: of made-up truth, and of the phones of the FLASH study."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.system.calibration import Measurements, calibrate
from fedsim.system.chip import Chip

FLASH = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "traces" / "flash_train_time.csv"


def measured(speed, overhead_s, rows, noise=None):
    flops, batch, steps = np.array(rows, dtype=float).T
    seconds = steps * overhead_s + steps * batch * flops / speed
    return Measurements(flops=flops, batch=batch, steps=steps, seconds=seconds * (1 if noise is None else noise))


ROWS = [(1e6, 10, 50), (1e7, 10, 20), (1e8, 10, 5), (1e8, 32, 5), (3e8, 1, 40), (1e6, 1, 100)]


@settings(deadline=None, max_examples=50)
@given(speed=st.floats(1e7, 1e12), overhead_s=st.floats(1e-4, 0.1))
def test_a_truth_without_noise_is_found(speed, overhead_s):
    found = calibrate(measured(speed, overhead_s, ROWS))
    work_share = speed * overhead_s
    if 1e6 < work_share < 1e10:  # else one of the two hardly matters in these rows
        assert found.flops_per_s == pytest.approx(speed, rel=1e-3)
        assert found.overhead_s == pytest.approx(overhead_s, rel=1e-3)
    assert np.abs(found.residuals).max() < 1e-3


def test_intervals_hold_the_truth_as_often_as_they_say():
    """200 fits with 5 % noise: 95 % of the intervals, within four standard errors."""
    rng, rows = np.random.default_rng(1), ROWS * 3
    held = []
    for _ in range(200):
        found = calibrate(measured(1e9, 0.02, rows, 1 + 0.05 * rng.standard_normal(len(rows))))
        low, high = found.flops_per_s_interval
        below, above = found.overhead_s_interval
        held.append((low < 1e9 < high, below < 0.02 < above))
        assert found.r2 > 0.97
    assert np.mean(held, axis=0) == pytest.approx([0.95, 0.95], abs=4 * np.sqrt(0.95 * 0.05 / 200))


def test_an_outlier_weighs_little():
    noise = np.ones(len(ROWS) * 3)
    noise[4] = 5.0
    found = calibrate(measured(1e9, 0.02, ROWS * 3, noise))
    assert found.flops_per_s == pytest.approx(1e9, rel=0.05)
    assert found.overhead_s == pytest.approx(0.02, rel=0.05)


def test_what_cannot_be_told_apart_is_refused():
    with pytest.raises(FedsimError, match="must differ in operations per step"):
        calibrate(measured(1e9, 0.01, [(1e6, 10, 1), (1e6, 10, 5)]))
    with pytest.raises(FedsimError, match="must differ"):
        calibrate(measured(1e9, 0.01, [(1e6, 10, 1)]))


def test_work_that_takes_no_time_has_no_speed():
    with pytest.raises(FedsimError, match="there is no speed to be found"):
        calibrate(measured(np.inf, 0.01, ROWS))


@pytest.fixture
def flash():
    """Rows of the study by class of phone: (operations of an example, batch, seconds of a batch)."""
    if not FLASH.exists():
        pytest.skip("needs shared/data/traces beside the checkout")
    phones = {}
    for row in csv.DictReader(FLASH.read_text().splitlines()):
        if row["train_gflop_per_batch_est"]:
            batch = float(row["batch"])
            flops = float(row["train_gflop_per_batch_est"]) * 1e9 / batch
            phones.setdefault(row["class"], []).append((flops, batch, float(row["ms_per_batch_mean"]) / 1000))
    return phones


@pytest.mark.parametrize(
    ("phone", "speed", "round_s"), [("low", 0.63e9, 279.0), ("mid", 1.76e9, 100.0), ("high", 5.77e9, 30.0)]
)
def test_a_round_of_the_flash_study(world, flash, phone, speed, round_s):
    """340 samples, 5 epochs, batches of 10, FEMNIST's network; device notes, section 8, check 6."""
    flops, batch, seconds = flash[phone][0]
    assert flops * batch / seconds == pytest.approx(speed, rel=0.01)
    there = world.phone(flops_per_s=flops * batch / seconds, step_overhead_s=0.0, chip=Chip())
    assert there.compute_s(flops * 340 * 5, 170) == pytest.approx(round_s, rel=0.02)


@pytest.mark.parametrize(("phone", "error"), [("low", 0.50), ("mid", 0.26), ("high", 0.47)])
def test_one_speed_for_two_networks_of_the_flash_study(flash, phone, error):
    """FEMNIST's runs faster per operation than CelebA's: one speed lies between, and no overhead explains the rest."""
    flops, batch, seconds = np.array(flash[phone]).T
    steps = np.full(len(flops), 100.0)
    found = calibrate(Measurements(flops=flops, batch=batch, steps=steps, seconds=100 * seconds))
    speeds = flops * batch / seconds
    assert min(speeds) < found.flops_per_s < max(speeds)
    assert found.overhead_s == pytest.approx(0.0, abs=1e-6)
    assert np.abs(found.residuals).max() < error
