"""A device's own link to the place where it is attached."""

import math
from typing import NamedTuple, Self

from fedsim.system.capacity import Capacity


class _Fields(NamedTuple):
    up_bps: float
    down_bps: float
    delay_s: float
    half_duplex: bool
    up: Capacity | None
    down: Capacity | None
    loss: float


class Access(_Fields):
    """Rates and one-way delay of a private link.

    On a ``half_duplex`` link, such as WiFi, the two directions share the medium: each has at most its own rate,
    both together at most the larger of the two. Rates may be infinite.

    ``up`` and ``down`` are rates that change in time, in place of the constant ones, which then only say how large
    these usually are. ``loss`` is the share of packets that the link loses for good, either way.

    Every device has one: as a tuple it is made in two thirds of the time that a frozen dataclass takes.

    Raises:
        ValueError: a rate that is not > 0, a delay that is not >= 0 and finite, a loss that is not >= 0 and < 1.
    """

    __slots__ = ()

    def __new__(  # as many as it has fields
        cls,
        *,
        up_bps: float,
        down_bps: float,
        delay_s: float = 0.0,
        half_duplex: bool = False,
        up: Capacity | None = None,
        down: Capacity | None = None,
        loss: float = 0.0,
    ) -> Self:
        """All of it by name."""
        if not up_bps > 0:
            raise ValueError(f"up_bps must be > 0, got {up_bps!r}")
        if not down_bps > 0:
            raise ValueError(f"down_bps must be > 0, got {down_bps!r}")
        if not 0 <= delay_s < math.inf:
            raise ValueError(f"delay_s must be >= 0 and finite, got {delay_s!r}")
        if not 0 <= loss < 1:
            raise ValueError(f"loss must be >= 0 and < 1, got {loss!r}")
        return tuple.__new__(cls, (up_bps, down_bps, delay_s, half_duplex, up, down, loss))

    @property
    def upwards(self) -> float | Capacity:
        """What the link carries towards the network."""
        return self.up_bps if self.up is None else self.up

    @property
    def downwards(self) -> float | Capacity:
        """What the link carries towards the device."""
        return self.down_bps if self.down is None else self.down
