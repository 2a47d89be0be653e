"""A device's own link to the place where it is attached."""

import math
from dataclasses import dataclass

from fedsim.system.capacity import Capacity


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Rates and one-way delay of a private link.

    On a ``half_duplex`` link, such as WiFi, the two directions share the medium: each has at most its own rate,
    both together at most the larger of the two. Rates may be infinite.

    ``up`` and ``down`` are rates that change in time, in place of the constant ones, which then only say how large
    these usually are. ``loss`` is the share of packets that the link loses for good, either way.

    Raises:
        ValueError: a rate that is not > 0, a delay that is not >= 0 and finite, a loss that is not >= 0 and < 1.
    """

    up_bps: float
    down_bps: float
    delay_s: float = 0.0
    half_duplex: bool = False
    up: Capacity | None = None
    down: Capacity | None = None
    loss: float = 0.0

    def __post_init__(self) -> None:
        if not self.up_bps > 0:
            raise ValueError(f"up_bps must be > 0, got {self.up_bps!r}")
        if not self.down_bps > 0:
            raise ValueError(f"down_bps must be > 0, got {self.down_bps!r}")
        if not 0 <= self.delay_s < math.inf:
            raise ValueError(f"delay_s must be >= 0 and finite, got {self.delay_s!r}")
        if not 0 <= self.loss < 1:
            raise ValueError(f"loss must be >= 0 and < 1, got {self.loss!r}")

    @property
    def upwards(self) -> float | Capacity:
        """What the link carries towards the network."""
        return self.up_bps if self.up is None else self.up

    @property
    def downwards(self) -> float | Capacity:
        """What the link carries towards the device."""
        return self.down_bps if self.down is None else self.down
