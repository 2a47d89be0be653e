"""Hierarchical rounds: edge servers combine the answers of their own devices, then the cloud merges the edges.

Liu, Zhang, Song and Letaief, "Client-edge-cloud hierarchical federated learning", ICC 2020, Algorithm 1 (HierFAVG).
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fedsim.errors import DeviceDownError, FedsimError, MessageFailedError
from fedsim.learners.learner import MergingLearner
from fedsim.learners.training import Harvest
from fedsim.protocols.asking import Reply, discard, told
from fedsim.protocols.fit import check_fit
from fedsim.protocols.node import ServerNode
from fedsim.protocols.round_rules import RoundRules
from fedsim.protocols.rounds import Rounds
from fedsim.protocols.section import Section
from fedsim.protocols.selection import Choose
from fedsim.protocols.session import CentralSession


@dataclass(frozen=True, kw_only=True)
class HierarchicalRounds:
    """Every edge server plays ``edge_rounds`` synchronous rounds with its own devices, then the cloud merges.

    The rules in ``edge`` are each edge's: ``cohort`` devices of its own, its deadline, and so on. An edge server that
    goes loses the round that it was in, and waits for nobody but itself. The cloud merges those that are back by
    ``cloud_deadline_s``, at least ``edge_quorum`` of them; without a deadline it waits for all that have not failed.
    What the cloud did not merge counts for nobody.
    """

    edge: RoundRules
    """The rules of the rounds that each edge server plays with its own devices."""
    edge_rounds: int = 1
    """Rounds of every edge server between two merges by the cloud; >= 1."""
    edge_quorum: int = 1
    """Edge servers without which the cloud does not merge; >= 1."""
    cloud_deadline_s: float | None = None
    """How long the cloud waits for edge servers; null waits for all that have not failed."""

    def __post_init__(self) -> None:
        for name, count in (("edge_rounds", self.edge_rounds), ("edge_quorum", self.edge_quorum)):
            if not count >= 1:
                raise ValueError(f"{name} must be >= 1, got {count!r}")
        if self.cloud_deadline_s is not None and not 0 < self.cloud_deadline_s < math.inf:
            raise ValueError(f"cloud_deadline must be > 0 and finite, got {self.cloud_deadline_s!r}")
        if self.edge.late != "drop":
            raise ValueError(f"late must be 'drop': edges begin anew from the cloud's model, got {self.edge.late!r}")

    @property
    def merges_edges(self) -> bool:
        """It needs a learner that can."""
        return True

    async def run(self, session: CentralSession) -> None:
        """Rounds of the cloud until the monitor has enough, or nobody is left.

        Raises:
            FedsimError: there are no edge servers, fewer than the quorum, or the learner cannot merge.
        """
        check_fit(self, session.training.learner, session.devices.eligible)
        if session.edge_of is None or len(session.edges) < self.edge_quorum:
            raise FedsimError(f"edge_quorum is {self.edge_quorum}, and there are {len(session.edges)} edge servers")
        async with asyncio.TaskGroup() as group:
            cloud = _Cloud(rules=self, session=session, group=group)
            number = 0
            while not session.monitor.is_done():
                number += 1
                await session.server.back()
                if not await cloud.play(number):
                    session.monitor.stop("too few devices are left")
                    break
                session.monitor.round_ended(number)


@dataclass(kw_only=True)
class _Edge:
    """One edge server: its devices, and how it chooses among them."""

    server: ServerNode
    devices: Section
    choose: Choose
    is_alone: bool = False


@dataclass(kw_only=True)
class _Load:
    """What one edge server brings to the cloud."""

    edge: _Edge
    harvest: Harvest
    replies: Sequence[Reply]
    arrived_s: float


@dataclass(kw_only=True)
class _Cloud:
    """The cloud server's rounds."""

    rules: HierarchicalRounds
    session: CentralSession
    group: asyncio.TaskGroup
    edges: list[_Edge] = field(default_factory=list)

    def __post_init__(self) -> None:
        session, selection = self.session, self.rules.edge.selection
        for number, server in enumerate(session.edges):
            own = Section(session.devices, np.asarray(session.edge_of) == number)
            self.edges.append(_Edge(server=server, devices=own, choose=selection.begin(len(session.devices))))

    async def play(self, number: int) -> bool:
        """One round; False if no edge has devices, or ever will have."""
        loop = asyncio.get_running_loop()
        start_s, closed_s, lost_to = loop.time(), math.inf, ""
        loads: list[_Load] = []
        why = ""
        try:
            async with self.session.server.at_work():
                why = await self._collect(number, loads)
                closed_s = loop.time()
                if len(loads) >= self.rules.edge_quorum:
                    await self._merge(loads)
        except asyncio.CancelledError:
            _lose(loads, "stopped")
            raise
        except DeviceDownError as error:
            closed_s, lost_to = min(closed_s, loop.time()), error.cause
        counted = not lost_to and len(loads) >= self.rules.edge_quorum
        if not counted:
            _lose(loads, lost_to or "quorum")
        self.session.record(
            "merged",
            subject=self.session.server.name,
            round=number,
            seconds=loop.time() - start_s,
            edges=len(loads),
            answers=sum(len(load.replies) for load in loads),
            counted=counted,
            waited_for=loads[-1].edge.server.name if loads else "",
            closed_by=lost_to or why,
            server_s=loop.time() - closed_s,
        )
        return not all(edge.is_alone for edge in self.edges)

    async def _collect(self, number: int, loads: list[_Load]) -> str:
        """Let all edges work; ``loads`` takes what comes by the deadline, in order of arrival.

        Returns what the cloud waited for last: an edge server, its deadline, or edge servers that failed.
        """
        tasks = {self.group.create_task(self._work(edge, number, loads), name=edge.server.name) for edge in self.edges}
        cause = "late"
        try:
            await asyncio.wait(tasks, timeout=self.rules.cloud_deadline_s)
            closes_s = asyncio.get_running_loop().time()
        except asyncio.CancelledError:
            cause = "stopped" if self.session.server.is_there() else "server"
            raise
        finally:
            if waiting := [task for task in tasks if not task.done()]:
                for task in waiting:
                    task.cancel(cause)
                await asyncio.wait(waiting)
        if waiting:
            return "deadline"
        return loads[-1].edge.server.name if loads and loads[-1].arrived_s == closes_s else "failures"

    async def _work(self, edge: _Edge, number: int, loads: list[_Load]) -> None:
        """One edge's part: it gets the cloud's state, plays its rounds, and brings back its own."""
        replies: list[Reply] = []
        try:
            load = await self._serve(edge, number, replies)
        except (DeviceDownError, MessageFailedError) as error:
            discard(replies, error.cause)
        except asyncio.CancelledError as error:
            discard(replies, told(error, "stopped"))
            raise
        else:
            loads += [load] if load else []

    async def _serve(self, edge: _Edge, number: int, replies: list[Reply]) -> _Load | None:
        training, rules = self.session.training, self.rules
        branch = training.branch()
        await self._hand_over(self.session.server, edge.server)
        session = replace(self.session, devices=edge.devices, server=edge.server, training=branch)
        rounds = Rounds(rules=rules.edge, session=session, group=self.group, choose=edge.choose)
        examples = []
        for turn in range(rules.edge_rounds):
            await edge.server.back()
            edge.is_alone = not await edge.devices.gathered(rules.edge.quorum)
            if edge.is_alone:
                break
            kept = await rounds.play((number - 1) * rules.edge_rounds + turn + 1)
            if kept:
                replies += kept
                examples.append(sum(int(training.problem.sizes[reply.device.index]) for reply in kept))
        if not replies:
            return None
        await self._hand_over(edge.server, self.session.server)
        harvest = Harvest(
            branch=branch,
            devices=frozenset(reply.device.index for reply in replies),
            examples=sum(examples) / len(examples),
        )
        return _Load(edge=edge, harvest=harvest, replies=replies, arrived_s=asyncio.get_running_loop().time())

    async def _hand_over(self, source: ServerNode, target: ServerNode) -> None:
        """Bring a state from one server to another; again from the start when one of them went meanwhile.

        Raises:
            MessageFailedError: it was lost, or there is no way.
            DeviceDownError: one of them is gone for good.
        """
        learner = self.session.training.learner
        size_bytes = learner.state_bytes(self.session.training.problem) if isinstance(learner, MergingLearner) else 0
        while True:
            await source.back()
            await target.back()
            try:
                async with source.at_work():
                    delivery = await source.send(target, size_bytes)
            except DeviceDownError as error:
                self.session.record("failed", subject=source.name, peer=target.name, cause=error.cause)
            else:
                names = {"subject": source.name, "peer": target.name}
                self.session.record("handed", **names, move_s=delivery.move_s, **delivery.parts)
                return

    async def _merge(self, loads: Sequence[_Load]) -> None:
        training = self.session.training
        if isinstance(training.learner, MergingLearner):
            await self.session.server.compute(training.learner.merge_flops(training.problem, len(loads)))
        training.merge([load.harvest for load in loads])


def _lose(loads: Sequence[_Load], cause: str) -> None:
    for load in loads:
        discard(load.replies, cause)
