"""Where a device's joules go, and when its battery will be empty.

Power is piecewise constant between events, so energy is integrated exactly: at every change of power the time
since the last change is settled, never at ticks.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from typing import Final, NamedTuple

from fedsim.system.battery import DREGS_J, Battery, Piece

CAUSES: Final = ("compute", "send", "receive", "radio", "idle", "sleep")
"""What power is spent on. ``radio`` is waking the radio and keeping it connected in silence, its tail included;
``idle`` is being awake for the learner without computing; ``sleep`` is what the device draws anyway, outside its
work for the learner: a processor asleep, a radio that listens."""


class Stage(NamedTuple):
    """A stretch of constant extra power that ends by itself: ``power_w`` until ``until_s``, for ``cause``.

    Its seconds are counted under ``state``, if it has one.
    """

    until_s: float
    power_w: float
    cause: str = "radio"
    state: str = ""


_NOTHING: Final = Stage(math.inf, 0.0)
_NO_DRAW: Final = (0.0, 0.0)
_PLACE: Final = {cause: place for place, cause in enumerate(CAUSES)}


Drawn = tuple[str, float, float, float]
"""A cause, watts, from when, and until when."""

Gone = tuple[float, float, str, str]
"""What a radio went through: until when, watts, their cause, and its state."""

Joules = tuple[float, ...]
"""What was spent, by cause, as in ``CAUSES``."""

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


Witness = Callable[[Stretch, Mapping[str, float]], None]
"""Hears of a stretch of time, and what was drawn in it, in watts, by cause."""


class _Track:
    """The stages of one radio, up to when they are accounted for, and for how long it has been in each state."""

    __slots__ = ("seconds", "since_s", "stages")

    def __init__(self, stages: tuple[Stage, ...], since_s: float) -> None:
        self.stages = stages
        self.since_s = since_s
        self.seconds: dict[str, float] = {}


class PowerMeter:
    """Integrates the power of one device by cause and drains its battery, None on the mains.

    The present power of every cause is set with ``draw``. What a radio draws beside its traffic falls by itself
    and is given once as ``stages``, on a track of its own for every radio of the device. While its battery is empty
    a device draws nothing; once it is back, it draws what was set last. ``off_s`` is the time for which the battery
    was empty. ``lasts_s`` is when its battery could be empty at the soonest, whatever the device does: a little stale,
    and on the safe side. ``witness`` is told every stretch of time, with the power by cause, once it has passed. Until
    ``sure_s`` nothing can happen to the battery, and ``had_j`` is what it has left and what was spent, together:
    infinite on the mains.

    Every cause and every track is an account of its own, brought up to date when its own power changes, and all of
    them when somebody asks. That is right for as long as nothing can happen to the battery: until it could be empty
    at ``peak_w``, the most that the device can ever draw. From then on, and wherever a charger or a witness has a
    say, all accounts go together, from change to change, stretch by stretch.
    """

    __slots__ = (
        "_changed_s",
        "_draws",
        "_joules",
        "_peak_w",
        "_tracks",
        "_witness",
        "battery",
        "had_j",
        "lasts_s",
        "off_s",
        "sure_s",
    )

    def __init__(self, battery: Battery | None = None, *, at_s: float = 0.0, peak_w: float = math.inf) -> None:
        self.battery = battery
        self._joules = [0.0] * len(CAUSES)
        self.off_s = 0.0
        self._witness: Witness | None = None
        self._peak_w = peak_w
        self._draws: dict[str, tuple[float, float]] = {}  # what is drawn now, in watts, and since when
        self._tracks: tuple[_Track, ...] = ()
        self._changed_s = at_s
        self.sure_s = self.lasts_s = -math.inf
        self.had_j = math.inf
        self._look_ahead()

    @property
    def witness(self) -> Witness | None:
        """Who is told what passes, from when this is set."""
        return self._witness

    @witness.setter
    def witness(self, witness: Witness | None) -> None:
        self._catch_up()
        self._witness = witness
        self._look_ahead()

    @property
    def joules(self) -> Joules:
        """What was spent as of the last settling."""
        return tuple(self._joules)

    @property
    def spent_j(self) -> dict[str, float]:
        """The same, by cause."""
        return dict(zip(CAUSES, self._joules, strict=True))

    @property
    def seconds(self) -> Sequence[Mapping[str, float]]:
        """The time in each state as of the last settling, track by track."""
        return [track.seconds for track in self._tracks]

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
        """What is left, as of the last settling or change; infinity on the mains."""
        self._catch_up()
        return math.inf if self.battery is None else self.battery.charge_j

    def has_charge(self, at_s: float) -> bool:
        """Whether the battery is not too empty to run at ``at_s``."""
        if not self._changed_s <= at_s < self.sure_s:
            self.settle(at_s)
        return not self.is_empty

    def draw(self, cause: str, power_w: float, at_s: float) -> None:
        """From ``at_s`` on, spend ``power_w`` on ``cause``."""
        if not 0 <= power_w < math.inf:
            raise ValueError(f"power_w must be >= 0 and finite, got {power_w!r}")
        before_w, since_s = self._draws.get(cause, _NO_DRAW)
        if power_w == before_w:
            return
        if not self._changed_s <= at_s < self.sure_s:
            self.settle(at_s)
        elif before_w:
            self._joules[_PLACE[cause]] += before_w * (at_s - since_s)
        if power_w:
            self._draws[cause] = (power_w, at_s)
        else:
            del self._draws[cause]
        self._changed_s = at_s

    def add_track(self, stages: tuple[Stage, ...] = ()) -> int:
        """Number of a new track, which has these stages since the last change."""
        self._tracks += (_Track(stages, self._changed_s),)
        return len(self._tracks) - 1

    def stage(self, track: int, stages: tuple[Stage, ...], at_s: float) -> None:
        """From ``at_s`` on, a track has these stages, in order of their ends, instead of any earlier ones."""
        of_radio = self._tracks[track]
        if stages is of_radio.stages:
            return
        if self._changed_s <= at_s < self.sure_s:
            self._go_through(of_radio, at_s)
        else:
            self.settle(at_s)
        of_radio.stages = stages
        self._changed_s = at_s

    def live(
        self, from_s: float, drawn: Iterable[Drawn], staged: Iterable[Gone], then: tuple[Stage, ...]
    ) -> tuple[Joules, Joules]:
        """Go through what has passed since ``from_s`` and is known by now; what was spent by then, and is by now.

        drawn: causes, watts, from when and to when, in order    staged: what the radio went through up to now
        then: its stages from now on

        It is what ``settle``, ``draw`` and ``stage`` would have come to at each of these instants, for a device of one
        radio to the battery of which nothing can happen; what was drawn by then is drawn again from the end on.
        """
        joules, draws, track = self._joules, self._draws, self._tracks[0]
        for cause, (power_w, since_s) in draws.items():
            joules[_PLACE[cause]] += power_w * (from_s - since_s)
        self._go_through(track, from_s)
        before_j, seconds, now_s = tuple(joules), track.seconds, from_s
        for cause, power_w, drawn_s, to_s in drawn:
            joules[_PLACE[cause]] += power_w * (to_s - drawn_s)
        for until_s, power_w, cause, state in staged:
            if now_s < until_s:
                lasts_s = until_s - now_s
                joules[_PLACE[cause]] += power_w * lasts_s
                seconds[state] = seconds.get(state, 0.0) + lasts_s
                now_s = until_s
        track.stages, track.since_s, self._changed_s = then, now_s, now_s
        for cause, (power_w, _) in draws.items():
            draws[cause] = (power_w, now_s)
        after_j = tuple(joules)
        if self.battery is not None:
            self.battery.charge_j = self.had_j - sum(after_j)
        return before_j, after_j

    def peek(self, at_s: float) -> tuple[Joules, float]:
        """What will have been spent by ``at_s`` if nothing changes until then, and what is left, infinite on the mains.

        Nothing is settled by that, but where something may have happened to the battery.
        """
        if not at_s < self.sure_s:
            self.settle(at_s)
            return self.joules, math.inf if self.battery is None else self.battery.charge_j
        joules = self._joules.copy()
        for cause, (power_w, since_s) in self._draws.items():
            joules[_PLACE[cause]] += power_w * (at_s - since_s)
        for track in self._tracks:
            since_s = track.since_s
            for until_s, power_w, cause, _ in track.stages:
                if since_s < until_s:
                    joules[_PLACE[cause]] += power_w * (min(at_s, until_s) - since_s)
                    if at_s <= until_s:
                        break
                    since_s = until_s
        return tuple(joules), self.had_j - sum(joules)

    def is_steady(self, at_s: float) -> bool:
        """Whether power stays as it is at ``at_s``, not before the last change, until somebody sets it anew."""
        for track in self._tracks:
            for until_s, _, _, _ in reversed(track.stages):
                if until_s < math.inf:  # the last stage that ends
                    if until_s > at_s:
                        return False
                    break
        return True

    def stood_by_since(self, since_s: float) -> None:
        """Everything has been as it is now from an earlier time on, and none of it is accounted for yet.

        Raises:
            ValueError: something is accounted for already.
        """
        if since_s == self._changed_s:
            return
        if not since_s <= self._changed_s or any(self._joules):
            raise ValueError(
                f"the meter is settled to {self._changed_s!r} s and has spent: it began after {since_s!r} s"
            )
        self._date_all(since_s)
        self._look_ahead()

    def settle(self, at_s: float) -> None:
        """Account for everything up to ``at_s``, but for the times at which the battery was empty."""
        if not at_s >= self._changed_s:
            raise ValueError(f"time went back: settled to {self._changed_s!r} s, asked for {at_s!r} s")
        if at_s < self.sure_s:
            self._book(at_s)
        else:
            self._catch_up()
            self._settle_closely(at_s)
            self._look_ahead()

    def look_ahead(self, at_s: float) -> None:
        """Settle, and bring ``lasts_s`` up to date."""
        self.settle(at_s)
        self._look_ahead()

    def changes_s(self) -> float:
        """When the battery goes empty, comes back, or is plugged in or out, if no power is set anew.

        Infinity on the mains, and where nothing drains or charges it.
        """
        self._catch_up()
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
        self._catch_up()
        if self.battery is None:
            return self._changed_s
        _, end_s, _ = self._spans(math.inf)[0]
        return min(self.battery.reaches_s(share, self._changed_s, self._now_w()), end_s)

    def _look_ahead(self) -> None:
        """How long the charge lasts at least, and whether accounts may go apart so long. All is settled now."""
        battery = self.battery
        if battery is None:
            self.lasts_s = math.inf
        elif battery.is_on:
            left_j = battery.charge_j - DREGS_J
            self.lasts_s = self._changed_s + (left_j / self._peak_w if self._peak_w else math.inf)
            self.had_j = battery.charge_j + sum(self._joules)
        else:
            self.lasts_s = -math.inf
        is_plain = self._witness is None and (battery is None or battery.never_charges)
        self.sure_s = self.lasts_s if is_plain else -math.inf

    def _catch_up(self) -> None:
        """Bring accounts that go apart to the last change."""
        if self._changed_s < self.sure_s:
            self._book(self._changed_s)

    def _book(self, at_s: float) -> None:
        """Bring every account to ``at_s``, to which nothing happens to the battery."""
        joules, draws = self._joules, self._draws
        for cause, (power_w, since_s) in draws.items():
            joules[_PLACE[cause]] += power_w * (at_s - since_s)
            draws[cause] = (power_w, at_s)
        for track in self._tracks:
            self._go_through(track, at_s)
        self._changed_s = at_s
        if self.battery is not None:
            self.battery.charge_j = self.had_j - sum(joules)

    def _go_through(self, track: _Track, at_s: float) -> None:
        """Account for the stages of a track up to ``at_s``."""
        since_s = track.since_s
        if since_s == at_s:
            return
        joules, seconds, track.since_s = self._joules, track.seconds, at_s
        for until_s, power_w, cause, state in track.stages:
            if since_s < until_s:
                lasts_s = (at_s if at_s < until_s else until_s) - since_s  # noqa: FURB136  # min costs more than the rest
                joules[_PLACE[cause]] += power_w * lasts_s
                seconds[state] = seconds.get(state, 0.0) + lasts_s
                if at_s <= until_s:
                    return
                since_s = until_s
        seconds[""] = seconds.get("", 0.0) + (at_s - since_s)

    def _settle_closely(self, at_s: float) -> None:
        """From the last change on, whatever happens to the battery meanwhile."""
        if at_s > self._changed_s:
            stretches = [stretch for span in self._spans(at_s) for stretch in self._live(*span)]
            self._spend([stretch for stretch in stretches if stretch.is_on])
            for stretch in stretches:
                self.off_s += 0.0 if stretch.is_on else stretch.to_s - stretch.from_s
                self._tell(stretch)
        self._date_all(at_s)
        if self.battery is not None and self.battery.may_switch_now:
            self.battery.switch_if_now(at_s, self._now_w())

    def _date_all(self, at_s: float) -> None:
        """Everything is accounted for up to ``at_s``."""
        for cause, (power_w, _) in self._draws.items():
            self._draws[cause] = (power_w, at_s)
        for track in self._tracks:
            track.since_s = at_s
        self._changed_s = at_s

    def _now_w(self) -> float:
        """The power now."""
        _, _, stages = self._spans(math.inf)[0]
        return self._power_w(stages)

    def _power_w(self, stages: Sequence[Stage]) -> float:
        return sum(power_w for power_w, _ in self._draws.values()) + sum(stage.power_w for stage in stages)

    def _live(self, start_s: float, end_s: float, stages: Sequence[Stage]) -> list[Stretch]:
        """What became of a span: one stretch on the mains, or cut where the battery changed."""
        if self.battery is None:
            return [Stretch(start_s, end_s, stages, None)]
        pieces = self.battery.spend(start_s, end_s, self._power_w(stages))
        return [Stretch(piece.from_s, piece.to_s, stages, piece) for piece in pieces]

    def _spans(self, end_s: float) -> list[_Span]:
        """The time from the last change to ``end_s``, cut where a stage of any track ends."""
        spans = []
        start_s = self._changed_s
        while start_s < end_s:
            stages = [_at(track.stages, start_s) for track in self._tracks]
            cut_s = min(end_s, *(stage.until_s for stage in stages)) if stages else end_s
            spans.append((start_s, cut_s, stages))
            start_s = cut_s
        return spans

    def _spend(self, stretches: list[Stretch]) -> None:
        lasts_s = sum(stretch.to_s - stretch.from_s for stretch in stretches)
        for from_s, to_s, stages, _ in stretches:
            for stage, track in zip(stages, self._tracks, strict=True):
                self._joules[_PLACE[stage.cause]] += (to_s - from_s) * stage.power_w
                track.seconds[stage.state] = track.seconds.get(stage.state, 0.0) + (to_s - from_s)
        for cause, (power_w, _) in self._draws.items():
            self._joules[_PLACE[cause]] += power_w * lasts_s

    def _tell(self, stretch: Stretch) -> None:
        if self._witness is None:
            return
        power_w = dict.fromkeys(CAUSES, 0.0)
        if stretch.is_on:
            power_w |= {cause: watts for cause, (watts, _) in self._draws.items()}
            for stage in stretch.stages:
                power_w[stage.cause] += stage.power_w
        self._witness(stretch, power_w)


def _at(stages: tuple[Stage, ...], time_s: float) -> Stage:
    """The stage of a track at a time."""
    for stage in stages:
        if stage.until_s > time_s:
            return stage
    return _NOTHING
