"""CoCoA: every device solves its part to the same accuracy, however long it takes."""

from dataclasses import dataclass, replace

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.dual import DualLearner, DualState
from fedsim.learners.learner import Computed, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.margins import linear, width
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.certificate import certified_theta
from fedsim.tasks.problem import Problem
from fedsim.tasks.sdca import Sdca, Solution, Subproblem


@dataclass(frozen=True, kw_only=True, slots=True)
class Cocoa(DualLearner):
    """Smith et al. 2016, "CoCoA", Algorithm 1 with gamma = 1, on MOCHA's objective: one theta for all.

    A device ascends, the solver's epochs at a time, until its own certificate says that it has come to ``theta``, but
    not longer than ``most_epochs``. How many steps that takes depends on its data and on the round: they are computed
    first, and then charged, with a pass over the examples for each certificate. The round lasts until the slowest is
    there. The certificate is the subproblem's duality gap, all that a device can know; the true theta is smaller, with
    the hinge loss by a factor of 3 to 100.
    """

    theta: float = 0.75
    """A device works until what is left of its subproblem's duality gap is this share of it; between 0 and 1."""
    most_epochs: float = 20.0
    """The most passes over its examples that a device makes in a round; at least the solver's."""

    def __post_init__(self) -> None:
        DualLearner.__post_init__(self)
        if not 0 < self.theta < 1:
            raise FedsimError(f"cocoa: theta must be > 0 and < 1, got {self.theta!r}")
        if not self.solver.epochs <= self.most_epochs < np.inf:
            raise FedsimError(
                f"cocoa: most_epochs must be at least the solver's epochs ({self.solver.epochs:g}), and finite, "
                f"got {self.most_epochs!r}"
            )

    @property
    def takes_partial_work(self) -> bool:
        """A device that cannot come to theta has nothing to send."""
        return False

    @property
    def stops_by_itself(self) -> bool:
        """When theta is reached."""
        return True

    @property
    def epochs(self) -> float:
        """At most so many."""
        return self.most_epochs

    def broadcast(self, problem: Problem, state: DualState, device: int) -> Array:
        """See ``DualLearner.message``; the constant is sigma'."""
        del problem
        return self.message(state, device, state.safety)

    def local(self, problem: Problem, work: Work) -> Computed:
        """Ascend until theta is certified; what is sent is u_t (R, d)."""
        progress = _Progress(problem, work, self.subproblem(problem, work, safe=True))
        active = np.flatnonzero(work.steps > 0)
        while len(active):
            progress.advance(self.solver, active)
            theta = progress.theta(self.solver, active)
            active = active[(theta > self.theta) & (progress.done[active] < work.steps[active])]
        return Computed(sent=progress.u, memory=tuple(progress.alpha), steps=progress.done)

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """At most ``most_epochs`` of coordinate steps, and a margin for each example whenever theta is certified."""
        cost, examples = DualLearner.local_cost(self, problem, device), int(problem.sizes[device])
        at_once = self.solver.steps(examples)
        features, rows = width(problem), linear(problem).rows
        margins = 2.0 * features * rows * examples
        read_bytes = 8.0 * features * (examples + 2 * rows)  # every example, w and u
        return replace(
            cost,
            steps=at_once * max(1, int(self.most_epochs * examples) // at_once),
            step_flops=cost.step_flops + margins / at_once,
            step_moved_bytes=cost.step_moved_bytes + read_bytes / at_once,
            steps_per_dispatch=at_once,
        )


class _Progress:
    """How far each device of a batch has come with its subproblem."""

    def __init__(self, problem: Problem, work: Work, whole: Subproblem) -> None:
        self._problem, self._work, self._whole = problem, work, whole
        self.u = np.zeros_like(whole.w)
        self.alpha = list(whole.alpha)
        self.done = np.zeros_like(work.steps)

    def advance(self, solver: Sdca, chosen: IntArray) -> None:
        """Some devices do the solver's epochs, or what they are granted: from where they are, w has moved by u."""
        problem, picked = self._problem, chosen.tolist()
        devices, coupling = self._work.devices[chosen], self._whole.coupling[chosen]
        at_once = np.array([solver.steps(size) for size in problem.sizes[devices].tolist()], dtype=np.int64)
        steps = np.minimum(at_once, self._work.steps[chosen] - self.done[chosen])
        part = Subproblem(
            w=self._whole.w[chosen] + coupling[:, :, None] * self.u[chosen],
            alpha=tuple(self.alpha[i] for i in picked),
            coupling=coupling,
            scale=self._whole.scale[chosen],
        )
        rngs = [self._work.rngs[i] for i in picked]
        found = solver.run(linear(problem), problem.train, work=part, devices=devices, steps=steps, rngs=rngs)
        self.u[chosen] += found.u
        self.done[chosen] += steps
        for i, alpha in zip(picked, found.alpha, strict=True):
            self.alpha[i] = alpha

    def theta(self, solver: Sdca, chosen: IntArray) -> Array:
        """What is certified of some devices, from the beginning of the round."""
        picked, whole = chosen.tolist(), self._whole
        before = Subproblem(
            w=whole.w[chosen],
            alpha=tuple(whole.alpha[i] for i in picked),
            coupling=whole.coupling[chosen],
            scale=whole.scale[chosen],
        )
        after = Solution(u=self.u[chosen], alpha=tuple(self.alpha[i] for i in picked))
        return certified_theta(self._problem, solver.loss, before, after, self._work.devices[chosen])
