"""What can be told of a device before it happens: a message, a piece of work, and a radio between messages."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fedsim.system.approach import Crossing
from fedsim.system.delivery import CAUSES, held_up_s
from fedsim.system.luck_taken import Taken
from fedsim.system.meter import Stage
from fedsim.system.processor import ForeseenJob

if TYPE_CHECKING:
    from fedsim.system.device import Device
    from fedsim.system.server import Server
    from fedsim.system.stint import Stint

Seconds = tuple[float, ...]
"""Of a message: all but waking the radios, and then by cause, as in ``delivery.CAUSES``."""


@dataclass(slots=True, eq=False)
class ForeseenMessage:
    """Asked for at ``asked_s``; its bytes move from ``moves_s`` to ``quiet_s``, when it is there.

    Its device's radio was or will be paged, connected and idle at these times; ``waking`` are the stages through which
    it came to be connected last.
    """

    crossing: Crossing
    asked_s: float
    paged_s: float
    ready_s: float
    moves_s: float
    quiet_s: float
    idle_s: float
    waking: tuple[Stage, ...]

    @property
    def seconds(self) -> Seconds:
        """Where its time goes, in a third of the time that a ``Delivery`` takes."""
        plan, bps, wire_bytes = self.crossing.plan, self.crossing.bps, self.crossing.wire_bytes
        setup_s, delay_s, start_s, ends_s = plan.setup_s, plan.delay_s, plan.slow_start_s, self.quiet_s
        moved_s = ends_s - self.moves_s
        left_bytes = wire_bytes - bps * moved_s / 8
        alone_s = 8 * (wire_bytes - left_bytes) / bps if left_bytes > 0 else 8 * wire_bytes / bps
        shared_s = held_up_s(moved_s - alone_s, ends_s)
        wake_s = self.ready_s - self.asked_s if self.ready_s > self.asked_s else 0.0
        bytes_s = moved_s - shared_s
        move_s = setup_s + delay_s + start_s + bytes_s + shared_s
        return move_s, wake_s, setup_s, delay_s, start_s, bytes_s, shared_s, 0.0, 0.0

    @property
    def wake_s(self) -> float:
        """Seconds until the radio is connected."""
        return self.seconds[1]

    @property
    def move_s(self) -> float:
        """All other seconds until it is there."""
        return self.seconds[0]

    @property
    def parts(self) -> Mapping[str, float]:
        """All its seconds by cause."""
        return dict(zip(CAUSES, self.seconds[1:], strict=True))

    @property
    def wasted(self) -> Mapping[str, float]:
        """Bytes that are moved in vain, by cause: none."""
        return {}


class Told(Protocol):
    """Who hears of an exchange."""

    def done(self, stint: "Stint") -> None:
        """It has come as foretold, and this is what it cost the device."""

    def begin(self) -> None:
        """It must be lived after all, from its beginning; called then."""


@dataclass(slots=True, eq=False)
class Exchange:
    """A device will receive, compute and send, beginning at ``begins_s``."""

    device: "Device"
    server: "Server"
    begins_s: float
    down: ForeseenMessage
    job: ForeseenJob
    up: ForeseenMessage
    taken: Taken
    told: Told | None = None
    alarm: asyncio.TimerHandle | None = None
    void_from_s: float = math.inf

    @property
    def messages(self) -> tuple[ForeseenMessage, ForeseenMessage]:
        """The one down, and the one up."""
        return self.down, self.up

    @property
    def seconds(self) -> tuple[Seconds, Seconds]:
        """Where their time goes."""
        return self.down.seconds, self.up.seconds

    @property
    def times_s(self) -> tuple[float, float, float]:
        """When it will have received, computed, and sent."""
        return self.down.quiet_s, self.job.ends_s, self.up.quiet_s

    def drop(self, now_s: float) -> None:
        """It does not come so: what was to be recorded before now stays, for it has happened."""
        self.void_from_s = now_s
        if self.alarm is not None:
            self.alarm.cancel()
        self.taken.give_back()
        self.device.foreseen = None
