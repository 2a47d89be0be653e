"""How the weights of linear tasks are related: one frozen dataclass for each family of multi-task learning."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.linalg import circulant

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, IntArray

Luck = Callable[..., np.random.Generator]
"""A stream by name: what, and which task."""


class Relation(Protocol):
    """Says what the weights of m tasks are like."""

    def weights(self, tasks: int, features: int, luck: Luck) -> Array:
        """Weights of each task, (tasks, features)."""

    def groups(self, tasks: int) -> IntArray | None:
        """The group of each task, (tasks,), from 0; None where there are no groups."""


@dataclass(frozen=True, kw_only=True)
class CommonOwn:
    """What all have in common, and something of one's own: w_t = w_0 + own v_t, with w_0 and v_t random unit vectors.

    The model of mean-regularised learning (Evgeniou and Pontil, KDD 2004). ``own`` 0 is one task.
    """

    own: float = 0.4
    """Length of what is a task's own, against 1 for what is common; >= 0."""

    def __post_init__(self) -> None:
        if not 0 <= self.own < math.inf:
            raise FedsimError(f"own must be >= 0 and finite, got {self.own!r}")

    def weights(self, tasks: int, features: int, luck: Luck) -> Array:
        """See ``Relation``."""
        common = _unit(luck("common").standard_normal(features))
        own = np.array([_unit(luck("own", task).standard_normal(features)) for task in range(tasks)])
        return np.asarray(common + self.own * own)

    def groups(self, tasks: int) -> None:
        """See ``Relation``."""
        del tasks


@dataclass(frozen=True, kw_only=True)
class Clustered:
    """Tasks about a few centres: w_t = sign_t c_g(t) + spread N(0, I), centres N(0, I), g(t) = t modulo ``clusters``.

    With ``signs`` a task's sign is + or - by lot: tasks of a group may then be opposite, which one pooled model cannot
    use, and a learned relation can (the setting of Liu, Pan and Ho, KDD 2017).
    """

    clusters: int = 3
    """How many centres there are; >= 1."""
    spread: float = 0.2
    """Standard deviation of a task's weights about its centre; >= 0."""
    signs: bool = False
    """Whether a task's sign is drawn, so that tasks of a cluster may be opposite."""

    def __post_init__(self) -> None:
        if not self.clusters >= 1:
            raise FedsimError(f"clusters must be >= 1, got {self.clusters!r}")
        if not 0 <= self.spread < math.inf:
            raise FedsimError(f"spread must be >= 0 and finite, got {self.spread!r}")

    def weights(self, tasks: int, features: int, luck: Luck) -> Array:
        """See ``Relation``."""
        centres = luck("centres").standard_normal((self.clusters, features))[self.groups(tasks)]
        if self.signs:
            centres = centres * np.array([[luck("sign", task).choice([-1.0, 1.0])] for task in range(tasks)])
        own = np.array([luck("own", task).standard_normal(features) for task in range(tasks)])
        return np.asarray(centres + self.spread * own)

    def groups(self, tasks: int) -> IntArray:
        """See ``Relation``."""
        return np.arange(tasks) % self.clusters


@dataclass(frozen=True, kw_only=True)
class LowRank:
    """Tasks in a subspace: the weights are A B / sqrt(rank), A (d, rank) and B (rank, m) of standard normal entries.

    The model of trace-norm learning; with ``rank`` 3, d = 50, 100 inputs N(0, 1) and noise 0.5 it is the problem on
    which asynchronous multi-task learning (Baytas et al., ICDM 2016) is checked.
    """

    rank: int = 3
    """Dimension of the subspace; >= 1."""

    def __post_init__(self) -> None:
        if not self.rank >= 1:
            raise FedsimError(f"rank must be >= 1, got {self.rank!r}")

    def weights(self, tasks: int, features: int, luck: Luck) -> Array:
        """See ``Relation``."""
        basis = luck("basis").standard_normal((features, self.rank))
        shares = [[luck("share", row, task).standard_normal() for task in range(tasks)] for row in range(self.rank)]
        return np.ascontiguousarray((basis @ np.array(shares)).T) / math.sqrt(self.rank)

    def groups(self, tasks: int) -> None:
        """See ``Relation``."""
        del tasks


@dataclass(frozen=True, kw_only=True)
class SparseRelations:
    """Each task tied to few others: every feature's weights over tasks are N(0, P^-1), P = I + strength * Laplacian.

    The Laplacian is that of a ring on which each task is tied to ``neighbours`` on either side. Two tasks that are
    not tied are independent given the others: what the graphical lasso looks for.
    """

    strength: float = 10.0
    """How strongly tied tasks are alike; >= 0."""
    neighbours: int = 1
    """Tasks on either side to which each is tied; >= 1."""

    def __post_init__(self) -> None:
        if not 0 <= self.strength < math.inf:
            raise FedsimError(f"strength must be >= 0 and finite, got {self.strength!r}")
        if not self.neighbours >= 1:
            raise FedsimError(f"neighbours must be >= 1, got {self.neighbours!r}")

    def precision(self, tasks: int) -> Array:
        """P, (tasks, tasks)."""
        return np.asarray(circulant(self._row(tasks)))

    def _row(self, tasks: int) -> Array:
        """The first row of P, which is also its first column; each further row is the last one, moved on by one."""
        ties = np.zeros(tasks)
        steps = np.arange(1, min(self.neighbours, tasks - 1) + 1)
        ties[steps] = ties[-steps] = 1.0
        row = -self.strength * ties
        row[0] = 1.0 + self.strength * ties.sum()
        return row

    def weights(self, tasks: int, features: int, luck: Luck) -> Array:
        """See ``Relation``: P^-1/2 times independent normal numbers, by Fourier transform, P being circulant."""
        free = np.array([luck("own", task).standard_normal(features) for task in range(tasks)])
        values = np.fft.fft(self._row(tasks)).real
        return np.ascontiguousarray(np.fft.ifft(np.fft.fft(free, axis=0) / np.sqrt(values)[:, None], axis=0).real)

    def groups(self, tasks: int) -> None:
        """See ``Relation``."""
        del tasks


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))
