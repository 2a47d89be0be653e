"""What a link can carry, over time."""

from typing import Protocol


class Capacity(Protocol):
    """A link's capacity over time, piecewise constant."""

    def at(self, time_s: float) -> tuple[float, float]:
        """Bit/s at ``time_s``, and the instant (> ``time_s``, infinite for ever) until which that holds.

        A pure function of ``time_s``: asking more or less often, or not at all, changes nothing.
        """
