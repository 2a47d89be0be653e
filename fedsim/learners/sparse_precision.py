"""Few direct relations between tasks: a sparse precision matrix by the graphical lasso."""

import warnings
from dataclasses import dataclass

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array

_SWEEPS = 20.0  # of the lasso's block coordinate descent, as charged: it needs a handful at most sizes


@dataclass(frozen=True, kw_only=True, slots=True)
class SparsePrecision:
    """Omega = argmin tr(A Omega) / d - log det Omega + sparsity |Omega|_1 with A = W W^T: many pairs are unrelated.

    Gonçalves, Von Zuben and Banerjee 2016, section 3. |.|_1 sums the moduli of all entries, the diagonal too, so that
    Omega exists whatever W is. Times lambda d / 2 that is (lambda / 2) (tr(W^T Omega W) - d log det Omega) + rho
    |Omega|_1 with rho = sparsity lambda d / 2. From ``sparsity`` >= the largest modulus of an off-diagonal
    entry of A / d on, tasks are alone.
    """

    sparsity: float = 0.01
    """Weight of the l1 norm of Omega: the larger, the fewer tasks are tied; > 0."""

    def __post_init__(self) -> None:
        if not 0 < self.sparsity < np.inf:
            raise FedsimError(f"sparse precision: sparsity must be > 0 and finite, got {self.sparsity!r}")

    def start(self, tasks: int) -> Array:
        """I / m, of trace 1."""
        return np.eye(tasks) / tasks

    def update(self, sigma: Array, W: Array) -> Array:
        """The graphical lasso's covariance.

        Raises:
            FedsimError: if it does not converge.
        """
        if len(W) == 1:
            return np.asarray(W @ W.T / W.shape[1] + self.sparsity)
        # scikit-learn leaves the diagonal out of the penalty; a positive diagonal is penalised by a shift.
        shifted = W @ W.T / W.shape[1] + self.sparsity * np.eye(len(W))
        del sigma
        from sklearn.covariance import graphical_lasso  # noqa: PLC0415  # a second to import, and few need it
        from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", ConvergenceWarning)
                found, _ = graphical_lasso(shifted, alpha=self.sparsity, max_iter=500, tol=1e-6, enet_tol=1e-9)
        except (FloatingPointError, ConvergenceWarning) as error:
            raise FedsimError(f"sparse precision: {error}; take a larger sparsity") from None
        return np.asarray((found + found.T) / 2)

    def update_flops(self, tasks: int, features: int) -> float:
        """W W^T, and some sweeps of one regression on all others for each task."""
        return 2.0 * tasks**2 * features + _SWEEPS * 2.0 * tasks**3
