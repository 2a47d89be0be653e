"""A mixture of models of one kind, whose predictions are mixed."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from fedsim.tasks.arrays import Array
from fedsim.tasks.model import Labels, Likelihood


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixture:
    """p(y | x) = sum over m of pi_m p(y | x; theta_m). Marfoq et al. 2021, Proposition 2.1.

    Probabilities are mixed, neither scores nor parameters. Of regressions, the means are. Parameters: those of one
    component after another, and then pi; see ``join``.
    """

    base: Likelihood
    components: int

    @property
    def classes(self) -> int:
        """Those of the base."""
        return self.base.classes

    @property
    def parameters(self) -> int:
        """Those of all components, and a weight for each."""
        return self.components * (self.base.parameters + 1)

    def join(self, theta: Array, pi: Array) -> Array:
        """Parameters (b, M p + M) from components theta (b, M, p) and their weights pi (b, M)."""
        return np.concatenate([theta.reshape(len(theta), -1), pi], axis=1)

    def predict(self, w: Array, x: Array) -> Labels:
        """The class of highest probability, the first of equals, or the mean target: (b, B)."""
        theta, pi = self._parts(w)
        mixed = sum(pi[:, m, None, None] * self.base.probabilities(theta[:, m], x) for m in range(self.components))
        return np.asarray(np.argmax(mixed, axis=2) if self.classes else np.asarray(mixed)[:, :, 0])

    def losses(self, w: Array, x: Array, y: Labels) -> Array:
        """Minus the logarithm of the mixed probability, up to the base's own constant: (b, B)."""
        theta, pi = self._parts(w)
        base = np.stack([self.base.losses(theta[:, m], x, y) for m in range(self.components)])
        return np.asarray(-logsumexp(-base, axis=0, b=pi.T[:, :, None]))

    def loss(self, w: Array, x: Array, y: Labels, weight: Array) -> Array:
        """Weighted sum of the examples' losses: a mixture has no penalty. (b,)."""
        return np.asarray((weight * self.losses(w, x, y)).sum(axis=1))

    def _parts(self, w: Array) -> tuple[Array, Array]:
        cut = w.shape[1] - self.components
        return w[:, :cut].reshape(len(w), self.components, -1), w[:, cut:]
