"""Relations of tasks in clusters: the convex relaxation of clustered multi-task learning."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array


@dataclass(frozen=True, kw_only=True, slots=True)
class Clustered:
    """Tasks lie near few centres: Omega = eta (1 + eta) (eta I + Q)^-1 with 0 <= Q <= I and trace Q = k.

    Jacob, Bach and Vert 2008, in the form of Zhou, Chen and Ye 2011: the objective is convex in W and Q together, and
    Q is the best one for W. eta > 0 weighs spread within clusters against that between them: with a large one tasks are
    alone. eps keeps every direction open, as in ``ProbabilisticPrior``.
    """

    clusters: int = 2  # k
    """k, the number of clusters; >= 1."""
    eta: float = 0.1
    """Weight of the spread within clusters against that between them; > 0."""
    eps: float = 1e-6
    """Keeps every direction open; > 0."""

    def __post_init__(self) -> None:
        if not self.clusters >= 1:
            raise FedsimError(f"clustered regulariser: clusters must be >= 1, got {self.clusters!r}")
        for name, value in (("eta", self.eta), ("eps", self.eps)):
            if not 0 < value < np.inf:
                raise FedsimError(f"clustered regulariser: {name} must be > 0 and finite, got {value!r}")

    def start(self, tasks: int) -> Array:
        """What suits W = 0: Q = (k / m) I.

        Raises:
            FedsimError: if there are more clusters than tasks.
        """
        if self.clusters > tasks:
            raise FedsimError(f"clustered regulariser: {self.clusters} clusters for {tasks} devices")
        return self._sigma(np.full(tasks, self.clusters / tasks), np.eye(tasks))

    def update(self, sigma: Array, W: Array) -> Array:
        """Q has the eigenvectors of W W^T, and eigenvalues clip(s_i / nu - eta, 0, 1) with nu so that they sum to k."""
        del sigma
        values, vectors = np.linalg.eigh(W @ W.T)
        roots = np.sqrt(np.maximum(values, 0.0) + self.eps)
        return self._sigma(self._shares(roots), vectors)

    def update_flops(self, tasks: int, features: int) -> float:
        """W W^T, an eigendecomposition (about 9 m^3 operations), and the product of its factors."""
        return 2.0 * tasks**2 * features + 9.0 * tasks**3 + 2.0 * tasks**3

    def _shares(self, roots: Array) -> Array:
        """Eigenvalues of Q for singular values (m,), all > 0; their sum falls as nu rises."""
        lowest, highest = roots.min() / (1 + self.eta), roots.max() / self.eta
        if self.clusters == len(roots):
            return np.ones(len(roots))

        def excess(log_nu: float) -> float:
            return float(np.clip(roots / np.exp(log_nu) - self.eta, 0.0, 1.0).sum() - self.clusters)

        nu = np.exp(brentq(excess, np.log(lowest), np.log(highest), xtol=1e-14, rtol=1e-14))
        return np.asarray(np.clip(roots / nu - self.eta, 0.0, 1.0))

    def _sigma(self, shares: Array, vectors: Array) -> Array:
        return np.asarray((vectors * ((self.eta + shares) / (self.eta * (1 + self.eta)))) @ vectors.T)
