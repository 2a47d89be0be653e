"""Decentralised learning with coded messages."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fedsim.errors import FedsimError
from fedsim.learners.codecs import Codec, TopK
from fedsim.learners.coded import apart
from fedsim.learners.exchange import Exchange, Mixed, Offered
from fedsim.learners.learner import Computed, Work
from fedsim.learners.local_cost import LocalCost
from fedsim.learners.local_sgd import SgdLearner
from fedsim.learners.messages import rounded, size_bytes
from fedsim.learners.peer_sgd import PeerSgd
from fedsim.tasks.arrays import Array, IntArray
from fedsim.tasks.problem import Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class ChocoSgd(PeerSgd):
    """Nodes send codes of changes, and everybody keeps copies of its neighbours' models that the codes move.

    Koloskova, Stich and Jaggi, "Decentralized stochastic optimization and gossip algorithms with compressed
    communication", ICML 2019, Algorithm 2 (CHOCO-SGD). Node i trains from x_i to x_i', sends q_i = Q(x_i' - y_i), where
    y_i is the copy that its neighbours have of it, at first 0, and all of them add it: y_i <- y_i + q_i. Then

        x_i <- x_i' + gamma sum_j W_ij (y_j - y_i)

    with gamma the ``consensus_step``. What a code left out stays in x_i' - y_i and is sent later: the error is fed
    back, and a symmetric W keeps the mean of all models. Q must shrink what it is used on, so the codes of
    ``qsgd`` and ``random-k`` count in part (``Codec.damping``). The more a code leaves out, the smaller gamma
    must be: too large a one diverges.

    A neighbour that missed codes gets all of them with the next one, or the whole copy where that is shorter, in
    numbers of ``precision``; copies are rounded to it at both ends. ``codec`` None sends changes as they are, and with
    gamma 1 that is D-PSGD.
    """

    codec: Codec | None = field(default_factory=lambda: TopK(share=0.1))
    """How changes are coded; null sends them as they are."""
    consensus_step: float = 0.2
    """gamma, the part of the way to the neighbours' copies that is gone in a round; above 0 and at most 1."""

    def __post_init__(self) -> None:
        SgdLearner.__post_init__(self)
        if not 0 < self.consensus_step <= 1:
            raise FedsimError(f"choco-sgd: consensus_step must be > 0 and <= 1, got {self.consensus_step!r}")

    @property
    def overlaps(self) -> bool:
        """What it sends follows from what it has computed."""
        return False

    def memory(self, problem: Problem, device: int) -> Array:
        """The copy that neighbours have, (p,)."""
        del device
        return np.zeros(problem.model.parameters)

    def local_cost(self, problem: Problem, device: int) -> LocalCost:
        """Training, and coding the change."""
        cost, p = SgdLearner.local_cost(self, problem, device), problem.model.parameters
        per_number = 1.0 if self.codec is None else 1.0 + self.codec.flops_per_number
        return replace(cost, begin_flops=cost.begin_flops + per_number * p)

    def up_bytes(self, problem: Problem) -> int:
        """One code."""
        p = problem.model.parameters
        return size_bytes(p, self.precision) if self.codec is None else self.codec.size_bytes(p)

    def catch_up_bytes(self, problem: Problem, codes: int) -> int:
        """So many codes, or the whole copy."""
        return min(codes * self.up_bytes(problem), size_bytes(problem.model.parameters, self.precision))

    def local(self, problem: Problem, work: Work) -> Computed:
        """The model, and the copy that neighbours will have: (b, 2 p)."""
        lucks = [apart(rng) for rng in work.rngs]
        trained = self.train(problem, work).parameters
        copies = [self._copy(x, y, luck) for x, y, luck in zip(trained, work.memory, lucks, strict=True)]
        return Computed(sent=np.concatenate([trained, np.stack(copies)], axis=1), memory=work.memory)

    def outgoing(self, problem: Problem, devices: IntArray, numbers: Array, memory: tuple[Any, ...]) -> Offered:
        """The copy as it is with this code; it is what neighbours have from now on."""
        del devices, memory
        copies = numbers[:, problem.model.parameters :]
        return Offered(messages=copies, memory=tuple(copies))

    def mix(self, problem: Problem, exchange: Exchange) -> Mixed:
        """Copies pull."""
        trained = exchange.computed[:, : problem.model.parameters]
        return Mixed(states=trained + self.consensus_step * exchange.pulls(), memory=exchange.memory)

    def _copy(self, x: Array, y: Array, luck: np.random.Generator) -> Array:
        """The copy after the code of its distance from the model."""
        if self.codec is None:
            return rounded(y + rounded(x - y, self.precision), self.precision)
        code = self.codec.damping(len(x)) * self.codec.carried(x - y, luck)
        return rounded(y + code, self.precision)
