"""A run of four devices, one line an event: what changes here changes what people see.

To accept a change: ``python tests/study/test_golden.py``, and read the difference in review.
"""

from pathlib import Path

from fedsim.kernel import Simulation
from fedsim.scenario import load
from fedsim.study.run import play

GOLDEN = Path(__file__).parent / "golden"


def transcript():
    scenario = load(GOLDEN / "four_devices.yaml")
    sim = Simulation(seed=scenario.seed)
    play(scenario, sim)
    return sim.events.transcript()


def test_four_devices_live_the_same_life_every_time():
    assert transcript() == (GOLDEN / "four_devices.txt").read_text()


if __name__ == "__main__":
    (GOLDEN / "four_devices.txt").write_text(transcript())
