"""Relations between tasks: the regularisers of federated multi-task learning.

Sigma (m, m) is the relation ("covariance") between m tasks, Omega its inverse, and the penalty on their
weights W (m, d) is (lambda / 2) tr(W^T Omega W). Smith et al. 2017, "Federated Multi-Task Learning", Section
3 and appendix B.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array


class Regulariser(Protocol):
    """A small frozen value."""

    def start(self, tasks: int) -> Array:
        """Sigma (m, m) before the first round."""

    def update(self, sigma: Array, W: Array) -> Array:
        """Sigma (m, m) that suits weights W (m, d) best."""

    def update_flops(self, tasks: int, features: int) -> float:
        """Floating-point operations of ``update``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeanRegularised:
    """Tasks are drawn to their mean: Omega = (I - 11^T / m) + mu I, for ever. Evgeniou and Pontil 2004."""

    mu: float = 0.1
    """How strongly tasks are drawn to 0, against 1 for how strongly to their mean; > 0."""

    def __post_init__(self) -> None:
        if not 0 < self.mu < np.inf:
            raise FedsimError(f"mean regulariser: mu must be > 0 and finite, got {self.mu!r}")

    def start(self, tasks: int) -> Array:
        """The inverse of Omega in closed form."""
        mean = np.full((tasks, tasks), 1.0 / tasks)
        return np.asarray((np.eye(tasks) - mean) / (1.0 + self.mu) + mean / self.mu)

    def update(self, sigma: Array, W: Array) -> Array:
        """Sigma as it is."""
        del W
        return sigma

    def update_flops(self, tasks: int, features: int) -> float:
        """Nothing to do."""
        del tasks, features
        return 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Independent:
    """Tasks have nothing to do with each other: Sigma = variance I for ever, or I / m; a separate model per device."""

    variance: float | None = None
    """Sigma is this times I; null for 1 / m with m tasks."""

    def __post_init__(self) -> None:
        if self.variance is not None and not 0 < self.variance < np.inf:
            raise FedsimError(f"independent tasks: variance must be > 0 and finite, or None, got {self.variance!r}")

    def start(self, tasks: int) -> Array:
        """A multiple of I; of trace 1 where no variance is given."""
        return np.eye(tasks) * (1.0 / tasks if self.variance is None else self.variance)

    def update(self, sigma: Array, W: Array) -> Array:
        """Sigma as it is."""
        del W
        return sigma

    def update_flops(self, tasks: int, features: int) -> float:
        """Nothing to do."""
        del tasks, features
        return 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Shared:
    """All tasks are one: Sigma = 1 1^T for ever, so that every w_t is the same w, with the penalty (lambda / 2) |w|^2.

    The machine on the pooled examples, learned where they are. Omega does not exist; dual learners do not need it.
    """

    def start(self, tasks: int) -> Array:
        """Ones."""
        return np.ones((tasks, tasks))

    def update(self, sigma: Array, W: Array) -> Array:
        """Sigma as it is."""
        del W
        return sigma

    def update_flops(self, tasks: int, features: int) -> float:
        """Nothing to do."""
        del tasks, features
        return 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbabilisticPrior:
    """Relations are learned: Sigma = (W W^T + eps I)^(1/2), scaled to trace 1. Zhang and Yeung 2010.

    eps > 0 keeps Sigma invertible, and makes the whole an alternating descent on one convex objective in W:
    loss + (lambda / 2) (tr (W W^T + eps I)^(1/2))^2. At W = 0 it gives I / m, which is also the start.
    """

    eps: float = 1e-2
    """Keeps Sigma invertible; > 0."""

    def __post_init__(self) -> None:
        if not 0 < self.eps < np.inf:
            raise FedsimError(f"probabilistic prior: eps must be > 0 and finite, got {self.eps!r}")

    def start(self, tasks: int) -> Array:
        """I / m, of trace 1."""
        return np.eye(tasks) / tasks

    def update(self, sigma: Array, W: Array) -> Array:
        """The matrix root, through the eigenvalues of W W^T."""
        del sigma
        values, vectors = np.linalg.eigh(W @ W.T)
        roots = np.sqrt(np.maximum(values, 0.0) + self.eps)
        return np.asarray((vectors * (roots / roots.sum())) @ vectors.T)

    def update_flops(self, tasks: int, features: int) -> float:
        """W W^T, an eigendecomposition (about 9 m^3 operations), and the product of its factors."""
        return 2.0 * tasks**2 * features + 9.0 * tasks**3 + 2.0 * tasks**3
