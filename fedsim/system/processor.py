"""The processor of one device: jobs share its cores, slow down with its heat, and end at computed instants.

Speed is constant between events (a job comes or goes, the heat budget is used up, other apps come or go), so the end of
a job follows from what is left of it and is never ticked.
"""

import asyncio
import math
from dataclasses import dataclass, replace
from typing import Protocol

from fedsim.errors import OutOfMemoryError
from fedsim.kernel import Simulation
from fedsim.system.chip import Chip
from fedsim.system.luck_taken import Taken
from fedsim.system.other_apps import AppTimes
from fedsim.system.throttle import Heat


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What a job takes: operations, calls of the training library, bytes through memory, and bytes held in it."""

    flops: float
    dispatches: float = 0
    moved_bytes: float = 0.0
    memory_bytes: float = 0.0

    def part(self, share: float) -> "Work":
        """A share of it, in the same memory."""
        return replace(
            self, flops=share * self.flops, dispatches=share * self.dispatches, moved_bytes=share * self.moved_bytes
        )


@dataclass(slots=True, eq=False)
class Job:
    """``left`` goes from 1 to 0, and stays while the job is interrupted; ``noise`` stretches this job's time."""

    fixed_s: float
    flops_s: float
    moved_s: float
    memory_bytes: float
    noise: float
    left: float = 1.0
    ends_s: float = math.inf
    done: "asyncio.Future[None] | None" = None

    def seconds(self, pace: float) -> float:
        """All of it alone on the whole processor, at this share of full speed."""
        return self.noise * (self.fixed_s + max(self.flops_s / pace, self.moved_s))


@dataclass(slots=True, eq=False)
class ForeseenJob:
    """All of a job, alone, at this share of the processor and at full speed; there it would take ``alone_s`` of all."""

    share: float
    begins_s: float
    ends_s: float
    alone_s: float

    @property
    def left(self) -> float:
        """The share of it that is left at its end: what rounding leaves."""
        done_s = (self.ends_s - self.begins_s) * self.share
        return max(1.0 - done_s / self.alone_s, 0.0) if self.alone_s else 0.0


class Powered(Protocol):
    """Whose processor it is."""

    def update_power(self) -> None:
        """The load has changed."""


