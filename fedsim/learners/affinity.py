"""How strongly neighbours' tasks are tied: as the overlay says, or as their models turn out to be alike."""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array

_LEAST: Final = float(np.finfo(np.float64).tiny)  # a tie is more than nothing: who is unlike now may be alike later


class Affinity(Protocol):
    """The tie of two nodes from what the overlay gives their edge, and from the models that they sent each other."""

    def ties(self, given: Array, own: Array, other: Array) -> Array:
        """a_ts > 0 of each edge, (e,), from weights (e,) and the two ends' models (e, q).

        The same from both ends, to the last bit: Omega is symmetric.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenAffinity:
    """What the overlay gives: Omega is fixed."""

    def ties(self, given: Array, own: Array, other: Array) -> Array:
        """The same."""
        del own, other
        return given


@dataclass(frozen=True, kw_only=True, slots=True)
class LearnedAffinity:
    """a_ts = b_ts exp(-|w_t - w_s|^2 / (2 width^2)), b_ts what the overlay gives: who is alike is tied.

    It is the minimum over the ties of the objective with what keeps them near b added to it,

        lambda width^2 sum over edges of (a log(a / b) - a + b),

    so that models and ties that take turns go down in one objective: the half-quadratic form (Geman and Reynolds 1992)
    of Welsch's bounded penalty, lambda width^2 b (1 - exp(-|w_t - w_s|^2 / (2 width^2))) for each edge. Unlike
    a learned Omega of MOCHA it needs two models at a time, which both ends have: no server, no further message. It has
    many minima; tasks whose models are several widths apart part for good.
    """

    width: float = 1.0
    """Distance of two models at which their tie has fallen to exp(-1/2) of what the overlay gives; > 0."""

    def __post_init__(self) -> None:
        if not 0 < self.width < np.inf:
            raise FedsimError(f"affinity: width must be > 0 and finite, got {self.width!r}")

    def ties(self, given: Array, own: Array, other: Array) -> Array:
        """By the distance of the two models."""
        apart = ((own - other) ** 2).sum(axis=1)
        return np.asarray(np.maximum(given * np.exp(-apart / (2 * self.width**2)), _LEAST))
