"""What a run is to reach: so much of a metric, or so little of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from fedsim.scenario import Scenario
from fedsim.scenario.metric import is_share, metric_falls


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """A metric, any column of the curve, and its target; where it ``falls``, less is better.

    Without a target there is only something to look at, which no evaluation reaches.
    """

    metric: str
    target: float | None = None
    falls: bool = False

    @classmethod
    def of(cls, scenario: Scenario, metric: str, target: float | None) -> "Goal":
        """A goal whose direction is the metric's in this scenario; see ``fedsim.scenario.metric``."""
        return cls(metric=metric, target=target, falls=metric_falls(metric, scenario.learner))

    @property
    def is_share(self) -> bool:
        """Whether the metric is a share, which people read in per cent."""
        return is_share(self.metric)

    @property
    def sign(self) -> float:
        """What the metric is multiplied by so that more is better."""
        return -1.0 if self.falls else 1.0

    def is_reached_by(self, value: float) -> bool:
        """Whether a value of the metric is as good as the target, or better; NaN never is."""
        return self.target is not None and self.sign * value >= self.sign * self.target

    def reached(self, curve: pd.DataFrame) -> "pd.Series[bool]":
        """Which evaluations, the rows of a curve, are as good as the target or better.

        Raises:
            KeyError: if the curve has no such metric.
        """
        values = self.values(curve)
        if self.target is None:
            return pd.Series(data=False, index=curve.index)
        return self.sign * values >= self.sign * self.target

    def first(self, curve: pd.DataFrame) -> "Mapping[str, float] | None":
        """The first evaluation that reached the target, None if none did.

        Raises:
            KeyError: if the curve has no such metric.
        """
        reached = curve[self.reached(curve)]
        return None if reached.empty else {str(name): float(value) for name, value in reached.iloc[0].items()}

    def time_s(self, curve: pd.DataFrame) -> float | None:
        """Simulated seconds until the first evaluation that reached the target, None if none did.

        Raises:
            KeyError: if the curve has no such metric.
        """
        first = self.first(curve)
        return None if first is None else first["time_s"]

    def values(self, curve: pd.DataFrame) -> "pd.Series[float]":
        """The metric's column.

        Raises:
            KeyError: if the curve has no such metric.
        """
        if self.metric not in curve:
            raise KeyError(f"the curve has no {self.metric!r}; it has {', '.join(map(str, curve.columns))}")
        return curve[self.metric].astype(float)
