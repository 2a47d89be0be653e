"""Where the overlay changes by the round, a message shares access links with those of its own round."""

import pytest

from fedsim.kernel import Simulation
from fedsim.report.overlay_summary import changing_pace_s
from fedsim.scenario import check
from fedsim.study.run import play

ROUNDS = 12


def scenario(overlay, overlaps):
    """Eight silos of different speeds around a router; a model of 6 kB takes 49 ms on a link of 1 Mbit/s alone."""
    return check(
        {
            "name": "drawn",
            "topology": {"name": "one", "nodes": {"core": {"kind": "router"}}, "links": []},
            "network": {"transport": "ideal", "sharing": "equal-split"},
            "fleet": [
                {
                    "name": "silo",
                    "count": 8,
                    "device": "laptop",
                    "speed": {"lognormal": {"median": "1 GFLOP/s", "sigma": 0.5}},
                    "link": "ethernet",
                    "at": "core",
                    "up": "1 Mbit/s",
                    "down": "1 Mbit/s",
                }
            ],
            "data": {"name": "counts", "examples": 50, "features": 152, "classes": 10},
            "model": "softmax",
            "learner": {"name": "d-psgd", "epochs": 1, "batch_size": 10, "step_size": 0.1, "overlaps": overlaps},
            "protocol": {
                "name": "synchronous-gossip",
                "overlay": overlay,
                "mixing": "overlay-weights" if overlay["name"] == "matcha" else "metropolis",
                "in_flight": 9,
                "patience": None,
            },
            "stop": {"rounds": ROUNDS},
        }
    )


@pytest.mark.parametrize("overlaps", [False, True])
@pytest.mark.parametrize(
    "overlay",
    [
        {"name": "matcha", "base": "complete", "budget": 0.5, "seed": 3},
        {"name": "matcha", "base": "ring", "budget": 0.8, "seed": 3},
        {"name": "random-matchings"},
    ],
    ids=["half a clique", "most of a ring", "matchings"],
)
def test_rounds_are_as_long_as_the_graphs_of_the_rounds_say(overlay, overlaps):
    """The end of the last peer's last round by equation 4, over the very graphs that were drawn."""
    wanted, sim = scenario(overlay, overlaps), Simulation(seed=1)
    world, _ = play(wanted, sim)
    peers = world.peers()
    graphs = [wanted.protocol.value.overlay.graph_of(peers, number) for number in range(1, ROUNDS + 1)]
    mixed = sim.events.frame("mixed")
    ends_s = mixed.groupby("round")["time_s"].max()
    for number in (1, 2, 5):
        predicted_s = number * changing_pace_s(peers.reach, graphs[:number], overlaps=overlaps)
        assert ends_s[number] == pytest.approx(predicted_s, rel=1e-9)
