"""Devices' parts of a round, told in advance.

A device receives, computes and sends. As long as nobody interferes, every instant and every joule of that follows in
closed form from how things stand when it begins: the radio's waking, the connection, slow start, bytes at a constant
rate, the job, the tail. Where the device would go, or its battery could be empty, before the end, where heat or a
crowded link would slow it, or where anything else varies, nothing is foretold. What is foretold comes true unless
somebody *disturbs* it: looks at its device or its links, cuts it off, or comes to a link whose room it needs. Then
what is foretold of all devices that are not done is dropped, and their time is lived again from its beginning up to
now, step by step (``Simulation.replay``). So nothing is said here that is not said elsewhere, too, and a test lives
every run twice.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from fedsim.kernel import Simulation
from fedsim.system.approach import Approach
from fedsim.system.connections import Trace, warmth
from fedsim.system.device import Device
from fedsim.system.foreseen import Exchange, ForeseenMessage, RadioRest
from fedsim.system.luck_taken import Taken
from fedsim.system.network import Network
from fedsim.system.processor import Work
from fedsim.system.radio import Radio
from fedsim.system.server import Server
from fedsim.system.stint import Stint
from fedsim.system.trip import arrived

Row = tuple[float, str, Mapping[str, str | float | bool]]
"""Time, kind and fields of what will stand in the record."""

Traces = tuple[Trace | None, Trace | None]
"""What the last messages between two names left: the one that went this way, and the one that went back."""


class _Sending(NamedTuple):
    """A message of so many bytes that is sent at ``asked_s``: what it will meet, and what earlier ones have left."""

    asked_s: float
    size_bytes: float
    approach: Approach
    traces: Traces


class _Told(NamedTuple):
    """Who hears of an exchange."""

    done: Callable[[Stint], None]
    begin: Callable[[], None]


class Foresight:
    """Tells exchanges of devices with servers in advance, and takes back those that are disturbed."""

    def __init__(self, sim: Simulation, network: Network) -> None:
        self._sim = sim
        self._network = network
        self._plan = network.transport.plan
        self._room = network.links.room
        self._open: dict[Exchange, _Told] = {}
        self._approaches: dict[str, dict[str, tuple[Approach, Approach] | None]] = {}
        network.disturbed = self._change
        self._room.crowded = self.disturb

    def look(
        self, device: Device, server: Server, cost: Work, *, down_bytes: float, up_bytes: float
    ) -> Exchange | None:
        """How an exchange will go that begins now, if it is not disturbed; None if that cannot be said.

        Either way the device is about to begin it.
        """
        device.touched(device.index)  # in the order in which they are asked, foretold or not: sums are added up in it
        now_s, radio = self._sim.now, device.radio
        until_s = device.sure_until_s() if server.is_lasting else -math.inf
        approaches = self._between(server.name, device.name) if until_s > now_s else None
        if approaches is None or (rest := radio.rest()) is None:
            return None
        taken = Taken()
        there, back = self._network.connections.traces(server.name, device.name)
        held = radio.foresee_hold(rest, now_s, taken, pushed=True)
        down = self._message(radio, held, _Sending(now_s, down_bytes, approaches[0], (there, back)))
        if down is not None and (job := device.foresee_job(cost, down.ends_s, taken)) is not None:
            held = radio.foresee_hold(down.rest, job.ends_s, taken, pushed=False)
            left = (back, (down.ends_s, down.window))
            up = self._message(radio, held, _Sending(job.ends_s, up_bytes, approaches[1], left))
            if up is not None and up.ends_s < until_s:
                return Exchange(device, server, now_s, down, job, up, taken)
        taken.give_back()
        return None

    def accept(
        self, prospect: Exchange, rows: Sequence[Row], *, done: Callable[[Stint], None], begin: Callable[[], None]
    ) -> None:
        """The exchange begins, and will put these rows into the record.

        ``done`` hears its end; or ``begin`` is called, at its beginning, when it must be lived after all.
        """
        if not self._open:
            self._network.links.set_foreseen(prospect.begins_s)
        self._open[prospect] = _Told(done, begin)
        for message in (prospect.down, prospect.up):
            self._room.keep(message.shared, message.bps)
        prospect.device.foreseen = self.disturb
        self._sim.events.foresee(rows, prospect)
        prospect.alarm = self._sim.loop.call_at(prospect.up.ends_s, self._end, prospect)

    def disturb(self) -> None:
        """Somebody looks at what was foretold, or interferes: it is lived up to now, and goes on step by step."""
        if not self._open:
            return
        dropped, self._open = self._open, {}
        for exchange in dropped:
            exchange.drop(self._sim.now)
        self._room.clear()
        links = self._network.links
        for begins_s in sorted({exchange.begins_s for exchange in dropped}):
            begins = [told.begin for exchange, told in dropped.items() if exchange.begins_s == begins_s]
            with links.replayed():
                self._sim.replay(begins_s, partial(_call, begins))
        links.set_foreseen(math.inf)

    def _change(self) -> None:
        """Links are looked at, or changed."""
        self.disturb()
        self._approaches.clear()

    def _between(self, server: str, device: str) -> tuple[Approach, Approach] | None:
        """What a device's messages down and up meet; None if that may vary."""
        found = self._approaches.setdefault(server, {})
        if device not in found:
            found[device] = self._network.approaches(server, device)
        return found[device]

    def _message(self, radio: Radio, held: RadioRest, sending: _Sending) -> ForeseenMessage | None:
        """How a message will go, when its device's radio is ``held`` for it; None if it may have to share a link."""
        asked_s, size_bytes, approach, traces = sending
        ready_s = max(held.ready_s, asked_s)
        plan = self._plan(approach.path, size_bytes, warmth(*traces, ready_s))
        approach.go_with(plan.back_share)
        wire_bytes, bps = plan.wire_bytes, min(plan.cap_bps, approach.narrowest_bps)
        if not (wire_bytes > 0 and 0 < bps < math.inf and self._room.is_there(approach.shared, bps)):
            return None
        moves_s = ready_s + plan.wait_s
        ends_s = moves_s + 8 * wire_bytes / bps
        moved_s = ends_s - moves_s
        rest, stages = radio.foresee_rest(held, ends_s)
        alone_s = 8 * (wire_bytes - max(0.0, wire_bytes - bps * moved_s / 8)) / bps
        delivery = arrived(plan, ends_s=ends_s, moved_s=moved_s, alone_s=alone_s, wake_s=ready_s - asked_s)
        delivery.size_bytes, delivery.wire_bytes = size_bytes, wire_bytes
        way, shared, window = approach.way, approach.shared, plan.window
        return ForeseenMessage(
            asked_s, moves_s, ends_s, bps, wire_bytes, way, shared, window, held, rest, stages, delivery
        )

    def _end(self, exchange: Exchange) -> None:
        """It came as foretold."""
        told = self._open.pop(exchange)
        exchange.alarm = None  # it knows the exchange: the two would stay until the garbage collector comes
        down, up, device, server = exchange.down, exchange.up, exchange.device, exchange.server
        self._network.came(server.name, device.name, down)
        self._network.came(device.name, server.name, up)
        server.sent_bytes += down.wire_bytes
        server.received_bytes += up.wire_bytes
        stint = device.live(exchange)
        if not self._open:
            self._room.clear()
            self._network.links.set_foreseen(math.inf)
        self._sim.events.come_to(self._sim.now, and_at=True)
        told.done(stint)


def _call(begins: Iterable[Callable[[], None]]) -> None:
    for begin in begins:
        begin()
