"""When a metric no longer gets better."""

import math
from dataclasses import dataclass

from fedsim.study.goal import Goal


@dataclass(frozen=True, kw_only=True, slots=True)
class Plateau:
    """No progress worth its name for so many ``evaluations``, or ``within_s`` simulated seconds; one of them is None.

    Progress is a value that is better by at least ``gain`` than the last that was progress.
    """

    evaluations: int | None = None
    within_s: float | None = None
    gain: float = 0.0


class PlateauWatch:
    """Looks at every evaluation of a run, in order."""

    def __init__(self, plateau: Plateau, goal: Goal) -> None:
        self._plateau = plateau
        self._sign = goal.sign
        self._best = -math.inf
        self._since = 0
        self._since_s = 0.0

    def is_reached(self, time_s: float, value: float) -> bool:
        """Whether, with this evaluation, there has been no progress for long enough. NaN is no progress."""
        better = self._sign * value
        if better > self._best and better >= self._best + self._plateau.gain:
            self._best, self._since, self._since_s = better, 0, time_s
            return False
        self._since += 1
        most, within_s = self._plateau.evaluations, self._plateau.within_s
        enough = most is not None and self._since >= most
        return enough or (within_s is not None and time_s - self._since_s >= within_s)
