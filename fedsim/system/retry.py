"""Sending again what did not arrive."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """A sender tries ``attempts`` times in all, after waits of first_s * factor^0, factor^1 ..., each at most limit_s.

    Raises:
        ValueError: fewer than 2 attempts, a first wait or a limit that is not > 0 and finite, a factor below 1.
    """

    attempts: int = 5
    """How often a message is sent in all; > 1."""
    first_s: float = 1.0
    """Wait before the second attempt; > 0."""
    factor: float = 2.0
    """How much longer each wait is than the one before; >= 1."""
    limit_s: float = 60.0
    """The longest wait; > 0."""

    def __post_init__(self) -> None:
        if not self.attempts > 1:
            raise ValueError(f"attempts must be > 1, got {self.attempts!r}")
        if not 0 < self.first_s < math.inf:
            raise ValueError(f"first must be > 0 and finite, got {self.first_s!r}")
        if not 1 <= self.factor < math.inf:
            raise ValueError(f"factor must be >= 1 and finite, got {self.factor!r}")
        if not 0 < self.limit_s < math.inf:
            raise ValueError(f"limit must be > 0 and finite, got {self.limit_s!r}")

    def wait_s(self, failures: int) -> float | None:
        """Seconds to wait after so many failures in a row (1, 2, ...); None if that was the last attempt."""
        if failures >= self.attempts:
            return None
        try:
            return float(min(self.limit_s, self.first_s * self.factor ** (failures - 1)))
        except OverflowError:
            return self.limit_s
