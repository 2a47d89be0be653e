"""Replays recorded comings and goings."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from fedsim.errors import DeviceLeftError, ScenarioError
from fedsim.system.attendance_file import Reading, Recording, read_recording
from fedsim.system.law import Constant, Law
from fedsim.system.presence import Reason
from fedsim.system.process import Array, Bools, Crowd, Process, Ranks


@dataclass(frozen=True, kw_only=True)
class Replay:
    """The recorded devices of a file, handed out in turn: device i of the group lives the life of number i modulo m.

    trace: the file, see ``fedsim.system.attendance_file``    stretch: how many times as long everything lasts
    shift_s: law of where in the recording, so stretched, each device begins
    loop: after its end from its beginning; or else everybody's last state lasts

    Raises:
        ValueError: a stretch that is not > 0, or a shift that may be negative.
    """

    trace: str
    reading: Reading = field(default_factory=Reading)
    stretch: float = 1.0
    shift_s: Law = field(default_factory=lambda: Constant(0.0))
    loop: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.stretch < math.inf:
            raise ValueError(f"stretch must be > 0 and finite, got {self.stretch!r}")
        if not self.shift_s.support[0] >= 0:
            raise ValueError(f"shift must be >= 0, got {self.shift_s!r}")

    def recording(self) -> Recording:
        """What the file holds.

        Raises:
            ScenarioError: a line for each mistake in it.
        """
        found = read_recording(self.trace, self.reading)
        if self.loop and not found.span_s > 0:
            raise ScenarioError(f"{self.trace}: lasts 0 s, and cannot be looped")
        return found

    def processes(self, crowd: Crowd) -> Sequence[tuple[Process, Reason]]:
        """One, that looks things up."""
        shift_s = self.shift_s.isf(crowd.luck("shift").uniforms(crowd.things, 0))
        process = Playback(self.recording(), shift_s, stretch=self.stretch, loop=self.loop)
        return [(process, DeviceLeftError)]


class Playback:
    """A recording as a process: the time of device i is its shift ahead; shift_s (n,)."""

    def __init__(self, recording: Recording, shift_s: Array, *, stretch: float, loop: bool) -> None:
        self._begins_s = recording.begins_s * stretch
        self._is_on = recording.is_on
        self._offsets = recording.offsets
        self._recorded = len(recording)
        self._span_s = recording.span_s * stretch if loop else math.inf
        self._shift_s = shift_s

    def at(self, ranks: Ranks, time_s: float) -> tuple[Bools, Array]:
        """Whether these are there at ``time_s``, and until when that is certain: it may go on in the next lap."""
        which, shift_s = ranks % self._recorded, self._shift_s[ranks]
        lap = np.floor((time_s + shift_s) / self._span_s)
        place = self._find(which, time_s + shift_s - (lap * self._span_s if math.isfinite(self._span_s) else 0.0))
        ends_s = self._ends_s(which, place, lap) - shift_s
        while (over := ends_s <= time_s).any():  # rounding: the end of a stretch belongs to the next
            place, lap = self._step(which, place, lap, over)
            ends_s = self._ends_s(which, place, lap) - shift_s
        return self._is_on[place], ends_s

    def one(self, rank: int, time_s: float) -> tuple[bool, float]:
        """The same for one."""
        is_on, until_s = self.at(np.array([rank]), time_s)
        return bool(is_on[0]), float(until_s[0])

    def _find(self, which: Ranks, local_s: Array) -> Ranks:
        """The stretch in which a time lies, by bisection in all recorded devices at once."""
        low, high = self._offsets[which].copy(), self._offsets[which + 1].copy()
        while (wide := high - low > 1).any():
            middle = (low + high) // 2
            before = self._begins_s[middle] <= local_s
            low = np.where(wide & before, middle, low)
            high = np.where(wide & ~before, middle, high)
        return low

    def _ends_s(self, which: Ranks, place: Ranks, lap: Array) -> Array:
        is_last = place + 1 == self._offsets[which + 1]
        following = np.minimum(place + 1, len(self._begins_s) - 1)
        if math.isinf(self._span_s):
            return np.where(is_last, math.inf, self._begins_s[following])
        return lap * self._span_s + np.where(is_last, self._span_s, self._begins_s[following])

    def _step(self, which: Ranks, place: Ranks, lap: Array, over: Bools) -> tuple[Ranks, Array]:
        wraps = over & (place + 1 == self._offsets[which + 1])
        forward = np.where(over, place + 1, place)
        return np.where(wraps, self._offsets[which], forward), lap + wraps
