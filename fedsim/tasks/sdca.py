"""Stochastic dual coordinate ascent on many devices at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.ascent import Ascent, visits_of
from fedsim.tasks.examples import Examples
from fedsim.tasks.linear import design
from fedsim.tasks.losses import DualLoss, Hinge
from fedsim.tasks.model import LinearModel


@dataclass(frozen=True, kw_only=True, eq=False)
class Subproblem:
    """What b devices maximise, each with R rows of weights (Smith et al. 2017, data-local subproblem).

    For each row: - c sum_i loss*(-(alpha_i + delta_i)) - w . u - (coupling / 2) |u|^2 with u = c X^T delta.
    """

    w: Array  # (b, R, d) weights from the server
    alpha: tuple[Array, ...]  # (b,) of (n_t, R) dual variables before
    coupling: Array  # (b, R) sigma' Sigma_tt / lambda
    scale: Array  # (b,) c, the weight of one example


class Solution(NamedTuple):
    """What came of it: ``u`` (b, R, d), and each device's dual variables (n_t, R)."""

    u: Array
    alpha: tuple[Array, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sdca:
    """Exact maximisation over one randomly chosen dual variable after the other, for each row of weights.

    Each local epoch visits the device's examples in a new random order, the same for all rows of weights. One
    step is one example. Shalev-Shwartz and Zhang 2013; Smith et al. 2017 (MOCHA), Section 3.
    """

    epochs: float = 1.0
    """Passes over a device's examples in a round, or a part of one; > 0."""
    loss: DualLoss = field(default_factory=Hinge)
    """Loss of a margin."""

    def __post_init__(self) -> None:
        if not 0 < self.epochs < np.inf:
            raise FedsimError(f"sdca: epochs must be > 0 and finite, got {self.epochs!r}")

    def steps(self, examples: int) -> int:
        """Steps of all epochs on a device with so many examples, at least one."""
        return max(1, round(self.epochs * examples))

    def step_flops(self, features: int, rows: int) -> float:
        """Operations of one step: margin and update of every row of weights, with squared norms at hand."""
        return 4.0 * features * rows

    def memory_bytes(self, features: int, rows: int, examples: int) -> float:
        """Bytes held in double precision: w and u, every example with its squared norm, and its dual variables."""
        return 8.0 * (2 * rows * features + examples * (features + 1 + rows))

    def step_moved_bytes(self, features: int, rows: int) -> float:
        """Bytes through memory in one step: an example, w and u are read, u is written."""
        return 8.0 * (features + 3 * rows * features)

    def run(
        self,
        model: LinearModel,
        examples: Examples,
        *,
        work: Subproblem,
        devices: IntArray,
        steps: IntArray,
        rngs: Sequence[np.random.Generator],
    ) -> Solution:
        """Do the granted steps.

        Entry i depends on entry i of the arguments alone, to the last bit.

        Args:
            model: says what each row of weights should answer, and whether there is a bias.
            examples: of all devices.
            work: what each device maximises.
            devices: (b,) whose examples.
            steps: (b,) steps granted; 0 changes nothing.
            rngs: (b,) each shuffles one device's examples.
        """
        order = np.argsort(-steps, kind="stable")  # longest first: those still at work are always the first so many
        visits = visits_of(examples.sizes[devices[order]], steps[order], [rngs[i] for i in order])
        begins = np.cumsum([0, *(len(work.alpha[i]) for i in order)])
        granted = np.arange(len(visits))[:, None] < steps[order]
        ascent = Ascent(
            z=work.w[order],
            alpha=np.concatenate([*(work.alpha[i] for i in order), np.zeros((1, work.w.shape[1]))]),
            gain=(work.scale[:, None] * work.coupling)[order],
            devices=devices[order],
            visits=visits,
            slots=np.where(granted, visits + begins[:-1], begins[-1]),
        )
        ascent.climb(self.loss, model, design(model, examples), steps[order])
        u = np.empty_like(work.w)
        u[order] = (ascent.z - work.w[order]) / work.coupling[order][:, :, None]
        place = np.argsort(order)
        return Solution(u=u, alpha=tuple(ascent.alpha[begins[j] : begins[j + 1]].copy() for j in place.tolist()))
