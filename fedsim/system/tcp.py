"""TCP for messages of 10 kB to 100 MB: headers, set-up, slow start, warm windows, and a cap where packets are lost."""

import math
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Final, NamedTuple

from fedsim.system.congestion import Congestion, Cubic
from fedsim.system.slow_start import slow_start
from fedsim.system.transport import Connection, Memory, Path, Plan

_plan = partial(tuple.__new__, Plan)  # as Plan does, in two thirds of the time
_DOUBLING: Final = 2.0
"""An acknowledgement lets one packet more go than it acknowledges, and never more than that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tcp:
    """TCP: headers, set-up in round trips, slow start, windows that stay warm, a cap where packets are lost.

    Raises:
        ValueError: a number out of its range.
    """

    handshakes: int = 2
    """Round trips of set-up: 0 for a standing connection or QUIC's 0-RTT, 1 for TCP, 2 with TLS 1.3, 3 with a look-up
    of the name, too."""
    keep_alive_s: float = 60.0
    """How long a connection stays after its last message; >= 0."""
    packet_bytes: float = 1448.0
    """Payload of a packet; >= 1 byte."""
    header_bytes: float = 66.0
    """Headers of a packet: Ethernet, IP, TCP with time stamps; >= 0."""
    packets_per_ack: int = 2
    """Packets for which one acknowledgement, of the size of the headers, goes back; 0 neglects them."""
    first_window: int = 10
    """Packets that may go before the first acknowledgement; >= 1."""
    growth: float = 2.0
    """Growth of the window in slow start per round trip: 1.5 is that of delayed acknowledgements without byte
    counting; above 1 and at most 2."""
    largest_window_bytes: float = 4194304.0
    """Of the receiver; at least a packet."""
    retransmission_timeout_s: float = 1.0
    """A sender that was silent for longer (or for three round trips) starts with the first window again (RFC 6298,
    2.2; RFC 5681, 4.1)."""
    congestion: Congestion | None = field(default_factory=Cubic)
    """The window under loss; null for no cap."""

    def __post_init__(self) -> None:
        rules = (
            ("handshakes", self.handshakes, self.handshakes in {0, 1, 2, 3}, "0, 1, 2 or 3"),
            ("keep_alive", self.keep_alive_s, self.keep_alive_s >= 0, ">= 0"),
            ("packet", self.packet_bytes, 1 <= self.packet_bytes < math.inf, ">= 1 byte and finite"),
            ("header", self.header_bytes, 0 <= self.header_bytes < math.inf, ">= 0 and finite"),
            ("packets_per_ack", self.packets_per_ack, self.packets_per_ack >= 0, ">= 0"),
            ("first_window", self.first_window, self.first_window >= 1, ">= 1 packet"),
            ("growth", self.growth, 1 < self.growth <= _DOUBLING, "above 1 and at most 2"),
            ("largest_window", self.largest_window_bytes, self._fits(self.largest_window_bytes), "a packet or more"),
            ("retransmission_timeout", self.retransmission_timeout_s, self.retransmission_timeout_s >= 0, ">= 0"),
        )
        for name, value, holds, rule in rules:
            if not holds:
                raise ValueError(f"{name} must be {rule}, got {value!r}")

    def plan(self, path: Path, size_bytes: float, connection: Connection) -> Plan:
        """The closed form of the device notes, section 5.

        Slow start is reckoned as if the message had its narrowest link, at its present rate, to itself, and waited
        for before bytes move: alone a message takes exactly the time of the closed form. That form rounds the last
        packet up to a whole one, which makes up for the packet that acknowledgements wait for; here the time of that
        is part of slow start, and the wire carries the packet as it is.
        """
        packets, wire_bytes, padding_bytes, wire_bits, back_share = _framed(
            size_bytes, self.packet_bytes, self.header_bytes, self.packets_per_ack
        )
        idle_s, window, quiet_s = connection
        delay_s, back_s, rates_bps, loss = path
        rtt_s = path.rtt_s if back_s is None else delay_s + back_s  # the former says that there is no way back
        largest_bytes = self._largest_bytes(loss, rtt_s) if loss else self.largest_window_bytes
        cap_bps = wire_bits * largest_bytes / rtt_s if rtt_s > 0 else math.inf
        rate_bps = min((cap_bps, *rates_bps))
        first_window = float(self.first_window)
        if window > first_window and quiet_s <= self._warm_s(rtt_s):
            first_window = window
        packets_per_s = rate_bps / (wire_bits * self.packet_bytes)
        _, slow_start_s, window = slow_start(packets, packets_per_s, rtt_s, first_window, self.growth)
        if rate_bps > 0:
            slow_start_s += 8 * padding_bytes / rate_bps
        setup_s = 0.0 if idle_s <= self.keep_alive_s else self.handshakes * rtt_s
        window = min(window, self.largest_window_bytes / self.packet_bytes)
        return _plan((wire_bytes, delay_s, setup_s, slow_start_s, cap_bps, 1.0, back_share, window))

    def remembers(self, path: Path) -> Memory:
        """Whether it is there still, and the sender's window unless that has been silent for too long."""
        return Memory(self.keep_alive_s, self._warm_s(path.rtt_s))

    def _warm_s(self, rtt_s: float) -> float:
        """How long a silent sender keeps its window."""
        return max(self.retransmission_timeout_s, 3 * rtt_s)

    def _largest_bytes(self, loss: float, rtt_s: float) -> float:
        """The receiver's window, or the mean one under loss, in bytes of payload."""
        if self.congestion is None:
            return self.largest_window_bytes
        return min(self.largest_window_bytes, self.congestion.window(loss, rtt_s) * self.packet_bytes)

    def _fits(self, window_bytes: float) -> bool:
        return self.packet_bytes <= window_bytes < math.inf


class _Framing(NamedTuple):
    """A message in packets: how many, with their headers on the wire, and what the last one lacks to be a whole one.

    ``wire_bits`` go for a byte of payload, ``back_share`` of the rate goes back in acknowledgements.
    """

    packets: int
    wire_bytes: float
    padding_bytes: float
    wire_bits: float
    back_share: float


@lru_cache(typed=True)  # a device's message is like that of the others
def _framed(size_bytes: float, packet_bytes: float, header_bytes: float, packets_per_ack: int) -> _Framing:
    packets = math.ceil(size_bytes / packet_bytes)
    return _Framing(
        packets=packets,
        wire_bytes=size_bytes + packets * header_bytes,
        padding_bytes=packets * packet_bytes - size_bytes,
        wire_bits=8 * ((packet_bytes + header_bytes) / packet_bytes),
        back_share=header_bytes / (packets_per_ack * (packet_bytes + header_bytes)) if packets_per_ack else 0.0,
    )
