"""Ends or interrupts what depends on a device at the instant the device goes."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from fedsim.errors import BatteryEmptyError, DeviceDownError
from fedsim.kernel import Simulation
from fedsim.system.endpoint import Guest
from fedsim.system.exposure import Coming
from fedsim.system.meter import PowerMeter

_LOW_S: Final = 60.0
"""A battery that ``peak_w`` could empty within so many seconds is watched closely."""

Changed = Callable[[bool], None]
"""Hears that the device is back (True), or went."""


@dataclass(slots=True, eq=False)
class _Attendant:
    """Somebody who depends on the device: until it goes; or, with ``changed``, until it goes for good."""

    scope: asyncio.Timeout
    changed: Changed | None

    def go(self, loop: asyncio.AbstractEventLoop, name: str, reason: type[DeviceDownError]) -> None:
        """The device went."""
        del name, reason  # its watch has them
        self.scope.reschedule(loop.time())


@dataclass(slots=True, eq=False)
class _Visitor:
    """A guest among those who depend on the device."""

    guest: Guest
    changed: None = None

    def go(self, loop: asyncio.AbstractEventLoop, name: str, reason: type[DeviceDownError]) -> None:
        """The device went."""
        loop.call_soon(self.guest.gone, reason(f"{name} went down ({reason.cause})"))


class Watch:
    """Knows whether a device is there, and wakes everything inside ``present`` with an error when it goes.

    It keeps one timer, never later than that instant, and only while somebody depends on the device. A battery that
    is nearly empty is looked at again at every change of power; any other cannot be empty before the timer rings,
    whatever the device does, so its changes of power cost nothing.

    Of what happens in one instant the going comes first: work that would end just then has not ended.
    """

    def __init__(self, sim: Simulation, name: str, meter: PowerMeter, presence: Coming, *, peak_w: float) -> None:
        self._sim = sim
        self._name = name
        self._meter = meter
        self._presence = presence
        self._peak_w = peak_w
        self._attendants: list[_Attendant | _Visitor] = []
        self._visitors: dict[Guest, _Visitor] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._is_low = False
        self._is_up = True
        self._reason = DeviceDownError

    def down(self) -> tuple[type[DeviceDownError], float] | None:
        """Why the device is not there now, and when to ask again: that reason may end then; None if it is there."""
        now_s = self._sim.now
        self._meter.settle(now_s)
        if self._meter.is_empty:
            return BatteryEmptyError, math.inf if self._meter.is_dead else self._meter.changes_s()
        return self._presence.down(now_s)

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

    @asynccontextmanager
    async def present(self, changed: Changed | None = None) -> AsyncIterator[None]:
        """Runs its body for as long as the device is there; with ``changed``, until it is gone for good.

        Raises:
            DeviceDownError: the child for the reason, on entering or at the instant the device goes.
        """
        self._check()
        scope = asyncio.timeout(None)
        try:
            async with scope:
                attendant = _Attendant(scope, changed)
                self._enter(attendant)
                try:
                    yield
                finally:
                    self._leave(attendant)
        except TimeoutError:
            if not scope.expired():
                raise
            raise self._reason(f"{self._name} went down ({self._reason.cause})") from None

    def enter(self, guest: Guest) -> None:
        """Until it leaves, a guest is told when the device goes.

        Raises:
            DeviceDownError: the child for the reason, if it is not there.
        """
        self._check()
        visitor = self._visitors[guest] = _Visitor(guest)
        self._enter(visitor)

    def leave(self, guest: Guest) -> None:
        """A guest depends on the device no more."""
        visitor = self._visitors.pop(guest, None)
        if visitor is not None:
            self._leave(visitor)

    def power_changed(self) -> None:
        """Look again, if the new power could empty the battery before the timer rings."""
        if self._is_low and self._attendants and self._is_up:
            self._set_timer()

    def _check(self) -> None:
        if (down := self.down()) is not None:
            raise down[0](f"{self._name} is down ({down[0].cause})")

    def _enter(self, attendant: "_Attendant | _Visitor") -> None:
        if not self._attendants:
            self._is_up = True
        self._attendants.append(attendant)
        self._set_timer()

    def _leave(self, attendant: "_Attendant | _Visitor") -> None:
        if attendant in self._attendants:  # else the device went, and the scope ends for that
            self._attendants.remove(attendant)
        if not self._attendants and self._timer is not None:
            self._timer.cancel()
            self._timer = None

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
        self._meter.settle(now_s)
        if self._meter.is_empty:
            return now_s
        soonest_s = now_s + self._meter.charge_j / self._peak_w
        self._is_low = soonest_s < now_s + _LOW_S
        return self._meter.changes_s() if self._is_low else soonest_s

    def _look(self) -> None:
        self._timer = None
        if (down := self.down()) is None:
            self._set_timer()
            if not self._is_up:
                self._is_up = True
                self._tell(is_up=True)
        else:
            self._go(*down)

    def _go(self, reason: type[DeviceDownError], until_s: float) -> None:
        """It went, or is still away: who cannot wait ends, the others go on when it comes back."""
        self._reason = reason
        gone = [one for one in self._attendants if one.changed is None or until_s == math.inf]
        self._attendants = [one for one in self._attendants if one not in gone]
        if self._is_up:
            self._is_up = False
            self._sim.record("down", subject=self._name, cause=reason.cause)
            self._tell(is_up=False)
        for one in gone:
            one.go(self._sim.loop, self._name, reason)
        if self._attendants:
            self._ring_at(until_s)

    def _tell(self, *, is_up: bool) -> None:
        for one in self._attendants:
            if one.changed is not None:
                one.changed(is_up)
