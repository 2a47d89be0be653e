"""Speed and size of large fleets: a million devices cost what is done with them.

    pytest tests/benchmarks/test_fleet_speed.py --benchmark-enable

Each part runs in a process of its own, so that memory can be measured. Times are of the processor, as the machine
is shared. Measured on two slow, very busy cores (2026-11): a million devices are built in 0.7 s and 374 MB, of which
180 MB are Python and its libraries; choosing a thousand of those that are there takes 5 ms; a round of a thousand costs
0.8 s out of ten thousand devices and 1.1 s out of a million; a hundred rounds took 122 s, twice what is asked for. No
part stands out: messages with their radios and meters take a third, the sharing of links a sixth, totals, choosing and
making devices a seventh, and the tasks of the protocol most of the rest.
"""

import json
import subprocess
import sys

import pytest

PART = """
import json, resource, sys, time
from fedsim.kernel import Simulation
from fedsim.scenario import check
from fedsim.scenario.build import build
from fedsim.study.run import simulate
from fedsim.study.monitor import RunMonitor

def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000

def scenario(count, rounds):
    group = {"name": "phones", "count": count, "device": "phone-mid", "link": "4g", "at": "cell",
             "charge": {"uniform": ["30 %", "100 %"]}, "availability": "phones",
             "crashes": {"every": {"exponential": {"mean": "100 h"}}, "repair": "1 min"}}
    return check({
        "name": "large", "server": {"at": "server"}, "fleet": [group],
        "topology": {"name": "pair", "nodes": {"server": {"kind": "server"}, "cell": {"kind": "cell"}},
                     "links": [{"from": "server", "to": "cell", "capacity": "100 Gbit/s", "delay": "5 ms"}]},
        "network": {"transport": "ideal"},
        "data": {"name": "counts", "examples": {"lognormal": {"median": 100, "sigma": 1}}, "features": 60},
        "model": "softmax", "learner": "fedavg",
        "protocol": {"name": "synchronous-rounds", "cohort": 1000}, "stop": {"rounds": rounds},
    })

def fleet(count):
    wanted, before_mb = scenario(count, 1), megabytes()
    began = time.process_time()
    crew = build(wanted, Simulation(seed=1)).devices
    built_s = time.process_time() - began
    best_s = []
    for number in range(10):
        began = time.process_time()
        rows = crew.lowest_lots(1000, number)
        best_s.append(time.process_time() - began)
    return {"built_s": built_s, "mb": megabytes(), "more_mb": megabytes() - before_mb,
            "choose_s": sorted(best_s)[5], "rows": len(rows)}

def rounds(count, rounds):
    wanted = scenario(count, rounds)
    began = time.process_time()
    summary = simulate(wanted).summary
    return {"s": time.process_time() - began, "rounds": summary.rounds, "at_work": summary.devices_at_work}

what, *numbers = sys.argv[1:]
print(json.dumps({"fleet": fleet, "rounds": rounds}[what](*map(int, numbers))))
"""


def measured(*arguments):
    out = subprocess.run([sys.executable, "-c", PART, *map(str, arguments)], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def test_a_small_fleet_does_the_same():
    """What is measured below, at a size for every day."""
    found = measured("fleet", 20_000)
    assert found["rows"] == 1000
    assert found["built_s"] < 2.0


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
