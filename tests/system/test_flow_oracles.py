"""Finish times of SimGrid's max-min model, task by task: ``flows_*.json``, format flowcase-1."""

import asyncio
import json
from pathlib import Path

import pytest

from fedsim.kernel import Simulation
from fedsim.system.links import SharedLinks

ORACLES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "oracles"
FILES = ("one_link", "parking_lot", "shared", "star", "tree", "handover")


def cases():
    for name in FILES:
        path = ORACLES / f"flows_{name}.json"
        if not path.exists():
            reason = "needs shared/data/oracles beside the checkout"
            yield pytest.param(None, marks=pytest.mark.skip(reason=reason), id=name)
            continue
        for case in json.loads(path.read_text())["cases"]:
            yield pytest.param(case, id=case["name"])


class Platform:
    """A flowcase on fedsim: links are links, and a host is a link whose capacity its computations share."""

    def __init__(self, sim, case):
        self.sim = sim
        self.links = SharedLinks(sim)
        self.link = {link["id"]: self.links.add_link(8 * link["bandwidth"]) for link in case["links"]}
        self.latency_s = {link["id"]: link["latency"] for link in case["links"]}
        self.host = {host["id"]: self.links.add_link(8 * host["speed"]) for host in case["hosts"]}
        self.profiles = {link["id"]: link["profile"] for link in case["links"] if "profile" in link}
        self.done = {task["id"]: asyncio.Event() for task in case["tasks"]}
        self.finished_s = {}

    async def run(self, tasks):
        async with asyncio.TaskGroup() as group:
            for link, profile in self.profiles.items():
                group.create_task(self.follow(link, profile))
            for task in tasks:
                group.create_task(self.perform(task))

    async def follow(self, link, profile):
        for at_s, bandwidth in profile:
            await asyncio.sleep(at_s - self.sim.now)
            self.links.set_capacity(self.link[link], 8 * bandwidth)

    async def perform(self, task):
        for earlier in task.get("after", ()):
            await self.done[earlier].wait()
        await asyncio.sleep(max(0, task.get("not_before", 0) - self.sim.now))
        await getattr(self, task["kind"])(task)
        self.finished_s[task["id"]] = self.sim.now
        self.done[task["id"]].set()

    async def flow(self, task):
        delay_s = sum(self.latency_s[link] for link in task["route"])
        await self.links.move(self.links.flow(task["size"]), [self.link[link] for link in task["route"]], delay_s)

    async def exec(self, task):
        await self.links.move(self.links.flow(task["flops"]), [self.host[task["host"]]])

    async def barrier(self, task):
        pass


@pytest.mark.parametrize("case", list(cases()))
def test_every_task_finishes_when_simgrid_says(case):
    sim = Simulation(seed=1)
    platform = Platform(sim, case)
    sim.run(platform.run(case["tasks"]))
    expected = case["expected"]["maxmin"]
    assert platform.finished_s.keys() == expected.keys()
    assert platform.finished_s == pytest.approx(expected, rel=1e-9, abs=0)
    assert sim.now == pytest.approx(case["makespan"]["maxmin"], rel=1e-9)
