"""A device's own link to the place where it is attached."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """Rates and one-way delay of a private link.

    On a ``half_duplex`` link, such as WiFi, the two directions share the medium: each has at most its own rate,
    both together at most the larger of the two. Rates may be infinite.

    Raises:
        ValueError: a rate that is not > 0, or a delay that is not >= 0 and finite.
    """

    up_bps: float
    down_bps: float
    delay_s: float = 0.0
    half_duplex: bool = False

    def __post_init__(self) -> None:
        if not self.up_bps > 0:
            raise ValueError(f"up_bps must be > 0, got {self.up_bps!r}")
        if not self.down_bps > 0:
            raise ValueError(f"down_bps must be > 0, got {self.down_bps!r}")
        if not 0 <= self.delay_s < math.inf:
            raise ValueError(f"delay_s must be >= 0 and finite, got {self.delay_s!r}")
