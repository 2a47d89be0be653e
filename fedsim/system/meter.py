"""Where a device's joules go, and when its battery will be empty.

Power is piecewise constant between events, so energy is integrated exactly: at every change of power the time
since the last change is settled, never at ticks.
"""

import math
from dataclasses import dataclass
from typing import Final

CAUSES: Final = ("compute", "send", "receive", "radio", "idle", "sleep")
"""What power is spent on. ``radio`` is waking the radio and keeping it connected in silence, its tail included;
``idle`` is being awake for the learner without computing; ``sleep`` is what the device draws anyway, outside its
work for the learner: a processor asleep, a radio that listens."""

_DREGS_J: Final = 1e-3
"""With less than this left, ``settle`` looks whether it would be gone before the clock can move on."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of constant extra power that ends by itself: ``power_w`` until ``until_s``, for ``cause``.

    Its seconds are counted under ``state``, if it has one.
    """

    until_s: float
    power_w: float
    cause: str = "radio"
    state: str = ""


_NOTHING: Final = Stage(math.inf, 0.0)

_Span = tuple[float, float, list[Stage]]
"""A stretch of time in which nothing changes: its start, its length, and the stage of every track."""


class PowerMeter:
    """Integrates the power of one device by cause and drains its battery.

    The present power of every cause is set with ``draw``. What a radio draws beside its traffic falls by itself
    and is given once as ``stages``, on a track of its own for every radio of the device. ``seconds`` has the time in
    each state, track by track, and ``off_s`` the time after the battery was empty: an empty battery draws nothing
    for the rest of the run.
    """

    def __init__(self, *, charge_j: float = math.inf, at_s: float = 0.0) -> None:
        if not charge_j >= 0:
            raise ValueError(f"charge_j must be >= 0, got {charge_j!r}")
        self.charge_j = charge_j
        self.spent_j = dict.fromkeys(CAUSES, 0.0)
        self._draws_w = dict.fromkeys(CAUSES, 0.0)
        self._base_w = 0.0
        self._tracks: list[tuple[Stage, ...]] = []
        self._settled_s = at_s
        self.seconds: list[dict[str, float]] = []
        self.off_s = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether the battery is empty, as of the last settling."""
        return self.charge_j <= 0

    def draw(self, cause: str, power_w: float, at_s: float) -> None:
        """From ``at_s`` on, spend ``power_w`` on ``cause``."""
        if not 0 <= power_w < math.inf:
            raise ValueError(f"power_w must be >= 0 and finite, got {power_w!r}")
        if power_w == self._draws_w[cause]:
            return
        self.settle(at_s)
        self._draws_w[cause] = power_w
        self._base_w = sum(self._draws_w.values())

    def add_track(self) -> int:
        """Number of a new track, empty so far."""
        self._tracks.append(())
        self.seconds.append({})
        return len(self._tracks) - 1

    def stage(self, track: int, stages: tuple[Stage, ...], at_s: float) -> None:
        """From ``at_s`` on, a track has these stages, in order of their ends, instead of any earlier ones."""
        if stages is not self._tracks[track]:
            self.settle(at_s)
            self._tracks[track] = stages

    @property
    def is_steady(self) -> bool:
        """Whether power stays as it is until somebody sets it anew, as of the last settling."""
        return len(self._spans(math.inf)) == 1

    def stood_by_since(self, since_s: float) -> None:
        """Everything has been as it is now from an earlier time on, and none of it is accounted for yet.

        Raises:
            ValueError: something is accounted for already.
        """
        if not since_s <= self._settled_s or any(self.spent_j.values()):
            raise ValueError(
                f"the meter is settled to {self._settled_s!r} s and has spent: it began after {since_s!r} s"
            )
        self._settled_s = since_s

    def settle(self, at_s: float) -> None:
        """Account for everything up to ``at_s``, or up to the instant at which the battery was empty."""
        if not at_s >= self._settled_s:
            raise ValueError(f"time went back: settled to {self._settled_s!r} s, asked for {at_s!r} s")
        if at_s > self._settled_s and self.charge_j > 0:
            self._settle(at_s)
        else:
            self.off_s += at_s - self._settled_s
        self._settled_s = at_s
        if self.charge_j < _DREGS_J and self.empty_s() <= at_s:
            self.charge_j = 0.0  # it would be gone before the clock can move on

    def empty_s(self) -> float:
        """When the battery will be empty if no power is set anew; infinity on mains."""
        if math.isinf(self.charge_j):
            return math.inf
        left_j = self.charge_j
        for start_s, lasts_s, stages in self._spans(math.inf):
            power_w = self._power_w(stages)
            if power_w > 0:
                if left_j <= power_w * lasts_s:
                    return start_s + left_j / power_w
                left_j -= power_w * lasts_s
        return math.inf

    def _settle(self, at_s: float) -> None:
        spans = self._spans(at_s)
        if sum(self._power_w(stages) * lasts_s for _, lasts_s, stages in spans) < self.charge_j:
            self._spend(spans)
            return
        empty_s = self.empty_s()
        self._spend(self._spans(empty_s))
        self.charge_j = 0.0
        self.off_s += at_s - min(empty_s, at_s)

    def _spans(self, end_s: float) -> list[_Span]:
        """The time from the last settling to ``end_s``, cut where a stage of any track ends."""
        spans = []
        start_s = self._settled_s
        while start_s < end_s:
            stages = [_at(track, start_s) for track in self._tracks]
            cut_s = min(end_s, *(stage.until_s for stage in stages)) if stages else end_s
            spans.append((start_s, cut_s - start_s, stages))
            start_s = cut_s
        return spans

    def _power_w(self, stages: list[Stage]) -> float:
        return self._base_w + sum(stage.power_w for stage in stages)

    def _spend(self, spans: list[_Span]) -> None:
        lasts_s = sum(seconds for _, seconds, _ in spans)
        stages_j = 0.0
        for _, seconds, stages in spans:
            for stage, in_state in zip(stages, self.seconds, strict=True):
                self.spent_j[stage.cause] += seconds * stage.power_w
                stages_j += seconds * stage.power_w
                in_state[stage.state] = in_state.get(stage.state, 0.0) + seconds
        for cause, power_w in self._draws_w.items():
            if power_w:
                self.spent_j[cause] += power_w * lasts_s
        self.charge_j -= self._base_w * lasts_s + stages_j


def _at(track: tuple[Stage, ...], time_s: float) -> Stage:
    """The stage of a track at a time."""
    return next((stage for stage in track if stage.until_s > time_s), _NOTHING)
