"""Every partition deals every row once; and each is what its paper says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.tasks.partitions.by_class import ByClass
from fedsim.tasks.partitions.by_user import ByUser
from fedsim.tasks.partitions.class_prior import ClassPrior
from fedsim.tasks.partitions.dirichlet import Dirichlet
from fedsim.tasks.partitions.iid import Iid
from fedsim.tasks.partitions.quantity import Lognormal, Zipf
from fedsim.tasks.partitions.shards import Shards
from fedsim.tasks.rows import Rows

ALL = [
    Iid(),
    Dirichlet(alpha=0.1),
    ClassPrior(alpha=0.1),
    ClassPrior(alpha=1.0, size_sigma=0.5),
    Shards(per_device=3),
    ByClass(classes_per_device=4),
    ByUser(),
    Lognormal(sigma=1.5),
    Zipf(exponent=1.2),
]


def rows_of(n, classes, users=0):
    number = np.arange(n)
    return Rows(name="made", y=number % classes, classes=classes, user=number % users if users else None)


def rng_of(seed=0):
    return np.random.default_rng(seed)


def counts_of(device, labels, devices):
    """Rows of each class on each device, (devices, classes)."""
    counts = np.zeros((devices, int(labels.max()) + 1), dtype=np.int64)
    np.add.at(counts, (device, labels), 1)
    return counts


@pytest.mark.parametrize("partition", ALL, ids=repr)
@settings(deadline=None, max_examples=15)
@given(n=st.integers(120, 300), classes=st.integers(4, 7), devices=st.integers(3, 20), seed=st.integers(0, 99))
def test_every_row_goes_to_one_device_and_the_same_stream_to_the_same(partition, n, classes, devices, seed):
    rows = rows_of(n, classes, users=20)
    device = partition.assign(rows, devices, rng_of(seed))
    assert device.shape == (n,)
    assert device.dtype == np.int64
    assert 0 <= device.min() <= device.max() < devices
    assert np.bincount(device, minlength=devices).sum() == n
    assert np.array_equal(device, partition.assign(rows, devices, rng_of(seed)))


@pytest.mark.parametrize("partition", [p for p in ALL if not isinstance(p, ByUser)], ids=repr)
def test_another_stream_gives_another_partition(partition):
    rows = rows_of(300, 5)
    assert not np.array_equal(*(partition.assign(rows, 10, rng_of(seed)) for seed in (1, 2)))


@settings(deadline=None, max_examples=40)
@given(n=st.integers(60, 400), devices=st.integers(1, 20), minimum=st.integers(2, 3), seed=st.integers(0, 99))
def test_sizes_of_quantity_skew_are_exact_and_have_their_minimum(n, devices, minimum, seed):
    for partition in (Lognormal(sigma=2.0, min_examples=minimum), Zipf(exponent=2.0, min_examples=minimum)):
        sizes = np.bincount(partition.assign(rows_of(n, 3), devices, rng_of(seed)), minlength=devices)
        assert sizes.sum() == n
        assert sizes.min() >= minimum


def test_zipf_sizes_are_those_of_the_law():
    """100 rows left after 2 each, in shares 1, 1/2, 1/3, 1/4 of 25/12: 48, 24, 16, 12."""
    device = Zipf(exponent=1.0).assign(rows_of(108, 2), 4, rng_of())
    assert sorted(np.bincount(device)) == [14, 18, 26, 50]
    even = Zipf(exponent=0.0).assign(rows_of(108, 2), 4, rng_of())
    assert np.bincount(even).tolist() == [27] * 4
    first = {int(np.bincount(Zipf().assign(rows_of(108, 2), 4, rng_of(seed))).argmax()) for seed in range(20)}
    assert first == {0, 1, 2, 3}  # the richest is drawn


def test_lognormal_sizes_have_the_deviation_of_their_logarithm():
    sizes = np.bincount(Lognormal(sigma=0.5, min_examples=2).assign(rows_of(400_000, 2), 2000, rng_of()))
    assert np.log(sizes - 2).std() == pytest.approx(0.5, rel=0.05)
    assert len(set(np.bincount(Lognormal(sigma=0.0).assign(rows_of(400, 2), 20, rng_of())))) == 1


def test_quantity_skew_leaves_labels_as_they_are():
    counts = counts_of(Zipf().assign(rows_of(20_000, 4), 10, rng_of()), np.arange(20_000) % 4, 10)
    assert np.allclose(counts / counts.sum(axis=1, keepdims=True), 0.25, atol=0.06)


def test_mnist_pathological_has_200_shards_of_300_and_mostly_two_labels_a_device():
    """McMahan et al.: 100 devices, two shards each, of 60,000 rows in ten classes of these sizes."""
    sizes = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    y = rng_of().permutation(np.repeat(np.arange(10), sizes))
    device = Shards(per_device=2).assign(Rows(name="mnist", y=y, classes=10), 100, rng_of(1))
    counts = counts_of(device, y, 100)
    assert counts.sum(axis=1).tolist() == [600] * 100
    held = (counts > 0).sum(axis=1)
    assert held.max() <= 4
    assert np.median(held) == 2


def test_shards_of_a_regression_are_neighbouring_targets():
    y = rng_of().permutation(np.arange(40.0))
    device = Shards(per_device=1).assign(Rows(name="targets", y=y), 4, rng_of())
    for one in range(4):
        own = y[device == one]
        assert len(own) == 10
        assert own.max() - own.min() == 9


@settings(deadline=None, max_examples=30)
@given(classes=st.integers(2, 8), each=st.integers(1, 8), devices=st.integers(1, 30), seed=st.integers(0, 99))
def test_each_device_has_so_many_classes_and_holders_are_balanced(classes, each, devices, seed):
    partition = ByClass(classes_per_device=each)
    rows = rows_of(60 * classes, classes)
    if each > classes or devices * each < classes:
        with pytest.raises(FedsimError, match="classes_per_device"):
            partition.assign(rows, devices, rng_of(seed))
        return
    counts = counts_of(partition.assign(rows, devices, rng_of(seed)), rows.y, devices)
    assert ((counts > 0).sum(axis=1) == each).all()
    holders = (counts > 0).sum(axis=0)
    assert holders.max() - holders.min() <= 1
    for label in range(classes):
        own = counts[counts[:, label] > 0, label]
        assert own.max() - own.min() <= 1


def test_class_prior_gives_equal_sizes_and_labels_after_each_device_s_own_prior():
    """With rows in plenty, label shares are a prior's: their variance is that of Dir(1 1_5), 4 / 25 / 6."""
    rows = rows_of(20_000, 5)
    device = ClassPrior(alpha=1.0).assign(rows, 100, rng_of(3))
    counts = counts_of(device, rows.y, 100)
    assert counts.sum(axis=1).tolist() == [200] * 100
    shares = counts / 200
    assert shares.mean(axis=0) == pytest.approx([0.2] * 5)  # all rows are dealt
    assert shares.var() == pytest.approx(4 / 25 / 6, rel=0.2)


