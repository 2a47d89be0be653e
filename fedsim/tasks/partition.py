"""Which device gets which rows of a data set, and which of them are kept for testing."""

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import BoolArray, IntArray


def dirichlet(labels: IntArray, devices: int, alpha: float, rng: np.random.Generator, minimum: int = 2) -> IntArray:
    """A label-skewed partition: the rows of each class are shared out in proportions drawn from Dir(alpha).

    The form of Yurochkin et al. 2019 ("Bayesian nonparametric federated learning of neural networks"): one
    draw over devices for each class. Small alpha gives each device few classes; large alpha is nearly IID
    with equal sizes. A device that is left with fewer than ``minimum`` rows takes randomly chosen ones, one
    at a time, from the device that has most.

    Args:
        labels: (n,) class numbers.
        devices: how many devices.
        alpha: concentration, above 0.
        rng: all chance.
        minimum: rows that every device has at the end.

    Returns:
        (n,) the device of each row.

    Raises:
        FedsimError: if alpha is not above 0, or there are fewer than ``minimum`` rows per device.
    """
    if not 0 < alpha < np.inf:
        raise FedsimError(f"dirichlet partition: alpha must be > 0 and finite, got {alpha!r}")
    _check_enough(len(labels), devices, minimum)
    device = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        shares = rng.dirichlet(np.full(devices, alpha))
        cuts = np.floor(np.cumsum(shares)[:-1] * len(rows) + 0.5).astype(np.int64)
        device[rows] = np.searchsorted(cuts, np.arange(len(rows)), side="right")
    _top_up(device, devices, minimum, rng)
    return device


def iid(rows: int, devices: int, rng: np.random.Generator, minimum: int = 2) -> IntArray:
    """Shuffled rows in parts whose sizes differ by at most one: (rows,) the device of each row.

    Raises:
        FedsimError: if there are fewer than ``minimum`` rows per device.
    """
    _check_enough(rows, devices, minimum)
    device = np.empty(rows, dtype=np.int64)
    device[rng.permutation(rows)] = np.arange(rows) % devices
    return device


def split(device: IntArray, test_share: float, rng: np.random.Generator) -> BoolArray:
    """Which rows are kept for testing, (n,): a share of each device's rows, at least one and never all.

    Args:
        device: (n,) the device of each row, from 0; every number up to the highest occurs at least twice.
        test_share: in (0, 1).
        rng: says which rows.

    Raises:
        FedsimError: if the share is not between 0 and 1, or a device has fewer than two rows.
    """
    if not 0 < test_share < 1:
        raise FedsimError(f"test_share must be between 0 and 1, got {test_share!r}")
    sizes = np.bincount(device)
    if not (sizes >= 2).all():
        few = np.flatnonzero(sizes < 2)
        raise FedsimError(f"split: every device needs two rows or more, devices {few.tolist()} have fewer")
    tests = np.clip(np.floor(test_share * sizes + 0.5), 1, sizes - 1).astype(np.int64)
    order = np.lexsort((rng.random(len(device)), device))  # by device, shuffled inside each
    rank = np.arange(len(device)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    test = np.empty(len(device), dtype=np.bool_)
    test[order] = rank < np.repeat(tests, sizes)
    return test


def _check_enough(rows: int, devices: int, minimum: int) -> None:
    if not devices >= 1:
        raise FedsimError(f"partition: devices must be >= 1, got {devices!r}")
    if not rows >= devices * minimum:
        raise FedsimError(f"partition: {devices} devices with {minimum} rows each need {devices * minimum}, got {rows}")


def _top_up(device: IntArray, devices: int, minimum: int, rng: np.random.Generator) -> None:
    sizes = np.bincount(device, minlength=devices)
    while sizes.min() < minimum:
        richest, poorest = int(sizes.argmax()), int(sizes.argmin())
        device[rng.choice(np.flatnonzero(device == richest))] = poorest
        sizes[richest] -= 1
        sizes[poorest] += 1
