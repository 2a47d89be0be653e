"""Generators make what their papers' code makes: known facts of each, and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from fedsim.errors import FedsimError
from fedsim.kernel import Simulation
from fedsim.tasks.examples import Examples
from fedsim.tasks.generators.feddyn import FedDynSynthetic
from fedsim.tasks.generators.fedem import FedEmMixture
from fedsim.tasks.generators.flat import Flat, Parted
from fedsim.tasks.generators.linear_tasks import LinearTasks
from fedsim.tasks.generators.logistic import inputs
from fedsim.tasks.generators.relations import Clustered, CommonOwn, LowRank, SparseRelations
from fedsim.tasks.generators.sizes import Sizes
from fedsim.tasks.generators.synthetic import Synthetic
from fedsim.tasks.softmax import Softmax

SMALL = Sizes(least=20, most=40)
ALL = [
    Synthetic(sizes=SMALL),
    Synthetic(sizes=SMALL, iid=True),
    FedDynSynthetic(examples=20, size_sd=0.5),
    FedDynSynthetic(examples=20, solution_spread=1.0, input_spread=1.0, test_share=0.3),
    FedEmMixture(sizes=SMALL, features=6, test_examples=7),
    LinearTasks(features=5, max_examples=130, noise=0.1),
    LinearTasks(relation=Clustered(signs=True), kind="regression", outlier_share=0.3),
    LinearTasks(relation=LowRank(), inputs="unit"),
    LinearTasks(relation=CommonOwn(), inputs="scaled", flip_share=0.1),
]


def own(part, device):
    return part.X[part.rows(device)], part.y[part.rows(device)]


@pytest.mark.parametrize("generator", ALL, ids=repr)
def test_equal_streams_give_equal_data_and_one_more_device_changes_nobody_s(generator, streams):
    first, again, more = (generator.deal("made", devices, streams) for devices in (4, 4, 5))
    assert (first.train.devices, more.train.devices) == (4, 5)
    for one in range(4):
        for part in ("train", "test"):
            X, y = own(getattr(first, part), one)
            assert np.array_equal(X, own(getattr(again, part), one)[0])
            if getattr(generator, "outlier_share", 0) == 0:  # whose length is that of all the others
                assert np.array_equal(X, own(getattr(more, part), one)[0])
                assert np.array_equal(y, own(getattr(more, part), one)[1])
    X = first.train.X
    assert not np.array_equal(X, generator.deal("made", 4, lambda *names: streams("other", *names)).train.X[: len(X)])


@pytest.mark.parametrize("generator", [Synthetic, FedDynSynthetic, FedEmMixture, LinearTasks])
def test_a_seed_gives_the_same_data_whatever_the_run_s_luck(generator, streams):
    first, other, another = (
        pooled(generator(seed=seed).deal("made", 3, luck))
        for seed, luck in ((3, streams), (3, lambda *names: streams("other", *names)), (4, streams))
    )
    assert np.array_equal(first, other)  # which of FedProx's are for testing is the run's own luck
    assert first.shape != another.shape or not np.array_equal(first, another)


def pooled(data):
    """All examples, sorted."""
    rows = np.vstack([data.train.X, data.test.X])
    return rows[np.lexsort(rows.T)]


def test_fedem_s_own_seed_has_67758_training_rows_of_50_to_1000(streams):
    data = FedEmMixture(seed=12345, features=2, test_examples=1).deal("fedem", 300, streams)
    assert (data.train.sizes.sum(), data.train.sizes.min(), data.train.sizes.max()) == (67_758, 50, 1000)


def test_fedem_s_mixture_is_drawn_in_the_order_of_the_authors_code(streams):
    luck = np.random.RandomState(12345)
    sizes = [min(int(size) + 50, 1000) for size in luck.lognormal(4, 2, 3)]
    pi, theta = luck.dirichlet([0.4] * 3, size=3), luck.uniform(-1, 1, (3, 150))
    luck.multinomial(sizes[0], pi[0])
    drawn = luck.uniform(-1, 1, (sizes[0], 150))
    data = FedEmMixture(seed=12345, test_examples=1).deal("fedem", 3, streams)
    assert data.train.sizes.tolist() == sizes
    assert np.array_equal(data.truth.mixture, pi)
    assert np.array_equal(data.truth.weights, theta)
    mine = own(data.train, 0)[0]
    assert np.array_equal(mine[np.lexsort(mine.T)], drawn[np.lexsort(drawn.T)])  # shuffled


def test_fedem_s_ceiling_is_87_per_cent(streams):
    """The notes' ceiling of seed 12345: devices vote with the true theta and pi, mean 87.2 %, lowest tenth 76.7 %."""
    data = FedEmMixture(seed=12345, test_examples=300).deal("fedem", 300, streams)
    votes = (data.test.X @ data.truth.weights.T > 0) * data.truth.mixture[data.test.device]
    right = (votes.sum(axis=1) > 0.5) == data.test.y
    share = np.add.reduceat(right.astype(float), data.test.offsets[:-1]) / data.test.sizes
    assert share.mean() == pytest.approx(0.872, abs=0.004)
    assert np.quantile(share, 0.1) == pytest.approx(0.767, abs=0.01)


