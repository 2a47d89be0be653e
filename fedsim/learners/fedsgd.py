"""Federated averaging of single steps."""

from dataclasses import dataclass, field

from fedsim.learners.fedavg import FedAvg
from fedsim.tasks.sgd import Sgd


@dataclass(frozen=True, kw_only=True, slots=True)
class FedSgd(FedAvg):
    """McMahan et al. 2017, section 2: one step on all of a device's examples; averaging models averages gradients.

    This is ``FedAvg`` whose solver does one epoch of one batch.
    """

    solver: Sgd = field(init=False)
    step_size: float = 0.1
    """Step size of the one gradient step; > 0."""
    weight_decay: float = 0.0
    """Share of every parameter that a step of size 1 takes away; >= 0."""
    clip_norm: float | None = None
    """Longest gradient that is taken as it is; longer ones are shortened to it; null clips none."""

    def __post_init__(self) -> None:
        step = Sgd(
            epochs=1,
            batch_size=None,
            step_size=self.step_size,
            weight_decay=self.weight_decay,
            clip_norm=self.clip_norm,
        )
        object.__setattr__(self, "solver", step)
        FedAvg.__post_init__(self)
