"""A message under way through the network, and where its time went."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fedsim.errors import MessageFailedError
from fedsim.system.cargo import Cargo
from fedsim.system.delivery import Delivery, held_up_s
from fedsim.system.flow import Flow, FlowObserver
from fedsim.system.leg import Leg
from fedsim.system.passage import Over
from fedsim.system.transport import Plan


@dataclass(slots=True, eq=False)
class Trip:
    """One message from its sending to its arrival: one flow, or several in turn where it had to start again."""

    source: str
    target: str
    cargo: Cargo
    begun_s: float
    cap_bps: float
    over: Over | None
    """Who is told of its end; None from then on."""
    observer: FlowObserver | None = None
    flow: Flow = field(init=False)
    """The present flow, or the last one."""
    leg: Leg = field(init=False)
    """How it was planned, and the way that it was on last."""
    is_patient: bool = False
    waits_since_s: float | None = None
    outage_s: float = 0.0
    wire_bytes: float = 0.0
    """Of earlier flows."""
    wasted_bytes: float = 0.0

    @property
    def plan(self) -> Plan:
        """Of the present flow."""
        return self.leg.plan

    @property
    def is_over(self) -> bool:
        """Whether its end was told, or nobody wants to know of it."""
        return self.over is None

    def tell(self, error: BaseException | None) -> None:
        """Tell of its end, once. Nothing of it is left behind for the garbage collector."""
        over, self.over = self.over, None
        if over is not None:
            over(error)

    def depart(self, flow: Flow, leg: Leg) -> None:
        """A flow sets out for it."""
        self.flow, self.leg = flow, leg
        self.outage_s, self.waits_since_s = 0.0, None

    def wait(self, now_s: float, *, is_patient: bool) -> None:
        """There is no way on; patient: it waits for its own track."""
        self.is_patient = is_patient
        if self.waits_since_s is None:
            self.waits_since_s = now_s

    def go_on(self, now_s: float) -> None:
        """There is a way again. What it waited while its bytes would not have moved anyway costs it nothing."""
        if self.waits_since_s is not None and self.flow.moving_s is not None:
            self.outage_s += now_s - max(self.waits_since_s, self.flow.moving_s)
        self.waits_since_s = None

    def told(self, error: BaseException) -> BaseException:
        """An error of this message, with what it has cost up to now."""
        if isinstance(error, MessageFailedError):
            error.sent_bytes, error.wasted_bytes = self.wire_bytes, self.wasted_bytes
        return error

    def broke_off(self) -> None:
        """The flow ended before its time: complete chunks are there, the rest of what it moved is wasted."""
        sent_bytes = self.flow.sent_bytes
        payload_share = self.cargo.left_bytes / self.plan.wire_bytes if self.plan.wire_bytes else 0.0
        self.wire_bytes += sent_bytes
        self.wasted_bytes += self.cargo.broke_off(sent_bytes, payload_share)

    def delivery(self, *, wake_s: float = 0.0, late_s: float = 0.0, again_s: float = 0.0) -> Delivery:
        """Where its time went; it has arrived.

        Before it were ``wake_s`` of waiting for radios, ``late_s`` of being held up, ``again_s`` of other attempts.
        """
        flow = self.flow
        started_s, ended_s = flow.started_s or 0.0, flow.ended_s or 0.0
        moved_s = 0.0 if flow.moving_s is None else ended_s - flow.moving_s
        alone_s = flow.alone_s or 0.0
        found = arrived(
            self.plan, ends_s=ended_s, moved_s=moved_s, alone_s=alone_s, wake_s=wake_s, outage_s=self.outage_s
        )
        found.delay_s += late_s
        found.resend_s = started_s - self.begun_s + again_s
        found.wire_bytes = self.wire_bytes + flow.sent_bytes
        found.wasted = {"resent": self.wasted_bytes} if self.wasted_bytes else {}
        return found


def arrived(
    plan: Plan, *, ends_s: float, moved_s: float, alone_s: float, wake_s: float, outage_s: float = 0.0
) -> Delivery:
    """Where the time of a flow went of which the bytes moved for so long, and would have for ``alone_s`` alone."""
    sharing_s = held_up_s(moved_s - alone_s, ends_s)
    outage_s = min(outage_s, moved_s - sharing_s)
    return Delivery(
        wake_s=wake_s,
        setup_s=plan.setup_s,
        delay_s=plan.delay_s,
        slow_start_s=plan.slow_start_s,
        bytes_s=moved_s - sharing_s - outage_s,
        sharing_s=sharing_s,
        outage_s=outage_s,
    )


class Underway:
    """All trips of the moment, by the names at their ends; oldest first."""

    def __init__(self) -> None:
        self._trips: dict[str, dict[Trip, None]] = {}
        self._all: dict[Trip, None] = {}

    def add(self, trip: Trip) -> None:
        """It sets out."""
        self._all[trip] = None
        for name in (trip.source, trip.target):
            if (trips := self._trips.get(name)) is None:
                trips = self._trips[name] = {}
            trips[trip] = None

    def remove(self, trip: Trip) -> None:
        """It has arrived, or failed."""
        del self._all[trip]
        for name in (trip.source, trip.target) if trip.source != trip.target else (trip.source,):
            trips = self._trips[name]
            del trips[trip]
            if not trips:
                del self._trips[name]

    def of(self, name: str) -> list[Trip]:
        """Trips from and to a name of which the flow is not over."""
        return [trip for trip in self._trips.get(name, ()) if trip.flow.ended_s is None]

    def __contains__(self, trip: Trip) -> bool:
        return trip in self._all

    def over(self, links: Iterable[int]) -> list[Trip]:
        """Trips over any of these links."""
        concerned = frozenset(links)
        return [trip for trip in self if not trip.leg.over.isdisjoint(concerned)]

    def waiting(self) -> list[Trip]:
        """Trips that wait for a way."""
        return [trip for trip in self if trip.waits_since_s is not None]

    def __iter__(self) -> Iterator[Trip]:
        return (trip for trip in self._all if trip.flow.ended_s is None)
