"""Lines from one name to another, one after the other."""

import math
from dataclasses import dataclass

from fedsim.system.lines import Line


@dataclass(frozen=True, slots=True)
class Track:
    """Lines from one name to another: those of the sender's access, of the core, and of the receiver's access."""

    up: tuple[Line, ...]
    core: tuple[Line, ...]
    down: tuple[Line, ...]
    delay_s: float

    @property
    def lines(self) -> tuple[Line, ...]:
        """All of them in order."""
        return (*self.up, *self.core, *self.down)

    @property
    def loss(self) -> float:
        """Share of packets that do not get through."""
        return 1 - math.prod(1 - line.loss for line in self.lines)
