"""Watches a run: measures the learning as it goes, and says when it is over."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from fedsim import limits, units
from fedsim.errors import FedsimError
from fedsim.problems import unknown
from fedsim.scenario import METRICS
from fedsim.study.evaluation import Evaluation
from fedsim.study.goal import Goal
from fedsim.study.plateau import Plateau, PlateauWatch
from fedsim.system.usage import Usage

ENERGY_SPENT: Final = "energy is spent"

TIME_IS_UP: Final = "time is up"
"""Why a run ends that was not stopped: at its bound on time, or where nothing can go on."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """When to stop: at a goal, after seconds, rounds or joules, or without progress, whichever comes first."""

    goal: Goal = field(default_factory=lambda: Goal(metric=METRICS[0]))
    time_s: float | None = None
    rounds: float | None = None
    energy_j: float | None = None
    plateau: Plateau | None = None


@dataclass(frozen=True, kw_only=True)
class Point:
    """One evaluation: simulated time, rounds so far, quality, what it took, and the learner's own measures."""

    time_s: float
    round: float
    accuracy: float
    mean_accuracy: float
    worst_tenth: float
    bottom_decile: float
    energy_j: float
    up_bytes: float
    down_bytes: float
    measures: Mapping[str, float]

    def row(self) -> dict[str, float]:
        """As a flat row of the curve."""
        flat = asdict(self)
        return {**{name: flat[name] for name in flat if name != "measures"}, **self.measures}


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What a monitor looks at: the clock, the training, what the devices spent, and who else wants to know."""

    clock: Callable[[], float]
    evaluation: Evaluation
    spent: Callable[[], Usage]
    record: Callable[..., None]
    tell: Callable[[Point], None]


class RunMonitor:
    """Evaluates every so many rounds, keeps the curve, and stops the run at its bounds.

    Without a server a *round* is as many rounds of single peers as there are peers, so that ``round`` is the mean
    number of rounds per peer.
    """

    def __init__(self, watched: Watched, bounds: Bounds, *, every_rounds: int | None) -> None:
        self._watched = watched
        self._bounds = bounds
        self._every_rounds = every_rounds
        self._plateau = PlateauWatch(bounds.plateau, bounds.goal) if bounds.plateau else None
        self._peer_rounds = 0
        self._now_s = 0.0
        self._rounds_now = 0
        self.round = 0.0
        self.points: list[Point] = []
        self.stopped_because = ""
        self.done = asyncio.Event()

    def is_done(self) -> bool:
        """Whether a bound was reached."""
        return bool(self.stopped_because)

    def stop(self, reason: str) -> None:
        """The run is over; the first reason counts."""
        if not self.stopped_because:
            self.stopped_because = reason
            self.done.set()

    def round_ended(self, number: int) -> None:
        """The server finished a round."""
        self._advance(number)

    def peer_round_ended(self, device: int) -> None:  # noqa: ARG002  # a protocol says who, the mean does not ask
        """One peer finished a round."""
        self._peer_rounds += 1
        peers = self._watched.evaluation.training.problem.devices
        if self._peer_rounds % peers:
            self.round = self._peer_rounds / peers
        else:
            self._advance(self._peer_rounds // peers)

    def evaluate(self) -> None:
        """Measure now, and stop if it is enough. Twice at the same instant and round measures once."""
        watched = self._watched
        time_s = watched.clock()
        if self.points and (self.points[-1].time_s, self.points[-1].round) == (time_s, self.round):
            return
        limits.EVALUATIONS.check(len(self.points) + 1, "evaluate: this run")
        found, spent = watched.evaluation.now(), watched.spent()
        point = Point(
            time_s=time_s,
            round=self.round,
            **asdict(found.quality),
            energy_j=spent.work_j,
            up_bytes=spent.sent_bytes,
            down_bytes=spent.received_bytes,
            measures=found.others,
        )
        reason = self._reason(point)
        self.points.append(point)
        watched.record("evaluated", round=self.round, **asdict(found.quality))
        watched.tell(point)
        if reason:
            self.stop(reason)

    def _reason(self, point: Point) -> str:
        """Why to stop after this evaluation, empty to go on. What needs quality is not asked of a timing run."""
        if self._watched.evaluation.learns:
            value = self._value(point)
            if self._bounds.goal.is_reached_by(value):
                return "target reached"
            if self._plateau is not None and self._plateau.is_reached(point.time_s, value):
                return "no more progress"
        return ENERGY_SPENT if self._is_spent(point.energy_j) else ""

    def _value(self, point: Point) -> float:
        goal, row = self._bounds.goal, point.row()
        if goal.metric not in row:
            raise FedsimError(f"stop.metric: {unknown(goal.metric, 'metric of this run', [*METRICS, *point.measures])}")
        return row[goal.metric]

    def _is_spent(self, energy_j: float) -> bool:
        return self._bounds.energy_j is not None and energy_j >= self._bounds.energy_j

    def _check_pace(self) -> None:
        """Rounds that take no simulated time never come to its end."""
        time_s = self._watched.clock()
        self._rounds_now = self._rounds_now + 1 if time_s == self._now_s else 0
        self._now_s = time_s
        if self._rounds_now:
            limits.INSTANT.check(self._rounds_now, f"stop: this run, at {units.show(time_s, 's')},")

    def _advance(self, number: int) -> None:
        self.round = float(number)
        self._check_pace()
        if self._every_rounds is not None and number % self._every_rounds == 0:
            self.evaluate()
        if self._bounds.rounds is not None and number >= self._bounds.rounds:
            self.stop("rounds are over")
        if self._bounds.energy_j is not None and self._is_spent(self._watched.spent().work_j):
            self.stop(ENERGY_SPENT)
