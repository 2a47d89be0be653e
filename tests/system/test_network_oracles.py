"""Finish times of SimGrid, task by task, with its platforms as topologies: ``flows_*.json``, format flowcase-1."""

from itertools import pairwise

import networkx as nx
import pytest
from flow_cases import Hosts, finished_s

from fedsim.kernel import Simulation
from fedsim.system.ideal import Ideal
from fedsim.system.links import SharedLinks
from fedsim.system.lv08 import Lv08
from fedsim.system.network import Network
from fedsim.system.topology import Topology

FILES = ("one_link", "shared", "parking_lot", "star", "tree")
TRANSPORTS = {"maxmin": Ideal(), "lv08": Lv08()}


class Joints:
    """Which ends of links, and which hosts, are one place: union and find."""

    def __init__(self):
        self.parent = {}

    def find(self, end):
        while self.parent.setdefault(end, end) != end:
            end = self.parent[end]
        return end

    def join(self, end, other):
        self.parent[self.find(end)] = self.find(other)


def topology(case):
    """The graph in which every flow's route, and its way back, follow from one link to the next."""
    joints = Joints()
    for task in case["tasks"]:
        if task["kind"] == "flow":
            for source, target, route in (
                (task["src"], task["dst"], task["route"]),
                (task["dst"], task["src"], case["back"][f"{task['src']}->{task['dst']}"]),
            ):
                for one, other in pairwise([("host", source), *(("link", link) for link in route), ("host", target)]):
                    joints.join((one, "end"), (other, "start"))
    for host in case["hosts"]:
        joints.join((("host", host["id"]), "start"), (("host", host["id"]), "end"))
    graph = nx.DiGraph()
    name = {}
    for host in case["hosts"]:
        name[joints.find((("host", host["id"]), "start"))] = host["id"]
    for link in case["links"]:
        ends = [joints.find((("link", link["id"]), end)) for end in ("start", "end")]
        ends = [name.setdefault(end, f"joint {len(name)}") for end in ends]
        graph.add_edge(*ends, capacity_bps=8 * link["bandwidth"], delay_s=link["latency"], duplex="full")
    nx.set_node_attributes(graph, "router", "kind")
    assert graph.number_of_edges() == len(case["links"])
    return Topology(case["name"], graph)


@pytest.mark.parametrize("model", TRANSPORTS)
@pytest.mark.parametrize("name", FILES)
def test_every_task_finishes_when_simgrid_says(oracle, name, model):
    for case in oracle(f"flows_{name}")["cases"]:
        sim = Simulation(seed=1)
        network = Network(sim, topology(case), transport=TRANSPORTS[model])

        async def flow(task, network=network):
            await network.transfer(task["src"], task["dst"], task["size"])

        found = finished_s(sim, case, flow=flow, compute=Hosts(SharedLinks(sim), case).compute)
        assert found == pytest.approx(case["expected"][model], rel=1e-9, abs=0), case["name"]
