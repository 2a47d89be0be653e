"""One run of ``test_gossip_speed.py``, in a process of its own: what it took, as JSON.

python tests/benchmarks/many_peers.py PEERS ROUNDS [SHARING [LINK]]
"""

import json
import resource
import sys
import time

from fedsim.kernel import Simulation
from fedsim.scenario import check
from fedsim.study.run import play

DEGREE = 10


def scenario(peers, rounds, sharing="equal-split", link="ethernet"):
    """Laptops at one router, each with 100 examples of 60 features in 10 classes to train on, and 25 to test."""
    group = {
        "name": "peers",
        "count": peers,
        "device": "laptop",
        "speed": {"lognormal": {"median": "80 GFLOP/s", "sigma": 0.2}},
        "link": link,
        "at": "core",
    }
    return check(
        {
            "name": "many",
            "fleet": [group],
            "topology": {"name": "one", "nodes": {"core": {"kind": "router"}}, "links": []},
            "network": {"transport": "ideal", "sharing": sharing},
            "data": {"name": "synthetic", "least": 125, "most": 125, "train_share": 0.8},
            "model": "softmax",
            "learner": {"name": "d-psgd", "epochs": 1, "batch_size": 10, "step_size": 0.03},
            "protocol": {
                "name": "synchronous-gossip",
                "overlay": {"name": "k-regular", "neighbours": DEGREE},
                "mixing": "metropolis",
            },
            "evaluate": {"every_rounds": 10},
            "stop": {"rounds": rounds},
        }
    )


def gossip(peers, rounds, sharing="equal-split", link="ethernet"):
    """What it took: processor time, memory, and what came of it."""
    wanted, sim = scenario(peers, rounds, sharing, link), Simulation(seed=1)
    began_s = time.process_time()
    _, monitor = play(wanted, sim)
    took_s = time.process_time() - began_s
    messages = DEGREE * peers * rounds
    return {
        "s": took_s,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
        "messages": messages,
        "us_per_message": 1e6 * took_s / messages,
        "simulated_s": sim.now,
        "accuracy": [monitor.points[0].accuracy, monitor.points[-1].accuracy],
    }


if __name__ == "__main__":
    peers, rounds, *words = sys.argv[1:]
    sys.stdout.write(json.dumps(gossip(int(peers), int(rounds), *words)) + "\n")
