"""Rows become devices' training and test examples."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.tasks.datasets import Dataset, load
from fedsim.tasks.device_data import share_out
from fedsim.tasks.examples import Examples
from fedsim.tasks.partition import apportioned, fitting_test_rows
from fedsim.tasks.partitions.by_user import ByUser
from fedsim.tasks.partitions.dirichlet import Dirichlet
from fedsim.tasks.partitions.iid import Iid
from fedsim.tasks.partitions.quantity import Zipf
from fedsim.tasks.softmax import Softmax


def rows_of(data):
    """Every example, features and label, in a fixed order."""
    table = np.vstack([np.column_stack([part.X, part.y]) for part in (data.train, data.test)])
    return table[np.lexsort(table.T)]


def with_own_test(n=400, classes=4):
    X = np.arange(n, dtype=np.float32)[:, None]
    return Dataset(name="made", X=X, y=np.arange(n) % classes, classes=classes, test=np.arange(n) >= 300)


@pytest.mark.parametrize("partition", [Iid(), Dirichlet(alpha=0.2), Zipf()], ids=repr)
def test_a_set_is_shared_out_row_by_row(partition, streams):
    wine = load("wine")
    data = share_out(wine, partition, 8, 0.25, streams)
    assert (data.name, data.classes, data.train.devices, data.test.devices) == ("wine", 3, 8, 8)
    whole = np.column_stack([wine.X, wine.y])
    assert np.array_equal(rows_of(data), whole[np.lexsort(whole.T)])
    problem = data.problem(Softmax(features=13, classes=3))
    assert (problem.name, problem.devices) == ("wine", 8)


def test_a_regression_is_shared_out_too(streams):
    data = share_out(load("diabetes"), Iid(), 10, 0.5, streams)
    assert data.classes == 0
    assert data.train.y.dtype == np.float64
    assert (data.train.y.max(), data.train.y.min()) <= (346.0, 25.0)
    with pytest.raises(FedsimError, match="diabetes has targets and no classes"):
        share_out(load("diabetes"), Dirichlet(), 10, 0.5, streams)


def test_a_test_set_of_its_own_is_dealt_once_and_after_each_device_s_labels(streams):
    dataset = with_own_test()
    data = share_out(dataset, Dirichlet(alpha=0.3), 5, None, streams)
    assert sorted(data.test.X.ravel()) == list(range(300, 400))
    assert sorted(data.train.X.ravel()) == list(range(300))
    for one in range(5):
        train, test = (np.bincount(part.y[part.rows(one)], minlength=4) for part in (data.train, data.test))
        assert np.abs(test - train / 3).max() <= 1  # a third as many test rows as training rows


def test_a_set_without_test_rows_says_that_a_share_is_needed(streams):
    with pytest.raises(FedsimError, match="iris: has no test rows of its own: give test_share"):
        share_out(load("iris"), Iid(), 5, None, streams)


def test_a_device_left_with_nothing_is_named_with_advice(streams):
    few = replace(with_own_test(), device=np.concatenate([np.zeros(398, dtype=np.int64), [1, 2]]))
    with pytest.raises(FedsimError, match=r"2 of 3 devices \(1, 2\) would have fewer than 2 rows, .* take fewer"):
        share_out(few, ByUser(), 3, 0.25, streams)


def test_a_device_with_two_rows_trains_on_one_and_is_tested_on_the_other(streams):
    tiny = Dataset(name="tiny", X=np.arange(6.0)[:, None], y=np.zeros(6), classes=0)
    data = share_out(tiny, Iid(), 3, 0.01, streams)
    assert data.train.sizes.tolist() == data.test.sizes.tolist() == [1, 1, 1]


def test_a_class_that_nobody_trains_on_is_tested_by_everybody():
    rng = np.random.default_rng(0)
    owner = fitting_test_rows(np.zeros(30), np.arange(30) % 3, np.ones(9), 3, rng)
    assert np.bincount(owner).tolist() == [3, 3, 3]
    with pytest.raises(FedsimError, match="4 devices with 1 rows each need 4, got 3"):
        fitting_test_rows(np.zeros(8), np.arange(8) % 4, np.zeros(3), 4, rng)


def test_every_device_is_tested_even_where_its_labels_are_not():
    owner = fitting_test_rows(np.array([0, 0, 1]), np.array([0, 0, 1]), np.zeros(8), 2, np.random.default_rng(0))
    assert np.bincount(owner).tolist() == [7, 1]


@settings(deadline=None, max_examples=60)
@given(weights=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12), rows=st.integers(0, 100))
def test_apportioned_numbers_are_within_one_of_their_share(weights, rows):
    shares = (np.array(weights) + 1e-6) / (np.array(weights) + 1e-6).sum()
    counts = apportioned(shares, rows)
    assert counts.sum() == rows
    assert (np.abs(counts - shares * rows) < 1 + 1e-9).all()


def test_devices_in_another_order_have_the_same_examples(streams):
    user = np.random.default_rng(0).integers(0, 6, 200)
    order = np.array([3, 0, 5, 1, 4, 2])
    made = Dataset(name="users", X=np.arange(200.0)[:, None], y=np.zeros(200), classes=0, device=user)
    first = share_out(made, ByUser(), 6, 0.25, streams)
    other = share_out(replace(made, device=order[user]), ByUser(), 6, 0.25, streams)
    for one in range(6):
        both = [
            np.sort(np.concatenate([part.X[part.rows(device)].ravel() for part in (data.train, data.test)]))
            for data, device in ((first, one), (other, order[one]))
        ]
        assert np.array_equal(*both)
        assert first.test.sizes[one] == other.test.sizes[order[one]]


def test_rows_are_taken_from_any_type_of_number():
    X = np.arange(250, dtype=np.uint8)[:, None]
    some = np.array([249, 3, 7])
    device = np.full(250, 9)
    device[some] = [1, 0, 1]
    part = Examples.of_rows(X, np.arange(250), some, device, 2)
    assert part.X.ravel().tolist() == [3.0, 249.0, 7.0]
    assert part.X.dtype == np.float64
    assert part.offsets.tolist() == [0, 1, 3]