def test_fedem_s_training_data_do_not_depend_on_how_many_test_examples_are_kept(streams):
    few, more = (FedEmMixture(seed=1, test_examples=kept).deal("fedem", 4, streams) for kept in (3, 9))
    assert np.array_equal(few.train.X, more.train.X)
    assert np.array_equal(own(few.test, 2)[0], own(more.test, 2)[0][:3])


def test_fedem_s_labels_are_half_spaces_without_noise(streams):
    data = FedEmMixture(noise=0.0, components=1, sizes=SMALL, features=8).deal("fedem", 3, streams)
    assert np.array_equal(data.train.y, data.train.X @ data.truth.weights[0] > 0)
    assert data.truth.mixture.tolist() == [[1.0]] * 3
    shares = FedEmMixture(alpha=0.05, sizes=SMALL, features=2).deal("fedem", 200, streams).truth.mixture
    assert (shares.max(axis=1) > 0.9).mean() > 0.7  # small alpha: nearly one component


@pytest.mark.parametrize(
    ("switches", "optimum"),
    [({}, 0.0661), ({"solution_spread": 1.0}, 1.5407)],  # own input means 0.0180 and unequal sizes 0.0702 agree, too
    ids=str,
)
def test_feddyn_s_own_seed_has_the_optima_of_the_notes(switches, optimum, streams):
    """Pooled softmax loss at the minimum with weight decay 1e-5, 20 devices: to the four digits that are given."""
    data = FedDynSynthetic(seed=0, **switches).deal("feddyn", 20, streams)
    assert newton_loss(data.train.X, data.train.y, 5, 1e-5) == pytest.approx(optimum, abs=6e-5)


def newton_loss(X, y, classes, decay):
    """Mean cross-entropy at the minimum of it plus decay / 2 times the squared parameters, by damped Newton steps."""
    rows = np.column_stack([X, np.ones(len(X))])
    n, d = rows.shape
    w = np.zeros((classes, d))

    def loss(w):
        score = rows @ w.T
        return (logsumexp(score, axis=1) - score[np.arange(n), y]).mean()

    for _ in range(60):
        score = rows @ w.T
        p = np.exp(score - logsumexp(score, axis=1, keepdims=True))
        gradient = ((p - np.eye(classes)[y]).T @ rows / n + decay * w).ravel()
        hessian = np.empty((classes, d, classes, d))
        for a in range(classes):
            for b in range(a, classes):
                curve = rows.T @ (rows * (p[:, a] * ((a == b) - p[:, b]))[:, None]) / n
                hessian[a, :, b], hessian[b, :, a] = curve, curve
        step = np.linalg.solve(hessian.reshape(classes * d, -1) + decay * np.eye(classes * d), gradient)
        size, old = 1.0, loss(w) + decay / 2 * (w**2).sum()
        while loss(moved := w - size * step.reshape(w.shape)) + decay / 2 * (moved**2).sum() > old and size > 1e-6:
            size /= 2
        w = moved
        if gradient @ step < 1e-7:
            break
    return loss(w)


