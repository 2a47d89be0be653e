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
    """Share of the full clock; above 0 and at most 1."""
    power_w: float
    """Power of the whole processor there; >= 0."""

    def __post_init__(self) -> None:
        if not 0 < self.clock <= 1:
            raise ValueError(f"clock must be above 0 % and at most 100 %, got {units.per_cent(self.clock)}")
        if not 0 <= self.power_w < math.inf:
            raise ValueError(f"power must be >= 0 and finite, got {self.power_w!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """A processor beside its speed.

    Raises:
        ValueError: with the field, its rule and its value.
    """

    cores: int = 1
    """How many there are: n jobs at once get min(job_cores, cores / n) cores each, of equal speed; >= 1."""
    job_cores: int | None = None
    """How many of them one job can use; null for all."""
    clock: float = 1.0
    """Share of the full clock at which it runs, and its speed with it; above 0 and at most 1."""
    operating_points: tuple[OperatingPoint, ...] = ()
    """Power at some clocks; without them it goes with the cube of the clock."""
    step_cv: float = 0.0
    """Coefficient of variation of the time of one step, from step to step, 0 to 10; profile for that of the device's
    profile."""
    ram_bytes: float = math.inf
    """Memory: jobs that do not fit are refused; that of the device's profile."""
    ram_share: float = 0.5
    """Share of the memory that a learner's jobs get; above 0 and at most 1."""
    bandwidth_bps: float = math.inf
    """Of the memory, for the roof-line; infinite where it is not known."""
    throttle: Throttle | None = None
    """How it slows down when it gets hot; null for never; that of the device's profile."""
    other_apps: OtherApps | None = None
    """What other apps take of it; null for nothing."""

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
