"""One part of ``test_fleet_speed.py``, in a process of its own: what it took, as JSON."""

import json
import resource
import sys
import time

from fedsim.kernel import Simulation
from fedsim.scenario import check
from fedsim.scenario.build import build
from fedsim.study.run import simulate


def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def scenario(count, rounds):
    group = {
        "name": "phones",
        "count": count,
        "device": "phone-mid",
        "link": "4g",
        "at": "cell",
        "charge": {"uniform": ["30 %", "100 %"]},
        "availability": "phones",
        "crashes": {"every": {"exponential": {"mean": "100 h"}}, "repair": "1 min"},
    }
    return check(
        {
            "name": "large",
            "server": {"at": "server"},
            "fleet": [group],
            "topology": {
                "name": "pair",
                "nodes": {"server": {"kind": "server"}, "cell": {"kind": "cell"}},
                "links": [{"from": "server", "to": "cell", "capacity": "100 Gbit/s", "delay": "5 ms"}],
            },
            "network": {"transport": "ideal"},
            "data": {"name": "counts", "examples": {"lognormal": {"median": 100, "sigma": 1}}, "features": 60},
            "model": "softmax",
            "learner": "fedavg",
            "protocol": {"name": "synchronous-rounds", "cohort": 1000},
            "stop": {"rounds": rounds},
            "evaluate": {"every_rounds": 10},
        }
    )


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
    return {
        "built_s": built_s,
        "mb": megabytes(),
        "more_mb": megabytes() - before_mb,
        "choose_s": sorted(best_s)[5],
        "rows": len(rows),
    }


def rounds(count, rounds):
    wanted = scenario(count, rounds)
    began = time.process_time()
    summary = simulate(wanted).summary
    return {"s": time.process_time() - began, "rounds": summary.rounds, "at_work": summary.devices_at_work}


what, *numbers = sys.argv[1:]
sys.stdout.write(json.dumps({"fleet": fleet, "rounds": rounds}[what](*map(int, numbers))))
