"""What the two directions of a half-duplex link share."""

from dataclasses import dataclass

from fedsim.system.capacity import Capacity, read


@dataclass(frozen=True, slots=True)
class Larger:
    """The larger of two capacities at every time."""

    one: Capacity
    other: Capacity

    def at(self, time_s: float) -> tuple[float, float]:
        """Bit/s, and the instant until which neither changes."""
        (one_bps, one_until_s), (other_bps, other_until_s) = read(self.one, time_s), read(self.other, time_s)
        return max(one_bps, other_bps), min(one_until_s, other_until_s)
