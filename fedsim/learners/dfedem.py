"""FedEM without a server: every node has components of its own, and gossips about them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from fedsim.learners.em import example_losses, likelihood, negative_log_likelihood, settle
from fedsim.learners.exchange import Exchange, Mixed, Offered
from fedsim.learners.fedem import FedEM, Share
from fedsim.learners.learner import Computed, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.local_sgd import SgdLearner
from fedsim.learners.merit import AGREEMENT, Merits
from fedsim.learners.messages import rounded, size_bytes
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.mixture import Mixture
from fedsim.tasks.problem import Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class DFedEM(SgdLearner):
    """Marfoq et al. 2021, D-FedEM: E and M step of ``FedEM`` on a node's own components, then one exchange of all.

        theta_m,t <- sum_s W_ts theta_m,s    for every component m

    All nodes start from the same components, so that component m means the same everywhere: from different starts
    labels would be permuted between nodes, and averages of different things. Mixture weights and responsibilities
    never leave their node. Every node counts alike, however many examples it has: with equal numbers on a complete
    graph with equal weights it is FedEM. The weight of a neighbour whose components do not come stays with the node.

    Fields are those of ``FedEM``; a message is M p numbers, to each neighbour.
    """

    merits: ClassVar[Merits] = AGREEMENT

    components: int = 3
    """M, the number of models that are mixed; >= 1."""
    keep_momentum: bool = True
    """Whether a node goes on with the velocities of its last round; otherwise every round starts at rest."""
    spread: float = 1.0
    """Components start apart by uniform numbers within spread / sqrt(features); > 0."""

    def __post_init__(self) -> None:
        SgdLearner.__post_init__(self)
        self._central()

    @property
    def overlaps(self) -> bool:
        """What is sent is what the M step found."""
        return False

    @property
    def takes_partial_work(self) -> bool:
        """Any number of steps is an inexact M step."""
        return True

    @property
    def keeps_mean(self) -> bool:
        """Mixing by doubly stochastic weights keeps the mean of all components."""
        return True

    def init(self, problem: Problem, device: int, rng: np.random.Generator) -> Array:
        """Components that differ, one after another, the same for all nodes: (M p,).

        Raises:
            FedsimError: if the model has no probabilities to mix.
        """
        del device
        return self._central().init(problem, rng).ravel()

    def memory(self, problem: Problem, device: int) -> Share:
        """Equal weights, at rest."""
        return self._central().memory(problem, device)

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """As ``FedEM``'s: the E step, and M times what ``sgd`` asks."""
        return self._central().local_cost(problem, device)

    def up_bytes(self, problem: Problem) -> int:
        """All components."""
        return size_bytes(self.components * problem.model.parameters, self.precision)

    def local(self, problem: Problem, work: Work) -> Computed:
        """One E step, the new weights, and an M step by descent; what comes out is all components (M p,)."""
        count = len(work.devices)
        theta = work.received.reshape(count, self.components, -1)
        computed = self._central().local(problem, replace(work, received=theta))
        return replace(computed, sent=computed.sent.reshape(count, -1))

    def outgoing(self, problem: Problem, devices: IntArray, numbers: Array, memory: tuple[Any, ...]) -> Offered:
        """All components, rounded."""
        del problem, devices
        return Offered(messages=rounded(numbers, self.precision), memory=memory)

    def mix(self, problem: Problem, exchange: Exchange) -> Mixed:
        """Each component apart, by the same weights."""
        del problem
        return Mixed(states=exchange.computed + exchange.pulls(), memory=exchange.memory)

    def rebase(self, started: Array, computed: Array, current: Array) -> Array:
        """The same change of other components."""
        return np.asarray(current + (computed - started))

    def predictor(self, problem: Problem) -> Mixture:
        """Mixes the components' probabilities."""
        return self._central().predictor(problem)

    def models(self, problem: Problem, nodes: Array, memory: Mapping[int, Share]) -> Array:
        """Every node's own components and weights: (m, M p + M); weights settle where it has not taken part yet."""
        theta = nodes.reshape(len(nodes), self.components, -1)
        pi, known = self._kept(problem, memory)
        new = np.flatnonzero(~known)
        if len(new):
            losses = example_losses(likelihood(problem.model), problem.train, new, theta[new])
            pi[new] = settle(losses, problem.sizes[new])
        return self.predictor(problem).join(theta, pi)

    def measures(self, problem: Problem, nodes: Array, memory: Mapping[int, Share]) -> dict[str, float]:
        """``objective``: f of every node's own components and kept weights, all examples alike; ``disagreement``.

        The latter is the root of the mean squared distance between a node's components and the mean ones.
        """
        theta = nodes.reshape(len(nodes), self.components, -1)
        losses = example_losses(likelihood(problem.model), problem.train, np.arange(len(nodes)), theta)
        objective = negative_log_likelihood(losses, self._kept(problem, memory)[0], problem.sizes)
        apart = np.sqrt(np.square(nodes - nodes.mean(axis=0)).sum(axis=1).mean())
        return {"objective": objective, "disagreement": float(apart)}

    def _central(self) -> FedEM:
        """FedEM, whose local part this is; numbers are rounded on their way only."""
        return FedEM(
            solver=self.solver,
            decay=self.decay,
            precision="float64",
            components=self.components,
            keep_momentum=self.keep_momentum,
            spread=self.spread,
        )

    def _kept(self, problem: Problem, memory: Mapping[int, Share]) -> tuple[Array, np.ndarray[Any, np.dtype[np.bool_]]]:
        """The weights that nodes have found (m, M), equal ones where there are none, and who has found some (m,)."""
        shares = [memory[t] if t in memory else self.memory(problem, t) for t in range(problem.devices)]
        return np.stack([share.pi for share in shares]), np.array([share.took_part for share in shares])
