"""Parts of the benchmark of a whole job, each for a process of its own: prints one line of JSON.

python tests/benchmarks/whole_job.py job ROUNDS        the job, beside a plain loop over its devices
python tests/benchmarks/whole_job.py timing ROUNDS DEVICES   the same without numbers, in a fleet of any size
python tests/benchmarks/whole_job.py shares ROUNDS     own time by layer, under Python's profiler
"""

import cProfile
import importlib.util
import json
import pstats
import re
import sys
import time
from collections import Counter
from functools import wraps
from pathlib import Path

from threadpoolctl import threadpool_limits

from fedsim.scenario import check
from fedsim.study import run
from fedsim.study.monitor import RunMonitor
from fedsim.tasks.sgd import Sgd

HERE = Path(__file__).parent
OFFICES = [f"office-{number}" for number in range(1, 9)]
SYNTHETIC = {"name": "synthetic", "alpha": 1, "beta": 1, "least": 112, "most": 112}  # 100 to learn from, 12 to test
COUNTS = {"name": "counts", "examples": 100, "features": 60, "classes": 10}
AVAILABILITY = {
    "stay": {"lognormal": {"median": "50 min", "sigma": 1}},
    "away": {"exponential": {"mean": "30 min"}},
}


def group(name, count, device, link):
    return {
        "name": name,
        "count": count,
        "device": device,
        "link": link,
        "at": OFFICES,
        "charge": {"uniform": ["20 %", "100 %"]},
        "availability": AVAILABILITY,
    }


def scenario(devices, rounds, data):
    fast = devices // 5
    return check(
        {
            "name": "job",
            "topology": str(HERE.parents[1] / "topologies" / "star.yaml"),
            "server": {"at": "server", "device": "server"},
            "fleet": [
                group("mid", devices - fast, "phone-mid", "4g"),
                group("high", fast, "phone-high", "wifi"),
            ],
            "data": data,
            "model": "softmax",
            "learner": {"name": "fedavg", "epochs": 1, "batch_size": 10, "step_size": 0.01},
            "protocol": {"name": "synchronous-rounds", "cohort": 100},
            "stop": {"rounds": rounds, "time": "5 d"},
            "evaluate": {"every_rounds": 10},
        },
        seed=1,
    )


def counted(spent_s, owner, name, part):
    """From now on, processor time inside this method counts as that of a part."""
    inside = getattr(owner, name)

    @wraps(inside)
    def outside(*arguments, **keywords):
        start_s = time.process_time()
        try:
            return inside(*arguments, **keywords)
        finally:
            spent_s[part] += time.process_time() - start_s

    setattr(owner, name, outside)


def plain_loop():
    """The numbers of 100 rounds, a device and a minibatch at a time: seconds, told from ten of them."""
    spec = importlib.util.spec_from_file_location("job_speed", HERE / "test_job_speed.py")
    job_speed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(job_speed)
    problem = job_speed.make_problem()
    with threadpool_limits(limits=1):
        return 10 * min(job_speed.processor_s(lambda: job_speed.looped(problem, 10)) for _ in range(3))


def megabytes():
    """The most that this process has held; ``getrusage`` would count what its parent held when it was started."""
    status = Path("/proc/self/status")
    if not status.exists():  # not Linux
        return 0.0
    return int(status.read_text(encoding="utf-8").split("VmHWM:")[1].split()[0]) / 1024


def job(rounds):
    spent_s = Counter()
    counted(spent_s, Sgd, "run", "numerics_s")
    counted(spent_s, RunMonitor, "evaluate", "evaluation_s")
    counted(spent_s, run, "build", "build_s")
    checked = scenario(1000, rounds, SYNTHETIC)
    start_s = time.process_time()
    result = run.simulate(checked)
    all_s = time.process_time() - start_s
    peak_mb = megabytes()
    quality = {"first": result.curve.objective.iloc[0], "last": result.curve.objective.iloc[-1]}
    return {"s": all_s, "mb": peak_mb, "loop_s": plain_loop(), **spent_s, **quality}


def timing(rounds, devices):
    checked = scenario(devices, rounds, COUNTS)
    start_s = time.process_time()
    result = run.simulate(checked)
    return {
        "s": time.process_time() - start_s,
        "rounds": result.summary.rounds,
        "mb": megabytes(),
    }


def shares(rounds):
    """Of own time, and calls of each device's part in a round; a profiler makes much of small calls."""
    profile = cProfile.Profile()
    checked = scenario(1000, rounds, SYNTHETIC)
    profile.runcall(run.simulate, checked)
    own_s, calls = Counter(), 0
    for (file, _, _), (_, count, spent_s, _, _) in pstats.Stats(profile).stats.items():
        layer = re.search(r"fedsim/(\w+)/", file)
        own_s[layer[1] if layer else "python and libraries"] += spent_s
        calls += count
    return {"calls": calls / (100 * rounds), **{layer: spent / own_s.total() for layer, spent in own_s.items()}}


if __name__ == "__main__":
    part, *numbers = sys.argv[1:]
    found = {"job": job, "timing": timing, "shares": shares}[part](*map(int, numbers))
    sys.stdout.write(json.dumps(found))
