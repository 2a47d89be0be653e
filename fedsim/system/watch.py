"""Ends what depends on a device at the instant the device goes."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fedsim.errors import BatteryEmptyError, DeviceDownError
from fedsim.kernel import Simulation
from fedsim.system.meter import PowerMeter
from fedsim.system.presence import Presence

_LOW_S: Final = 60.0
"""A battery that ``peak_w`` could empty within so many seconds is watched closely."""


class Watch:
    """Knows whether a device is there, and wakes everything inside ``present`` with an error when it goes.

    It keeps one timer, never later than that instant, and only while somebody depends on the device. A battery that
    is nearly empty is looked at again at every change of power; any other cannot be empty before the timer rings,
    whatever the device does, so its changes of power cost nothing.

    Of what happens in one instant the going comes first: work that would end just then has not ended.
    """

    def __init__(self, sim: Simulation, name: str, meter: PowerMeter, presence: Presence, *, peak_w: float) -> None:
        self._sim = sim
        self._name = name
        self._meter = meter
        self._presence = presence
        self._peak_w = peak_w
        self._scopes: list[asyncio.Timeout] = []
        self._timer: asyncio.TimerHandle | None = None
        self._is_low = False
        self._reason = DeviceDownError

    def down(self) -> tuple[type[DeviceDownError], float] | None:
        """Why the device is not there now, and when to ask again: that reason may end then; None if it is there."""
        now_s = self._sim.now
        self._meter.settle(now_s)
        if self._meter.is_empty:
            return BatteryEmptyError, self._meter.changes_s()
        return self._presence.down(now_s)

    @asynccontextmanager
    async def present(self) -> AsyncIterator[None]:
        """Runs its body for as long as the device is there.

        Raises:
            DeviceDownError: the child for the reason, on entering or at the instant the device goes.
        """
        if (down := self.down()) is not None:
            raise down[0](f"{self._name} is down ({down[0].cause})")
        scope = asyncio.timeout(None)
        try:
            async with scope:
                self._enter(scope)
                try:
                    yield
                finally:
                    self._leave(scope)
        except TimeoutError:
            if not scope.expired():
                raise
            raise self._reason(f"{self._name} went down ({self._reason.cause})") from None

    def power_changed(self) -> None:
        """Look again, if the new power could empty the battery before the timer rings."""
        if self._is_low and self._scopes:
            self._set_timer()

    def _enter(self, scope: asyncio.Timeout) -> None:
        self._scopes.append(scope)
        self._set_timer()

    def _leave(self, scope: asyncio.Timeout) -> None:
        if scope in self._scopes:  # else the device went, and the scope ends for that
            self._scopes.remove(scope)
        if not self._scopes and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        goes_s = min(self._presence.goes_s(self._sim.now), self._empty_s())
        if self._timer is not None:
            if self._timer.when() <= goes_s:
                return  # it looks again when it rings
            self._timer.cancel()
        self._timer = self._sim.loop.call_first_at(goes_s, self._look) if goes_s < math.inf else None

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
            return
        self._reason, _ = down
        self._sim.record("down", subject=self._name, cause=self._reason.cause)
        scopes, self._scopes = self._scopes, []
        for scope in scopes:
            scope.reschedule(self._sim.now)
