"""What a run may be judged by: which names there are, which way is better, and what a target may be."""

import math
from typing import Final

from fedsim import units
from fedsim.learners.merit import Merits
from fedsim.problems import unknown
from fedsim.scenario.catalogue import Part

METRICS: Final = ("accuracy", "mean_accuracy", "worst_tenth", "bottom_decile")
"""Share of all test examples predicted right, each by its own device's model; the mean over devices of each
device's own share; the mean of the worst tenth of these; and their 10th percentile."""

UNSEEN: Final = "unseen_"
"""Before a metric: that of the devices which are kept out of the training."""


def is_share(name: str) -> bool:
    """Whether a metric is a share, with targets in per cent: accuracies are, whoever's they are."""
    return name.removeprefix(UNSEEN) in METRICS


def metric_falls(name: str, learner: Part) -> bool:
    """Whether less of a metric is better.

    Accuracies rise. A measure of the learner goes as the learner says, see ``fedsim.learners.merit``; one of which
    nothing is said falls, as losses and gaps do.
    """
    return not is_share(name) and (_merits(learner) or {}).get(name) != "rises"


def metric_names(learner: Part) -> tuple[str, ...]:
    """All metrics that a run of this learner can have; without its measures if it does not say which it has."""
    return (*METRICS, *(_merits(learner) or ()), *(f"{UNSEEN}{name}" for name in METRICS))


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