@pytest.mark.parametrize("solution", [None, 0.7])
@pytest.mark.parametrize("middle", [None, 0.9])
def test_feddyn_s_numbers_are_drawn_in_the_order_of_the_authors_code(solution, middle, streams):
    luck, covariance = np.random.RandomState(3), np.diag(np.arange(1.0, 31) ** -1.2)
    sizes = luck.lognormal(np.log(200 + 1e-3), 0.4, 3).astype(int)
    centres, middles = luck.normal(0, solution or 0, 3), luck.normal(0, middle or 0, 3)
    means = np.zeros((3, 30)) if middle is None else [luck.normal(one, 1, 30) for one in middles]
    W, b = luck.normal(centres[0], 1, (30, 5)), luck.normal(centres[0], 1, 5)
    if solution is None:
        W, b = luck.normal(0, 1, (30, 5)), luck.normal(0, 1, 5)
    data = FedDynSynthetic(solution_spread=solution, input_spread=middle, size_sd=0.4, seed=3).deal("f", 3, streams)
    assert data.train.sizes.tolist() == sizes.tolist()
    for one in range(3):
        if solution is not None:
            W, b = luck.normal(centres[one], 1, (30, 5)), luck.normal(centres[one], 1, 5)
        X = luck.multivariate_normal(means[one], covariance, sizes[one])
        mine, y = own(data.train, one)
        assert np.abs(mine - X).max() < 1e-12
        assert np.array_equal(y, (X @ W + b).argmax(axis=1))
        assert np.array_equal(data.truth.weights[one], np.column_stack([W.T, b]).ravel())


def test_feddyn_s_switches(streams):
    alike = FedDynSynthetic(seed=0).deal("feddyn", 5, streams)
    assert alike.train.sizes.tolist() == [200] * 5
    assert len(np.unique(alike.truth.weights, axis=0)) == 1
    assert alike.test is alike.train  # as the authors score
    own_solution = FedDynSynthetic(solution_spread=0.0).deal("feddyn", 5, streams)
    assert len(np.unique(own_solution.truth.weights, axis=0)) == 5
    centre = [np.mean(own(FedDynSynthetic(input_spread=3.0).deal("f", 5, streams).train, one)[0]) for one in range(5)]
    assert np.std(centre) > 0.5
    apart = FedDynSynthetic(test_share=0.25).deal("feddyn", 5, streams)
    assert (apart.train.sizes.tolist(), apart.test.sizes.tolist()) == ([150] * 5, [50] * 5)
    assert len(set(FedDynSynthetic(size_sd=0.5).deal("feddyn", 5, streams).train.sizes)) == 5


def test_fedprox_s_alpha_and_beta_are_standard_deviations(streams):
    """Entries of W and b are N(u, 1) with u ~ N(0, alpha): their device means vary by alpha^2 + 1 / 610."""
    data = Synthetic(alpha=2.0, beta=3.0, sizes=Sizes(least=300, most=300)).deal("synthetic", 400, streams)
    assert data.truth.weights.shape == (400, 610)
    assert data.truth.weights.mean(axis=1).std() == pytest.approx(2.0, rel=0.1)
    middles = np.array([own(data.train, one)[0].mean() for one in range(400)])
    assert middles.std() == pytest.approx(3.0, rel=0.1)
    assert (data.train.sizes.tolist(), data.test.sizes.tolist()) == ([270] * 400, [30] * 400)
    spread = np.concatenate([own(data.train, one)[0] - own(data.train, one)[0].mean(axis=0) for one in range(400)])
    assert spread.var(axis=0) == pytest.approx(np.arange(1.0, 61) ** -1.2, rel=0.05)


def test_fedprox_s_zero_zero_is_not_iid_and_the_iid_set_is(streams):
    zero = Synthetic(alpha=0.0, beta=0.0, sizes=SMALL).deal("synthetic", 5, streams)
    assert len(np.unique(zero.truth.weights, axis=0)) == 5
    assert np.std([own(zero.train, one)[0][:, -1].mean() for one in range(5)]) > 0.3
    iid = Synthetic(alpha=0.0, beta=0.0, iid=True, sizes=SMALL).deal("synthetic", 5, streams)
    assert len(np.unique(iid.truth.weights, axis=0)) == 1
    assert abs(iid.train.X.mean()) < 0.05


def test_fedprox_s_labels_are_those_of_each_device_s_own_classifier(streams):
    data = Synthetic(sizes=SMALL).deal("synthetic", 6, streams)
    model = Softmax(features=60, classes=10)
    for one in range(6):
        X, y = own(data.train, one)
        assert np.array_equal(model.predict(data.truth.weights[one : one + 1], X[None])[0], y)