def test_class_prior_sizes_differ_by_one_at_most_or_by_their_lognormal_law():
    sizes = np.bincount(ClassPrior().assign(rows_of(1003, 5), 100, rng_of()))
    assert sorted(set(sizes.tolist())) == [10, 11]
    assert (sizes == 11).sum() == 3
    unequal = np.bincount(ClassPrior(alpha=5.0, size_sigma=0.3).assign(rows_of(20_000, 4), 200, rng_of()))
    assert np.log(unequal - 2).std() == pytest.approx(0.3, rel=0.15)


def test_class_prior_goes_on_when_a_prior_has_only_classes_that_are_gone():
    rows = rows_of(200, 4)
    device = ClassPrior(alpha=1e-3).assign(rows, 10, rng_of())
    assert np.bincount(device).tolist() == [20] * 10
    assert counts_of(device, rows.y, 10).max(axis=1).mean() > 12  # a commonest label nevertheless


def test_users_are_devices_in_order():
    user = np.array([0, 0, 1, 2, 2, 3])
    rows = Rows(name="users", y=np.zeros(6), user=user)
    assert ByUser().assign(rows, 4, rng_of()).tolist() == [0, 0, 1, 2, 2, 3]
    assert ByUser().assign(rows, 3, rng_of()).tolist() == [0, 0, 1, 2, 2, 0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Iid(min_examples=1), "min_examples must be >= 2.*got 1"),
        (lambda: Dirichlet(alpha=0.0), "alpha must be > 0"),
        (lambda: Dirichlet(alpha=np.nan), "alpha must be > 0"),
        (lambda: ClassPrior(alpha=np.inf), "alpha must be > 0"),
        (lambda: ClassPrior(size_sigma=-1.0), "size_sigma must be >= 0"),
        (lambda: Shards(per_device=0), "per_device must be >= 1"),
        (lambda: ByClass(classes_per_device=0), "classes_per_device must be >= 1"),
        (lambda: Lognormal(sigma=np.nan), "sigma must be >= 0"),
        (lambda: Zipf(exponent=-0.1), "exponent must be >= 0"),
        (lambda: Zipf(min_examples=0), "min_examples"),
    ],
)
def test_parameters_out_of_range_are_refused(make, message):
    with pytest.raises(FedsimError, match=message):
        make()


@pytest.mark.parametrize(
    ("partition", "rows", "devices", "message"),
    [
        (Shards(per_device=5), rows_of(20, 2), 5, "25 shards, 5 for each of 5 devices, cannot be cut of 20 rows"),
        (ByClass(classes_per_device=1), rows_of(20, 5), 2, "cannot hold all 5: take more devices.*at least 3"),
        (ByClass(classes_per_device=6), rows_of(20, 5), 2, "must be <= 5"),
        (ByUser(), rows_of(20, 5, users=4), 5, "has 4 users, too few for 5 devices"),
        (ByUser(), rows_of(20, 5), 5, "does not say which user"),
        (Zipf(min_examples=5), rows_of(20, 5), 5, "5 devices with 5 rows each need 25, got 20"),
        (ClassPrior(min_examples=5), rows_of(20, 5), 5, "need 25, got 20"),
        (Dirichlet(), Rows(name="grades", y=np.zeros(9)), 2, "grades has targets and no classes: take iid"),
        (ClassPrior(), Rows(name="grades", y=np.zeros(9)), 2, "no classes"),
        (ByClass(), Rows(name="grades", y=np.zeros(9)), 2, "no classes"),
    ],
)
def test_rows_that_do_not_go_around_are_refused_with_advice(partition, rows, devices, message):
    with pytest.raises(FedsimError, match=message):
        partition.assign(rows, devices, rng_of())
