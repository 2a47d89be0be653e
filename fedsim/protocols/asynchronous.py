"""Asynchronous updates: devices train all the time, and the server combines as soon as it has a few answers.

Xie, Koyejo and Gupta, "Asynchronous federated optimization", 2019 (buffer 1); Nguyen et al., "Federated learning with
buffered asynchronous aggregation", AISTATS 2022, Algorithm 1 (FedBuff).
"""

import asyncio
import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from fedsim.errors import DeviceDownError
from fedsim.protocols.asking import Limits, Reply, along, ask, discard, told
from fedsim.protocols.fit import check_fit
from fedsim.protocols.node import DeviceNode
from fedsim.protocols.section import Section
from fedsim.protocols.session import CentralSession

_HOPELESS: Final = 100
"""So many times ``concurrency`` devices failed in a row, and nobody answered."""


@dataclass(frozen=True, kw_only=True)
class AsynchronousUpdates:
    """Up to ``concurrency`` devices train at once; at every ``buffer`` answers the server combines what it has.

    A device that has answered or failed is replaced at once, by the lot, by one of those that are there and not at
    work; the replacement of the answer that fills the buffer gets the new model. Answers that arrive in one instant
    are taken before anybody is replaced. With ``timeout_s`` a device that has not answered by then is given up, and
    one that failed is missed only then; without, failures are noticed at once. When the server goes, and its work is
    aborted, it loses its buffer; devices that compute go on.
    """

    concurrency: int
    """How many devices train at once; at most all that there are."""
    buffer: int = 1
    """Answers that the server waits for before it combines; >= 1."""
    timeout_s: float | None = None
    """How long a device has to answer before it is given up; null waits, and notices failures at once."""

    def __post_init__(self) -> None:
        for name, count in (("concurrency", self.concurrency), ("buffer", self.buffer)):
            if not count >= 1:
                raise ValueError(f"{name} must be >= 1, got {count!r}")
        if self.timeout_s is not None and not 0 < self.timeout_s < math.inf:
            raise ValueError(f"timeout must be > 0 and finite, got {self.timeout_s!r}")

    @property
    def is_asynchronous(self) -> bool:
        """Answers are to models of different age."""
        return True

    async def run(self, session: CentralSession) -> None:
        """Until the monitor has enough, or nobody is left.

        Raises:
            FedsimError: if the learner takes no answers to older models.
        """
        check_fit(self, session.training.learner, session.devices.eligible)
        async with asyncio.TaskGroup() as group:
            traffic = _Traffic(rules=self, session=session, group=group)
            try:
                await traffic.flow()
            finally:
                traffic.end()