def test_fedprox_s_numbers_are_drawn_in_the_order_of_the_authors_code(streams):
    luck = np.random.RandomState(5)
    sizes = luck.lognormal(4, 2, 3).astype(int) + 50
    centres, middles = luck.normal(0, 0.5, 3), luck.normal(0, 0.7, 3)
    means = [luck.normal(middle, 1, 60) for middle in middles]
    W, b = luck.normal(centres[0], 1, (60, 10)), luck.normal(centres[0], 1, 10)
    X = luck.multivariate_normal(means[0], np.diag(np.arange(1.0, 61) ** -1.2), sizes[0])
    data = Synthetic(alpha=0.5, beta=0.7, seed=5).deal("synthetic", 3, streams)
    assert (data.train.sizes + data.test.sizes).tolist() == sizes.tolist()
    assert np.array_equal(data.truth.weights[0], np.column_stack([W.T, b]).ravel())
    mine = np.vstack([own(data.train, 0)[0], own(data.test, 0)[0]])
    assert np.abs(mine[np.lexsort(mine.T)] - X[np.lexsort(X.T)]).max() < 1e-12
    assert data.train.sizes.tolist() == np.floor(0.9 * sizes).tolist()


def test_inputs_are_those_of_numpy_s_multivariate_normal():
    mean = np.arange(6.0)
    mine = inputs(mean, 50, np.random.RandomState(1))
    numpys = np.random.RandomState(1).multivariate_normal(mean, np.diag(np.arange(1.0, 7) ** -1.2), 50)
    assert np.abs(mine - numpys).max() < 1e-13


@pytest.mark.parametrize(
    ("tasks", "steepness", "optimum"),
    [(5, 541.9, 1053.9119), (10, 608.7, 1976.8686), (15, 629.8, 2409.9168)],
)
def test_low_rank_tasks_are_the_reference_problem_of_the_notes(tasks, steepness, optimum, streams):
    """Seed 0: L = 2 max lmax(X'X), and the minimum of the squared errors plus 50 times the nuclear norm."""
    generator = LinearTasks(relation=LowRank(rank=3), kind="regression", features=50, noise=0.5, seed=0)
    data = generator.deal("amtl", tasks, streams)
    X, y = data.train.X.reshape(tasks, 100, 50), data.train.y.reshape(tasks, 100)
    curvature = 2 * np.linalg.norm(X, 2, axis=(1, 2)).max() ** 2
    assert curvature == pytest.approx(steepness, abs=0.06)
    assert trace_norm_optimum(X, y, curvature, 50.0) == pytest.approx(optimum, abs=1e-4)


