import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from fedsim.errors import FedsimError
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import Quality, mean_losses, quality, scores
from fedsim.tasks.softmax import Softmax


def problem_of(sizes, seed=0):
    rng = np.random.default_rng(seed)
    n, m = sum(sizes), len(sizes)
    part = Examples.of(rng.normal(size=(n, 3)), rng.integers(0, 4, n), np.repeat(np.arange(m), sizes), m)
    return Problem(model=Softmax(features=3, classes=4, l2=0.1), train=part, test=part)


def test_some_devices_at_a_time():
    """Device t has t of 10 examples of class 1, which is all that the model ever answers."""
    y = np.concatenate([np.repeat([1, 0], [hits, 10 - hits]) for hits in range(11)])
    part = Examples.of(np.ones((110, 1)), y, np.repeat(np.arange(11), 10), 11)
    problem = Problem(model=Softmax(features=1, classes=2), train=part, test=part)
    always_one = np.broadcast_to([0.0, 0.0, 1.0, 0.0], (11, 4))
    found = scores(problem, always_one, problem.test, problem.model)
    high, low = found.quality(np.array([10, 9, 8])), found.quality(np.array([0, 1]))
    assert (high.accuracy, high.mean_accuracy, high.worst_tenth) == pytest.approx((0.9, 0.9, 0.8))
    assert high.bottom_decile == pytest.approx(0.82)
    assert (low.accuracy, low.worst_tenth) == (0.05, 0.0)


def quality_slow(problem, models):
    """One device at a time, one example at a time."""
    shares, right = [], 0
    for device in range(problem.devices):
        W = models[device].reshape(4, 4)
        rows = problem.test.rows(device)
        hits = [
            int(np.argmax(W[:, :3] @ x + W[:, 3]) == y)
            for x, y in zip(problem.test.X[rows], problem.test.y[rows], strict=True)
        ]
        shares.append(sum(hits) / len(hits))
        right += sum(hits)
    worst = sorted(shares)[: int(np.ceil(len(shares) / 10))]
    return right / len(problem.test.y), float(np.mean(shares)), float(np.mean(worst))


@settings(deadline=None, max_examples=30)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=25), shared=st.booleans())
def test_it_is_the_count_of_right_answers(sizes, shared):
    problem = problem_of(sizes)
    models = np.random.default_rng(1).normal(size=(len(sizes), 16))
    if shared:
        models = np.broadcast_to(models[0], models.shape)
    found = quality(problem, models)
    expected = quality_slow(problem, models)
    assert (found.accuracy, found.mean_accuracy, found.worst_tenth) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("rows", [255, 256, 1000, 4096, 5000])
def test_many_examples_of_a_shared_model_are_all_counted(rows):
    problem = problem_of([rows, 1])
    model = np.random.default_rng(1).normal(size=16)
    shared, own = np.broadcast_to(model, (2, 16)), np.stack([model, model])
    assert quality(problem, shared) == quality(problem, own)


def test_the_worst_tenth_of_eleven_devices_are_two():
    """Device t has t of 10 examples of class 1, which is all that the model ever answers."""
    y = np.concatenate([np.repeat([1, 0], [hits, 10 - hits]) for hits in range(11)])
    part = Examples.of(np.ones((110, 1)), y, np.repeat(np.arange(11), 10), 11)
    problem = Problem(model=Softmax(features=1, classes=2, bias=False), train=part, test=part)
    always_one = np.broadcast_to(np.array([0.0, 1.0]), (11, 2))
    assert quality(problem, always_one) == Quality(accuracy=0.5, mean_accuracy=0.5, worst_tenth=0.05, bottom_decile=0.1)


def test_quality_is_of_the_test_examples():
    train = Examples.of(np.ones((2, 1)), np.array([0, 0]), np.array([0, 1]), 2)
    test = Examples.of(np.ones((2, 1)), np.array([1, 1]), np.array([0, 1]), 2)
    problem = Problem(model=Softmax(features=1, classes=2, bias=False), train=train, test=test)
    assert quality(problem, np.array([[0.0, 1.0], [0.0, 1.0]])).accuracy == 1.0


@pytest.mark.parametrize("sizes", [[4, 2, 4], [5000, 1, 300]])
@pytest.mark.parametrize("shared", [True, False])
def test_mean_losses_are_each_devices_own(sizes, shared):
    problem = problem_of(sizes)
    models = np.random.default_rng(1).normal(size=(3, 16))
    if shared:
        models = np.broadcast_to(models[0], models.shape)
    for device, loss in enumerate(mean_losses(problem.model, models, problem.train)):
        rows = problem.train.rows(device)
        X, y = problem.train.X[None, rows], problem.train.y[None, rows]
        weight = np.full(y.shape, 1 / y.size)
        assert loss == pytest.approx(problem.model.loss(models[device : device + 1], X, y, weight)[0])


def regression_of(sizes, seed=0):
    rng = np.random.default_rng(seed)
    n, m = sum(sizes), len(sizes)
    part = Examples.of(rng.normal(size=(n, 3)), rng.normal(size=n), np.repeat(np.arange(m), sizes), m)
    return Problem(model=LeastSquares(features=3, bias=True), train=part, test=part)


@pytest.mark.parametrize("shared", [True, False])
def test_a_regression_is_judged_by_the_variance_it_explains(shared):
    problem = regression_of([4, 1, 7])
    models = np.random.default_rng(1).normal(size=(3, 4)) * 0.1
    if shared:
        models = np.broadcast_to(models[0], models.shape)
    own = models[problem.test.device]
    answers = (own[:, :3] * problem.test.X).sum(axis=1) + own[:, 3]
    found = quality(problem, models)
    assert found.accuracy == pytest.approx(r2_score(problem.test.y, answers), abs=1e-12)
    share = 1 - (answers - problem.test.y) ** 2 / problem.test.y.var()
    each = [share[problem.test.rows(device)].mean() for device in range(3)]
    assert (found.mean_accuracy, found.worst_tenth) == pytest.approx((np.mean(each), min(each)), abs=1e-12)


def test_targets_that_are_all_the_same_can_not_be_explained():
    part = Examples.of(np.ones((2, 1)), np.array([0.5, 0.5]), np.array([0, 1]), 2)
    problem = Problem(model=LeastSquares(features=1), train=part, test=part)
    with pytest.raises(FedsimError, match="all the same"):
        quality(problem, np.zeros((2, 1)))
