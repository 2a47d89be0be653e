"""Watches a run: measures the learning as it goes, and says when it is over."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.learner import Array, IntArray
from fedsim.problems import unknown
from fedsim.scenario import METRICS
from fedsim.study.goal import Goal
from fedsim.system.usage import Usage
from fedsim.tasks.model import Predictor
from fedsim.tasks.problem import Outline, Problem
from fedsim.tasks.quality import Quality, qualities


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """When to stop: at a goal, after simulated seconds, or after rounds, whichever comes first."""

    goal: Goal = field(default_factory=lambda: Goal(metric=METRICS[0]))
    time_s: float | None = None
    rounds: float | None = None


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


class Trained(Protocol):
    """A training that can be looked at."""

    @property
    def problem(self) -> Problem:
        """What is learned."""

    def models(self) -> Array:
        """What each device would use now: (m, p)."""

    def predictor(self) -> Predictor:
        """What reads them."""

    def measures(self) -> Mapping[str, float]:
        """The learner's own figures of merit."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What a monitor looks at: the clock, the training, what the devices spent, and who else wants to know.

    ``unseen`` are devices that are kept out of the training, and scored apart.
    """

    clock: Callable[[], float]
    training: Trained
    spent: Callable[[], Usage]
    record: Callable[..., None]
    tell: Callable[[Point], None]
    unseen: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))


class RunMonitor:
    """Evaluates every so many rounds, keeps the curve, and stops the run at its bounds.

    Without a server a *round* is as many rounds of single peers as there are peers, so that ``round`` is the mean
    number of rounds per peer.
    """

    def __init__(self, watched: Watched, bounds: Bounds, *, every_rounds: int | None) -> None:
        self._watched = watched
        self._bounds = bounds
        self._every_rounds = every_rounds
        self._peer_rounds = 0
        self.round = 0.0
        self.points: list[Point] = []
        self.stopped_because = ""
        self.done = asyncio.Event()

    @cached_property
    def _seen(self) -> IntArray:
        """Devices that may be trained on."""
        may = np.ones(self._watched.training.problem.devices, dtype=np.bool_)
        may[self._watched.unseen] = False
        return np.flatnonzero(may)

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
        peers = self._watched.training.problem.devices
        if self._peer_rounds % peers:
            self.round = self._peer_rounds / peers
        else:
            self._advance(self._peer_rounds // peers)

    def evaluate(self) -> None:
        """Measure now, and stop if the target is reached. Twice at the same instant and round measures once."""
        watched = self._watched
        time_s = watched.clock()
        if self.points and (self.points[-1].time_s, self.points[-1].round) == (time_s, self.round):
            return
        training = watched.training
        found, unseen = self._qualities()
        spent = watched.spent()
        point = Point(
            time_s=time_s,
            round=self.round,
            **asdict(found),
            energy_j=spent.work_j,
            up_bytes=spent.sent_bytes,
            down_bytes=spent.received_bytes,
            measures={**training.measures(), **{f"unseen_{name}": value for name, value in unseen.items()}},
        )
        reached = self._has_reached(point)
        self.points.append(point)
        watched.record("evaluated", round=self.round, **asdict(found))
        watched.tell(point)
        if reached:
            self.stop("target reached")

    def _has_reached(self, point: Point) -> bool:
        """Whether the goal is reached; not in a timing run, which has no qualities."""
        goal, row = self._bounds.goal, point.row()
        if isinstance(self._watched.training.problem, Outline):
            return False
        if goal.metric not in row:
            measured = [*METRICS, *point.measures]
            raise FedsimError(f"stop.metric: {unknown(goal.metric, 'metric of this run', measured)}")
        return goal.is_reached_by(row[goal.metric])

    def _qualities(self) -> tuple[Quality, dict[str, float]]:
        """Of the devices that take part, and of those that are kept out, if any are."""
        training, unseen = self._watched.training, self._watched.unseen
        groups = [self._seen, unseen] if len(unseen) else [self._seen]
        found = qualities(training.problem, training.models(), groups, training.predictor())
        return found[0], asdict(found[1]) if len(unseen) else {}

    def _advance(self, number: int) -> None:
        self.round = float(number)
        if self._every_rounds is not None and number % self._every_rounds == 0:
            self.evaluate()
        if self._bounds.rounds is not None and number >= self._bounds.rounds:
            self.stop("rounds are over")
