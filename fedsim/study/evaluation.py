"""What is computed at an evaluation: the qualities of the models that devices would use now, and what else is asked."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.learner import Array, IntArray
from fedsim.scenario.metric import TRAIN, UNSEEN, Also
from fedsim.tasks.evenness import evenness
from fedsim.tasks.model import Judge, Predictor
from fedsim.tasks.problem import Outline, Problem
from fedsim.tasks.quality import Quality, Scores, mean_losses, scores


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
class Found:
    """``quality`` on test examples of the devices that take part; ``others`` are all further figures by their names."""

    quality: Quality
    others: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How a training is looked at. Devices that are ``unseen`` are kept out of it, and scored apart.

    ``also`` says what is computed besides the test qualities; see ``fedsim.scenario.metric``.
    """

    training: Trained
    unseen: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    also: frozenset[Also] = frozenset()

    @property
    def learns(self) -> bool:
        """Whether there is anything to look at: a timing run learns nothing."""
        return not isinstance(self.training.problem, Outline)

    @cached_property
    def seen(self) -> IntArray:
        """Devices that may be trained on."""
        return np.setdiff1d(np.arange(self.training.problem.devices), self.unseen)

    def now(self) -> Found:
        """Look at it."""
        problem, models, predictor = self.training.problem, self.training.models(), self.training.predictor()
        test = scores(problem, models, problem.test, predictor) if self.learns else None
        others = dict(self.training.measures())
        if len(self.unseen):
            others |= _named(UNSEEN, _quality(test, self.unseen))
        if test is not None:
            others |= dict(self._asked_for(test, models, predictor))
        return Found(quality=_quality(test, self.seen), others=others)

    def _asked_for(self, test: Scores, models: Array, predictor: Predictor) -> Iterator[tuple[str, float]]:
        problem = self.training.problem
        if "train" in self.also:
            train = scores(problem, models, problem.train, predictor)
            yield from _named(TRAIN, train.quality(self.seen)).items()
        if "loss" in self.also:
            yield "train_loss", self._train_loss(models, predictor)
        if "fairness" in self.also:
            yield from asdict(evenness(test.shares[self.seen])).items()

    def _train_loss(self, models: Array, predictor: Predictor) -> float:
        """The mean loss of the training examples of all devices that take part, each by its own device's model."""
        if not isinstance(predictor, Judge):
            raise FedsimError(f"evaluate.also: loss: {type(predictor).__name__} has no loss")
        problem = self.training.problem
        losses, sizes = mean_losses(predictor, models, problem.train)[self.seen], problem.sizes[self.seen]
        return float(sizes @ losses / sizes.sum())


def _quality(test: Scores | None, devices: IntArray) -> Quality:
    return Quality.unknown() if test is None else test.quality(devices)


def _named(prefix: str, quality: Quality) -> dict[str, float]:
    return {f"{prefix}{name}": value for name, value in asdict(quality).items()}
