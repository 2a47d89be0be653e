"""SimGrid's model of TCP: a longer latency, 97 % of the rate, shares by round trip, some traffic back.

Velho and Legrand, "Accuracy study and improvement of network simulation in the SimGrid framework", SIMUTools 2009;
constants of SimGrid 3.32. Fitted to flows above about 100 kB on wired, wide-area paths; its latency phase, in which
set-up and slow start hide, is too long for small messages on mobile links.
"""

import math
from dataclasses import dataclass
from typing import Final

from fedsim.system.transport import FORGETFUL, Connection, Memory, Path, Plan

_LATENCY_FACTOR: Final = 13.01
_BANDWIDTH_FACTOR: Final = 0.97
_WEIGHT_BYTES: Final = 20537.0
_WINDOW_BYTES: Final = 4194304.0
_CROSS_TRAFFIC: Final = 0.05


@dataclass(frozen=True, slots=True)
class Lv08:
    """SimGrid's default TCP model: 13.01 delays, then bytes at 97 % of a share weighted by delay and rates."""

    def plan(self, path: Path, size_bytes: float, connection: Connection) -> Plan:  # noqa: ARG002  # a transport has it
        """The allotment is at most 4 MiB in two one-way delays, its weight ``1 / (delay + sum of 20537 / rate)``.

        Bytes move at 97 % of the allotment: on the wire there are so many more.
        """
        slowness_s = path.delay_s + sum(8 * _WEIGHT_BYTES / rate_bps for rate_bps in path.rates_bps if rate_bps > 0)
        return Plan(
            wire_bytes=size_bytes / _BANDWIDTH_FACTOR,
            delay_s=_LATENCY_FACTOR * path.delay_s,
            cap_bps=8 * _WINDOW_BYTES / (2 * path.delay_s) if path.delay_s > 0 else math.inf,
            weight=1 / slowness_s if slowness_s > 0 else 1.0,
            back_share=_CROSS_TRAFFIC if path.back_s is not None else 0.0,
        )

    def remembers(self, path: Path) -> Memory:  # noqa: ARG002  # a transport has it
        """Nothing."""
        return FORGETFUL
