"""A capacity that is another one times a factor."""

import math

from fedsim.system.capacity import Capacity


class Scaled:
    """``by`` times another capacity, changing when that changes."""

    __slots__ = ("_by", "_of")

    def __init__(self, of: Capacity, by: float) -> None:
        """``by`` is a plain number.

        Raises:
            ValueError: a factor that is not > 0 and finite.
        """
        if not 0 < by < math.inf:
            raise ValueError(f"a capacity must be scaled by a finite number > 0, got {by!r}")
        self._of = of
        self._by = by

    def at(self, time_s: float) -> tuple[float, float]:
        """Bit/s at ``time_s``, and until when."""
        rate_bps, until_s = self._of.at(time_s)
        return rate_bps * self._by, until_s
