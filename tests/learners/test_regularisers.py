import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.learners.regularisers import Independent, MeanRegularised, ProbabilisticPrior


@pytest.mark.parametrize("tasks", [1, 2, 23])
def test_mean_regularised_sigma_inverts_omega(tasks):
    omega = np.eye(tasks) - 1 / tasks + 0.3 * np.eye(tasks)
    assert np.allclose(MeanRegularised(mu=0.3).start(tasks) @ omega, np.eye(tasks))


def test_fixed_relations_stay():
    W = np.random.default_rng(0).normal(size=(4, 3))
    for regulariser in (MeanRegularised(), Independent()):
        sigma = regulariser.start(4)
        assert np.array_equal(regulariser.update(sigma, W), sigma)
        assert regulariser.update_flops(4, 3) == 0.0


def test_unrelated_tasks_and_the_prior_start_from_the_same():
    assert np.array_equal(Independent().start(4), np.eye(4) / 4)
    assert np.array_equal(ProbabilisticPrior().start(4), np.eye(4) / 4)


@settings(deadline=None, max_examples=30)
@given(tasks=st.integers(1, 8), features=st.integers(1, 8), seed=st.integers(0, 100))
def test_the_prior_is_a_matrix_root_of_trace_one(tasks, features, seed):
    W = np.random.default_rng(seed).normal(size=(tasks, features))
    sigma = ProbabilisticPrior(eps=0.01).update(np.eye(tasks), W)
    assert np.allclose(sigma, sigma.T)
    assert np.trace(sigma) == pytest.approx(1.0)
    A = W @ W.T + 0.01 * np.eye(tasks)
    assert np.allclose(sigma @ sigma * np.trace(A) / np.trace(sigma @ sigma), A)


def test_the_prior_is_the_best_relation_of_trace_one():
    """It minimises tr((W W^T + eps I) Sigma^-1), whose least value is the square of the root's trace."""
    rng = np.random.default_rng(0)
    W, eps = rng.normal(size=(5, 3)), 0.05
    A = W @ W.T + eps * np.eye(5)
    least = np.sqrt(np.linalg.eigvalsh(A)).sum() ** 2
    sigma = ProbabilisticPrior(eps=eps).update(np.eye(5), W)
    assert np.trace(A @ np.linalg.inv(sigma)) == pytest.approx(least)
    for _ in range(20):
        root = rng.normal(size=(5, 5))
        other = root @ root.T + 1e-3 * np.eye(5)
        assert np.trace(A @ np.linalg.inv(other / np.trace(other))) > least


def test_without_weights_the_prior_is_where_it_started():
    prior = ProbabilisticPrior(eps=1e-4)
    assert np.allclose(prior.update(prior.start(6), np.zeros((6, 3))), np.eye(6) / 6)


def test_operations_of_the_prior():
    assert ProbabilisticPrior().update_flops(10, 3) == 2 * 100 * 3 + 11 * 1000


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_parameters_must_be_positive(value):
    with pytest.raises(FedsimError, match="mu"):
        MeanRegularised(mu=value)
    with pytest.raises(FedsimError, match="eps"):
        ProbabilisticPrior(eps=value)
