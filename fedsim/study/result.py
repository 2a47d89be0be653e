"""What a run found out: a curve, a record of events, and a summary."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from fedsim.scenario import Scenario
from fedsim.study.crossing import crossing
from fedsim.study.goal import Goal
from fedsim.study.html import titled
from fedsim.study.slowest import Slowest
from fedsim.system.usage import Usage

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True)
class Waste:
    """Work that did not count: how many pieces, and what they cost."""

    pieces: int
    usage: Usage


@dataclass(frozen=True, kw_only=True)
class Attended:
    """A group of devices: how many there are, and how many of them ever worked."""

    devices: int
    at_work: int


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A run in numbers.

    ``spent`` is what all devices spent, ``server`` what the server did; ``waste`` is what of the devices' work did not
    count, by cause. ``devices_at_work`` are those that worked at all, ``devices_spent`` those whose battery is empty.
    ``groups`` says the first two of each group of the fleet: who was never chosen has no row in the table of devices.
    In a timing run nothing is ``learned``, and nothing is known of its quality: ``final`` is empty. Where the metric
    ``falls``, less of it is better. Accuracies of a ``regression`` are coefficients of determination, R^2.
    """

    name: str
    seed: int
    version: str
    stopped_because: str
    simulated_s: float
    rounds: float
    metric: str
    target: float | None
    time_to_target_s: float | None
    final: Mapping[str, float]
    spent: Usage
    server: Usage
    waste: Mapping[str, Waste]
    slowest: Slowest
    devices: int
    devices_at_work: int
    devices_spent: int
    groups: Mapping[str, Attended]
    learned: bool = True
    falls: bool = False
    regression: bool = False

    @property
    def goal(self) -> Goal:
        """What the run was to reach."""
        return Goal(metric=self.metric, target=self.target, falls=self.falls)

    def as_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Result:
    """One run of one scenario with one seed.

    ``curve`` has a row per evaluation: ``time_s``, ``round``, ``accuracy`` (all test examples together),
    ``mean_accuracy``, ``worst_tenth`` and ``bottom_decile`` (over devices, each on its own test data), ``energy_j``,
    ``up_bytes``, ``down_bytes`` (so far, as they were on the wire), and the learner's own measures; where devices are
    kept out of the training, their qualities too, as ``unseen_accuracy`` and so on. ``events`` has a row per event,
    ``devices`` one per device that was worked with: its bytes, joules by cause, waste, and seconds in each state of
    its radio; ``links`` one for each direction of every link.
    """

    scenario: Scenario
    seed: int
    curve: pd.DataFrame
    events: pd.DataFrame
    devices: pd.DataFrame
    links: pd.DataFrame
    summary: Summary

    def __repr__(self) -> str:
        summary = self.summary
        return (
            f"Result({summary.name!r}, seed {self.seed}: {summary.stopped_because} after {summary.simulated_s:.6g} s)"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows: the summary in a few figures."""
        return titled(repr(self), [pd.DataFrame([self._figures()])])

    def _figures(self) -> dict[str, Any]:
        summary = self.summary
        reached = "not reached" if summary.time_to_target_s is None else summary.time_to_target_s
        target = {} if summary.target is None else {f"s to {summary.metric} {summary.target:g}": reached}
        costs = {"energy_j": self.energy_j, "up_bytes": self.up_bytes, "down_bytes": self.down_bytes}
        return {"scenario": summary.name, **target, "rounds": summary.rounds, **summary.final, **costs}

    def plot(self, x: str = "time", ax: "Axes | None" = None) -> "Axes":
        """Draw the metric against ``time``, ``energy``, ``bytes`` or ``rounds``; see ``plot_quality``."""
        from fedsim.study.plot import plot_quality  # noqa: PLC0415  # matplotlib is slow to import

        return plot_quality(self, ax, over=x)

    def time_to(self, metric: str, value: float) -> float | None:
        """Simulated seconds until an evaluation first found ``metric`` at ``value`` or better; None if none did.

        Raises:
            KeyError: if the curve has no such metric.
        """
        return Goal.of(self.scenario, metric, value).time_s(self.curve)

    def rounds_to(self, metric: str, value: float) -> float | None:
        """Rounds until ``metric`` reached ``value``, as papers count them: see ``crossing``; None if it never did.

        Raises:
            KeyError: if the curve has no such metric.
        """
        goal = Goal.of(self.scenario, metric, value)
        values = goal.sign * goal.values(self.curve).to_numpy()
        return crossing(self.curve["round"].to_numpy(), values, goal.sign * value)

    @property
    def energy_j(self) -> float:
        """Joules that the devices spent for the learner."""
        return self.summary.spent.work_j

    @property
    def up_bytes(self) -> float:
        """Bytes that devices sent, headers and lost attempts included."""
        return self.summary.spent.sent_bytes

    @property
    def down_bytes(self) -> float:
        """Bytes that devices received, headers and lost attempts included."""
        return self.summary.spent.received_bytes
