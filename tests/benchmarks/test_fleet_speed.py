"""Speed and size of large fleets: a million devices cost what is done with them.

    pytest tests/benchmarks/test_fleet_speed.py --benchmark-enable

Each part runs in a process of its own, so that memory can be measured. Times are of the processor, as the machine
is shared. Measured on two slow cores, when they were quiet (2026-11): a million devices are built in 0.7 to 1.3 s and
400 MB, of which 190 MB are Python and its libraries; choosing a thousand of those that are there takes 5 ms; a round of
a thousand costs 0.32 s out of ten thousand devices and 0.45 s out of a million; a hundred rounds, evaluated every
tenth, take 57 s. No part stands out: messages with their radios and meters take a third, making devices a seventh.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PART = Path(__file__).with_name("large_fleet.py")


def measured(*arguments):
    command = [sys.executable, str(PART), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    out = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return json.loads(out.stdout)


def test_a_small_fleet_does_the_same():
    """What is measured below, at a size for every day."""
    found = measured("fleet", 20_000)
    assert found["rows"] == 1000


def test_a_million_devices_are_built_and_chosen_from(benchmark):
    if not benchmark.enabled:
        pytest.skip("a benchmark")
    found = benchmark.pedantic(measured, args=("fleet", 1_000_000), rounds=1)
    benchmark.extra_info.update(found)
    assert found["built_s"] < 10.0
    assert found["mb"] < 500.0
    assert found["choose_s"] < 0.020


def test_a_round_costs_as_much_out_of_a_million_as_out_of_ten_thousand(benchmark):
    """At most twice; the building of the fleet is taken off by the difference of two lengths."""
    if not benchmark.enabled:
        pytest.skip("a benchmark")

    def costs():
        return {count: (measured("rounds", count, 8)["s"] - measured("rounds", count, 2)["s"]) / 6
                for count in (10_000, 1_000_000)}  # fmt: skip

    found = benchmark.pedantic(costs, rounds=1)
    benchmark.extra_info.update({str(count): cost for count, cost in found.items()})
    assert found[1_000_000] < 2 * found[10_000]


def test_a_hundred_rounds_of_a_thousand_out_of_a_million(benchmark):
    if not benchmark.enabled:
        pytest.skip("a benchmark")
    found = benchmark.pedantic(measured, args=("rounds", 1_000_000, 100), rounds=1)
    benchmark.extra_info.update(found)
    assert found["rounds"] == 100
    assert found["s"] < 60.0
