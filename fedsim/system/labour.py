"""Gets jobs done on a device that goes and comes back, and on which jobs fail."""

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import numpy as np

from fedsim.errors import DeviceDownError, JobFaultError
from fedsim.kernel import Simulation
from fedsim.system.device_spec import DeviceKind
from fedsim.system.processor import ForeseenJob, Job, Processor, Work
from fedsim.system.usage import Usage
from fedsim.system.watch import Watch


@dataclass(slots=True)
class _Fuse:
    """Seconds of computing that are left to an attempt before its fault."""

    left_s: float


class Labourer(Protocol):
    """Who does the jobs."""

    @property
    def name(self) -> str:
        """Its own."""

    def computed(self) -> Usage:
        """What computing has cost it up to now, and was not in vain."""

    def lose(self, cause: str, usage: Usage) -> None:
        """This was in vain after all."""


class Labour:
    """The jobs of one device.

    Where work is aborted when the device goes, whoever runs it inside ``Watch.present`` ends it. Otherwise a job waits
    for the device to come back, and goes on.
    """

    __slots__ = ("_kept_share", "_kind", "_labourer", "_luck", "_piece", "_processor", "_sim", "_watch")

    def __init__(
        self, sim: Simulation, labourer: Labourer, processor: Processor, watch: Watch, kind: DeviceKind
    ) -> None:
        self._sim = sim
        self._labourer = labourer
        self._processor = processor
        self._watch = watch
        self._kind = kind
        self._luck: np.random.Generator | None = None if kind.faults is None else sim.rng("faults", labourer.name)
        self._kept_share = 0.0  # in pieces that are complete
        self._piece: tuple[float, Job | ForeseenJob] | None = None  # the latest, and its share of all

    def done_share(self) -> float:
        """How much of the latest job is done and was not in vain."""
        share, job = (0.0, None) if self._piece is None else self._piece
        return self._kept_share + (0.0 if job is None else share * (1 - job.left))

    def live(self, foreseen: ForeseenJob) -> None:
        """Go through a job that was foreseen, in one piece."""
        self._kept_share, self._piece = 0.0, (1.0, foreseen)
        self._processor.live(foreseen)

    async def do(self, work: Work, epochs: float) -> None:
        """Return when the job is done; it makes so many passes over the data, the last one maybe cut short.

        Raises:
            JobRefusedError: it does not fit into the memory, or its last attempt failed.
            DeviceDownError: the device is gone for good.
        """
        faults = self._kind.faults
        if faults is None:
            if self._kind.interrupted == "abort":
                await self._processor.run(self._whole(work))
            else:
                await self._pieces(work, epochs, _Fuse(math.inf))
            return
        for attempt in count(1):
            before = self._labourer.computed()
            try:
                await self._attempt(work, epochs)
            except JobFaultError:
                self._lose(JobFaultError.cause, before)
                is_last = attempt >= faults.attempts
                again_s = 0.0 if is_last else faults.pause_s
                self._sim.record("fault", subject=self._labourer.name, attempt=attempt, again_s=again_s)
                if is_last:
                    raise
                await self._sim.timeout(again_s)
            else:
                return

    async def _attempt(self, work: Work, epochs: float) -> None:
        faults = self._kind.faults
        if faults is None or self._luck is None:
            await self._pieces(work, epochs, _Fuse(math.inf))
            return
        await self._pieces(work, epochs, _Fuse(faults.strikes_s(self._luck)))
        if faults.spoils(self._luck):
            raise JobFaultError(f"a job of {self._labourer.name} failed")

    async def _pieces(self, work: Work, epochs: float, fuse: _Fuse) -> None:
        """Whole, or epoch by epoch where every complete one is kept."""
        if self._kind.interrupted == "abort":
            await self._run(self._whole(work), fuse)
            return
        self._kept_share, self._piece = 0.0, None
        for share in _shares(epochs) if self._kind.interrupted == "resume" else (1.0,):
            await self._through(work, share, fuse)
            self._kept_share, self._piece = self._kept_share + share, None

    def _whole(self, work: Work) -> Job:
        """All of the work as a job."""
        self._kept_share = 0.0
        return self._begun(work, 1.0)

    def _begun(self, work: Work, share: float) -> Job:
        """This share of the work as a job."""
        job = self._processor.job(work if share == 1 else work.part(share))
        self._piece = (share, job)
        return job

    async def _through(self, work: Work, share: float, fuse: _Fuse) -> None:
        """This share of it, through all absences of the device."""
        job = self._begun(work, share)
        while True:
            before = self._labourer.computed()
            try:
                async with self._watch.present():
                    await self._run(job, fuse)
            except DeviceDownError as error:
                if self._kind.interrupted == "resume":
                    self._lose(error.cause, before)
                    job = self._begun(work, share)
                await self._watch.back()
            else:
                return

    def _lose(self, cause: str, before: Usage) -> None:
        """What was computed since is in vain, unless another job at the same time has lost that, too."""
        lost = self._labourer.computed() - before
        if lost.compute_s > 0:
            self._labourer.lose(cause, lost)

    async def _run(self, job: Job, fuse: _Fuse) -> None:
        """Until the job is done, or the fault strikes."""
        if math.isinf(fuse.left_s):
            await self._processor.run(job)
            return
        began_s = self._sim.now
        scope = asyncio.timeout(fuse.left_s)
        try:
            async with scope:
                await self._processor.run(job)
        except TimeoutError:
            if not scope.expired():
                raise
            raise JobFaultError(f"a job of {self._labourer.name} failed") from None
        finally:
            fuse.left_s -= self._sim.now - began_s


def _shares(epochs: float) -> Iterator[float]:
    """Each epoch's part of all the work; the last one may be cut short."""
    whole = math.floor(epochs)
    for _ in range(whole):
        yield 1 / epochs
    if epochs > whole:
        yield (epochs - whole) / epochs
