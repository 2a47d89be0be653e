"""One transfer in progress, and who wants to hear about it."""

import math
from typing import Protocol


class Moving(Protocol):
    """A message whose bytes move, or have moved, as far as its ends are concerned."""

    @property
    def number(self) -> int:
        """Tells it from others."""

    @property
    def rate_bps(self) -> float:
        """Present rate, 0 once it has ended."""

    @property
    def sent_bytes(self) -> float:
        """Bytes that have moved up to now."""

    @property
    def ended_s(self) -> float | None:
        """When it arrived or was given up; None before."""


class FlowObserver(Protocol):
    """Hears of every change of a flow's rate, at the instant of the change."""

    def rate_changed(self, flow: "Flow") -> None:
        """``flow.rate_bps`` is new, and ``flow.sent_bytes`` is exact as of now.

        Called when bytes begin to move, at every change, and once when the flow ends or is abandoned, with
        ``ended_s`` set and rate 0 (only this last call where no bytes ever moved over time). A plain call: it
        must not raise; it may start or cancel tasks, and change capacities.
        """


class Meter(Protocol):
    """Where a flow that is moving reads its progress."""

    def rate_bps(self, slot: int) -> float:
        """Present rate of the flow in this slot."""

    def sent_bytes(self, slot: int) -> float:
        """What the flow in this slot has sent up to now."""


class Flow:
    """A message on its way: first it waits for the delay of its route, then its bytes move.

    ``started_s`` is when it was sent, ``moving_s`` when its first byte got a share of the links, ``ended_s`` when
    it arrived or was abandoned; each is None before. It arrived if ``complete``.

    ``alone_s`` is, once it has ended, how long its bytes would have taken alone: the integral of its rate over the
    rate that its links and its cap would have given to it alone at the same instant, and of 1 while that was 0. What
    sharing cost it is ``ended_s - moving_s - alone_s``.
    """

    __slots__ = (
        "_meter",
        "_sent_bytes",
        "_slot",
        "alone_s",
        "cap_bps",
        "complete",
        "ended_s",
        "moving_s",
        "number",
        "observer",
        "size_bytes",
        "source",
        "started_s",
        "target",
        "weight",
    )

    def __init__(
        self,
        size_bytes: float,
        *,
        number: int = 0,
        source: str = "",
        target: str = "",
        cap_bps: float = math.inf,
        weight: float = 1.0,
        observer: FlowObserver | None = None,
    ) -> None:
        """A message of ``size_bytes`` that never uses more than ``cap_bps``; ``number`` tells it from others.

        Where a link is shared, each flow that nothing else holds back gets its part in proportion to ``weight``.

        Raises:
            ValueError: a size that is not a finite number >= 0, a cap that is not > 0, or a weight that is not > 0
                and finite.
        """
        if not 0 <= size_bytes < math.inf:
            raise ValueError(f"size_bytes must be >= 0 and finite, got {size_bytes!r}")
        if not 0 < weight < math.inf:
            raise ValueError(f"weight must be > 0 and finite, got {weight!r}")
        self.number = number
        self.source = source
        self.target = target
        self.size_bytes = float(size_bytes)
        self.cap_bps = checked_cap_bps(cap_bps)
        self.weight = weight
        self.observer = observer
        self.started_s: float | None = None
        self.moving_s: float | None = None
        self.ended_s: float | None = None
        self.alone_s: float | None = None
        self.complete = False
        self._sent_bytes = 0.0
        self._meter: Meter | None = None
        self._slot = -1

    def __repr__(self) -> str:
        return (
            f"<Flow {self.source!r} -> {self.target!r}: {self.sent_bytes!r} of {self.size_bytes!r} bytes "
            f"at {self.rate_bps!r} bit/s>"
        )

    @property
    def rate_bps(self) -> float:
        """Present rate. A flow that starts now has its rate when everything of this instant has happened."""
        return self._meter.rate_bps(self._slot) if self._meter else 0.0

    @property
    def sent_bytes(self) -> float:
        """Bytes sent up to now; all of them, exactly, when it is complete."""
        return self._meter.sent_bytes(self._slot) if self._meter else self._sent_bytes

    def start_moving(self, meter: Meter, slot: int, at_s: float) -> None:
        """From ``at_s`` on ``meter`` knows, under ``slot``, how far the flow has come."""
        self._meter, self._slot, self.moving_s = meter, slot, at_s

    def keep_moving(self, meter: Meter, slot: int) -> None:
        """``meter`` knows it under this slot now."""
        self._meter, self._slot = meter, slot

    @property
    def slot(self) -> int:
        """Its slot, if it moves and has one, else -1."""
        return self._slot

    def end(self, sent_bytes: float, at_s: float, *, complete: bool, alone_s: float = 0.0) -> None:
        """The flow is over and keeps its figures; the observer hears of it."""
        self._meter, self._slot = None, -1
        self.alone_s = alone_s
        self._sent_bytes, self.ended_s, self.complete = sent_bytes, at_s, complete
        self.notify()

    def notify(self) -> None:
        """Tell the observer, if there is one."""
        if self.observer is not None:
            self.observer.rate_changed(self)


def checked_cap_bps(cap_bps: float) -> float:
    """The cap, if it is one.

    Raises:
        ValueError: a cap that is not > 0.
    """
    if not cap_bps > 0:
        raise ValueError(f"cap_bps must be > 0, got {cap_bps!r}")
    return cap_bps
