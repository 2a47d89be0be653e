"""Gets jobs done on a device that goes and comes back, and on which jobs fail."""

import asyncio
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from fedsim.errors import DeviceDownError, JobFaultError
from fedsim.kernel import Simulation
from fedsim.system.faults import Faults
from fedsim.system.interruption import Interrupted
from fedsim.system.processor import ForeseenJob, Job, Processor, Work
from fedsim.system.usage import Usage
from fedsim.system.watch import Watch


@dataclass(slots=True)
class _Fuse:
    """Seconds of computing that are left to an attempt before its fault."""

    left_s: float


@dataclass(kw_only=True, slots=True)
class Labour:
    """The jobs of one device.

    computed: what computing has cost it up to now and was not in vain    lose: takes what was after all, with its cause

    Where work is aborted when the device goes, whoever runs it inside ``Watch.present`` ends it. Otherwise a job waits
    for the device to come back, and goes on.
    """

    sim: Simulation
    name: str
    processor: Processor
    watch: Watch
    interrupted: Interrupted
    faults: Faults | None
    computed: Callable[[], Usage]
    lose: Callable[[str, Usage], None]
    _luck: np.random.Generator | None = field(init=False, default=None)
    _kept_share: float = field(init=False, default=0.0)  # in pieces that are complete
    _piece: tuple[float, Job | ForeseenJob] | None = field(init=False, default=None)  # the latest, and its share of all

    def __post_init__(self) -> None:
        if self.faults is not None:
            self._luck = self.sim.rng("faults", self.name)

    def done_share(self) -> float:
        """How much of the latest job is done and was not in vain."""
        share, job = (0.0, None) if self._piece is None else self._piece
        return self._kept_share + (0.0 if job is None else share * (1 - job.left))

    def live(self, foreseen: ForeseenJob) -> None:
        """Go through a job that was foreseen, in one piece."""
        self._kept_share, self._piece = 0.0, (1.0, foreseen)
        self.processor.live(foreseen)

    async def do(self, work: Work, epochs: float) -> None:
        """Return when the job is done; it makes so many passes over the data, the last one maybe cut short.

        Raises:
            JobRefusedError: it does not fit into the memory, or its last attempt failed.
            DeviceDownError: the device is gone for good.
        """
        if self.faults is None:
            if self.interrupted == "abort":
                await self.processor.run(self._whole(work))
            else:
                await self._pieces(work, epochs, _Fuse(math.inf))
            return
        for attempt in count(1):
            before = self.computed()
            try:
                await self._attempt(work, epochs)
            except JobFaultError:
                self._lose(JobFaultError.cause, before)
                is_last = attempt >= self.faults.attempts
                again_s = 0.0 if is_last else self.faults.pause_s
                self.sim.record("fault", subject=self.name, attempt=attempt, again_s=again_s)
                if is_last:
                    raise
                await self.sim.timeout(again_s)
            else:
                return

    async def _attempt(self, work: Work, epochs: float) -> None:
        if self.faults is None or self._luck is None:
            await self._pieces(work, epochs, _Fuse(math.inf))
            return
        await self._pieces(work, epochs, _Fuse(self.faults.strikes_s(self._luck)))
        if self.faults.spoils(self._luck):
            raise JobFaultError(f"a job of {self.name} failed")

    async def _pieces(self, work: Work, epochs: float, fuse: _Fuse) -> None:
        """Whole, or epoch by epoch where every complete one is kept."""
        if self.interrupted == "abort":
            await self._run(self._whole(work), fuse)
            return
        self._kept_share, self._piece = 0.0, None
        for share in _shares(epochs) if self.interrupted == "resume" else (1.0,):
            await self._through(work, share, fuse)
            self._kept_share, self._piece = self._kept_share + share, None

    def _whole(self, work: Work) -> Job:
        """All of the work as a job."""
        self._kept_share = 0.0
        return self._begun(work, 1.0)

    def _begun(self, work: Work, share: float) -> Job:
        """This share of the work as a job."""
        job = self.processor.job(work if share == 1 else work.part(share))
        self._piece = (share, job)
        return job

    async def _through(self, work: Work, share: float, fuse: _Fuse) -> None:
        """This share of it, through all absences of the device."""
        job = self._begun(work, share)
        while True:
            before = self.computed()
            try:
                async with self.watch.present():
                    await self._run(job, fuse)
            except DeviceDownError as error:
                if self.interrupted == "resume":
                    self._lose(error.cause, before)
                    job = self._begun(work, share)
                await self.watch.back()
            else:
                return

    def _lose(self, cause: str, before: Usage) -> None:
        """What was computed since is in vain, unless another job at the same time has lost that, too."""
        lost = self.computed() - before
        if lost.compute_s > 0:
            self.lose(cause, lost)

    async def _run(self, job: Job, fuse: _Fuse) -> None:
        """Until the job is done, or the fault strikes."""
        if math.isinf(fuse.left_s):
            await self.processor.run(job)
            return
        began_s = self.sim.now
        scope = asyncio.timeout(fuse.left_s)
        try:
            async with scope:
                await self.processor.run(job)
        except TimeoutError:
            if not scope.expired():
                raise
            raise JobFaultError(f"a job of {self.name} failed") from None
        finally:
            fuse.left_s -= self.sim.now - began_s


def _shares(epochs: float) -> Iterator[float]:
    """Each epoch's part of all the work; the last one may be cut short."""
    whole = math.floor(epochs)
    for _ in range(whole):
        yield 1 / epochs
    if epochs > whole:
        yield (epochs - whole) / epochs
