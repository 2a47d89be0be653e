"""What a run may be judged by: which names there are, which way is better, and what a target may be."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from fedsim import units
from fedsim.learners.merit import Merits
from fedsim.problems import unknown
from fedsim.scenario.catalogue import Part

METRICS: Final = ("accuracy", "mean_accuracy", "worst_tenth", "bottom_decile")
"""Share of all test examples predicted right, each by its own device's model; the mean over devices of each
device's own share; the mean of the worst tenth of these; and their 10th percentile."""

UNSEEN: Final = "unseen_"
"""Before a metric: that of the devices which are kept out of the training."""

TRAIN: Final = "train_"
"""Before a metric: that on the devices' training examples."""

Also = Literal["train", "loss", "fairness"]

ALSO: Final[Mapping[Also, tuple[str, ...]]] = MappingProxyType({
    "train": tuple(f"{TRAIN}{name}" for name in METRICS),
    "loss": ("train_loss",),
    "fairness": ("deviation", "fairness"),
})  # fmt: skip
"""What may be evaluated besides, and the columns that it gives the curve.

``train_loss`` is the mean loss of all training examples, each by the model that its device would use, with the
model's own penalty and nothing of the learner's: it can be compared between learners. What a learner itself makes
small, with its terms for proximity or relations between tasks, is its ``objective`` or ``primal``. For ``deviation``
and ``fairness`` see ``fedsim.tasks.evenness``.
"""

_FALLING: Final = ("train_loss", "deviation")


def also_for(name: str) -> frozenset[Also]:
    """What must be evaluated besides for a metric."""
    return frozenset(word for word, names in ALSO.items() if name in names)


def is_share(name: str) -> bool:
    """Whether a metric is a share, with targets in per cent: accuracies are, whoever's they are, and evenness."""
    return name.removeprefix(UNSEEN).removeprefix(TRAIN) in METRICS or name in ALSO["fairness"]


def is_regression(model: Part) -> bool:
    """Whether accuracies are coefficients of determination, R^2."""
    return not model.value.classes


def metric_falls(name: str, learner: Part) -> bool:
    """Whether less of a metric is better.

    Accuracies and fairness rise, losses and deviations fall. A measure of the learner goes as the learner says, see
    ``fedsim.learners.merit``; one of which nothing is said falls, as losses and gaps do.
    """
    return name in _FALLING or (not is_share(name) and (_merits(learner) or {}).get(name) != "rises")


def metric_names(learner: Part) -> tuple[str, ...]:
    """All metrics that a run of this learner can have; without its measures if it does not say which it has."""
    others = [name for names in ALSO.values() for name in names]
    return (*METRICS, *(_merits(learner) or ()), *others, *(f"{UNSEEN}{name}" for name in METRICS))


def metric_rule(name: str, learner: Part) -> str:
    """What is wrong with the name of a metric, empty if nothing is, or if only the run can say."""
    known = metric_names(learner)
    return "" if name in known or _merits(learner) is None else unknown(name, f"metric of {learner.name}", known)


def target_rule(name: str, target: float) -> str:
    """What is wrong with a target of a metric, empty if nothing is."""
    if is_share(name):
        return "" if 0 < target <= 1 else f"must be above 0 % and at most 100 %, got {units.per_cent(target)}"
    return "" if math.isfinite(target) else f"must be finite, got {target!r}"


def _merits(learner: Part) -> Merits | None:
    """None where the learner does not say what it measures."""
    merits: Merits | None = getattr(learner.value, "merits", None)
    return merits
