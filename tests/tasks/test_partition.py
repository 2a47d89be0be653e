import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.tasks.partition import dirichlet, iid, split


def labels_of(rows, classes):
    return np.arange(rows) % classes


@settings(deadline=None, max_examples=60)
@given(
    devices=st.integers(1, 20),
    alpha=st.sampled_from([1e-3, 0.05, 0.3, 1.0, 100.0]),
    minimum=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
def test_every_device_has_its_minimum_and_every_row_one_device(devices, alpha, minimum, seed):
    device = dirichlet(labels_of(100, 7), devices, alpha, np.random.default_rng(seed), minimum)
    sizes = np.bincount(device, minlength=devices)
    assert len(sizes) == devices
    assert sizes.sum() == 100
    assert sizes.min() >= minimum


def test_the_same_stream_gives_the_same_partition_and_another_one_another():
    deal = [dirichlet(labels_of(300, 10), 10, 0.3, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(deal[0], deal[1])
    assert not np.array_equal(deal[0], deal[2])


def label_skew(alpha):
    """Mean over devices of the share of its commonest label: 0.1 when all ten are equally common."""
    labels = labels_of(10_000, 10)
    device = dirichlet(labels, 20, alpha, np.random.default_rng(0))
    counts = np.zeros((20, 10))
    np.add.at(counts, (device, labels), 1)
    return (counts.max(axis=1) / counts.sum(axis=1)).mean()


def test_small_alpha_means_few_labels_on_a_device_and_large_alpha_all_of_them():
    assert label_skew(0.05) > 0.7
    assert 0.25 < label_skew(0.5) < 0.6
    assert label_skew(1000.0) < 0.12


def test_class_shares_have_the_moments_of_the_dirichlet_law():
    """A device's share of a class has mean 1/m and variance (m - 1) / (m^2 (m alpha + 1)): m = 5, alpha = 1: 0.0267."""
    rng = np.random.default_rng(3)
    labels = np.zeros(1000, dtype=np.int64)
    shares = np.array([np.bincount(dirichlet(labels, 5, 1.0, rng, 0), minlength=5) / 1000 for _ in range(800)])
    assert np.allclose(shares.mean(axis=0), 0.2, atol=0.02)
    assert shares.var() == pytest.approx(4 / 150, rel=0.08)


def test_iid_parts_differ_by_one_row_at_most_and_are_shuffled():
    device = iid(103, 10, np.random.default_rng(0))
    assert sorted(np.bincount(device)) == [10] * 7 + [11] * 3
    assert device[:10].tolist() != list(range(10))


@settings(deadline=None, max_examples=50)
@given(
    sizes=st.lists(st.integers(2, 30), min_size=1, max_size=8),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 100),
)
def test_each_device_tests_on_its_share_but_at_least_one_and_never_all(sizes, share, seed):
    device = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    test = split(device, share, np.random.default_rng(seed))
    for number, size in enumerate(sizes):
        kept = int(test[device == number].sum())
        assert 1 <= kept <= size - 1
        assert abs(kept - share * size) <= 0.5 or kept in {1, size - 1}


def test_the_rows_kept_for_testing_are_drawn():
    device = np.zeros(100, dtype=np.int64)
    first, second = (split(device, 0.25, np.random.default_rng(seed)) for seed in (0, 1))
    assert first.sum() == second.sum() == 25
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("alpha", [0.0, -1.0, np.nan, np.inf])
def test_alpha_must_be_positive(alpha):
    with pytest.raises(FedsimError, match="alpha"):
        dirichlet(labels_of(10, 2), 2, alpha, np.random.default_rng(0))


def test_too_few_rows_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(FedsimError, match="4 devices with 3 rows each need 12, got 10"):
        dirichlet(labels_of(10, 2), 4, 1.0, rng, 3)
    with pytest.raises(FedsimError, match="6 devices with 2 rows each need 12, got 10"):
        iid(10, 6, rng)
    with pytest.raises(FedsimError, match="devices must be >= 1"):
        iid(10, 0, rng)
    with pytest.raises(FedsimError, match=r"devices \[1\] have fewer"):
        split(np.array([0, 0, 1]), 0.5, rng)


@pytest.mark.parametrize("share", [0.0, 1.0, np.nan])
def test_a_share_lies_between_nothing_and_all(share):
    with pytest.raises(FedsimError, match="test_share"):
        split(np.zeros(4, dtype=np.int64), share, np.random.default_rng(0))
