"""Days and nights: a device that is away comes back sooner at some hours than at others."""

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from fedsim.kernel import Luck
from fedsim.system.law import Choice, Constant, Law
from fedsim.system.process import Array, Numbers, Ranks
from fedsim.system.renewal import Cycle, Renewal

_DAY_S: Final = 86_400.0
_WARM_UP_CYCLES: Final = 10
"""So many of a device's own mean cycles bring it from an equilibrium without days into their rhythm by time 0."""


@dataclass(frozen=True, kw_only=True)
class Daily:
    """The hazard of coming back is multiplied by ``1 + swing cos(2 pi (hour - peak) / 24 h)`` (device notes, 6).

    hour: local time, the simulated time plus the device's ``zone_s``; the run starts at midnight in zone 0
    swing: the best hour's hazard is ``(1 + swing) / (1 - swing)`` times the worst's: twice for 0.35, four times for
    0.6. Stays of hours smear that: with the laws of ``phones`` 1.6 and 2.2 times as many devices are there (measured)

    Raises:
        ValueError: a swing that is not from 0 to 1.
    """

    swing: float = 0.35
    peak_s: float = 7200.0
    zone_s: Law = field(default_factory=lambda: Constant(0.0))

    def __post_init__(self) -> None:
        if not 0 <= self.swing <= 1:
            raise ValueError(f"swing must be from 0 to 1, got {self.swing!r}")

    def check_law(self, off_s: Law) -> None:
        """Refuse a law of absences that has no hazard.

        Raises:
            ValueError: it is made of single values.
        """
        if isinstance(off_s, (Constant, Choice)):
            raise ValueError(  # noqa: TRY004  # of laws, all of one type for a reader
                f"absences that follow the hour need a law with a density, got a {type(off_s).__name__.lower()}"
            )

    def factor(self, time_s: Array, zone_s: Array) -> Array:
        """What the hazard is multiplied by."""
        return 1.0 + self.swing * np.cos(2 * math.pi * (time_s + zone_s - self.peak_s) / _DAY_S)


class DailyRenewal(Renewal):
    """A renewal process whose off-periods follow the hour of the day, exactly.

    By thinning (Lewis and Shedler 1979): candidates come at the hazard of the law times ``1 + swing``, that is where
    its cumulative hazard ``-ln P(X > x)`` has grown by an exponential step, and each is taken with probability
    ``factor / (1 + swing)``. The law of absences must have a hazard; ``Daily.check_law`` says whether it has.
    """

    def __init__(self, laws: Cycle, luck: Luck, things: Numbers, daily: Daily, zone_s: Array) -> None:
        super().__init__(laws, luck, things, fresh=False, start_s=-_WARM_UP_CYCLES * laws.mean_s)
        self._daily = daily
        self._zone_s = zone_s

    def _turn(self, ranks: Ranks) -> None:
        was_on = self._is_on[ranks]
        super_ranks = ranks[~was_on]
        if len(super_ranks):
            super()._turn(super_ranks)
        away = ranks[was_on]
        self._is_on[away] = False
        self._until_s[away] = self._returns(away, self._until_s[away])

    def _returns(self, ranks: Ranks, since_s: Array) -> Array:
        """When devices come back that went at ``since_s``."""
        returns_s, hazard, most = np.empty(len(ranks)), np.zeros(len(ranks)), 1.0 + self._daily.swing
        waiting = np.arange(len(ranks))
        while len(waiting):
            rows = ranks[waiting]
            step, lot = self._next(rows)
            hazard[waiting] -= np.log(step) / most
            ages_s = self._laws.off_s.isf(np.exp(-hazard[waiting])) * self._laws.off_factor[rows]
            returns_s[waiting] = since_s[waiting] + ages_s
            taken = lot * most < self._daily.factor(returns_s[waiting], self._zone_s[rows])
            waiting = waiting[~taken]
        return returns_s
