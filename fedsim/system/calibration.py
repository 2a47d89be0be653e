"""The speed and the fixed overhead of a device from measured times of training (device notes, section 2).

Seconds of a row are ``steps * overhead_s + steps * batch * flops / flops_per_s``. Relative errors are made small, each
row counting alike however long it took, with a loss that outliers weigh on little (soft L1, scale 10 %).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares
from scipy.stats import t as student

from fedsim.errors import FedsimError

Array = npt.NDArray[np.float64]

_SCALE: Final = 0.1
_CONFIDENCE: Final = 0.95
_NOTHING: Final = 1e-6
"""Below this share of the time of every row, operations cost none."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Measurements:
    """n rows: operations of one example, forward and backward, examples in a batch, steps, and seconds; all (n,)."""

    flops: Array
    batch: Array
    steps: Array
    seconds: Array

    @property
    def work(self) -> Array:
        """Operations of each row, (n,)."""
        return self.flops * self.batch * self.steps


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """A fit; its intervals are those of 95 % confidence, from the linearised fit.

    ``residuals`` are (fitted - measured) / measured, (n,); ``r2`` is 1 less the share of the seconds' variance that is
    left.
    """

    flops_per_s: float
    flops_per_s_interval: tuple[float, float]
    overhead_s: float
    overhead_s_interval: tuple[float, float]
    residuals: Array
    r2: float


def calibrate(measured: Measurements) -> Calibration:
    """Fit speed and overhead, neither negative.

    Raises:
        FedsimError: fewer than two rows, or rows that cannot tell the two apart, or in which work takes no time.
    """
    seconds = measured.seconds
    design = np.stack([measured.work, measured.steps], axis=1) / seconds[:, None]
    unit = design.max(axis=0)
    scaled = design / unit
    if len(seconds) < 2 or np.linalg.matrix_rank(scaled, tol=1e-6) < 2:
        raise FedsimError(
            "measurements must differ in operations per step, in two rows at least, to tell speed from overhead"
        )

    def errors(x: Array) -> Array:
        return np.asarray(scaled @ x - 1.0)

    fit = least_squares(
        errors,
        np.full(2, 0.5),
        bounds=(0.0, np.inf),
        loss="soft_l1",
        f_scale=_SCALE,
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
    )
    per_flop, overhead_s = (fit.x / unit).tolist()
    residuals = errors(fit.x)
    half = (_half_widths(scaled, residuals) / unit).tolist()
    if not scaled[:, 0].max() * fit.x[0] > _NOTHING:
        raise FedsimError("more operations take no more time in these measurements: there is no speed to be found")
    slow, fast = per_flop + half[0], per_flop - half[0]
    return Calibration(
        flops_per_s=1 / per_flop,
        flops_per_s_interval=(1 / slow, 1 / fast if fast > 0 else np.inf),
        overhead_s=overhead_s,
        overhead_s_interval=(max(overhead_s - half[1], 0.0), overhead_s + half[1]),
        residuals=residuals,
        r2=_r2(seconds, seconds * residuals),
    )


def _half_widths(design: Array, residuals: Array) -> Array:
    """Half the width of each coefficient's interval, (2,): weighted least squares with the weights of the loss."""
    weights = 1 / np.sqrt(1 + (residuals / _SCALE) ** 2)
    freedom = len(residuals) - 2
    if not freedom:
        return np.full(2, np.inf)
    variance = float((weights * residuals**2).sum()) / freedom
    covariance = variance * np.linalg.inv(design.T @ (weights[:, None] * design))
    return np.asarray(student.ppf(0.5 + _CONFIDENCE / 2, freedom) * np.sqrt(np.diag(covariance)))


def _r2(seconds: Array, errors_s: Array) -> float:
    spread = float(np.square(seconds - seconds.mean()).sum())
    return 1 - float(np.square(errors_s).sum()) / spread if spread else np.nan
