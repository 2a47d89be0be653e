import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.learners.cluster_relation import Clustered
from fedsim.learners.regularisers import Independent, MeanRegularised, ProbabilisticPrior, Shared
from fedsim.learners.sparse_precision import SparsePrecision


@pytest.mark.parametrize("tasks", [1, 2, 23])
def test_mean_regularised_sigma_inverts_omega(tasks):
    omega = np.eye(tasks) - 1 / tasks + 0.3 * np.eye(tasks)
    assert np.allclose(MeanRegularised(mu=0.3).start(tasks) @ omega, np.eye(tasks))


def test_fixed_relations_stay():
    W = np.random.default_rng(0).normal(size=(4, 3))
    for regulariser in (MeanRegularised(), Independent(), Independent(variance=2.0), Shared()):
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


def test_sharing_ties_all_tasks_and_a_variance_scales_none():
    assert np.array_equal(Shared().start(3), np.ones((3, 3)))
    assert np.array_equal(Independent(variance=2.0).start(3), 2 * np.eye(3))


@settings(deadline=None, max_examples=40)
@given(
    tasks=st.integers(1, 8),
    features=st.integers(1, 8),
    eta=st.floats(0.01, 10),
    data=st.data(),
    seed=st.integers(0, 99),
)
def test_clusters_have_their_share_of_every_direction(tasks, features, eta, data, seed):
    """Q = eta (1 + eta) Sigma - eta I lies between 0 and I, and its trace is the number of clusters."""
    clusters = data.draw(st.integers(1, tasks))
    regulariser = Clustered(clusters=clusters, eta=eta)
    W = np.random.default_rng(seed).normal(size=(tasks, features))
    for sigma in (regulariser.start(tasks), regulariser.update(np.eye(tasks), W)):
        Q = eta * (1 + eta) * sigma - eta * np.eye(tasks)
        shares = np.linalg.eigvalsh(Q)
        assert shares.sum() == pytest.approx(clusters, rel=1e-9)
        assert shares.min() > -1e-9
        assert shares.max() < 1 + 1e-9


def test_clusters_are_the_best_relation():
    """Sigma minimises tr((W W^T + eps I) Omega) over all 0 <= Q <= I of the same trace."""
    rng = np.random.default_rng(0)
    W, regulariser = rng.normal(size=(6, 4)), Clustered(clusters=2, eta=0.2, eps=1e-3)
    A = W @ W.T + 1e-3 * np.eye(6)
    least = np.trace(A @ np.linalg.inv(regulariser.update(np.eye(6), W)))
    tried = 0
    while tried < 30:
        shares, (frame, _) = 2 * rng.dirichlet(np.ones(6)), np.linalg.qr(rng.normal(size=(6, 6)))
        if shares.max() <= 1:
            tried += 1
            other = (0.2 * np.eye(6) + (frame * shares) @ frame.T) / (0.2 * 1.2)
            assert np.trace(A @ np.linalg.inv(other)) > least


def test_without_weights_clusters_are_where_they_started():
    regulariser = Clustered(clusters=3, eta=0.5)
    assert regulariser.update(np.eye(5), np.zeros((5, 2))) == pytest.approx(regulariser.start(5), abs=1e-12)


def test_two_groups_of_tasks_are_found():
    """Tasks at two centres: the relation within a group is stronger than between them."""
    rng = np.random.default_rng(1)
    W = np.repeat(rng.normal(size=(2, 10)), 4, axis=0) + 0.05 * rng.normal(size=(8, 10))
    sigma = Clustered(clusters=2, eta=0.05).update(np.eye(8), W)
    within, between = np.abs(sigma[:4, :4]).min(), np.abs(sigma[:4, 4:]).max()
    assert within > 1.5 * between


@pytest.mark.parametrize("sparsity", [0.05, 0.3, 1.0])
def test_the_sparse_precision_is_the_best_one(sparsity):
    """No small change of Omega lowers tr(A Omega) / d - log det Omega + sparsity |Omega|_1, the diagonal included."""
    rng = np.random.default_rng(0)
    W = rng.normal(size=(6, 4))
    omega = np.linalg.inv(SparsePrecision(sparsity=sparsity).update(np.eye(6), W))

    def value(omega):
        return np.trace(W @ W.T @ omega) / 4 - np.linalg.slogdet(omega)[1] + sparsity * np.abs(omega).sum()

    for _ in range(200):
        change = rng.normal(size=(6, 6)) * 1e-3
        assert value(omega + change + change.T) > value(omega) - 1e-8


def test_much_sparsity_leaves_tasks_alone():
    W = np.random.default_rng(0).normal(size=(5, 3))
    A = W @ W.T / 3
    limit = np.abs(A - np.diag(np.diag(A))).max()
    alone = SparsePrecision(sparsity=1.01 * limit).update(np.eye(5), W)
    assert alone == pytest.approx(np.diag(np.diag(A) + 1.01 * limit), abs=1e-9)
    related = SparsePrecision(sparsity=0.9 * limit).update(np.eye(5), W)
    assert np.count_nonzero(np.abs(np.linalg.inv(related)) > 1e-9) > 5


def test_the_sparse_precision_of_no_weights_and_of_one_task():
    assert SparsePrecision(sparsity=0.2).update(np.eye(4), np.zeros((4, 3))) == pytest.approx(0.2 * np.eye(4))
    W = np.array([[1.0, 2.0]])
    assert SparsePrecision(sparsity=0.2).update(np.eye(1), W) == pytest.approx(np.array([[2.7]]))
    assert np.array_equal(SparsePrecision().start(4), np.eye(4) / 4)


def test_operations_of_new_relations():
    assert Clustered().update_flops(10, 3) == 2 * 100 * 3 + 11 * 1000
    assert SparsePrecision().update_flops(10, 3) == 2 * 100 * 3 + 40 * 1000


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Clustered(clusters=0), "clusters must be >= 1"),
        (lambda: Clustered(eta=0.0), "eta"),
        (lambda: Clustered(eps=float("nan")), "eps"),
        (lambda: Clustered(clusters=5).start(4), "5 clusters for 4 devices"),
        (lambda: SparsePrecision(sparsity=0.0), "sparsity"),
    ],
)
def test_parameters_of_new_relations(make, message):
    with pytest.raises(FedsimError, match=message):
        make()
