"""Examples that lie on devices already: what a partition leaves, and what a generator makes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fedsim.errors import FedsimError
from fedsim.tasks.arrays import Array, BoolArray, IntArray
from fedsim.tasks.datasets import Dataset
from fedsim.tasks.examples import Examples
from fedsim.tasks.model import Model
from fedsim.tasks.partition import fitting_test_rows, split
from fedsim.tasks.partitions.partition import Partition
from fedsim.tasks.problem import Problem, parts

Streams = Callable[..., np.random.Generator]
"""Random streams by name, such as ``sim.rng``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """What a generator knows and no learner is told.

    ``mixture[t, i]`` is the share of device t's examples whose labels are made by ``weights[i]``; without it device t's
    are all made by ``weights[t]``. ``group[t]`` is the cluster of device t, and -1 for an outlier.
    """

    weights: Array  # (k, p): rows as the parameters of a linear model of these data
    mixture: Array | None = None  # (m, k)
    group: IntArray | None = None  # (m,)


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceData:
    """Training and test examples of m devices, without a model."""

    name: str
    train: Examples
    test: Examples
    classes: int  # 0 for a regression
    truth: Truth | None = None

    def problem(self, model: Model) -> Problem:
        """The learning problem of these data with a model.

        Raises:
            FedsimError: if they do not fit together.
        """
        return Problem(model=model, train=self.train, test=self.test, name=self.name)


class Source(Protocol):
    """Where devices' examples come from: a frozen dataclass, readable from scenario files."""

    def deal(self, name: str, devices: int, streams: Streams) -> DeviceData:
        """The examples of this many devices.

        Args:
            name: what to call the data.
            devices: how many devices there are.
            streams: all chance.

        Raises:
            FedsimError: if the data cannot be had, or do not go around.
        """


def share_out(
    dataset: Dataset, partition: Partition, devices: int, test_share: float | None, streams: Streams
) -> DeviceData:
    """The rows of a data set, shared out over devices.

    Args:
        dataset: n labelled rows.
        partition: says which device gets which.
        devices: how many devices.
        test_share: share of each device's rows kept for testing, in (0, 1); at least one row, and never all. None
            for the rows that the data set itself keeps for testing: each device gets of them what fits its own
            labels.
        streams: the streams "data", "partition" and "data", "split" are used.

    Raises:
        FedsimError: if the share is not between 0 and 1, the data set keeps no rows for testing and is asked to, or
            a device would be left with nothing to train or to test on.
    """
    rng = streams("data", "split")
    if test_share is not None:
        device = partition.assign(dataset.rows(), devices, streams("data", "partition"))
        _check_nobody_is_empty(device, devices, least=2)
        return _dealt(dataset, device, split(device, test_share, rng), devices)
    kept = dataset.test
    if kept is None:
        raise FedsimError(f"{dataset.name}: has no test rows of its own: give test_share, such as 25 %")
    device = partition.assign(dataset.rows(~kept), devices, streams("data", "partition"))
    _check_nobody_is_empty(device, devices, least=1)
    everywhere = np.empty(len(dataset.y), dtype=np.int64)
    everywhere[~kept] = device
    labels = dataset.y if dataset.classes else np.zeros(len(dataset.y))
    everywhere[kept] = fitting_test_rows(labels[~kept], device, labels[kept], devices, rng)
    return _dealt(dataset, everywhere, kept, devices)


def _dealt(dataset: Dataset, device: IntArray, test: BoolArray, devices: int) -> DeviceData:
    train_part, test_part = parts(dataset, device, test, devices)
    return DeviceData(name=dataset.name, train=train_part, test=test_part, classes=dataset.classes)


def _check_nobody_is_empty(device: IntArray, devices: int, *, least: int) -> None:
    sizes = np.bincount(device, minlength=devices)
    few = np.flatnonzero(sizes < least)
    if len(few):
        listed = ", ".join(map(str, few[:5])) + (", ..." if len(few) > 5 else "")
        need = "one to train and one to test" if least == 2 else "one to train"
        raise FedsimError(
            f"partition: {len(few)} of {devices} devices ({listed}) would have fewer than {least} rows, {need}: take "
            f"fewer devices, a milder skew, or a partition with min_examples"
        )
