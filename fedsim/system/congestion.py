"""How large a window TCP keeps where packets are lost."""

import math
from dataclasses import dataclass
from typing import Final, Protocol


class Congestion(Protocol):
    """A rule of congestion avoidance."""

    def window(self, loss: float, rtt_s: float) -> float:
        """Mean window in packets; loss: share of packets, > 0."""


_RENO: Final = math.sqrt(1.5)


def _reno(loss: float) -> float:
    return _RENO / math.sqrt(loss)


@dataclass(frozen=True, slots=True)
class Mathis:
    """Reno: sqrt(3/2) / sqrt(p) packets (Mathis, Semke, Mahdavi and Ott, CCR 1997), good for small p."""

    def window(self, loss: float, rtt_s: float) -> float:  # noqa: ARG002  # a rule has it
        """It depends on loss only."""
        return _reno(loss)


@dataclass(frozen=True, slots=True)
class Cubic:
    """CUBIC: 1.054 (rtt / p)^(3/4) packets (RFC 8312, C = 0.4, beta = 0.7), or Reno's where that is larger."""

    def window(self, loss: float, rtt_s: float) -> float:
        """It grows with time between losses, so paths of long round trips lose less than with Reno."""
        return max(1.054 * math.pow(rtt_s / loss, 0.75), _reno(loss))
