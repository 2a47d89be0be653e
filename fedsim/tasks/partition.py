"""Which device gets which rows of a data set, and which of them are kept for testing."""

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, BoolArray, IntArray, LabelArray


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
        raise FedsimError(f"test_share must be > 0 and < 1, got {test_share!r}")
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


def fitting_test_rows(
    labels: LabelArray, device: IntArray, test_labels: LabelArray, devices: int, rng: np.random.Generator
) -> IntArray:
    """Shares out rows kept for testing so that each device's fit what it trains on: (k,) the device of each.

    The rows of a class go to the devices in proportion to their training rows of it, and those of a class that
    nobody trains on in proportion to all training rows. Every row is dealt once, so that the accuracy of a model
    that all devices share, over all test examples, is its accuracy on the whole test set. A device that is left
    without a row takes one from the device that has most.

    Args:
        labels: (n,) of the training rows.
        device: (n,) of the training rows.
        test_labels: (k,) of the rows to share out.
        devices: how many devices.
        rng: all chance.

    Raises:
        FedsimError: if there are fewer rows than devices.
    """
    _check_enough(len(test_labels), devices, 1)
    owner = np.empty(len(test_labels), dtype=np.int64)
    for label in np.unique(test_labels):
        rows = rng.permutation(np.flatnonzero(test_labels == label))
        holders = device[labels == label]
        counts = np.bincount(holders if len(holders) else device, minlength=devices)
        owner[rows] = np.repeat(np.arange(devices), apportioned(counts / counts.sum(), len(rows), rng))
    _top_up(owner, devices, 1, rng)
    return owner


def apportioned(shares: Array, rows: int, rng: np.random.Generator | None = None, *, minimum: int = 0) -> IntArray:
    """Whole numbers near ``shares * rows`` that sum to ``rows``: largest remainders, ties by lot or first come.

    Args:
        shares: (m,) >= 0, summing to 1.
        rows: how many rows.
        rng: breaks ties, where given.
        minimum: that everybody gets first; the rest is apportioned.

    Raises:
        FedsimError: if there are fewer than ``minimum`` rows for each.
    """
    _check_enough(rows, len(shares), minimum)
    left = rows - minimum * len(shares)
    exact = shares * left
    counts = np.floor(exact).astype(np.int64)
    ties = np.zeros(len(shares)) if rng is None else rng.random(len(shares))
    order = np.lexsort((ties, counts - exact))
    counts[order[: left - int(counts.sum())]] += 1
    return np.asarray(counts + minimum)


def by_sizes(sizes: IntArray, rng: np.random.Generator) -> IntArray:
    """Shuffled rows in parts of these sizes (m,): (n,) the device of each row, where the sizes sum to n."""
    device = np.empty(int(sizes.sum()), dtype=np.int64)
    device[rng.permutation(len(device))] = np.repeat(np.arange(len(sizes)), sizes)
    return device


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
