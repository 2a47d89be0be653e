"""Where a device is attached, by which of its radios, and how messages go over when that changes."""

import asyncio
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from fedsim.kernel import Simulation
from fedsim.system.access import Access
from fedsim.system.capacity import Capacity
from fedsim.system.device_spec import DeviceSpec
from fedsim.system.endpoint import Guest
from fedsim.system.flow import Moving
from fedsim.system.handover import AnyWay, Fate, Handover
from fedsim.system.meter import PowerMeter
from fedsim.system.radio import Radio


class Movable(Protocol):
    """A network in which attached names can go elsewhere."""

    def move(self, name: str, at: str, access: Access, *, flows: Fate = "continue") -> None:
        """From now on ``name`` hangs on another node or by another link; its flows meet this fate."""


class Carried(Protocol):
    """Whose flows change radios."""

    def flows(self) -> Iterable[tuple[Moving, bool]]:
        """Its flows in progress, each with whether it is outgoing."""

    def follow(self, flow: Moving, *, outgoing: bool) -> None:
        """Take note of the present rate of a flow."""


@dataclass(frozen=True, slots=True)
class Late:
    """A capacity that is 0 until ``from_s``: a radio that is not connected yet carries nothing."""

    capacity: Capacity | float
    from_s: float

    def at(self, time_s: float) -> tuple[float, float]:
        """Bit/s at a time, and until when that holds."""
        if time_s < self.from_s:
            return 0.0, self.from_s
        return (self.capacity, math.inf) if isinstance(self.capacity, int | float) else self.capacity.at(time_s)


class Roaming:
    """The ways of one device into the network, and the one that it takes.

    It looks at its itinerary when a message begins, and keeps a timer only while messages are under way: a device
    that nobody uses costs nothing. Every technology has its own radio, and all of them listen in idle all the time.
    """

    __slots__ = (
        "_itinerary",
        "_network",
        "_number",
        "_radios",
        "_sim",
        "_spec",
        "_timer",
        "_until_s",
        "_users",
        "_waiting",
        "radio",
    )

    def __init__(self, sim: Simulation, spec: DeviceSpec, *, meter: PowerMeter, network: Movable) -> None:
        self._sim = sim
        self._spec = spec
        self._network = network
        self._number = 0
        self._until_s = math.inf
        self._users = 0
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: dict[Guest, None] | None = None  # until the first waits
        kind = spec.kind
        self.radio = Radio(sim, kind.radio, meter, paging_s=kind.paging_s, luck=(spec.name,))
        """The radio of the present way."""
        self._radios: dict[str, Radio] | None = None  # where there are others
        if spec.handover is not None:
            self._roam(spec.handover, meter)

    def _roam(self, handover: Handover, meter: PowerMeter) -> None:
        """There are other ways, too; every technology among them has a radio."""
        name = self._spec.name
        self._itinerary = handover.moves.itinerary(1 + len(handover.others), name, self._sim.rng)
        self._until_s = -math.inf
        self._radios = self.radios
        for way in handover.others:
            if way.link not in self._radios:
                luck = (name, way.link)
                self._radios[way.link] = Radio(self._sim, way.radio, meter, paging_s=way.paging_s, luck=luck)

    @property
    def radios(self) -> dict[str, Radio]:
        """The radio of each technology."""
        return {self._spec.link: self.radio} if self._radios is None else self._radios

    @property
    def way(self) -> AnyWay:
        """The way that it takes, as of the last look."""
        handover = self._spec.handover
        return self._spec if handover is None or not self._number else handover.others[self._number - 1]

    @property
    def is_used(self) -> bool:
        """Whether a message holds its radio."""
        return self._users > 0

    def look_from_afar(self, device: Carried) -> float:
        """Take the way of the itinerary, if no message keeps a radio; until when it holds, infinity for ever."""
        if not self._users and self._sim.now >= self._until_s:
            number, self._until_s = self._itinerary.at(self._sim.now)
            if number != self._number:
                self._go(number, device, users=0)
        return self._until_s

    def hold(self, device: Carried, guest: Guest, *, pushed: bool) -> bool:
        """Take the radio of the present way for one message; whether it is connected. See ``Radio.hold``.

        If it is not, the guest is told when the radio of the way that the device takes by then is connected.
        """
        self._users += 1
        if self._users == 1:
            self._look(device, was_idle=True)
        self.radio.hold(pushed=pushed)
        is_connected = self.radio.is_connected
        if not is_connected:
            self._wait(guest)
        return is_connected

    def release(self, guest: Guest) -> None:
        """A message needs it no more."""
        if self._waiting:
            self._waiting.pop(guest, None)
        self._users -= 1
        if not self._users and self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.radio.release()

    def _wait(self, guest: Guest) -> None:
        """Tell the guest when the radio is connected; from the first one on, radios tell that."""
        if self._waiting is None:
            self._waiting = {}
            for radio in self.radios.values():
                radio.let_go = self._tell_connected
        self._waiting[guest] = None

    def _tell_connected(self) -> None:
        if self._waiting:
            self._sim.loop.call_soon(self._connected)

    def _connected(self) -> None:
        """Everything that leads to it has happened: those who wait for the radio of the present way go on."""
        if self._waiting and self.radio.is_connected:
            waiting, self._waiting = self._waiting, {}
            for guest in waiting:
                guest.connected()

    def _look(self, device: Carried, *, was_idle: bool = False) -> None:
        """Take the way of the itinerary, and be there when that changes."""
        self._timer = None
        if self._sim.now >= self._until_s:
            number, self._until_s = self._itinerary.at(self._sim.now)
            if number != self._number:
                self._go(number, device, users=0 if was_idle else self._users)
        if self._until_s < math.inf:
            self._timer = self._sim.loop.call_at(self._until_s, self._ring, device)

    def _ring(self, device: Carried) -> None:
        """The instant is there; what arrives in it arrives first."""
        self._timer = self._sim.loop.call_at(self._sim.now, self._look, device)

    def _go(self, number: int, device: Carried, users: int) -> None:
        """Leave the old radio to its tail, wake the new one for its users, and take their flows along."""
        old, self._number = self.radio, number
        way, now_s = self.way, self._sim.now
        new = self.radios[way.link]
        self.radio = new
        if users and new is not old:
            pushed = old.is_paged
            for _ in range(users):
                new.hold(pushed=pushed)
            old.forget_flows()
            for _ in range(users):
                old.release()
        ready_s = new.ready_s if users else now_s
        name, handover = self._spec.name, self._spec.handover
        then: Fate = "continue" if handover is None else handover.then
        self._network.move(name, way.place, _late(way.access, ready_s, now_s), flows=then)
        if users:
            self._sim.record("handover", subject=name, link=way.link, place=way.place)
            for flow, outgoing in device.flows():
                device.follow(flow, outgoing=outgoing)


def _late(access: Access, ready_s: float, now_s: float) -> Access:
    """The access link as it is when its radio is connected only at ``ready_s``."""
    if ready_s <= now_s:
        return access
    return access._replace(up=Late(access.upwards, ready_s), down=Late(access.downwards, ready_s))