@dataclass(kw_only=True)
class _Traffic:
    """Who is at work, and who has answered since the server last combined."""

    rules: AsynchronousUpdates
    session: CentralSession
    group: asyncio.TaskGroup
    at_work: dict[int, "asyncio.Task[None]"] = field(default_factory=dict)
    arrived: list[Reply] = field(default_factory=list)
    draws: int = 0
    failures: int = 0

    def __post_init__(self) -> None:
        self.free: npt.NDArray[np.bool_] = np.ones(len(self.session.devices), dtype=np.bool_)
        self.idle = Section(self.session.devices, self.free)
        self.changed = asyncio.Event()
        self.combined_s = asyncio.get_running_loop().time()

    async def flow(self) -> None:
        """Through all that becomes of the server."""
        monitor, server = self.session.monitor, self.session.server
        while not monitor.is_done():
            await server.back()
            try:
                async with server.at_work():
                    while not monitor.is_done():
                        await self._next()
            except DeviceDownError as error:
                self._lose_buffer(error.cause)

    def _lose_buffer(self, cause: str) -> None:
        """What has arrived is lost, and with it what its devices have computed from there on."""
        discard(self.arrived, cause)
        for index in {reply.device.index for reply in self.arrived}:
            self.session.training.distrust(index)
            if index in self.at_work:
                self.at_work[index].cancel(cause)
        self.arrived.clear()

    def end(self) -> None:
        """Whatever is under way is in vain."""
        for task in self.at_work.values():
            task.cancel("stopped")
        discard(self.arrived, "stopped")
        self.arrived.clear()

    async def _next(self) -> None:
        """Combine what there is, send free places to work, and wait until something happens."""
        while len(self.arrived) >= self.rules.buffer:
            await self._combine()
            if self.session.monitor.is_done():
                return
        if self.failures >= _HOPELESS * self.rules.concurrency:
            self.session.monitor.stop("no device answers")
            return
        self._replace()
        if len(self.at_work) == self.rules.concurrency:
            await self._happens()
        elif not await self._happens_or_comes() and not self.at_work:
            self.session.monitor.stop("no devices are left")

    def _replace(self) -> None:
        """Fill the free places, as far as there are devices."""
        places = self.rules.concurrency - len(self.at_work)
        if not places:
            return
        self.draws += 1
        for device in self.idle.choose(places, self.draws):
            self.free[device.index] = False
            name = f"{device.name}, draw {self.draws}"
            self.at_work[device.index] = self.group.create_task(self._work(self.draws, device), name=name)

    async def _work(self, number: int, device: DeviceNode) -> None:
        """One device's part, until it has answered, or the server misses it."""
        loop, reply = asyncio.get_running_loop(), None
        asked_s = loop.time()
        limits = Limits(outlives_server=True)
        gives_up_s = math.inf if self.rules.timeout_s is None else asked_s + self.rules.timeout_s
        try:
            reply = await self._answer(number, device, limits, gives_up_s)
            if reply is None and loop.time() < gives_up_s < math.inf:
                await asyncio.sleep(gives_up_s - loop.time())
                self.session.record("missed", subject=device.name, round=number, seconds=loop.time() - asked_s)
        finally:
            del self.at_work[device.index]
            self.free[device.index] = True
            self.changed.set()
        self.failures = 0 if reply else self.failures + 1
        if reply is not None:
            self.arrived.append(reply)
            self.session.training.trust(reply.answer)

    async def _answer(self, number: int, device: DeviceNode, limits: Limits, gives_up_s: float) -> Reply | None:
        """Its reply, None if it fails or the server gives it up."""
        if gives_up_s == math.inf:
            return await ask(self.session, number, device, limits)
        part = asyncio.ensure_future(ask(self.session, number, device, limits))
        timer = asyncio.get_running_loop().call_at(gives_up_s, part.cancel, "late")
        try:
            await asyncio.wait([part])
        except asyncio.CancelledError as error:
            part.cancel(*error.args)
            await asyncio.wait([part])
            if not part.cancelled() and (reply := part.result()) is not None:  # it came in this very instant
                discard([reply], told(error, "stopped"))
            raise
        finally:
            timer.cancel()
        return None if part.cancelled() else part.result()

    async def _combine(self) -> None:
        """One update of the server's model, with the answers that came first."""
        training, count = self.session.training, self.rules.buffer
        full_s = asyncio.get_running_loop().time()
        await self.session.server.compute(training.learner.aggregate_flops(training.problem, count))
        replies = self.arrived[:count]
        staleness = [training.version - reply.answer.version for reply in replies]
        training.absorb([reply.answer for reply in replies])
        del self.arrived[:count]
        now_s = asyncio.get_running_loop().time()
        self.session.record(
            "round",
            subject=self.session.server.name,
            round=training.version,
            seconds=now_s - self.combined_s,
            answers=count,
            counted=True,
            closed_by=replies[-1].device.name,
            **along(replies[-1], now_s - full_s),
            staleness=sum(staleness) / count,
            stalest=max(staleness),
            at_work=len(self.at_work),
        )
        self.combined_s = now_s
        self.session.monitor.round_ended(training.version)

    async def _happens(self) -> None:
        """Until somebody has answered or failed, and everything of that instant has happened."""
        await self.changed.wait()
        await _instant_over()
        self.changed.clear()

    async def _happens_or_comes(self) -> bool:
        """The same, or until somebody comes who can be sent to work; False if nothing of that can happen."""
        comes = asyncio.ensure_future(self.idle.gathered(1))
        happens = asyncio.ensure_future(self.changed.wait())
        try:
            await asyncio.wait([comes, happens], return_when=asyncio.FIRST_COMPLETED)
            if comes.done() and not comes.result() and self.at_work:
                await happens
            if not happens.done():
                return comes.result()
        finally:
            comes.cancel()
            happens.cancel()
        await _instant_over()
        self.changed.clear()
        return True


async def _instant_over() -> None:
    """Return when everything that was due in this instant has happened."""
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    timer = loop.call_at(loop.time(), over.set_result, None)
    try:
        await over
    finally:
        timer.cancel()
