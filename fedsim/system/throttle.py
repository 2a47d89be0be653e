"""A processor that gets hot: full speed until its heat budget is used up, then a fraction of it."""

import math
from dataclasses import dataclass

from fedsim import units


@dataclass(frozen=True, kw_only=True, slots=True)
class Throttle:
    """After ``after_s`` of full load the processor goes on at ``speed_share`` of its speed (device notes, section 2).

    Half a load uses the budget half as fast. It refills linearly, in the same ``after_s``, while nothing is computed.

    Raises:
        ValueError: a time that is not > 0 and finite, or a share that is not above 0 and at most 1.
    """

    after_s: float
    """Seconds of full load after which it slows down; > 0."""
    speed_share: float
    """Share of its speed that is left then; above 0 and at most 1."""

    def __post_init__(self) -> None:
        if not 0 < self.after_s < math.inf:
            raise ValueError(f"after must be > 0 and finite, got {self.after_s!r}")
        if not 0 < self.speed_share <= 1:
            raise ValueError(f"speed_share must be above 0 % and at most 100 %, got {units.per_cent(self.speed_share)}")


class Heat:
    """What is left of a heat budget, in seconds of full load; looked at in order of time."""

    __slots__ = ("_left_s", "_load", "_since_s", "_throttle", "hot_s")

    def __init__(self, throttle: Throttle, at_s: float) -> None:
        self._throttle = throttle
        self._left_s = throttle.after_s
        self._load = 0.0
        self._since_s = at_s
        self.hot_s = math.inf
        """When the budget will be used up, if the load stays as it is."""

    def pace(self) -> float:
        """The share of full speed, as of the last ``load``."""
        return self._throttle.speed_share if self._left_s <= 0 else 1.0

    def hot_pace(self) -> float:
        """The share of full speed once the budget is used up."""
        return self._throttle.speed_share

    def left_s(self, at_s: float) -> float:
        """Seconds of full load that are left at ``at_s``."""
        if at_s >= self.hot_s:
            return 0.0
        change_s = (at_s - self._since_s) * (-self._load if self._load else 1.0)
        return min(max(self._left_s + change_s, 0.0), self._throttle.after_s)

    def gets_hot_s(self, from_s: float, share: float) -> float:
        """When the budget will be used up if this share of the processor computes from then on."""
        return from_s + self.left_s(from_s) / share

    def live(self, share: float, from_s: float, to_s: float) -> float:
        """This share of the processor, which is not 0, has computed from then to then, and was not slowed down.

        It is what ``load`` comes to at each of the two instants. Returns the pace from then on.
        """
        self._left_s = min(max(self.left_s(from_s) - (to_s - from_s) * share, 0.0), self._throttle.after_s)
        self._load, self._since_s, self.hot_s = 0.0, to_s, math.inf
        return self.pace()

    def load(self, share: float, at_s: float) -> None:
        """From ``at_s`` on, this share of the processor computes."""
        self._left_s = self.left_s(at_s)
        self._load, self._since_s = share, at_s
        self.hot_s = at_s + self._left_s / share if share and self._left_s > 0 else math.inf
        if self.hot_s <= at_s:  # what is left would be used up before the clock can move on
            self._left_s, self.hot_s = 0.0, math.inf
