"""Where a device's joules go, and when its battery will be empty.

Power is piecewise constant between events, so energy is integrated exactly: at every change of power the time
since the last change is settled, never at ticks.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Final, NamedTuple

from fedsim.system.battery import Battery, Piece

CAUSES: Final = ("compute", "send", "receive", "radio", "idle", "sleep")
"""What power is spent on. ``radio`` is waking the radio and keeping it connected in silence, its tail included;
``idle`` is being awake for the learner without computing; ``sleep`` is what the device draws anyway, outside its
work for the learner: a processor asleep, a radio that listens."""


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
"""A stretch of time in which no stage ends: its start, its end, and the stage of every track."""


class Stretch(NamedTuple):
    """A stretch of time in which power was constant, with the stage of every track.

    ``battery`` says what became of the charge; it is None on the mains.
    """

    from_s: float
    to_s: float
    stages: Sequence[Stage]
    battery: Piece | None

    @property
    def is_on(self) -> bool:
        """Whether the device had charge."""
        return self.battery is None or self.battery.is_on


class PowerMeter:
    """Integrates the power of one device by cause and drains its battery, None on the mains.

    The present power of every cause is set with ``draw``. What a radio draws beside its traffic falls by itself
    and is given once as ``stages``, on a track of its own for every radio of the device. While its battery is empty
    a device draws nothing; once it is back, it draws what was set last. ``seconds`` has the time in each state,
    track by track, and ``off_s`` the time for which the battery was empty. ``witness`` is told every stretch of
    time, with the power by cause, once it has passed.
    """

    def __init__(self, battery: Battery | None = None, *, at_s: float = 0.0) -> None:
        self.battery = battery
        self.spent_j = dict.fromkeys(CAUSES, 0.0)
        self.witness: Callable[[Stretch, Mapping[str, float]], None] | None = None
        self._draws_w = dict.fromkeys(CAUSES, 0.0)
        self._base_w = 0.0
        self._tracks: list[tuple[Stage, ...]] = []
        self._settled_s = at_s
        self.seconds: list[dict[str, float]] = []
        self.off_s = 0.0

    @property
    def is_empty(self) -> bool:
        """Whether the battery is too empty to run, as of the last settling."""
        return self.battery is not None and not self.battery.is_on

    @property
    def is_dead(self) -> bool:
        """Whether the battery is empty and nothing recharges it."""
        return self.battery is not None and not self.battery.is_on and self.battery.never_charges

    @property
    def charge_j(self) -> float:
        """What is left, as of the last settling; infinity on the mains."""
        return math.inf if self.battery is None else self.battery.charge_j

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
        """Account for everything up to ``at_s``, but for the times at which the battery was empty."""
        if not at_s >= self._settled_s:
            raise ValueError(f"time went back: settled to {self._settled_s!r} s, asked for {at_s!r} s")
        if at_s > self._settled_s:
            stretches = [stretch for span in self._spans(at_s) for stretch in self._live(*span)]
            self._spend([stretch for stretch in stretches if stretch.is_on])
            for stretch in stretches:
                self.off_s += 0.0 if stretch.is_on else stretch.to_s - stretch.from_s
                self._tell(stretch)
        self._settled_s = at_s
        if self.battery is not None and self.battery.may_switch_now:
            self.battery.switch_if_now(at_s, self._now_w())

    def changes_s(self) -> float:
        """When the battery goes empty, comes back, or is plugged in or out, if no power is set anew.

        Infinity on the mains, and where nothing drains or charges it.
        """
        ahead = copy(self.battery)
        for start_s, end_s, stages in self._spans(math.inf):
            if ahead is None:
                break
            load_w = self._power_w(stages)
            if (changes_s := ahead.changes_s(start_s, load_w)) <= end_s:
                return changes_s
            ahead.spend(start_s, end_s, load_w)
        return math.inf

    def reaches_s(self, share: float) -> float:
        """When the battery will have this share of its capacity; or when to ask again, if that is sooner."""
        if self.battery is None:
            return self._settled_s
        _, end_s, _ = self._spans(math.inf)[0]
        return min(self.battery.reaches_s(share, self._settled_s, self._now_w()), end_s)

    def _now_w(self) -> float:
        """The power now."""
        _, _, stages = self._spans(math.inf)[0]
        return self._power_w(stages)

    def _power_w(self, stages: Sequence[Stage]) -> float:
        return self._base_w + sum(stage.power_w for stage in stages)

    def _live(self, start_s: float, end_s: float, stages: Sequence[Stage]) -> list[Stretch]:
        """What became of a span: one stretch on the mains, or cut where the battery changed."""
        if self.battery is None:
            return [Stretch(start_s, end_s, stages, None)]
        pieces = self.battery.spend(start_s, end_s, self._power_w(stages))
        return [Stretch(piece.from_s, piece.to_s, stages, piece) for piece in pieces]

    def _spans(self, end_s: float) -> list[_Span]:
        """The time from the last settling to ``end_s``, cut where a stage of any track ends."""
        spans = []
        start_s = self._settled_s
        while start_s < end_s:
            stages = [_at(track, start_s) for track in self._tracks]
            cut_s = min(end_s, *(stage.until_s for stage in stages)) if stages else end_s
            spans.append((start_s, cut_s, stages))
            start_s = cut_s
        return spans

    def _spend(self, stretches: list[Stretch]) -> None:
        lasts_s = sum(stretch.to_s - stretch.from_s for stretch in stretches)
        for from_s, to_s, stages, _ in stretches:
            for stage, in_state in zip(stages, self.seconds, strict=True):
                self.spent_j[stage.cause] += (to_s - from_s) * stage.power_w
                in_state[stage.state] = in_state.get(stage.state, 0.0) + (to_s - from_s)
        for cause, power_w in self._draws_w.items():
            if power_w:
                self.spent_j[cause] += power_w * lasts_s

    def _tell(self, stretch: Stretch) -> None:
        if self.witness is None:
            return
        power_w = dict.fromkeys(CAUSES, 0.0)
        if stretch.is_on:
            power_w |= self._draws_w
            for stage in stretch.stages:
                power_w[stage.cause] += stage.power_w
        self.witness(stretch, power_w)


def _at(track: tuple[Stage, ...], time_s: float) -> Stage:
    """The stage of a track at a time."""
    return next((stage for stage in track if stage.until_s > time_s), _NOTHING)
