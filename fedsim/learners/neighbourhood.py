"""What a node remembers of its neighbours: the newest model of each, and how strongly it is tied to it."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Neighbourhood:
    """Neighbours in order, each with its tie a_ts > 0 and the newest model that came from it.

    A neighbour is unknown until its first model is there. One that is late, or has gone for good, stays as it was when
    it was last heard of.
    """

    senders: tuple[int, ...]  # (k,)
    ties: Array  # (k,)
    models: Array  # (k, q)
    pull: Array  # (q,) sum of a_ts w_s

    @classmethod
    def empty(cls, numbers: int) -> Self:
        """Nobody is known yet; models have so many numbers."""
        return cls(senders=(), ties=np.empty(0), models=np.empty((0, numbers)), pull=np.zeros(numbers))

    @property
    def degree(self) -> float:
        """The sum of all ties."""
        return float(self.ties.sum())

    def heard(self, senders: IntArray, ties: Array, models: Array) -> Self:
        """The same after new models (e, q) came, from different neighbours and in any order.

        Raises:
            FedsimError: a tie is not more than nothing.
        """
        if not len(senders):
            return self
        if not (ties > 0).all():
            raise FedsimError(
                f"tasks on a graph: the weight of a neighbour must be > 0, got {ties.min():g}: "
                "take metropolis weights, or say edge_weight"
            )
        known = dict(zip(self.senders, zip(self.ties, self.models, strict=True), strict=True))
        known.update(zip(senders.tolist(), zip(ties, models, strict=True), strict=True))
        order = sorted(known)
        all_ties = np.array([known[sender][0] for sender in order])
        all_models = np.stack([known[sender][1] for sender in order])
        return type(self)(senders=tuple(order), ties=all_ties, models=all_models, pull=all_ties @ all_models)
