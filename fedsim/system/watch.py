"""Ends or interrupts what depends on a device at the instant the device goes."""

import asyncio
import math
from collections.abc import Callable
from typing import Final, Protocol

from fedsim.errors import BatteryEmptyError, DeviceDownError
from fedsim.kernel import Simulation
from fedsim.system.exposure import Coming
from fedsim.system.meter import PowerMeter

_LOW_S: Final = 60.0
"""A battery that could be empty within so many seconds is watched closely."""

Changed = Callable[[bool], None]
"""Hears that the device is back (True), or went."""


class Attendant(Protocol):
    """Who depends on a device for a while."""

    def gone(self, error: DeviceDownError) -> None:
        """The device went, and has forgotten who depended on it. Called once that is dealt with.

        Those who have left meanwhile may hear of it, too.
        """


class Stay:
    """The present task depends on a device: ``async with`` it runs its body for as long as the device is there.

    Where it hears of changes, it ends only when the device goes for good. It does what ``asyncio.timeout`` does.

    Raises:
        DeviceDownError: the child for the reason, on entering or at the instant the device goes.
    """

    __slots__ = ("_before", "_changed", "_error", "_has_ended", "_task", "_watch")

    def __init__(self, watch: "Watch", changed: Changed | None = None) -> None:
        self._watch = watch
        self._changed = changed
        self._error: DeviceDownError | None = None
        self._has_ended = False

    async def __aenter__(self) -> None:
        self.begin()

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.end(error)

    def begin(self) -> None:
        """Whoever runs now depends on the device until ``end``."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can depend on a device")
        self._watch.enter(self, self._changed)
        self._task, self._before = task, task.cancelling()

    def end(self, error: BaseException | None) -> None:
        """The body has ended, with this error: if the device's going has cancelled it, with the reason for that."""
        self._has_ended = True
        self._watch.leave(self)
        if self._error is not None:
            is_ours = self._task.uncancel() <= self._before
            if is_ours and isinstance(error, asyncio.CancelledError):
                raise self._error from None

    def gone(self, error: DeviceDownError) -> None:
        """The device went."""
        if not self._has_ended:
            self._error = error
            self._task.cancel()


class Watch:
    """Knows whether a device is there, and wakes everything inside ``present`` with an error when it goes.

    It keeps one timer, never later than that instant, and only while somebody depends on the device. A battery that
    is nearly empty is looked at again at every change of power; any other cannot be empty before the timer rings,
    whatever the device does, so its changes of power cost nothing.

    Of what happens in one instant the going comes first: work that would end just then has not ended.
    """

    __slots__ = ("_attendants", "_is_low", "_is_up", "_meter", "_name", "_presence", "_sim", "_timer")

    def __init__(self, sim: Simulation, name: str, meter: PowerMeter, presence: Coming) -> None:
        self._sim = sim
        self._name = name
        self._meter = meter
        self._presence = presence
        self._attendants: dict[Attendant, Changed | None] | None = None  # until the first comes
        self._timer: asyncio.TimerHandle | None = None
        self._is_low = False
        self._is_up = True

    def down(self) -> tuple[type[DeviceDownError], float] | None:
        """Why the device is not there now, and when to ask again: that reason may end then; None if it is there."""
        now_s = self._sim.now
        if not self._meter.has_charge(now_s):
            return BatteryEmptyError, math.inf if self._meter.is_dead else self._meter.changes_s()
        return self._presence.down(now_s)

    @property
    def is_lasting(self) -> bool:
        """Whether the device will be there for ever, as it is now."""
        return self._meter.battery is None and self._presence.goes_s(self._sim.now) == math.inf

    async def back(self) -> None:
        """Return when the device is there.

        Raises:
            DeviceDownError: the child for the reason, once it is gone for good.
        """
        while (down := self.down()) is not None:
            reason, until_s = down
            if until_s == math.inf:
                raise reason(f"{self._name} is down for good ({reason.cause})")
            await self._sim.timeout(until_s - self._sim.now)

    def present(self, changed: Changed | None = None) -> Stay:
        """Runs its body for as long as the device is there; with ``changed``, until it is gone for good."""
        return Stay(self, changed)

    def enter(self, who: Attendant, changed: Changed | None = None) -> None:
        """Until they leave, they are told when the device goes; with ``changed``, when it goes for good.

        Raises:
            DeviceDownError: the child for the reason, if it is not there.
        """
        if (down := self.down()) is not None:
            raise down[0](f"{self._name} is down ({down[0].cause})")
        if self._attendants is None:
            self._attendants = {}
        is_first, self._attendants[who] = not self._attendants, changed
        if is_first:  # else the timer is set already
            self._is_up = True
            self._set_timer()

    def leave(self, who: Attendant) -> None:
        """They depend on it no more; nothing happens if the device has gone, and forgotten them."""
        if self._attendants:
            self._attendants.pop(who, None)
        if not self._attendants and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def sure_until_s(self) -> float:
        """Until when a device on which nobody depends now will be there for certain; -infinity if that is open."""
        now_s, lasts_s = self._sim.now, self._meter.lasts_s
        if self._attendants:
            return -math.inf
        if lasts_s - now_s >= _LOW_S:  # it has charge, whatever it has done since somebody looked
            if self._presence.down(now_s) is not None:
                return -math.inf
            self._is_low = False
            return min(self._presence.goes_s(now_s), lasts_s)
        if self.down() is not None:
            return -math.inf
        until_s = min(self._presence.goes_s(now_s), self._empty_s())
        return -math.inf if self._is_low else until_s

    def power_changed(self) -> None:
        """Look again, if the new power could empty the battery before the timer rings."""
        if self._is_low and self._attendants and self._is_up:
            self._set_timer()

    def _set_timer(self) -> None:
        self._ring_at(min(self._presence.goes_s(self._sim.now), self._empty_s()))

    def _ring_at(self, time_s: float) -> None:
        if self._timer is not None:
            if self._timer.when() <= time_s:
                return  # it looks again when it rings
            self._timer.cancel()
        self._timer = self._sim.loop.call_first_at(time_s, self._look) if time_s < math.inf else None

    def _empty_s(self) -> float:
        """When the battery will be empty, or plugged in or out; or, far from empty, the soonest that it could be."""
        now_s = self._sim.now
        if self._meter.lasts_s - now_s < _LOW_S:
            self._meter.look_ahead(now_s)
        if self._meter.is_empty:
            return now_s
        self._is_low = self._meter.lasts_s - now_s < _LOW_S
        return self._meter.changes_s() if self._is_low else self._meter.lasts_s

    def _look(self) -> None:
        self._timer = None
        if (down := self.down()) is None:
            self._set_timer()
            if not self._is_up:
                self._is_up = True
                self._sim.record("back", subject=self._name)
                self._tell(is_up=True)
        else:
            self._go(*down)

    def _go(self, reason: type[DeviceDownError], until_s: float) -> None:
        """It went, or is still away: who cannot wait ends, the others go on when it comes back."""
        attendants = self._attendants or {}
        gone = [who for who, changed in attendants.items() if changed is None or until_s == math.inf]
        for who in gone:
            del attendants[who]
        if self._is_up:
            self._is_up = False
            self._sim.record("down", subject=self._name, cause=reason.cause, until_s=until_s)
            self._tell(is_up=False)
        for who in gone:
            self._sim.loop.call_soon(who.gone, reason(f"{self._name} went down ({reason.cause})"))
        if attendants:
            self._ring_at(until_s)

    def _tell(self, *, is_up: bool) -> None:
        for changed in list((self._attendants or {}).values()):
            if changed is not None:
                changed(is_up)
