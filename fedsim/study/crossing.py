"""When a curve reaches a target, as McMahan et al. 2017 count it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Numbers = Sequence[float] | npt.NDArray[np.floating]


def crossing(at: Numbers, values: Numbers, target: float) -> float | None:
    """Where the curve's running maximum first reaches the target, interpolated linearly; None if it never does.

    McMahan et al. 2017, section 3: the curve is made monotone by taking the best value so far, and the crossing is
    interpolated between the evaluations around it. For a loss give both values and target with the sign turned.

    Args:
        at: (k,) rounds, seconds or joules of the evaluations, rising.
        values: (k,) the metric, higher is better; NaN counts as no value.
        target: what is to be reached.
    """
    x, best = np.asarray(at, dtype=np.float64), np.fmax.accumulate(np.asarray(values, dtype=np.float64))
    reached = np.flatnonzero(best >= target)
    if not len(reached):
        return None
    i = int(reached[0])
    if i == 0 or not best[i - 1] < target:
        return float(x[i])
    return float(x[i - 1] + (target - best[i - 1]) / (best[i] - best[i - 1]) * (x[i] - x[i - 1]))
