"""How one message passes over its path: what it waits for, what goes over the wire, and which share it may take."""

import math
from typing import Final, NamedTuple, Protocol

from fedsim.errors import NoRouteError


class Path(NamedTuple):
    """What a transport knows of a path: access of the sender, route through the core, access of the receiver.

    ``delay_s`` one way there, ``back_s`` back (None where no way leads back), ``rates_bps`` of every link there at
    the moment, ``loss`` the share of packets that are lost there.
    """

    delay_s: float
    back_s: float | None
    rates_bps: tuple[float, ...] = ()
    loss: float = 0.0

    @property
    def rtt_s(self) -> float:
        """Delay there and back.

        Raises:
            NoRouteError: where no way leads back.
        """
        if self.back_s is None:
            raise NoRouteError("no route leads back, and the transport needs acknowledgements")
        return self.delay_s + self.back_s

    @property
    def rate_bps(self) -> float:
        """The narrowest link, infinite where there is none."""
        return min(self.rates_bps) if self.rates_bps else math.inf  # a default takes five times as long


class Connection(NamedTuple):
    """What the last message between two places left behind.

    ``idle_s`` since anything passed, either way (infinite: there is no connection). ``window`` is what the sender
    may have on its way, in packets, and ``quiet_s`` how long it has sent nothing.
    """

    idle_s: float = math.inf
    window: float = 0.0
    quiet_s: float = math.inf


class Memory(NamedTuple):
    """How long the last message of a connection matters to the next.

    Idle for longer than ``open_s``, it is as if there were none; quiet for longer than ``warm_s``, as if its window
    were that of a new one.
    """

    open_s: float
    warm_s: float


FORGETFUL: Final = Memory(-math.inf, -math.inf)
"""No message matters to the next."""


class Plan(NamedTuple):
    """First the waits, which use no link; then ``wire_bytes`` move.

    They move at the flow's share of the links, by ``weight``, at most ``cap_bps``; acknowledgements take
    ``back_share`` of that on the way back. ``window`` is what a warm connection keeps.
    """

    wire_bytes: float
    delay_s: float
    setup_s: float = 0.0
    slow_start_s: float = 0.0
    cap_bps: float = math.inf
    weight: float = 1.0
    back_share: float = 0.0
    window: float = 0.0

    @property
    def wait_s(self) -> float:
        """Seconds before the first byte counts."""
        return self.setup_s + self.delay_s + self.slow_start_s


class Transport(Protocol):
    """Plans messages. It keeps nothing: what is warm comes as ``connection``, and goes back as the plan's window."""

    def plan(self, path: Path, size_bytes: float, connection: Connection) -> Plan:
        """How ``size_bytes`` pass over ``path``, starting now.

        Raises:
            NoRouteError: the transport needs a way back and there is none.
        """

    def remembers(self, path: Path) -> Memory:
        """What of a connection matters to ``plan``: connections that differ in nothing else have the same plans.

        Raises:
            NoRouteError: as ``plan``.
        """
