"""Same scenario, same seed: the same bytes, in any process, whatever the seed of its hashes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCENARIOS = {
    "rounds": ("quickstart.yaml", []),
    "gossip": ("quickstart_ring.yaml", ["stop.time=3s", "stop.target=null"]),
    "mocha": ("quickstart_mocha.yaml", ["stop.rounds=12", "learner.omega_every=5"]),
}


def run_apart(scenario, overrides, folder, hash_seed):
    """The bytes of both tables of a run in a process of its own."""
    sets = [word for override in overrides for word in ("--set", override)]
    command = [sys.executable, "-m", "fedsim", "run", str(ROOT / "scenarios" / scenario), "--out", str(folder), *sets]
    env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, env=env, check=True, capture_output=True)
    return [(folder / name).read_bytes() for name in ("events.parquet", "metrics.parquet")]


@pytest.mark.parametrize("kind", SCENARIOS)
def test_two_processes_write_the_same_bytes(kind, tmp_path):
    scenario, overrides = SCENARIOS[kind]
    first = run_apart(scenario, overrides, tmp_path / "a", "1")
    second = run_apart(scenario, overrides, tmp_path / "b", "2718")
    assert first == second
    assert all(len(table) > 1000 for table in first)


def test_another_seed_is_another_life(tmp_path):
    first = run_apart("quickstart.yaml", ["stop.rounds=3"], tmp_path / "a", "0")
    second = run_apart("quickstart.yaml", ["stop.rounds=3", "seed=2"], tmp_path / "b", "0")
    assert first[0] != second[0]
