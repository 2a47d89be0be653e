"""Watches a run: measures the learning as it goes, and says when it is over."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from fedsim import limits, units
from fedsim.learners.learner import Array, IntArray
from fedsim.system.usage import Usage
from fedsim.tasks.model import Predictor
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import Quality, qualities


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """When to stop: at a target of a metric, after simulated seconds, or after rounds, whichever comes first."""

    metric: str = "accuracy"
    target: float | None = None
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
        self._now_s = 0.0
        self._rounds_now = 0
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
        limits.EVALUATIONS.check(len(self.points) + 1, "evaluate: this run")
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
        self.points.append(point)
        watched.record("evaluated", round=self.round, **asdict(found))
        watched.tell(point)
        target = self._bounds.target
        if target is not None and getattr(point, self._bounds.metric) >= target:
            self.stop("target reached")

    def _qualities(self) -> tuple[Quality, dict[str, float]]:
        """Of the devices that take part, and of those that are kept out, if any are."""
        training, unseen = self._watched.training, self._watched.unseen
        groups = [self._seen, unseen] if len(unseen) else [self._seen]
        found = qualities(training.problem, training.models(), groups, training.predictor())
        return found[0], asdict(found[1]) if len(unseen) else {}

    def _check_pace(self) -> None:
        """Rounds that take no simulated time never come to its end."""
        time_s = self._watched.clock()
        self._rounds_now = self._rounds_now + 1 if time_s == self._now_s else 0
        self._now_s = time_s
        limits.INSTANT.check(self._rounds_now, f"stop: this run, at {units.show(time_s, 's')},")

    def _advance(self, number: int) -> None:
        self.round = float(number)
        self._check_pace()
        if self._every_rounds is not None and number % self._every_rounds == 0:
            self.evaluate()
        if self._bounds.rounds is not None and number >= self._bounds.rounds:
            self.stop("rounds are over")
