"""Personal models on a leash: each device's own optimum is held near a model that all share."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.learner import Answers, Computed, Work, same_for_all
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.local_sgd import SgdLearner, sgd_cost
from fedsim.learners.messages import rounded
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.examples import Examples
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import mean_losses
from fedsim.tasks.sgd import Sgd
from fedsim.tasks.terms import Terms


@dataclass(frozen=True, kw_only=True, slots=True)
class PFedMe(SgdLearner):
    """T Dinh, Tran and Nguyen 2020, "Personalized federated learning with Moreau envelopes", Algorithm 1.

    In each of its steps a device takes a minibatch, goes ``inner_steps`` steps of the solver towards the personal model

        theta = argmin F_minibatch(theta) + (lambda / 2) |theta - w|^2

    from where it was, and draws its copy of the shared model after it: w <- w - outer_step_size lambda (w - theta).
    The server mixes: w <- (1 - beta) w + beta mean of the copies, each device counting alike. ``epochs``,
    ``batch_size`` and with them the number of steps are the solver's; the rest of it, and ``decay``, act in the inner
    steps, which start at rest. Devices use their personal models; one that has not taken part yet uses what a first
    round would give it.
    """

    solver: Sgd = field(default_factory=lambda: Sgd(batch_size=20))
    lambda_: float = 15.0
    """Strength of the pull between the personal and the shared model; > 0."""
    inner_steps: int = 5
    """Steps of the solver towards the personal model for each minibatch; >= 1."""
    outer_step_size: float = 0.005
    """Step size with which the shared model follows the personal one; > 0."""
    beta: float = 1.0
    """How far the server goes from its model to the mean of the answers; > 0."""

    def __post_init__(self) -> None:
        SgdLearner.__post_init__(self)
        if not self.inner_steps >= 1:
            raise FedsimError(f"pfedme: inner_steps must be >= 1, got {self.inner_steps!r}")
        named = (("lambda", self.lambda_), ("outer_step_size", self.outer_step_size), ("beta", self.beta))
        for name, value in named:
            if not 0 < value < np.inf:
                raise FedsimError(f"pfedme: {name} must be > 0 and finite, got {value!r}")

    @property
    def takes_partial_work(self) -> bool:
        """The paper's analysis is of whole rounds."""
        return False

    @property
    def takes_stale_answers(self) -> bool:
        """With beta 1, one late answer alone would undo all others."""
        return False

    @property
    def needs_everybody(self) -> bool:
        """Any cohort will do."""
        return False

    @property
    def sends(self) -> Literal["model", "change"]:
        """The device's copy of the shared model."""
        return "model"

    def memory(self, problem: Problem, device: int) -> Array | None:
        """No personal model before the first round."""
        del problem, device
        return None

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """Every step is ``inner_steps`` of the solver, with a pull (3 operations a parameter), and one on w (3)."""
        one, p = sgd_cost(self.solver, problem, device), problem.model.parameters
        return replace(
            one,
            step_flops=self.inner_steps * (one.step_flops + 3.0 * p) + 3.0 * p,
            step_moved_bytes=self.inner_steps * one.step_moved_bytes,
            memory_bytes=one.memory_bytes + 4.0 * p,
            dispatches_per_step=self.inner_steps,
        )

    def init(self, problem: Problem, rng: np.random.Generator) -> Array:
        """The model's own start, (p,)."""
        return problem.model.init(rng)

    @same_for_all
    def broadcast(self, problem: Problem, state: Array, device: int) -> Array:
        """The shared model, the same for all."""
        del problem, device
        return rounded(state, self.precision)

    def local(self, problem: Problem, work: Work) -> Computed:
        """Personal models, which stay, and copies of the shared one, which are sent."""
        w, theta = self._rounds(problem, work)
        return Computed(sent=rounded(w, self.precision), memory=tuple(theta))

    def aggregate(self, problem: Problem, state: Array, answers: Answers) -> Array:
        """A mixture of the model as it was and the mean of the copies."""
        del problem
        return np.asarray((1.0 - self.beta) * state + self.beta * answers.sent.mean(axis=0))

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """An addition per parameter and answer, and 4 operations per parameter."""
        return (answers + 4.0) * problem.model.parameters

    def models(self, problem: Problem, state: Array, memory: Mapping[int, Array | None]) -> Array:
        """Every device's personal model: (m, p)."""
        models = np.empty((problem.devices, len(state)))
        new = [device for device in range(problem.devices) if memory.get(device) is None]
        for device in set(range(problem.devices)).difference(new):
            models[device] = memory[device]
        if new:
            models[new] = self._rounds(problem, self._first_round(problem, state, np.array(new)))[1]
        return models

    def measures(self, problem: Problem, state: Array, memory: Mapping[int, Array | None]) -> dict[str, float]:
        """``objective``: mean over devices of F(theta) + (lambda / 2) |theta - w|^2."""
        theta = self.models(problem, state, memory)
        pull = self.lambda_ / 2 * np.square(theta - state).sum(axis=1)
        return {"objective": float((mean_losses(problem.model, theta, problem.train) + pull).mean())}

    def _first_round(self, problem: Problem, state: Array, devices: IntArray) -> Work:
        """A round whose luck depends on the device's number alone, so that one who looks twice sees the same."""
        return Work(
            devices=devices,
            received=np.broadcast_to(rounded(state, self.precision), (len(devices), len(state))),
            memory=(None,) * len(devices),
            steps=np.array([self.solver.steps(size) for size in problem.sizes[devices].tolist()]),
            versions=np.zeros(len(devices), dtype=np.int64),
            rngs=[np.random.default_rng([device]) for device in devices.tolist()],
        )

    def _rounds(self, problem: Problem, work: Work) -> tuple[Array, Array]:
        """The copies of the shared model and the personal ones, (b, p) each, after all granted steps."""
        w, theta = work.received.copy(), work.received.copy()
        pace = self.step_sizes(work)
        inner = replace(self.solver, epochs=self.inner_steps, batch_size=None)
        pieces = [
            self._minibatches(int(size), steps, rng)
            for size, steps, rng in zip(problem.sizes[work.devices], work.steps.tolist(), work.rngs, strict=True)
        ]
        for step in range(max(map(len, pieces))):
            at = np.array([i for i, own in enumerate(pieces) if step < len(own)])
            rows = [problem.train.offsets[work.devices[i]] + pieces[i][step] for i in at.tolist()]
            trained = inner.run(
                problem.model,
                _picked(problem.train, rows),
                start=theta[at],
                devices=np.arange(len(at)),
                steps=np.full(len(at), self.inner_steps),
                rngs=[work.rngs[i] for i in at.tolist()],
                terms=Terms(
                    proximal=np.full(len(at), self.lambda_),
                    anchor=w[at],
                    rates=pace[at],
                ),
            )
            theta[at] = trained.parameters
            w[at] -= self.outer_step_size * self.lambda_ * (w[at] - theta[at])
        return w, theta

    def _minibatches(self, examples: int, steps: int, rng: np.random.Generator) -> list[IntArray]:
        """Rows of a device's own examples for each of its steps: every epoch in a new order."""
        width = min(self.solver.batch_size or examples, examples)
        pieces: list[IntArray] = []
        while len(pieces) < steps:
            order = rng.permutation(examples)
            pieces += [order[begin : begin + width] for begin in range(0, examples, width)]
        return pieces[:steps]


def _picked(examples: Examples, rows: list[IntArray]) -> Examples:
    """Some rows of each of several devices."""
    chosen = np.concatenate(rows)
    offsets = np.concatenate([[0], np.cumsum([len(own) for own in rows])])
    return Examples(X=examples.X[chosen], y=examples.y[chosen], offsets=offsets)
