"""What a processor is like beside its speed: cores, clock, heat, memory, and who else uses it."""

import math
from dataclasses import dataclass
from typing import Final

from fedsim import units
from fedsim.system.other_apps import OtherApps
from fedsim.system.throttle import Throttle

_LARGEST_CV: Final = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatingPoint:
    """Power of the whole processor at a share of its full clock, as measured."""

    clock: float
    power_w: float

    def __post_init__(self) -> None:
        if not 0 < self.clock <= 1:
            raise ValueError(f"clock must be above 0 % and at most 100 %, got {units.per_cent(self.clock)}")
        if not 0 <= self.power_w < math.inf:
            raise ValueError(f"power must be >= 0 and finite, got {self.power_w!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """A processor beside its speed.

    cores: n jobs at once get ``min(job_cores, cores / n)`` cores each, of equal speed.
    job_cores: how many of them one job can use; None for all.
    clock: share of the full clock at which it runs; speed goes with it.
    operating_points: power at some clocks; without them the cube law.
    step_cv: coefficient of variation of the time of one step, from step to step.
    ram_bytes, ram_share: a learner's jobs get this share of the memory; what does not fit is refused.
    bandwidth_bps: of the memory, in bit/s, for the roof-line; infinite where it is not known.

    Raises:
        ValueError: with the field, its rule and its value.
    """

    cores: int = 1
    job_cores: int | None = None
    clock: float = 1.0
    operating_points: tuple[OperatingPoint, ...] = ()
    step_cv: float = 0.0
    ram_bytes: float = math.inf
    ram_share: float = 0.5
    bandwidth_bps: float = math.inf
    throttle: Throttle | None = None
    other_apps: OtherApps | None = None

    def __post_init__(self) -> None:
        if not self.cores >= 1:
            raise ValueError(f"cores must be >= 1, got {self.cores!r}")
        if self.job_cores is not None and not 1 <= self.job_cores <= self.cores:
            raise ValueError(f"job_cores must be from 1 to cores ({self.cores}), got {self.job_cores!r}")
        if not 0 < self.clock <= 1:
            raise ValueError(f"clock must be above 0 % and at most 100 %, got {units.per_cent(self.clock)}")
        if not 0 <= self.step_cv <= _LARGEST_CV:
            most = units.per_cent(_LARGEST_CV)
            raise ValueError(f"step_cv must be from 0 % to {most}, got {units.per_cent(self.step_cv)}")
        if not self.ram_bytes > 0:
            raise ValueError(f"ram must be > 0, got {self.ram_bytes!r} bytes")
        if not 0 < self.ram_share <= 1:
            raise ValueError(f"ram_share must be above 0 % and at most 100 %, got {units.per_cent(self.ram_share)}")
        if not self.bandwidth_bps > 0:
            raise ValueError(f"bandwidth must be > 0, got {self.bandwidth_bps!r}")
        points = [point.clock for point in self.operating_points]
        if len(set(points)) < len(points):
            raise ValueError(f"operating_points must have one power for each clock, got clocks {points}")
        if points and self.clock not in points:
            raise ValueError(f"clock must be one of the operating points' ({points}), got {self.clock!r}")

    @property
    def job_share(self) -> float:
        """The most of the processor that one job can use."""
        return 1.0 if self.job_cores is None else self.job_cores / self.cores

    @property
    def memory_bytes(self) -> float:
        """Memory for all jobs together."""
        return self.ram_bytes * self.ram_share

    def power_w(self, train_w: float, idle_w: float) -> float:
        """Power with all cores busy: that of the operating point or, without any, the cube law's.

        ``idle_w + (train_w - idle_w) * clock**3``: the dynamic power of a core is ``k f**3`` (device notes, section
        2). Phones depart from the cube by up to a factor of ten; measured points are better.
        """
        for point in self.operating_points:
            if point.clock == self.clock:
                return point.power_w
        cube = self.clock**3
        return train_w * cube + idle_w * (1 - cube)
