"""What overlays are told about the devices of a scenario."""

from collections.abc import Callable, Sequence

import numpy as np

from fedsim.kernel import Simulation
from fedsim.learners.training import CentralTraining, GossipTraining
from fedsim.protocols.cost import cost
from fedsim.protocols.node import DeviceNode
from fedsim.scenario.schema import Scenario
from fedsim.system.fleet import Fleet
from fedsim.system.peers import Peers
from fedsim.system.process import Array
from fedsim.system.reach import Reach

Training = CentralTraining | GossipTraining


def make_peers(
    scenario: Scenario, sim: Simulation, fleet: Fleet, training: Training, compute: Callable[[], Array]
) -> Peers:
    """All devices, where and how they are attached, and how large a message is; ``compute``: see ``Reach``."""
    reach = Reach(
        topology=scenario.topology,
        places=[fleet.node(index) for index in range(len(fleet))],
        up_bps=fleet.up_bps,
        down_bps=fleet.down_bps,
        access_s=fleet.rtt_s / 2,
        compute=compute,
        message_bytes=float(training.learner.up_bytes(training.problem)),
        metric=scenario.network.routes,
    )
    return Peers(names=[fleet.name(index) for index in range(len(fleet))], streams=sim.rng, reach=reach)


def nominal_s(training: Training, devices: Sequence[DeviceNode]) -> Array:
    """Seconds of a full round's local work on each device, if nothing interferes: (n,)."""
    return np.array(
        [cost(training, index, training.costs[index].steps).seconds(device) for index, device in enumerate(devices)]
    )
