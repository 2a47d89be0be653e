"""Federated expectation-maximisation: every device is a mixture of a few models that all share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.em import example_losses, expect, likelihood, maximise, negative_log_likelihood, settle
from fedsim.learners.learner import Answers, Computed, Work, same_for_all
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.local_sgd import SgdLearner, sgd_cost
from fedsim.learners.messages import rounded, size_bytes
from fedsim.tasks.arrays import Array
from fedsim.tasks.mixture import Mixture
from fedsim.tasks.problem import Problem

_SINGLE_BYTES = 4  # phones train in single precision


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Share:
    """What a device keeps: its weights of the components, and their velocities where momentum goes on.

    ``took_part`` is False before its first round: then the weights are equal, and nothing is known of the device.
    """

    pi: Array  # (M,)
    momentum: Array | None  # (M, p)
    took_part: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class FedEM(SgdLearner):
    """Marfoq et al. 2021, Algorithm 1: devices find their mixture weights, and train all components by them.

    The state is theta (M, p), and a message all of it, up and down; the mixture weights pi never leave their device.
    In a round a device first computes the responsibilities q of the components for its examples, then pi as their
    mean, and then trains every component with its examples weighted by q. The server averages each component over
    *those that answered*, weighted by numbers of examples: the published code counts the absent as unchanged.

    Components that would all start alike are set apart by uniform numbers within ``spread / sqrt(features)``, as a
    linear layer of PyTorch starts: equal ones would never separate. With ``keep_momentum`` a device goes on with the
    velocities of its last round, as in the published code; without, every round starts at rest, and one component is
    FedAvg.

    A device that has not taken part yet would use the components with the weights to which E steps alone lead on its
    own training examples.
    """

    components: int = 3
    """M, the number of models that are mixed; >= 1."""
    keep_momentum: bool = True
    """Whether a device goes on with the velocities of its last round; otherwise every round starts at rest."""
    spread: float = 1.0
    """Components start apart by uniform numbers within spread / sqrt(features); > 0."""

    def __post_init__(self) -> None:
        SgdLearner.__post_init__(self)
        if not self.components >= 1:
            raise FedsimError(f"fedem: components must be >= 1, got {self.components!r}")
        if not 0 < self.spread < np.inf:
            raise FedsimError(f"fedem: spread must be > 0 and finite, got {self.spread!r}")

    @property
    def takes_partial_work(self) -> bool:
        """The paper leaves the local solver open: any number of steps is an inexact M step."""
        return True

    @property
    def takes_stale_answers(self) -> bool:
        """The mean of what arrived replaces the models: one late answer alone would undo all others."""
        return False

    @property
    def needs_everybody(self) -> bool:
        """Any cohort will do."""
        return False

    @property
    def sends(self) -> Literal["model", "change"]:
        """The trained components."""
        return "model"

    def memory(self, problem: Problem, device: int) -> Share:
        """Equal weights, at rest."""
        del problem, device
        return Share(pi=np.full(self.components, 1.0 / self.components), momentum=None, took_part=False)

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """The E step, a forward pass of every component over all examples, and then M times what ``sgd`` asks."""
        one, model, examples = sgd_cost(self.solver, problem, device), problem.model, int(problem.sizes[device])
        M, batches = self.components, self.solver.steps(examples) // self.solver.epochs
        vectors = (M - 1) * (1 + self._keeps) * model.parameters
        return LocalCost(
            steps=one.steps,
            step_flops=M * one.step_flops,
            step_moved_bytes=M * one.step_moved_bytes,
            memory_bytes=one.memory_bytes + _SINGLE_BYTES * (vectors + M * examples),
            dispatches_per_step=M,
            begin_flops=M * examples * model.forward_flops,
            begin_moved_bytes=_SINGLE_BYTES * M * (batches * model.parameters + examples * (model.activations + 1.0)),
            begin_dispatches=M * batches,
        )

    def up_bytes(self, problem: Problem) -> int:
        """All components."""
        return size_bytes(self.components * problem.model.parameters, self.precision)

    def down_bytes(self, problem: Problem) -> int:
        """All components."""
        return self.up_bytes(problem)

    def state_bytes(self, problem: Problem) -> int:
        """All components."""
        return self.up_bytes(problem)

    def init(self, problem: Problem, rng: np.random.Generator) -> Array:
        """Components (M, p) that differ.

        Raises:
            FedsimError: if the model has no probabilities to mix.
        """
        model = likelihood(problem.model)
        theta = np.stack([model.init(rng) for _ in range(self.components)])
        if self.components > 1 and (theta == theta[0]).all():
            within = self.spread / np.sqrt(model.features)
            theta += rng.uniform(-within, within, size=theta.shape)
        return theta

    @same_for_all
    def broadcast(self, problem: Problem, state: Array, device: int) -> Array:
        """All components, the same for all devices."""
        del problem, device
        return rounded(state, self.precision)

    def local(self, problem: Problem, work: Work) -> Computed:
        """One E step, the new weights, and an M step by descent."""
        theta, old = work.received, work.memory
        losses = example_losses(likelihood(problem.model), problem.train, work.devices, theta)
        q, pi = expect(losses, np.stack([share.pi for share in old]), problem.sizes[work.devices])
        velocity = np.stack([np.zeros(theta.shape[1:]) if share.momentum is None else share.momentum for share in old])
        trained = maximise(self.solver, problem, work, q, rates=self.step_sizes(work), momentum=velocity)
        kept = trained.momentum if self._keeps else [None] * len(old)
        memory = tuple(Share(pi=own, momentum=v, took_part=True) for own, v in zip(pi, kept, strict=True))
        return Computed(sent=rounded(trained.parameters, self.precision), memory=memory)

    def aggregate(self, problem: Problem, state: Array, answers: Answers) -> Array:
        """Each component's average, weighted by examples."""
        del problem
        share = answers.examples / answers.examples.sum()
        return np.asarray((share @ answers.sent.reshape(len(share), -1)).reshape(state.shape))

    def aggregate_flops(self, problem: Problem, answers: int) -> float:
        """A multiplication and an addition per parameter and answer."""
        return 2.0 * answers * self.components * problem.model.parameters

    @property
    def merge_obstacle(self) -> str:
        """None."""
        return ""

    def merge(self, problem: Problem, base: Array, states: Sequence[Array], examples: Array) -> Array:
        """Each component's average over the edges, as they travel, weighted by examples."""
        del problem, base
        travelled = rounded(np.stack(states), self.precision)
        return np.asarray(np.tensordot(examples / examples.sum(), travelled, axes=1))

    def merge_flops(self, problem: Problem, states: int) -> float:
        """As for answers."""
        return self.aggregate_flops(problem, states)

    def predictor(self, problem: Problem) -> Mixture:
        """Mixes the components' probabilities."""
        return Mixture(base=likelihood(problem.model), components=self.components)

    def models(self, problem: Problem, state: Array, memory: Mapping[int, Share]) -> Array:
        """Every device's components, as it would receive them, and its own weights: (m, M p + M)."""
        theta = rounded(state, self.precision)
        everywhere = np.broadcast_to(theta, (problem.devices, *theta.shape))
        return self.predictor(problem).join(everywhere, self.weights(problem, state, memory))

    def weights(self, problem: Problem, state: Array, memory: Mapping[int, Share]) -> Array:
        """The weights pi by which each device would mix now: (m, M)."""
        pi = self._kept(problem, memory)
        new = np.array([t for t in range(problem.devices) if not _took_part(memory, t)], dtype=np.int64)
        if len(new):
            theta = np.broadcast_to(rounded(state, self.precision), (len(new), *state.shape))
            losses = example_losses(likelihood(problem.model), problem.train, new, theta)
            pi[new] = settle(losses, problem.sizes[new])
        return pi

    def measures(self, problem: Problem, state: Array, memory: Mapping[int, Share]) -> dict[str, float]:
        """``objective``: f(theta, pi), with the weights that devices have kept, equal where they have none."""
        everybody = np.arange(problem.devices)
        theta = np.broadcast_to(state, (problem.devices, *state.shape))
        losses = example_losses(likelihood(problem.model), problem.train, everybody, theta)
        return {"objective": negative_log_likelihood(losses, self._kept(problem, memory), problem.sizes)}

    @property
    def _keeps(self) -> bool:
        return self.keep_momentum and self.solver.momentum > 0

    def _kept(self, problem: Problem, memory: Mapping[int, Share]) -> Array:
        pi = np.full((problem.devices, self.components), 1.0 / self.components)
        for device in range(problem.devices):
            if _took_part(memory, device):
                pi[device] = memory[device].pi
        return pi


def _took_part(memory: Mapping[int, Any], device: int) -> bool:
    share = memory.get(device)
    return share is not None and share.took_part
