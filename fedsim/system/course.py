"""How the rates of devices' links go over time: they stay, they fade, or they repeat what was recorded."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from fedsim.system.capacity import Capacity
from fedsim.system.fading import Fading, FadingShape
from fedsim.system.law import Constant, Law
from fedsim.system.replay import Replay
from fedsim.system.scaled import Scaled
from fedsim.system.trace import Trace

NO_OFFSET = Constant(0.0)

Ways = tuple[Capacity | None, Capacity | None]
"""Capacities up and down; None for a rate that stays what it is."""


class OwnRates(NamedTuple):
    """A device's mean rates, its place in its group, and its luck: random streams by name."""

    rank: int
    up_bps: float
    down_bps: float
    luck: Callable[..., np.random.Generator]


class Course(Protocol):
    """What the devices of a group have in common; each makes its own capacities of it."""

    def of(self, device: OwnRates) -> Ways:
        """The capacities of one device. Nothing is drawn here that is not needed before the first message."""


@dataclass(frozen=True, kw_only=True)
class Steady:
    """Every device has its mean rate for ever."""

    def of(self, device: OwnRates) -> Ways:  # noqa: ARG002  # whoever it is
        """No capacities of its own."""
        return None, None


STEADY = Steady()


@dataclass(frozen=True, kw_only=True)
class Fades:
    """Every device's rates fade about its own means, up and down together; an infinite rate stays so.

    One process drives both directions, because what makes a radio link slow (distance, a tunnel, a crowded cell)
    seldom spares one of them; this is an engineering choice, evidence I.
    """

    shape: FadingShape

    def of(self, device: OwnRates) -> Ways:
        """The same process, times either mean rate."""
        process = Fading(self.shape, partial(device.luck, "fading"))
        return _scaled(process, device.up_bps), _scaled(process, device.down_bps)


@dataclass(frozen=True, kw_only=True)
class Lane:
    """The traces of one direction: the devices of a group take them in turn.

    ``scale`` multiplies them; None makes each have the mean rate of the device that replays it.
    """

    traces: tuple[Trace, ...]
    scale: float | None = 1.0

    def capacity(self, device: OwnRates, mean_bps: float, *, offset_s: float, loop: bool) -> Capacity | None:
        """What one device has; ``mean_bps`` is its mean rate in this direction."""
        if self.scale is None and math.isinf(mean_bps):
            return None
        trace = self.traces[device.rank % len(self.traces)]
        scale = mean_bps / trace.mean_bps if self.scale is None else self.scale
        replay = Replay(trace, offset_s=offset_s, loop=loop)
        return replay if scale == 1 else Scaled(replay, scale)


@dataclass(frozen=True, kw_only=True)
class Replays:
    """Every device repeats a trace, from an offset that it draws once for both directions.

    A direction without traces keeps its rate.
    """

    up: Lane | None = None
    down: Lane | None = None
    offset_s: Law = NO_OFFSET
    loop: bool = True

    def of(self, device: OwnRates) -> Ways:
        """Its traces, from its offset."""
        offset_s = self.offset_s.draw(device.luck("trace offset"))
        lanes = ((self.up, device.up_bps), (self.down, device.down_bps))
        up, down = (
            None if lane is None else lane.capacity(device, mean_bps, offset_s=offset_s, loop=self.loop)
            for lane, mean_bps in lanes
        )
        return up, down


def _scaled(process: Capacity, mean_bps: float) -> Capacity | None:
    return None if math.isinf(mean_bps) else Scaled(process, mean_bps)
