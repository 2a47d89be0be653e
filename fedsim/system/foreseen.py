"""What can be told of a device before it happens: a message, a piece of work, and a radio between messages."""

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fedsim.system.delivery import Delivery
from fedsim.system.luck_taken import Taken
from fedsim.system.meter import Stage
from fedsim.system.passage import Way
from fedsim.system.processor import ForeseenJob

if TYPE_CHECKING:
    from fedsim.system.device import Device
    from fedsim.system.server import Server


class RadioRest(NamedTuple):
    """A radio that nobody holds, or that one message does: when it was or will be paged, connected, idle and quiet.

    ``waking`` are the stages through which it came to be connected last.
    """

    paged_s: float
    ready_s: float
    idle_s: float
    quiet_s: float
    waking: tuple[Stage, ...]


@dataclass(slots=True, eq=False)
class ForeseenMessage:
    """Asked for at ``asked_s``; its bytes move at ``bps`` from ``moves_s`` to ``ends_s``.

    ``shared`` are those links of its way that others may use, too, with how many times its rate it takes. ``held`` is
    the device's radio while it holds it, ``rest`` the radio afterwards, with the ``stages`` of its tail.
    """

    asked_s: float
    moves_s: float
    ends_s: float
    bps: float
    wire_bytes: float
    way: Way
    shared: tuple[tuple[int, float], ...]
    window: float
    held: RadioRest
    rest: RadioRest
    stages: tuple[Stage, ...]
    delivery: Delivery


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
    void_from_s: float = math.inf
    alarm: asyncio.TimerHandle | None = None

    @property
    def deliveries(self) -> tuple[Delivery, Delivery]:
        """The message down, and the one up."""
        return self.down.delivery, self.up.delivery

    @property
    def times_s(self) -> tuple[float, float, float]:
        """When it will have received, computed, and sent."""
        return self.down.ends_s, self.job.ends_s, self.up.ends_s

    def drop(self, now_s: float) -> None:
        """It does not come so: what was to be recorded before now stays, for it has happened."""
        self.void_from_s = now_s
        if self.alarm is not None:
            self.alarm.cancel()
        self.taken.give_back()
        self.device.foreseen = None
