"""Runs the graph of tasks of a case of the reference data: ``flows_*.json``, format flowcase-1."""

import asyncio


class FlowCase:
    """Tasks that wait for each other; ``flow`` and ``compute`` are coroutine functions that do one of their kind."""

    def __init__(self, sim, case, *, flow, compute):
        self.sim = sim
        self.tasks = case["tasks"]
        self.done = {task["id"]: asyncio.Event() for task in self.tasks}
        self.finished_s = {}
        self.kinds = {"flow": flow, "exec": compute, "barrier": nothing}

    async def run(self):
        async with asyncio.TaskGroup() as group:
            for task in self.tasks:
                group.create_task(self.perform(task))

    async def perform(self, task):
        for earlier in task.get("after", ()):
            await self.done[earlier].wait()
        await asyncio.sleep(max(0, task.get("not_before", 0) - self.sim.now))
        await self.kinds[task["kind"]](task)
        self.finished_s[task["id"]] = self.sim.now
        self.done[task["id"]].set()


async def nothing(task):
    """A barrier takes no time."""


def finished_s(sim, case, *, flow, compute):
    """When each task of a case is done."""
    there = FlowCase(sim, case, flow=flow, compute=compute)
    sim.run(there.run())
    return there.finished_s


class Hosts:
    """Hosts are links whose capacity their computations share."""

    def __init__(self, links, case):
        self.links = links
        self.link = {host["id"]: links.add_link(8 * host["speed"]) for host in case["hosts"]}

    async def compute(self, task):
        await self.links.move(self.links.flow(task["flops"]), [self.link[task["host"]]])
