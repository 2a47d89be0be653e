"""Rounds of one server as they are played: who was invited, who answered, who is late."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from fedsim.errors import DeviceDownError
from fedsim.protocols.arrivals import Arrivals
from fedsim.protocols.asking import Limits, Reply, along, ask, discard, told
from fedsim.protocols.foretold import Asks
from fedsim.protocols.node import DeviceNode
from fedsim.protocols.round_rules import RoundRules
from fedsim.protocols.section import Section
from fedsim.protocols.selection import Choose
from fedsim.protocols.session import CentralSession


@dataclass(kw_only=True)
class Rounds:
    """Rounds by some rules. Whoever asks, and is not waited for any more, is in ``late``, until it answers or fails."""

    rules: RoundRules
    session: CentralSession
    group: asyncio.TaskGroup
    choose: Choose
    free: npt.NDArray[np.bool_] | None = None
    late: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)
    came_late: list[Reply] = field(default_factory=list)

    @classmethod
    def of(cls, rules: RoundRules, session: CentralSession, group: asyncio.TaskGroup) -> "Rounds":
        """Before the first round. Where late answers count, whoever still works is not invited."""
        choose = rules.selection.begin(len(session.devices))
        if rules.late == "drop":
            return cls(rules=rules, session=session, group=group, choose=choose)
        free = np.ones(len(session.devices), dtype=np.bool_)
        idle = replace(session, devices=Section(session.devices, free))
        return cls(rules=rules, session=idle, group=group, choose=choose, free=free)

    async def play(self, number: int) -> list[Reply]:
        """One round; the replies that were combined, in order of arrival, none if it did not count."""
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        cohort: Sequence[DeviceNode] = ()
        replies: list[Reply] = []
        last: Reply | None = None
        closed_s, lost_to = math.inf, ""
        try:
            async with self.session.server.at_work():
                cohort = await self.choose(self.session, self.rules.invited, number)
                await self._collect(number, cohort, replies)
                closed_s = loop.time()
                last = replies[-1] if cohort and len(replies) >= min(self.rules.cohort, len(cohort)) else None
                replies[:0], self.came_late = self.came_late, []
                if len(replies) >= self.rules.quorum:
                    await self._combine(replies)
        except asyncio.CancelledError as error:
            cause = told(error, "stopped")
            self._lose(replies, cause)
            self.end(cause)
            raise
        except DeviceDownError as error:
            closed_s, lost_to, last = min(closed_s, loop.time()), error.cause, None
            replies[:0], self.came_late = self.came_late, []
        counted = not lost_to and len(replies) >= self.rules.quorum
        if not counted:
            self._lose(replies, lost_to or "quorum")
        closed_by = last.device.name if last else lost_to or ("deadline" if self.rules.deadline_s else "failures")
        self.session.record(
            "round",
            subject=self.session.server.name,
            round=number,
            seconds=loop.time() - start_s,
            invited=len(cohort),
            answers=len(replies),
            counted=counted,
            closed_by=closed_by,
            **along(last, loop.time() - closed_s),
            **({} if self.rules.grace_s is None else {"grace_s": self.rules.grace_s}),
        )
        return replies if counted else []

    def end(self, cause: str) -> None:
        """Nobody waits for late answers any more."""
        for task in self.late.values():
            task.cancel(cause)
        self._lose(self.came_late, cause)
        self.came_late = []

    def _lose(self, replies: Sequence[Reply], cause: str) -> None:
        """These do not count, nor does what devices whose answers were late have gone on to from there."""
        discard(replies, cause)
        for index in dict.fromkeys(reply.device.index for reply in replies):
            self.session.training.distrust(index)
            if index in self.late:
                self.late[index].cancel(cause)

    async def _combine(self, replies: list[Reply]) -> None:
        training = self.session.training
        await self.session.server.compute(training.learner.aggregate_flops(training.problem, len(replies)))
        training.absorb([reply.answer for reply in replies])

    async def _collect(self, number: int, cohort: Sequence[DeviceNode], replies: list[Reply]) -> None:
        """Ask all of the cohort; ``replies`` takes those that came before the round closed, in order of arrival."""
        if not cohort:
            await self._pass()
            return
        goal = min(self.rules.cohort, len(cohort))
        arrivals = Arrivals(replies, goal=goal, asked=len(cohort), stays=bool(self.rules.deadline_s))
        limits = self._limits(asyncio.get_running_loop().time())

        def ask(device: DeviceNode) -> "asyncio.Task[None]":
            return self.group.create_task(self._ask(number, device, limits, arrivals), name=device.name)

        asks = Asks(self.session, number, limits, ask=ask, answered=arrivals.put)
        asks.begin(cohort)
        cause = "surplus"
        try:
            async with asyncio.timeout(self.rules.closes_s):
                await arrivals.enough()
        except TimeoutError:
            cause = "late"
        except asyncio.CancelledError as error:
            cause = told(error, "stopped") if self.session.server.is_there() else "server"
            raise
        finally:
            await self._close(asks.unfinished(cohort), cause)

    async def _close(self, asks: "dict[int, asyncio.Task[None]]", cause: str) -> None:
        """Those that have not answered go on where late answers count; else they stop, and have stopped."""
        if self.free is not None and cause in {"surplus", "late"}:
            self.late |= asks
            return
        for task in asks.values():
            task.cancel(cause)
        if asks:
            await asyncio.wait(asks.values())

    async def _ask(self, number: int, device: DeviceNode, limits: Limits, arrivals: Arrivals) -> None:
        """One device's part of a round; cancelled when the round closes without it, or late."""
        if self.free is not None:
            self.free[device.index] = False
        try:
            reply = await ask(self.session, number, device, limits)
        finally:
            is_late = self.late.pop(device.index, None) is not None
            if self.free is not None:
                self.free[device.index] = True
        if not is_late:
            arrivals.put(reply)
        elif reply is not None:
            self.came_late.append(reply)
            self.session.training.trust(reply.answer)

    def _limits(self, now_s: float) -> Limits:
        rules = self.rules
        cut = rules.grace_s is not None and rules.deadline_s is not None
        return Limits(
            work_time_s=rules.work_time_s,
            effort=rules.effort,
            until_s=now_s + (rules.deadline_s or 0.0) if cut else None,
            outlives_server=self.free is not None,
        )

    async def _pass(self) -> None:
        """There is nobody to invite: until the deadline, or a pause, or a late answer."""
        patience_s = self.rules.closes_s or self.rules.pause_s
        if self.late:
            await asyncio.wait(self.late.values(), timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(patience_s)