def trace_norm_optimum(X, y, L, penalty):
    """FISTA with restarts, 150 steps."""
    w = v = np.zeros((len(X), X.shape[2]))
    best, momentum = np.inf, 1.0
    for _ in range(150):
        gradient = 2 * np.einsum("tnd,tn->td", X, np.einsum("tnd,td->tn", X, v) - y)
        u, s, t = np.linalg.svd(v - gradient / L, full_matrices=False)
        s = np.maximum(s - penalty / L, 0)
        new, later = (u * s) @ t, (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        value = ((np.einsum("tnd,td->tn", X, new) - y) ** 2).sum() + penalty * s.sum()
        if value > best:
            v, momentum = w, 1.0
            continue
        v, w, momentum, best = new + (momentum - 1) / later * (new - w), new, later, value
    return best


def test_common_and_own_parts_have_their_lengths(streams):
    truth = LinearTasks(relation=CommonOwn(own=0.4), features=400).deal("tasks", 30, streams).truth.weights
    assert np.linalg.norm(truth.mean(axis=0)) == pytest.approx(1.0, abs=0.05)
    assert np.linalg.norm(truth - truth.mean(axis=0), axis=1) == pytest.approx(np.full(30, 0.4), abs=0.05)
    same = LinearTasks(relation=CommonOwn(own=0.0)).deal("tasks", 3, streams).truth.weights
    assert np.ptp(same, axis=0).max() == 0.0


def test_clusters_go_in_turn_and_signs_turn_tasks_round(streams):
    truth = LinearTasks(relation=Clustered(clusters=2, spread=0.0), features=9).deal("tasks", 5, streams).truth
    assert truth.group.tolist() == [0, 1, 0, 1, 0]
    assert np.array_equal(truth.weights[0], truth.weights[2])
    assert not np.array_equal(truth.weights[0], truth.weights[1])
    signed = LinearTasks(relation=Clustered(clusters=1, spread=0.0, signs=True), features=9)
    turned = signed.deal("tasks", 30, streams).truth.weights
    same = (turned == turned[0]).all(axis=1)
    assert np.array_equal(turned[~same], np.broadcast_to(-turned[0], turned[~same].shape))
    assert 5 < same.sum() < 25
    near = LinearTasks(relation=Clustered(clusters=1, spread=0.2), features=500).deal("tasks", 9, streams).truth
    assert (near.weights - near.weights.mean(axis=0)).std() == pytest.approx(0.2 * np.sqrt(8 / 9), rel=0.05)


def test_low_rank_tasks_have_their_rank(streams):
    weights = LinearTasks(relation=LowRank(rank=2), features=12).deal("tasks", 9, streams).truth.weights
    assert np.linalg.matrix_rank(weights) == 2


def test_sparse_relations_have_their_precision(streams):
    """Empirical precision of tasks over many features: that of the ring, neighbours tied and others not."""
    relation = SparseRelations(strength=2.0, neighbours=1)
    precision = relation.precision(5)
    assert precision[0].tolist() == [5.0, -2.0, 0.0, 0.0, -2.0]
    assert SparseRelations(neighbours=2, strength=1.0).precision(7)[0].tolist() == [5, -1, -1, 0, 0, -1, -1]
    assert SparseRelations(neighbours=9).precision(3).sum() == pytest.approx(3.0)
    weights = relation.weights(5, 40_000, streams)
    values, vectors = np.linalg.eigh(precision)
    free = np.array([streams("own", task).standard_normal(40_000) for task in range(5)])
    assert np.abs(weights - vectors / np.sqrt(values) @ vectors.T @ free).max() < 1e-12  # the slow way
    empirical = np.linalg.inv(weights @ weights.T / 40_000)
    assert empirical == pytest.approx(precision, abs=0.15)


def test_outliers_are_evenly_spread_related_to_nobody_and_as_long_as_others(streams):
    relation = Clustered(clusters=1, spread=0.0)
    truth = LinearTasks(relation=relation, features=300, outlier_share=0.25).deal("tasks", 12, streams).truth
    assert truth.group.tolist() == [0, 0, 0, -1] * 3
    unit = truth.weights / np.linalg.norm(truth.weights, axis=1, keepdims=True)
    assert np.abs(unit[3] @ unit[:3].T).max() < 0.3
    lengths = np.linalg.norm(truth.weights, axis=1)
    assert lengths[3] == pytest.approx(lengths[0], rel=0.15)
    alone = LinearTasks(relation=relation, outlier_share=1.0).deal("tasks", 3, streams).truth.group
    assert alone.tolist() == [-1, -1, -1]


def test_linear_targets_and_labels_follow_their_weights(streams):
    exact = LinearTasks(kind="regression", features=4).deal("tasks", 3, streams)
    assert (exact.classes, exact.train.y.dtype) == (0, np.float64)
    for one in range(3):
        X, y = own(exact.test, one)
        assert np.allclose(X @ exact.truth.weights[one], y, rtol=0, atol=1e-12)
    noisy = LinearTasks(kind="regression", features=4, noise=0.5, max_examples=4000, min_examples=4000)
    data = noisy.deal("tasks", 1, streams)
    assert (data.train.y - data.train.X @ data.truth.weights[0]).std() == pytest.approx(0.5, rel=0.05)
    flipped = LinearTasks(flip_share=0.2, min_examples=5000, max_examples=5000).deal("tasks", 1, streams)
    told = flipped.train.X @ flipped.truth.weights[0] > 0
    assert (told != flipped.train.y).mean() == pytest.approx(0.2, abs=0.02)


def test_inputs_of_linear_tasks_have_their_scale(streams):
    def rows(scale):
        return LinearTasks(inputs=scale, features=25, min_examples=400, max_examples=400).deal("t", 1, streams).train.X

    assert rows("normal").std() == pytest.approx(1.0, rel=0.03)
    assert rows("scaled").std() == pytest.approx(0.2, rel=0.03)
    assert np.linalg.norm(rows("unit"), axis=1) == pytest.approx(np.ones(400))


def test_numbers_of_examples_lie_where_they_are_said_to(streams):
    sizes = LinearTasks(min_examples=5, max_examples=8, test_examples=3).deal("tasks", 200, streams)
    assert set(sizes.train.sizes.tolist()) == {5, 6, 7, 8}
    assert set(sizes.test.sizes.tolist()) == {3}
    fixed = Synthetic(sizes=Sizes(least=100, most=100)).deal("synthetic", 3, streams)
    assert (fixed.train.sizes + fixed.test.sizes).tolist() == [100] * 3
    longer = Synthetic(sizes=Sizes(size_mean=6.0, size_sd=0.0, least=2)).deal("synthetic", 2, streams)
    assert (longer.train.sizes + longer.test.sizes).tolist() == [405, 405]  # int(e^6) + 2


def parted_slow(whole, tests, streams):
    """The definition: of all examples, those of a device's permutation that come first are for testing."""
    test = np.zeros(len(whole.y), dtype=np.bool_)
    for one, count in enumerate(tests):
        test[whole.offsets[one] + streams("data", "split", one).permutation(whole.sizes[one])[:count]] = True
    return [Examples.of(whole.X[some], whole.y[some], whole.device[some], whole.devices) for some in (~test, test)]


@settings(deadline=None, max_examples=30)
@given(sizes=st.lists(st.integers(2, 12), min_size=1, max_size=5), seed=st.integers(0, 99), data=st.data())
def test_examples_parted_as_they_are_made_are_those_parted_afterwards(sizes, seed, data):
    tests = np.array([data.draw(st.integers(1, size - 1)) for size in sizes])
    rng, luck = np.random.default_rng(seed), Simulation(seed=seed).rng
    whole = Flat(np.array(sizes), 3, classes=True)
    room = Parted(np.array(sizes), tests, 3, luck)
    for one, size in enumerate(sizes):
        X, y = rng.normal(size=(size, 3)), rng.integers(0, 4, size)
        whole.put(one, X, y)
        room.put(one, X, y)
    for found, expected in zip(room.parts(), parted_slow(whole.examples(), tests, luck), strict=True):
        assert np.array_equal(found.X, expected.X)
        assert np.array_equal(found.y, expected.y)
        assert np.array_equal(found.offsets, expected.offsets)


def test_what_would_not_fit_into_memory_is_refused_before_it_is_made():
    sizes = np.array([10_000_000])
    with pytest.raises(FedsimError, match="would need 80 GB: take fewer devices"):
        Flat(sizes, 1000, classes=True)
    with pytest.raises(FedsimError, match="would need 80 GB: take fewer devices"):
        Parted(sizes, sizes // 2, 1000, streams=None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sizes(size_sd=-1.0), "size_sd"),
        (lambda: Sizes(size_mean=np.inf), "size_mean"),
        (lambda: Sizes(least=1), "least must be >= 2"),
        (lambda: Sizes(least=5, most=4), "most must be >= least, 5, got 4"),
        (lambda: Synthetic(alpha=np.nan), "alpha and beta"),
        (lambda: Synthetic(beta=-1.0), "alpha and beta"),
        (lambda: Synthetic(classes=1), "2 classes"),
        (lambda: Synthetic(train_share=1.0), "train_share"),
        (lambda: Synthetic(seed=-1), "seed must be between 0"),
        (lambda: FedDynSynthetic(input_spread=-1.0), "input_spread must be >= 0"),
        (lambda: FedDynSynthetic(examples=1), "2 examples"),
        (lambda: FedDynSynthetic(test_share=0.0), "test_share"),
        (lambda: FedDynSynthetic(seed=2**32), "seed"),
        (lambda: FedEmMixture(components=0), "at least 1 component"),
        (lambda: FedEmMixture(alpha=0.0), "alpha must be > 0"),
        (lambda: FedEmMixture(noise=np.nan), "noise"),
        (lambda: FedEmMixture(seed=1, test_examples=5001), "<= 5000 with a seed, got 5001"),
        (lambda: LinearTasks(features=0), "at least 1 feature"),
        (lambda: LinearTasks(min_examples=5, max_examples=4), "min_examples"),
        (lambda: LinearTasks(noise=-1.0), "noise"),
        (lambda: LinearTasks(flip_share=1.1), "flip_share"),
        (lambda: LinearTasks(outlier_share=-0.1), "outlier_share"),
        (lambda: LinearTasks(kind="regression", flip_share=0.1), "for classification"),
        (lambda: LinearTasks(seed=-1), "seed"),
        (lambda: CommonOwn(own=-1.0), "own"),
        (lambda: Clustered(clusters=0), "clusters"),
        (lambda: Clustered(spread=np.nan), "spread"),
        (lambda: LowRank(rank=0), "rank"),
        (lambda: SparseRelations(strength=-1.0), "strength"),
        (lambda: SparseRelations(neighbours=0), "neighbours"),
    ],
)
def test_parameters_out_of_range_are_refused(make, message):
    with pytest.raises(FedsimError, match=message):
        make()
