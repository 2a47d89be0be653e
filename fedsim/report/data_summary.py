"""How the data of a scenario lie over its devices, in words and numbers."""

from collections.abc import Iterable

import numpy as np

from fedsim.report.human import about
from fedsim.tasks.arrays import Array
from fedsim.tasks.examples import Examples
from fedsim.tasks.problem import Outline, Problem


def data_facts(problem: Problem) -> Iterable[tuple[str, str]]:
    """What is what: devices, examples, classes on a device, how far labels are from the pooled ones, the test share."""
    sizes = problem.sizes
    yield "devices", f"{problem.devices:,}"
    yield "training examples", f"{int(sizes.sum()):,}, of a device {_spread(sizes)}"
    if isinstance(problem, Outline):
        yield "labels", "none: a timing run"
        return
    tests = problem.test.sizes
    share = tests.sum() / (tests.sum() + sizes.sum())
    yield "test examples", f"{int(tests.sum()):,} ({about(float(share), '1')}), of a device {_spread(tests)}"
    yield "features", f"{problem.train.features:,}"
    if problem.model.classes:
        yield from _class_facts(class_counts(problem.train, problem.model.classes))
    else:
        yield from _target_facts(problem.train)


def class_counts(examples: Examples, classes: int) -> Array:
    """How many examples of each class each device has, (m, classes)."""
    cells = examples.device * classes + examples.y.astype(np.int64)
    return np.bincount(cells, minlength=examples.devices * classes).reshape(-1, classes).astype(np.float64)


def label_skew(counts: Array) -> Array:
    """Total-variation distance between each device's labels and the pooled ones, in [0, 1]: (m,), of counts (m, c).

    Half the sum of absolute differences of shares; 0 where they agree, 1 where a device has only labels that nobody
    else has, and it weighs nothing in the pool.
    """
    pooled = counts.sum(axis=0) / counts.sum()
    own = counts / counts.sum(axis=1, keepdims=True)
    return np.asarray(np.abs(own - pooled).sum(axis=1) / 2)


def _class_facts(counts: Array) -> Iterable[tuple[str, str]]:
    held = (counts > 0).sum(axis=1)
    yield "classes", f"{counts.shape[1]}, on a device {_spread(held)}"
    missing = counts.shape[1] - int((counts.sum(axis=0) > 0).sum())
    if missing:
        yield "classes on no device", f"{missing}"
    skew = label_skew(counts)
    yield "label skew", f"mean {skew.mean():.3f}, of a device {skew.min():.3f} to {skew.max():.3f} (total variation)"


def _target_facts(examples: Examples) -> Iterable[tuple[str, str]]:
    means = np.add.reduceat(examples.y, examples.offsets[:-1]) / examples.sizes
    yield "targets", f"mean {examples.y.mean():.4g}, deviation {examples.y.std():.4g}"
    yield "means of devices", f"min {means.min():.4g}, median {np.median(means):.4g}, max {means.max():.4g}"


def _spread(numbers: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> str:
    low, middle, high = numbers.min(), np.median(numbers), numbers.max()
    return f"{low:,}" if low == high else f"min {low:,}, median {middle:,.10g}, max {high:,}"
