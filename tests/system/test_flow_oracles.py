"""Finish times of SimGrid's models, task by task: ``flows_*.json``, format flowcase-1."""

import json
import math
from pathlib import Path

import pytest
from flow_cases import Hosts, finished_s

from fedsim.kernel import Simulation
from fedsim.system.links import SharedLinks

ORACLES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "oracles"
FILES = ("one_link", "parking_lot", "shared", "star", "tree", "handover")


def cases():
    for name in FILES:
        path = ORACLES / f"flows_{name}.json"
        if not path.exists():
            reason = "needs shared/data/oracles beside the checkout"
            yield pytest.param(None, None, marks=pytest.mark.skip(reason=reason), id=name)
            continue
        for case in json.loads(path.read_text())["cases"]:
            for model in case["expected"]:
                yield pytest.param(case, model, id=f"{case['name']}-{model}")


class Steps:
    """A flowcase's profile of a link, as a capacity."""

    def __init__(self, profile):
        self.profile = [*profile, (math.inf, None)]

    def at(self, time_s):
        step = max(n for n, (from_s, _) in enumerate(self.profile) if from_s <= time_s)
        return 8 * self.profile[step][1], self.profile[step + 1][0]


class Platform:
    """The links of a flowcase."""

    def __init__(self, links, case):
        self.links = links
        self.link = {link["id"]: self.links.add_link(self.capacity(link)) for link in case["links"]}
        self.latency_s = {link["id"]: link["latency"] for link in case["links"]}
        self.bandwidth = {link["id"]: link["bandwidth"] for link in case["links"]}
        self.back = case["back"]

    def capacity(self, link):
        return Steps(link["profile"]) if "profile" in link else 8 * link["bandwidth"]

    async def flow(self, task):
        delay_s = sum(self.latency_s[link] for link in task["route"])
        await self.links.move(self.links.flow(task["size"]), [self.link[link] for link in task["route"]], delay_s)


class Lv08Platform(Platform):
    """Flows as SimGrid's TCP model of 2008 has them: the five differences of the oracles' README."""

    async def flow(self, task):
        latency_s = sum(self.latency_s[link] for link in task["route"])
        weight = 1 / (latency_s + sum(20537 / self.bandwidth[link] for link in task["route"]))
        flow = self.links.flow(task["size"] / 0.97, cap_bps=8 * 4194304 / (2 * latency_s), weight=weight)
        route, back = ([self.link[link] for link in way] for way in (task["route"], self.back[way_of(task)]))
        await self.links.move(flow, route, 13.01 * latency_s, back, 0.05)


def way_of(task):
    return f"{task['src']}->{task['dst']}"


PLATFORMS = {"maxmin": Platform, "lv08": Lv08Platform}


@pytest.mark.parametrize(("case", "model"), list(cases()))
def test_every_task_finishes_when_simgrid_says(case, model):
    sim = Simulation(seed=1)
    links = SharedLinks(sim)
    found = finished_s(sim, case, flow=PLATFORMS[model](links, case).flow, compute=Hosts(links, case).compute)
    expected = case["expected"][model]
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, rel=1e-9, abs=0)
    assert sim.now == pytest.approx(case["makespan"][model], rel=1e-9)
