"""One device's part of a central learner: it receives, computes, and answers."""

import asyncio
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from fedsim.errors import DeviceDownError, JobRefusedError, MessageFailedError, TooLateError
from fedsim.learners.workbench import Answer, Pending
from fedsim.protocols.carry import carry
from fedsim.protocols.cost import cost
from fedsim.protocols.effort import Effort, WholeEffort
from fedsim.protocols.node import Delivery, DeviceNode, Stint, under_way
from fedsim.protocols.session import CentralSession


@dataclass(kw_only=True, slots=True, eq=False)
class Reply:
    """One device's answer, and where its time went."""

    device: DeviceNode
    pending: Pending
    stint: Stint
    down: Delivery
    compute_s: float
    up: Delivery

    @property
    def answer(self) -> Answer:
        """Its numbers, computed when they are first asked for, in one batch with all that wait then."""
        return self.pending.answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What bounds a device's part.

    ``work_time_s`` is the longest that it may compute, by its own estimate: it begins with as many steps as fit, and
    not more than ``effort`` asks for.
    ``until_s`` is the instant at which it stops computing and sends what it has. ``outlives_server``: it goes on
    when the server goes, unless that was just sending to it.
    """

    work_time_s: float | None = None
    effort: Effort = field(default_factory=WholeEffort)
    until_s: float | None = None
    outlives_server: bool = False

    @property
    def are_none(self) -> bool:
        """Whether nothing bounds it."""
        is_timed = self.work_time_s is not None or self.until_s is not None
        return not is_timed and not self.outlives_server and self.effort.is_whole


async def ask(session: CentralSession, number: int, device: DeviceNode, limits: Limits) -> Reply | None:
    """The reply of a device to the server's model of now; None if it fails, or has nothing to send."""
    try:
        async with device.at_work() as stint:
            return await _serve(session, number, device, stint, limits)
    except (DeviceDownError, MessageFailedError, JobRefusedError):
        return None


def discard(replies: Iterable[Reply], cause: str) -> None:
    """These did not count after all."""
    for reply in replies:
        reply.stint.discard(cause)
        reply.pending.drop()


def told(error: asyncio.CancelledError, otherwise: str) -> str:
    """The cause of a cancellation, if it came with one."""
    return str(error.args[0]) if error.args else otherwise


def along(reply: Reply | None, server_s: float) -> dict[str, str | float]:
    """Where the time of an answer, and then of the server, went, as fields of a record about what it closed.

    Zeros for the answer if none closed it.
    """
    if reply is None:
        none = {"wake_s": 0.0, "download_s": 0.0, "compute_s": 0.0, "upload_s": 0.0}
        return {"link": "", **none, "server_s": server_s}
    return {
        "link": reply.device.link,
        "wake_s": reply.down.wake_s + reply.up.wake_s,
        "download_s": reply.down.move_s,
        "compute_s": reply.compute_s,
        "upload_s": reply.up.move_s,
        "server_s": server_s,
        **under_way(reply.down.parts, reply.up.parts),
    }


async def _serve(session: CentralSession, number: int, device: DeviceNode, stint: Stint, limits: Limits) -> Reply:
    training = session.training
    learner, problem = training.learner, training.problem
    message, version = training.broadcast(device.index), training.version
    if limits.outlives_server:  # nobody else sees to it that sending ends with the server
        async with session.server.at_work():
            down = await carry(session.server, device, training.down_bytes(device.index))
    else:
        down = await carry(session.server, device, training.down_bytes(device.index))
    for cause, wasted_bytes in down.wasted.items():
        stint.lose(cause, received_bytes=wasted_bytes)
    training.received(device.index, version)
    session.record("received", subject=device.name, round=number, move_s=down.move_s, **down.parts)

    steps = granted(session, number, device, limits)
    began_s = asyncio.get_running_loop().time()
    ticket = training.begin(device.index, message, steps, (device.name, number), version)
    try:
        steps = training.bench.steps(ticket)
        done = await _spend(session, device, steps, limits.until_s)
        if done < steps:
            training.bench.drop(ticket)
            ticket = training.begin(device.index, message, done, (device.name, number), version)
        compute_s = asyncio.get_running_loop().time() - began_s
        session.record("trained", subject=device.name, round=number, steps=done, compute_s=compute_s)

        up = await carry(device, session.server, learner.up_bytes(problem))
    except BaseException:
        training.bench.drop(ticket)
        raise
    for cause, wasted_bytes in up.wasted.items():
        stint.lose(cause, sent_bytes=wasted_bytes)
    session.record("answered", subject=device.name, round=number, move_s=up.move_s, **up.parts)
    pending = training.bench.pending(ticket)
    return Reply(device=device, pending=pending, stint=stint, down=down, compute_s=compute_s, up=up)


def granted(session: CentralSession, number: int, device: DeviceNode, limits: Limits) -> int:
    """Local steps that this device may do: those asked, or as many as fit into the time to work."""
    asked = session.training.costs[device.index].steps
    if not limits.effort.is_whole:
        asked = round(limits.effort.share(session, device, number) * asked)
    return asked if limits.work_time_s is None else _fitting(session, device, asked, limits.work_time_s)


def _fitting(session: CentralSession, device: DeviceNode, asked: int, time_s: float) -> int:
    def seconds(steps: int) -> float:
        return cost(session.training, device.index, steps).seconds(device)

    return bisect_right(range(asked + 1), time_s, key=seconds) - 1


async def _spend(session: CentralSession, device: DeviceNode, steps: int, until_s: float | None) -> int:
    """Compute until it is done, or until then; how many steps are done.

    Raises:
        TooLateError: none, and the time is up.
    """
    work = cost(session.training, device.index, steps)
    if until_s is None:
        await work.spend(device)
        return steps
    asks_s = work.seconds(device)
    scope = asyncio.timeout_at(until_s)
    try:
        async with scope:
            await work.spend(device)
    except TimeoutError:
        if not scope.expired():
            raise
        share = device.done_share() * (1 + 1e-9)  # a step that has just ended has ended
        done = max(_fitting(session, device, steps, share * asks_s), 0)
        if not done:
            raise TooLateError(f"{device.name} has done no step by then") from None
        return done
    return steps
