"""Finish times of SimGrid, task by task, with its platforms as topologies: ``flows_*.json``, format flowcase-1."""

import asyncio
from itertools import pairwise

import networkx as nx
import pytest

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


class Platform:
    """Runs the tasks of a case: flows over the network, computations on links of their own."""

    def __init__(self, case, transport):
        self.sim = Simulation(seed=1)
        self.network = Network(self.sim, topology(case), transport=transport)
        self.hosts = SharedLinks(self.sim)
        self.host = {host["id"]: self.hosts.add_link(8 * host["speed"]) for host in case["hosts"]}
        self.done = {task["id"]: asyncio.Event() for task in case["tasks"]}
        self.finished_s = {}

    async def run(self, tasks):
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(self.perform(task))

    async def perform(self, task):
        for earlier in task.get("after", ()):
            await self.done[earlier].wait()
        await asyncio.sleep(max(0, task.get("not_before", 0) - self.sim.now))
        if task["kind"] == "flow":
            await self.network.transfer(task["src"], task["dst"], task["size"])
        elif task["kind"] == "exec":
            await self.hosts.move(self.hosts.flow(task["flops"]), [self.host[task["host"]]])
        self.finished_s[task["id"]] = self.sim.now
        self.done[task["id"]].set()


@pytest.mark.parametrize("model", TRANSPORTS)
@pytest.mark.parametrize("name", FILES)
def test_every_task_finishes_when_simgrid_says(oracle, name, model):
    for case in oracle(f"flows_{name}")["cases"]:
        platform = Platform(case, TRANSPORTS[model])
        platform.sim.run(platform.run(case["tasks"]))
        assert platform.finished_s == pytest.approx(case["expected"][model], rel=1e-9, abs=0), case["name"]
