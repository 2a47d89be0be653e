"""What takes many devices of a group down at once, as a rule of coming and going."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fedsim.errors import PowerCutError
from fedsim.system.exposure import Cut
from fedsim.system.presence import Reason
from fedsim.system.process import Array, Bools, Crowd, Process, Ranks


@dataclass(frozen=True, slots=True)
class Blackout:
    """Devices are there only while what they hang on is: all of a group, or those with these ranks in it."""

    cut: Cut
    ranks: tuple[int, ...] | None = None

    def processes(self, crowd: Crowd) -> Sequence[tuple[Process, Reason]]:
        """One, the same for all that hang on it."""
        hangs = np.zeros(len(crowd), dtype=np.bool_)
        hangs[slice(None) if self.ranks is None else list(self.ranks)] = True
        return [(_Hanging(self.cut, hangs), PowerCutError)]


class _Hanging:
    """On while the one thing is there; for ever, for a device that does not hang on it."""

    def __init__(self, cut: Cut, hangs: Bools) -> None:
        self._cut = cut
        self._hangs = hangs

    def at(self, ranks: Ranks, time_s: float) -> tuple[Bools, Array]:
        is_there, until_s = self._cut.at(time_s)
        hangs = self._hangs[ranks]
        return ~hangs | is_there, np.where(hangs, until_s, np.inf)

    def one(self, rank: int, time_s: float) -> tuple[bool, float]:
        return self._cut.at(time_s) if self._hangs[rank] else (True, np.inf)
