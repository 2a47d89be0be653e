"""Synchronous rounds: invite a cohort, wait for enough answers or the deadline, combine, repeat.

Bonawitz et al., "Towards federated learning at scale: system design", SysML 2019, section 2: the server invites
more devices than it needs (over-selection), closes the round when it has enough answers or at a deadline, and
throws the rest away.
"""

import asyncio
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from fedsim.errors import DeviceDownError, FedsimError, JobRefusedError, MessageFailedError
from fedsim.learners.workbench import Answer
from fedsim.protocols.carry import carry
from fedsim.protocols.cost import cost
from fedsim.protocols.node import Delivery, DeviceNode, Stint, under_way
from fedsim.protocols.session import CentralSession


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """One device's answer, and where its time went."""

    device: DeviceNode
    answer: Answer
    stint: Stint
    down: Delivery
    compute_s: float
    up: Delivery


@dataclass(frozen=True, kw_only=True)
class SynchronousRounds:
    """Rounds of ``cohort`` answers from ``cohort * over_selection`` invited devices, uniformly among those there.

    A round that has fewer than ``quorum`` answers at its deadline is abandoned. Devices that fail do so silently:
    the server notices at the deadline, or at once where there is no deadline. ``work_time_s`` is the longest that
    a device may compute in a round: slower devices do fewer steps. It needs a learner that takes partial work.
    """

    cohort: int
    over_selection: float = 1.0
    deadline_s: float | None = None
    quorum: int = 1
    work_time_s: float | None = None

    def __post_init__(self) -> None:
        if not self.cohort >= 1:
            raise ValueError(f"cohort must be >= 1, got {self.cohort!r}")
        if not 1 <= self.over_selection < math.inf:
            raise ValueError(f"over_selection must be >= 1 and finite, got {self.over_selection!r}")
        if not 1 <= self.quorum <= self.cohort:
            raise ValueError(f"quorum must be between 1 and cohort ({self.cohort}), got {self.quorum!r}")
        for name, value in (("deadline", self.deadline_s), ("work_time", self.work_time_s)):
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be > 0 and finite, got {value!r}")

    async def run(self, session: CentralSession) -> None:
        """Rounds until the monitor has enough, or nobody is left.

        Raises:
            FedsimError: if ``work_time_s`` is set and the learner takes only whole work.
        """
        learner = session.training.learner
        if self.work_time_s is not None and not learner.takes_partial_work:
            raise FedsimError(f"work_time cuts local work short, and {type(learner).__name__} takes only whole work")
        number = 0
        while not session.monitor.is_done():
            number += 1
            await session.server.back()
            if not await session.devices.gathered(self.quorum):
                session.monitor.stop("too few devices are left")
                return
            await self._round(session, number, session.devices.choose(self._invited, number))
            session.monitor.round_ended(number)

    @property
    def _invited(self) -> int:
        return math.ceil(round(self.cohort * self.over_selection, 9))  # 10 * 1.1 is 11 devices, not 12

    async def _round(self, session: CentralSession, number: int, cohort: Sequence[DeviceNode]) -> None:
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        replies: list[Reply] = []
        closed_s, lost_to = math.inf, ""
        try:
            async with session.server.at_work():
                await self._collect(session, number, cohort, replies)
                closed_s = loop.time()
                if len(replies) >= self.quorum:
                    await self._combine(session, replies)
        except asyncio.CancelledError:
            _discard(replies, "stopped")
            raise
        except DeviceDownError as error:
            closed_s, lost_to = min(closed_s, loop.time()), error.cause
        if lost_to or len(replies) < self.quorum:
            _discard(replies, lost_to or "quorum")
        self._record_round(session, number, cohort, replies, seconds=(start_s, closed_s, loop.time()), lost_to=lost_to)

    async def _combine(self, session: CentralSession, replies: list[Reply]) -> None:
        learner, problem = session.training.learner, session.training.problem
        await session.server.compute(learner.aggregate_flops(problem, len(replies)))
        session.training.absorb([reply.answer for reply in replies])

    async def _collect(
        self, session: CentralSession, number: int, cohort: Sequence[DeviceNode], replies: list[Reply]
    ) -> None:
        """Ask all of the cohort; ``replies`` takes those that came before the round closed, in order of arrival."""
        goal = min(self.cohort, len(cohort))
        arrivals: asyncio.Queue[Reply | None] = asyncio.Queue()
        failures = 0
        cause = "surplus"
        async with asyncio.TaskGroup() as group:
            asks = [group.create_task(self._ask(session, number, device, arrivals)) for device in cohort]
            try:
                async with asyncio.timeout(self.deadline_s):
                    # With a deadline, a server that lacks answers waits on: failed devices do not call.
                    while len(replies) < goal and (self.deadline_s or len(replies) + failures < len(cohort)):
                        reply = await arrivals.get()
                        if reply is None:
                            failures += 1
                        else:
                            replies.append(reply)
            except TimeoutError:
                cause = "late"
            except asyncio.CancelledError:
                for ask in asks:
                    ask.cancel("stopped" if session.server.is_there() else "server")
                raise
            finally:
                while not arrivals.empty():
                    if (reply := arrivals.get_nowait()) is not None:
                        replies.append(reply)
            for ask in asks:
                ask.cancel(cause)

    async def _ask(
        self, session: CentralSession, number: int, device: DeviceNode, arrivals: asyncio.Queue[Reply | None]
    ) -> None:
        """One device's part of a round; cancelled when it goes, or when the round closes without it."""
        try:
            async with device.at_work() as stint:
                reply = await self._serve(session, number, device, stint)
        except (DeviceDownError, MessageFailedError, JobRefusedError):
            arrivals.put_nowait(None)
        else:
            arrivals.put_nowait(reply)

    async def _serve(self, session: CentralSession, number: int, device: DeviceNode, stint: Stint) -> Reply:
        training = session.training
        learner, problem = training.learner, training.problem
        message, version = training.broadcast(device.index), training.version
        down = await carry(session.server, device, learner.down_bytes(problem))
        for cause, wasted_bytes in down.wasted.items():
            stint.lose(cause, received_bytes=wasted_bytes)
        session.record("received", subject=device.name, round=number, move_s=down.move_s, **down.parts)

        steps = self._granted(session, device)
        began_s = asyncio.get_running_loop().time()
        ticket = training.begin(device.index, message, steps, (device.name, number), version)
        try:
            await cost(training, device.index, steps).spend(device)
            answer = training.bench.take(ticket)
        finally:
            training.bench.drop(ticket)
        compute_s = asyncio.get_running_loop().time() - began_s
        session.record("trained", subject=device.name, round=number, steps=steps, compute_s=compute_s)

        up = await carry(device, session.server, learner.up_bytes(problem))
        for cause, wasted_bytes in up.wasted.items():
            stint.lose(cause, sent_bytes=wasted_bytes)
        session.record("answered", subject=device.name, round=number, move_s=up.move_s, **up.parts)
        return Reply(device=device, answer=answer, stint=stint, down=down, compute_s=compute_s, up=up)

    def _granted(self, session: CentralSession, device: DeviceNode) -> int:
        """Local steps that this device may do: those asked, or as many as fit into the time to work."""
        asked = session.training.costs[device.index].steps
        if self.work_time_s is None:
            return asked

        def seconds(steps: int) -> float:
            return cost(session.training, device.index, steps).seconds(device)

        return bisect_right(range(asked + 1), self.work_time_s, key=seconds) - 1

    def _record_round(
        self,
        session: CentralSession,
        number: int,
        cohort: Sequence[DeviceNode],
        replies: list[Reply],
        *,
        seconds: tuple[float, float, float],
        lost_to: str,
    ) -> None:
        """What the round was and what closed it: its last answer, with where that one's time went, or the deadline.

        ``lost_to``: why it does not count though it may have answers enough.
        """
        start_s, closed_s, end_s = seconds
        closed_late = len(replies) < min(self.cohort, len(cohort))
        last = None if closed_late or not replies or lost_to else replies[-1]
        session.record(
            "round",
            subject=session.server.name,
            round=number,
            seconds=end_s - start_s,
            invited=len(cohort),
            answers=len(replies),
            counted=len(replies) >= self.quorum and not lost_to,
            closed_by=last.device.name if last else lost_to or ("deadline" if self.deadline_s else "failures"),
            link=last.device.link if last else "",
            wake_s=last.down.wake_s + last.up.wake_s if last else 0.0,
            download_s=last.down.move_s if last else 0.0,
            compute_s=last.compute_s if last else 0.0,
            upload_s=last.up.move_s if last else 0.0,
            server_s=end_s - closed_s,
            **(under_way(last.down.parts, last.up.parts) if last else {}),
        )


def _discard(replies: list[Reply], cause: str) -> None:
    for reply in replies:
        reply.stint.discard(cause)
