"""Devices' parts of a round, told in advance.

A device receives, computes and sends. As long as nobody interferes, every instant and every joule of that follows in
closed form from how things stand when it begins: the radio's waking, the connection, slow start, bytes at a constant
rate, the job, the tail. Where the device would go, or its battery could be empty, before the end, where heat or a
crowded link would slow it, or where anything else varies, nothing is foretold. What is foretold comes true unless
somebody *disturbs* it: looks at its device or its links, cuts it off, or comes to a link whose room it needs. Then what
is foretold of all devices that are not done is dropped, and their time is lived again from its beginning up to now, step
by step (``Simulation.replay``). So this says nothing that is not said elsewhere, and a test compares the two.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from fedsim.kernel import Simulation
from fedsim.system.connections import Trace, warmth
from fedsim.system.device import Device
from fedsim.system.foreseen import Exchange, ForeseenMessage, RadioRest
from fedsim.system.luck_taken import Taken
from fedsim.system.network import Network
from fedsim.system.processor import Work
from fedsim.system.server import Server
from fedsim.system.stint import Stint
from fedsim.system.trip import arrived

Row = tuple[float, str, Mapping[str, str | float | bool]]
"""Time, kind and fields of what will stand in the record."""


class Cost(Protocol):
    """What a piece of work takes; see ``fedsim.system.processor.Work``."""

    @property
    def flops(self) -> float: ...
    @property
    def dispatches(self) -> float: ...
    @property
    def moved_bytes(self) -> float: ...
    @property
    def memory_bytes(self) -> float: ...


class _Told(NamedTuple):
    """Who hears of an exchange."""

    done: Callable[[Stint], None]
    begin: Callable[[], None]


class Foresight:
    """Tells exchanges of devices with servers in advance, and takes back those that are disturbed."""

    def __init__(self, sim: Simulation, network: Network) -> None:
        self._sim = sim
        self._network = network
        self._open: dict[Exchange, _Told] = {}
        network.disturbed = self.disturb
        network.links.when_crowded(self.disturb)

    def look(
        self, device: Device, server: Server, cost: Cost, *, down_bytes: float, up_bytes: float
    ) -> Exchange | None:
        """How an exchange will go that begins now, if it is not disturbed; None if that cannot be said."""
        until_s = device.sure_until_s() if server.is_lasting else -math.inf
        if not until_s > self._sim.now:
            return None
        taken = Taken()
        found = self._exchange(device, server, cost, (down_bytes, up_bytes), taken)
        if found is None or not found.up.ends_s < until_s:
            taken.give_back()
            return None
        return found

    def accept(
        self, prospect: Exchange, rows: Iterable[Row], *, done: Callable[[Stint], None], begin: Callable[[], None]
    ) -> None:
        """The exchange begins, and will put these rows into the record.

        ``done`` hears its end; or ``begin`` is called, at its beginning, when it must be lived after all.
        """
        exchange, down, up, device = prospect, prospect.down, prospect.up, prospect.device
        if not self._open:
            self._network.links.set_foreseen(exchange.begins_s)
        self._open[exchange] = _Told(done, begin)
        self._network.links.reserve(down.way, down.bps, up.way, up.bps)
        device.begin_foreseen(self.disturb)
        foresee = self._sim.events.foresee
        exchange.notices = [foresee(time_s, kind, fields) for time_s, kind, fields in rows]
        exchange.alarm = self._sim.loop.call_at(up.ends_s, self._end, exchange)

    def disturb(self) -> None:
        """Somebody looks at what was foretold, or interferes: it is lived up to now, and goes on step by step."""
        if not self._open:
            return
        dropped, self._open, now_s = self._open, {}, self._sim.now
        for exchange in dropped:
            exchange.drop(now_s)
        links = self._network.links
        links.release_all()
        for begins_s in sorted({exchange.begins_s for exchange in dropped}):
            begins = [told.begin for exchange, told in dropped.items() if exchange.begins_s == begins_s]
            with links.replayed():
                self._sim.replay(begins_s, lambda begins=begins: [begin() for begin in begins])  # type: ignore[misc]
        links.set_foreseen(math.inf)

    def _exchange(
        self, device: Device, server: Server, cost: Cost, sizes: tuple[float, float], taken: Taken
    ) -> Exchange | None:
        now_s, connections = self._sim.now, self._network.connections
        if (rest := device.radio.rest()) is None:
            return None
        there, back = connections.traces(server.name, device.name)
        ask = _Asked(device, rest, now_s, (there, back), taken)
        down = self._message(server.name, device.name, sizes[0], ask)
        if down is None:
            return None
        work = Work(
            flops=cost.flops,
            dispatches=cost.dispatches,
            moved_bytes=cost.moved_bytes,
            memory_bytes=cost.memory_bytes,
        )
        job = device.foresee_job(work, down.ends_s, taken)
        if job is None:
            return None
        ask = _Asked(device, down.rest, job.ends_s, (back, (down.ends_s, down.window)), taken)
        up = self._message(device.name, server.name, sizes[1], ask)
        if up is None:
            return None
        return Exchange(device=device, server=server, begins_s=now_s, down=down, job=job, up=up, taken=taken)

    def _message(self, source: str, target: str, size_bytes: float, asked: "_Asked") -> ForeseenMessage | None:
        """How a message will go that is sent then."""
        device, asked_s = asked.device, asked.at_s
        held = device.radio.foresee_hold(asked.rest, asked_s, asked.taken, pushed=target == device.name)
        ready_s = max(held.ready_s, asked_s)
        leg = self._network.foresee(source, target, size_bytes, warmth(*asked.traces, ready_s))
        if leg is None or not leg.plan.wire_bytes > 0:
            return None
        plan = leg.plan
        bps = self._network.links.foresee(leg.way, plan.cap_bps)
        if bps is None:
            return None
        moves_s = ready_s + plan.wait_s if plan.wait_s else ready_s
        ends_s = moves_s + 8 * plan.wire_bytes / bps
        rest, stages = device.radio.foresee_rest(held, ends_s)
        alone_s = 8 * (plan.wire_bytes - max(0.0, plan.wire_bytes - bps * (ends_s - moves_s) / 8)) / bps
        delivery = arrived(plan, ends_s=ends_s, moved_s=ends_s - moves_s, alone_s=alone_s, wake_s=ready_s - asked_s)
        delivery.size_bytes, delivery.wire_bytes = size_bytes, plan.wire_bytes
        return ForeseenMessage(
            asked_s=asked_s,
            moves_s=moves_s,
            ends_s=ends_s,
            bps=bps,
            wire_bytes=plan.wire_bytes,
            way=leg.way,
            window=plan.window,
            held=held,
            rest=rest,
            stages=stages,
            delivery=delivery,
        )

    def _end(self, exchange: Exchange) -> None:
        """It came as foretold."""
        told = self._open.pop(exchange)
        down, up, device, server = exchange.down, exchange.up, exchange.device, exchange.server
        self._network.came(server.name, device.name, down)
        self._network.came(device.name, server.name, up)
        server.sent_bytes += down.wire_bytes
        server.received_bytes += up.wire_bytes
        stint = device.live(exchange)
        if not self._open:
            links = self._network.links
            links.release_all()
            links.set_foreseen(math.inf)
        self._sim.events.come_to(self._sim.now, and_at=True)
        told.done(stint)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A message that will be sent at ``at_s``: how the device's radio stands then, and what the last messages left."""

    device: Device
    rest: RadioRest
    at_s: float
    traces: tuple[Trace | None, Trace | None]
    taken: Taken
