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
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from fedsim.kernel import Form, Simulation
from fedsim.system.approach import Approach, Traces
from fedsim.system.delivery import CAUSES
from fedsim.system.device import Device
from fedsim.system.foreseen import Exchange, ForeseenMessage, Told
from fedsim.system.luck_taken import Taken
from fedsim.system.network import Network
from fedsim.system.processor import Work
from fedsim.system.radio import Held, Radio
from fedsim.system.server import Server

Row = tuple[float, Form, tuple[Any, ...]]
"""Time, form and values of what will stand in the record."""


class Foresight:
    """Tells exchanges of devices with servers in advance, and takes back those that are disturbed."""

    causes = CAUSES
    """Of the parts of a message's time, in the order in which a prospect tells them."""

    def __init__(self, sim: Simulation, network: Network) -> None:
        self._sim = sim
        self._network = network
        self._room = network.links.room
        self._open: dict[Exchange, None] = {}
        self._approaches: dict[str, dict[str, tuple[Approach, Approach] | None]] = {}
        self._forms: dict[tuple[str, ...], Form] = {}
        network.disturbed, network.looked_at = self._change, self.disturb
        self._room.crowded = self.disturb

    def form(self, kind: str, *names: str) -> Form:
        """What rows of a kind with these fields have in common; the same whenever it is asked for."""
        return self._forms.setdefault((kind, *names), Form(kind, names))

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
        taken = Taken()
        if approaches is None or (held := radio.foresee_push(taken)) is None:
            return None
        there, back = self._network.connections.traces(server.name, device.name)
        down = self._message(radio, held, approaches[0], (there, back), down_bytes)
        if down is not None and (job := device.foresee_job(cost, down.quiet_s, taken)) is not None:
            held = radio.foresee_answer(down, job.ends_s, taken)
            there = (down.quiet_s, down.crossing.plan.window)
            up = self._message(radio, held, approaches[1], (back, there), up_bytes)
            if up is not None and up.quiet_s < until_s:
                return Exchange(device, server, now_s, down, job, up, taken)
        taken.give_back()
        return None

    def accept(self, prospect: Exchange, rows: Sequence[Row], told: Told) -> None:
        """The exchange begins, and will put these rows into the record, unless ``told`` hears of something else."""
        if not self._open:
            self._network.links.set_foreseen(prospect.begins_s)
        self._open[prospect] = None
        down, up = prospect.down.crossing, prospect.up.crossing
        self._room.keep(down.core, down.bps)
        self._room.keep(up.core, up.bps)
        prospect.told = told
        prospect.device.foreseen = self.disturb
        self._sim.events.foresee(rows, prospect)
        prospect.alarm = self._sim.loop.call_at(prospect.up.quiet_s, self._end, prospect)

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
            told = [exchange.told for exchange in dropped if exchange.begins_s == begins_s]
            with links.replayed():
                self._sim.replay(begins_s, partial(_begin, told))
        links.set_foreseen(math.inf)

    def _change(self) -> None:
        """Links are changed."""
        self.disturb()
        self._approaches.clear()

    def _between(self, server: str, device: str) -> tuple[Approach, Approach] | None:
        """What a device's messages down and up meet; None if that may vary."""
        found = self._approaches.get(server)
        if found is None:
            found = self._approaches[server] = {}
        if device not in found:
            found[device] = self._network.approaches(server, device)
        return found[device]

    def _message(
        self, radio: Radio, held: Held, approach: Approach, traces: Traces, size_bytes: float
    ) -> ForeseenMessage | None:
        """How a message will go, when its device's radio is ``held`` for it; None if it may have to share a link."""
        asked_s, paged_s, ready_s, waking = held
        sent_s = ready_s if ready_s > asked_s else asked_s  # noqa: FURB136  # max costs more than the rest
        crossing = approach.crossing(size_bytes, traces, sent_s)
        if crossing is None or not self._room.is_there(crossing.core, crossing.bps):
            return None
        moves_s = sent_s + crossing.wait_s
        ends_s = moves_s + crossing.lasts_s
        idle_s = radio.foresee_idle_s(ends_s)
        return ForeseenMessage(crossing, asked_s, paged_s, ready_s, moves_s, ends_s, idle_s, waking)

    def _end(self, exchange: Exchange) -> None:
        """It came as foretold."""
        del self._open[exchange]
        told, exchange.told, exchange.alarm = exchange.told, None, None  # which know it: it leaves no cycle behind
        down, up, device, server = exchange.down, exchange.up, exchange.device, exchange.server
        self._network.came(server.name, device.name, down, up)
        server.sent_bytes += down.crossing.wire_bytes
        server.received_bytes += up.crossing.wire_bytes
        stint = device.live(exchange)
        if not self._open:
            self._room.clear()
            self._network.links.set_foreseen(math.inf)
        self._sim.events.come_until(self._sim.now)
        if told is not None:
            told.done(stint)


def _begin(told: Iterable[Told | None]) -> None:
    for one in told:
        if one is not None:
            one.begin()