class Processor:
    """Runs jobs by processor sharing; its owner hears when its load has changed.

    A job alone takes ``dispatches * step_overhead_s + max(flops / flops_per_s, moved_bytes / bandwidth)`` (device
    notes, section 2, and the roof-line bound: Williams, Waterman and Patterson, CACM 2009). Heat slows its operations,
    not its overheads. Other apps, and other jobs where there are not cores enough, take their share of all of it.

    Raises:
        ValueError: a speed that is not > 0.
    """

    __slots__ = (
        "_alarm",
        "_apps",
        "_busy_s",
        "_chip",
        "_heat",
        "_jobs",
        "_luck",
        "_name",
        "_owner",
        "_pace",
        "_share",
        "_sim",
        "_since_s",
        "_speed",
        "_step_overhead_s",
        "_usual",
        "_usual_s",
        "busy_since_s",
    )

    def __init__(
        self,
        sim: Simulation,
        name: str,
        *,
        flops_per_s: float,
        step_overhead_s: float,
        chip: Chip,
        owner: Powered,
    ) -> None:
        self._sim = sim
        self._name = name
        if not flops_per_s > 0:
            raise ValueError(f"flops_per_s of {name} must be > 0, got {flops_per_s!r}")
        self._speed = flops_per_s * chip.clock
        self._step_overhead_s = step_overhead_s
        self._chip = chip
        self._owner = owner
        self._heat = None if chip.throttle is None else Heat(chip.throttle, sim.now)
        self._apps = None if chip.other_apps is None else AppTimes(chip.other_apps, sim.rng("other apps", name))
        self._luck = sim.rng("steps", name) if chip.step_cv else None
        self._jobs: tuple[Job, ...] = ()
        self._usual: Work | None = None  # what was foreseen last, and how long it takes alone
        self._usual_s = 0.0
        self._share = 0.0
        self._pace = 1.0
        self._since_s = sim.now
        self._alarm: asyncio.TimerHandle | None = None
        self._busy_s = 0.0
        self.busy_since_s: float | None = None
        """Since when it computes; None while it does not."""

    @property
    def load(self) -> float:
        """The share of the processor that computes for the learner now."""
        return self._share * len(self._jobs)

    @property
    def busy_s(self) -> float:
        """Seconds in which it computed, up to now."""
        return self._busy_s + (0.0 if self.busy_since_s is None else self._sim.now - self.busy_since_s)

    def seconds(self, work: Work) -> float:
        """How long a job would take from now on if nothing interfered: with the heat budget that is left."""
        job = self._job(work, noise=1.0)
        share = self._chip.job_share
        lasts_s = job.seconds(1.0) / share
        if self._heat is None or not lasts_s:
            return lasts_s
        cool_s = self._heat.left_s(self._sim.now) / share
        if lasts_s <= cool_s:
            return lasts_s
        return cool_s + (1 - cool_s / lasts_s) * job.seconds(self._heat.hot_pace()) / share

    def job(self, work: Work) -> Job:
        """The work as a job with its own luck, to be run."""
        return self._job(work, noise=self._noise(max(work.dispatches, 1)))

    def foresee(self, work: Work, from_s: float, taken: Taken) -> ForeseenJob | None:
        """How a job will go that begins then, with nothing else to do meanwhile; None if that cannot be said.

        It cannot where other apps come and go, the heat gets too much on its way, or it is refused.
        """
        if self._jobs or self._apps is not None or work.memory_bytes > self._chip.memory_bytes:
            return None
        if work is not self._usual:
            self._usual, self._usual_s = work, self._job(work, noise=1.0).seconds(1.0)
        alone_s, share = self._usual_s, min(self._chip.job_share, 1.0)
        if self._luck is not None:
            alone_s = self._job(work, noise=self._noise(max(work.dispatches, 1), taken)).seconds(1.0)
        ends_s = from_s + alone_s / share
        if self._heat is not None and self._heat.gets_hot_s(from_s, share) <= ends_s:
            return None
        return ForeseenJob(share, from_s, ends_s, alone_s)

    def live(self, foreseen: ForeseenJob) -> None:
        """Go through a job that was foreseen."""
        begins_s, ends_s = foreseen.begins_s, foreseen.ends_s
        if self._heat is not None:
            self._pace = self._heat.live(foreseen.share, begins_s, ends_s)
        self._busy_s += ends_s - begins_s
        self._share, self._since_s = 0.0, ends_s

    async def run(self, job: Job) -> None:
        """Return when the job is done. If the waiting task is cancelled, what is left of it can be run later.

        Raises:
            OutOfMemoryError: it does not fit into the memory that the others leave.
        """
        self._check_memory(job.memory_bytes)
        job.done = self._sim.loop.create_future()
        self._settle()
        self._jobs = (*self._jobs, job)
        self._plan()
        try:
            await job.done
        finally:
            if job in self._jobs:
                self._settle()
                self._jobs = tuple([other for other in self._jobs if other is not job])
                self._plan()

    def _job(self, work: Work, *, noise: float) -> Job:
        return Job(
            fixed_s=work.dispatches * self._step_overhead_s,
            flops_s=work.flops / self._speed,
            moved_s=8 * work.moved_bytes / self._chip.bandwidth_bps,
            memory_bytes=work.memory_bytes,
            noise=noise,
        )

    def _noise(self, steps: float, taken: Taken | None = None) -> float:
        """The mean of so many steps' own factors, each gamma with mean 1: exactly gamma itself."""
        if self._luck is None:
            return 1.0
        shape = steps / self._chip.step_cv**2
        luck = self._luck if taken is None else taken.keep(self._luck)
        return luck.gamma(shape, 1 / shape)

    def _check_memory(self, wanted_bytes: float) -> None:
        free_bytes = self._chip.memory_bytes - sum(job.memory_bytes for job in self._jobs)
        if wanted_bytes > free_bytes:
            text = f"{self._name} refuses a job of {wanted_bytes:.4g} bytes: it has {free_bytes:.4g} for it"
            raise OutOfMemoryError(text)

    def _settle(self) -> None:
        """Take from every job what was done of it since the last change."""
        lasts_s = self._sim.now - self._since_s
        for job in self._jobs:
            if lasts_s and self._share:
                job.left = max(job.left - lasts_s * self._share / job.seconds(self._pace), 0.0)
        self._since_s = self._sim.now

    def _plan(self) -> None:
        """Speeds from now on, and the next instant at which something changes by itself."""
        now_s, jobs = self._sim.now, self._jobs
        taken, apps_change_s = self._apps.at(now_s) if self._apps and jobs else (0.0, math.inf)
        self._share = min(self._chip.job_share, 1 / len(jobs)) * (1 - taken) if jobs else 0.0
        changes_s = min(apps_change_s, self._heat_up(now_s))
        for job in jobs:
            job.ends_s = now_s + job.left * job.seconds(self._pace) / self._share if self._share else math.inf
            changes_s = min(changes_s, job.ends_s)
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._sim.loop.call_at(changes_s, self._look) if jobs and changes_s < math.inf else None
        self._note_busy(now_s)
        self._owner.update_power()

    def _heat_up(self, now_s: float) -> float:
        """Load the heat budget; when it will be used up."""
        if self._heat is None:
            return math.inf
        self._heat.load(self.load, now_s)
        self._pace = self._heat.pace()
        return self._heat.hot_s

    def _note_busy(self, now_s: float) -> None:
        if self._jobs and self.busy_since_s is None:
            self.busy_since_s = now_s
        elif not self._jobs and self.busy_since_s is not None:
            self._busy_s += now_s - self.busy_since_s
            self.busy_since_s = None

    def _look(self) -> None:
        self._alarm = None
        self._settle()
        done = [job for job in self._jobs if job.ends_s <= self._sim.now]
        self._jobs = tuple([job for job in self._jobs if job.ends_s > self._sim.now])
        for job in done:
            if job.done is not None and not job.done.done():
                job.done.set_result(None)
        self._plan()
