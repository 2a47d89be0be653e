"""One attempt to bring a message from end to end: it waits for both radios, then its bytes go."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from fedsim.errors import DeviceDownError, NoRouteError
from fedsim.kernel import Simulation
from fedsim.system.cargo import Cargo
from fedsim.system.endpoint import Endpoint
from fedsim.system.flow import FlowObserver
from fedsim.system.network import Network
from fedsim.system.trip import Trip


class Sent(FlowObserver, Protocol):
    """What is to be brought, and between whom; it hears of its flows."""

    @property
    def source(self) -> Endpoint:
        """From where."""

    @property
    def target(self) -> Endpoint:
        """To where."""

    @property
    def cargo(self) -> Cargo:
        """What is left to go."""


def _never(source: str, target: str) -> float:
    del source, target
    return 0.0


class Attempt:
    """Its steps are plain calls of the radios, the clock and the network; whoever made it wakes once, at its end.

    ``woken_s`` is when both ends were connected, ``late_s`` for how long it was held up then, ``trip`` how it went.
    """

    __slots__ = (
        "_give_up_s",
        "_held",
        "_inside",
        "_late",
        "_network",
        "_over",
        "_sent",
        "_sim",
        "_timer",
        "late_s",
        "trip",
        "woken_s",
    )

    def __init__(
        self,
        sim: Simulation,
        network: Network,
        sent: Sent,
        *,
        late: Callable[[str, str], float] = _never,
        give_up_s: float = 0.0,
    ) -> None:
        """``late``: how long a message between two names is held up. ``give_up_s``: until no way shows."""
        self._sim = sim
        self._network = network
        self._sent = sent
        self._late = late
        self._give_up_s = give_up_s
        self._inside: list[Endpoint] = []
        self._held: list[Endpoint] = []
        self._timer: asyncio.TimerHandle | None = None
        self._over: asyncio.Future[None] = sim.loop.create_future()
        self.woken_s = self.late_s = 0.0
        self.trip: Trip | None = None

    async def made(self, *, watches_source: bool) -> Trip:
        """Return when the target has all of it. A source that is not watched here is watched by whoever sends.

        Raises:
            DeviceDownError: an end is not there, or goes.
            MessageFailedError: the network did not bring it.
        """
        source, target = self._sent.source, self._sent.target
        try:
            if watches_source and source is not target:
                self._enter(source)
            self._enter(target)
            self._hold(source, pushed=False)
            await self._over
        finally:
            self._close()
        if self.trip is None:
            raise RuntimeError("a message arrived that was never sent")
        return self.trip

    def connected(self) -> None:
        """An end is connected: after the source it is the target's turn, and then its bytes go."""
        if len(self._held) == 1:
            self._hold(self._sent.target, pushed=True)
            return
        source, target = self._sent.source.name, self._sent.target.name
        self.woken_s = self._sim.now
        self.late_s = self._late(source, target)
        if self.late_s:
            self._timer = self._sim.loop.call_later(self.late_s, self._set_out)
        else:
            self._set_out()

    def gone(self, error: DeviceDownError) -> None:
        """An end went."""
        self._end(error)

    def _enter(self, end: Endpoint) -> None:
        end.enter(self)
        self._inside.append(end)

    def _hold(self, end: Endpoint, *, pushed: bool) -> None:
        self._held.append(end)
        if end.hold(self, pushed=pushed):
            self.connected()

    def _set_out(self) -> None:
        sent = self._sent
        try:
            self.trip = self._network.launch(sent.source.name, sent.target.name, sent.cargo, self._arrived, sent)
        except Exception as error:  # noqa: BLE001  # whatever it is, the sender must be told
            self._arrived(error)

    def _arrived(self, error: BaseException | None) -> None:
        """It is there, or failed. That there is no way shows by waiting."""
        if isinstance(error, NoRouteError) and self._give_up_s:
            self._timer = self._sim.loop.call_later(self._give_up_s, self._end, error)
        else:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        if self._over.done():
            return
        self._close()
        if error is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(error)

    def _close(self) -> None:
        """Leave everything."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.trip is not None:
            self._network.give_up(self.trip)
        while self._held:
            self._held.pop().release(self)
        while self._inside:
            self._inside.pop().leave(self)
