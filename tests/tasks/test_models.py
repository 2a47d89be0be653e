"""Models against finite differences, scikit-learn, and a device at a time."""

import numpy as np
import pytest
from sklearn import linear_model
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from fedsim.errors import FedsimError
from fedsim.tasks.datasets import load
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.logistic import Logistic
from fedsim.tasks.losses import Hinge, Squared, SquaredHinge
from fedsim.tasks.ridge import Ridge
from fedsim.tasks.softmax import Softmax
from fedsim.tasks.svm import LinearSvm

MODELS = [
    Softmax(features=5, classes=4),
    Softmax(features=5, classes=2, bias=False, l2=0.3),
    Softmax(features=5, classes=3, l2=0.7),
    LinearSvm(features=5, classes=4),
    LinearSvm(features=5, classes=2, bias=False),
    LinearSvm(features=5, classes=4, l2=0.4),
    LinearSvm(features=5, classes=3, margin_loss=Hinge(smoothing=0.7), l2=0.2),
    LinearSvm(features=5, classes=3, margin_loss=SquaredHinge()),
    LinearSvm(features=5, classes=2, margin_loss=Squared()),
    Logistic(features=5),
    Logistic(features=5, bias=False, l2=0.3),
    LeastSquares(features=5),
    LeastSquares(features=5, bias=True),
    LeastSquares(features=5, bias=True, l2=0.3),
    Ridge(features=5),
]


def batch_for(model, devices=3, examples=6, seed=0):
    rng = np.random.default_rng(seed)
    w = rng.normal(size=(devices, model.parameters))
    x = rng.normal(size=(devices, examples, model.features))
    shape = (devices, examples)
    y = rng.integers(0, model.classes, shape) if model.classes else rng.normal(size=shape)
    weight = rng.random(shape) * (rng.random(shape) < 0.8)  # some weigh nothing
    return w, x, y, weight


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_the_gradient_is_the_slope_of_the_loss(model):
    w, x, y, weight = batch_for(model)
    gradient = model.gradient(w, x, y, weight)
    for j in range(model.parameters):
        step = np.zeros(model.parameters)
        step[j] = 1e-6
        slope = (model.loss(w + step, x, y, weight) - model.loss(w - step, x, y, weight)) / 2e-6
        assert np.allclose(gradient[:, j], slope, atol=1e-6)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_device_is_treated_the_same_alone_and_in_company(model):
    w, x, y, weight = batch_for(model, devices=7, examples=10)
    together = model.gradient(w, x, y, weight)
    for i in range(7):
        own = slice(i, i + 1)
        assert np.array_equal(together[own], model.gradient(w[own], x[own], y[own], weight[own]))
        assert np.array_equal(model.loss(w, x, y, weight)[own], model.loss(w[own], x[own], y[own], weight[own]))
        assert np.array_equal(model.predict(w, x)[own], model.predict(w[own], x[own]))


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_an_example_of_weight_zero_does_not_matter(model):
    w, x, y, weight = batch_for(model)
    weight[:, 0] = 0.0
    other = x.copy()
    other[:, 0] += 5.0
    assert np.allclose(model.loss(w, x, y, weight), model.loss(w, other, y, weight), rtol=1e-14)
    assert np.allclose(model.gradient(w, x, y, weight), model.gradient(w, other, y, weight), atol=1e-13)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_all_weights_start_at_zero(model):
    assert np.array_equal(model.init(np.random.default_rng(0)), np.zeros(model.parameters))


def test_parameters_and_operations():
    assert Softmax(features=60, classes=10).parameters == 610
    assert Softmax(features=60, classes=10, bias=False).parameters == 600
    assert LinearSvm(features=64, classes=10).parameters == 650
    assert LinearSvm(features=100, classes=2, bias=False).parameters == 100
    assert LeastSquares(features=28, bias=True).parameters == 29
    assert Softmax(features=60, classes=10).forward_flops == 1220.0
    assert LinearSvm(features=64, classes=10).forward_flops == 1300.0
    assert Logistic(features=60).parameters == 61
    assert LeastSquares(features=28).forward_flops == 56.0
    assert Logistic(features=60).forward_flops == 122.0
    assert all(model.backward_flops == 2 * model.forward_flops for model in MODELS)


def test_softmax_has_its_minimum_where_scikit_learn_finds_it():
    iris = load("iris")
    l2 = 0.05
    reference = LogisticRegression(C=1 / (l2 * 150), tol=1e-12, max_iter=5000).fit(iris.X, iris.y)
    model = Softmax(features=4, classes=3, l2=l2)
    w = np.column_stack([reference.coef_, reference.intercept_]).reshape(1, -1)
    weight = np.full((1, 150), 1 / 150)
    assert np.abs(model.gradient(w, iris.X[None], iris.y[None], weight)).max() < 1e-6
    assert np.array_equal(model.predict(w, iris.X[None])[0], reference.predict(iris.X))


def test_logistic_has_its_minimum_where_scikit_learn_finds_it():
    data, l2 = load("breast_cancer"), 0.02
    reference = LogisticRegression(C=1 / (l2 * 569), tol=1e-10, max_iter=5000).fit(data.X, data.y)
    model = Logistic(features=30, l2=l2)
    w = np.append(reference.coef_, reference.intercept_)[None]
    assert np.abs(model.gradient(w, data.X[None], data.y[None], np.full((1, 569), 1 / 569))).max() < 1e-6
    assert np.array_equal(model.predict(w, data.X[None])[0], reference.predict(data.X))


def test_logistic_is_softmax_of_half_the_weights_each_way():
    """Two rows w / 2 and - w / 2 tell the classes apart as the one row w does."""
    w, x, y, weight = batch_for(Logistic(features=5))
    two_rows = np.concatenate([-w / 2, w / 2], axis=1)
    softmax = Softmax(features=5, classes=2)
    assert np.allclose(Logistic(features=5).loss(w, x, y, weight), softmax.loss(two_rows, x, y, weight), rtol=1e-12)
    by_row = softmax.gradient(two_rows, x, y, weight)
    assert np.allclose(Logistic(features=5).gradient(w, x, y, weight), by_row[:, 6:], rtol=1e-12, atol=1e-15)


def test_squared_hinge_has_its_minimum_where_scikit_learn_finds_it():
    iris, C = load("iris"), 0.1
    reference = LinearSVC(C=C, tol=1e-12, max_iter=200_000, fit_intercept=False).fit(iris.X, iris.y)
    model = LinearSvm(features=4, classes=3, bias=False, margin_loss=SquaredHinge(), l2=1.0)
    w = reference.coef_.reshape(1, -1)
    assert np.abs(model.gradient(w, iris.X[None], iris.y[None], np.full((1, 150), C))).max() < 1e-6
    assert np.array_equal(model.predict(w, iris.X[None])[0], reference.predict(iris.X))


def test_ridge_has_its_minimum_where_scikit_learn_finds_it():
    rng = np.random.default_rng(0)
    x, y, l2 = rng.normal(size=(40, 3)), rng.normal(size=40) + 5.0, 0.1
    reference = linear_model.Ridge(alpha=40 * l2).fit(x, y)
    w = np.append(reference.coef_, reference.intercept_)[None]
    model = Ridge(features=3, bias=True, l2=l2)
    assert np.abs(model.gradient(w, x[None], y[None], np.full((1, 40), 1 / 40))).max() < 1e-12


def test_svm_has_its_minimum_where_scikit_learn_finds_it():
    """For the squared weights that its solver penalises, the subgradients of loss and penalty add up to nearly 0."""
    data = load("breast_cancer")
    reference = LinearSVC(C=0.01, loss="hinge", tol=1e-10, max_iter=200_000, fit_intercept=False)
    w = reference.fit(data.X, data.y).coef_
    model = LinearSvm(features=30, classes=2, bias=False, l2=1.0)
    assert np.array_equal(model.predict(w, data.X[None])[0], reference.predict(data.X))

    def objective(v):
        return float(model.loss(v, data.X[None], data.y[None], np.full((1, 569), 0.01))[0])

    rng = np.random.default_rng(0)
    steps = rng.normal(size=(50, 1, 30)) * 1e-2
    assert all(objective(w + step) > objective(w) for step in steps)


def test_least_squares_has_its_minimum_where_scikit_learn_finds_it():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)), rng.normal(size=40)
    reference = LinearRegression().fit(x, y)
    w = np.append(reference.coef_, reference.intercept_)[None]
    model = LeastSquares(features=3, bias=True)
    assert np.abs(model.gradient(w, x[None], y[None], np.full((1, 40), 1 / 40))).max() < 1e-12
    assert np.allclose(model.predict(w, x[None])[0], reference.predict(x))


def test_svm_rows_answer_for_their_own_class():
    y = np.array([0, 2, 1])
    assert LinearSvm(features=1, classes=3).targets(y).tolist() == [[1, -1, -1], [-1, -1, 1], [-1, 1, -1]]
    assert LinearSvm(features=1, classes=2).targets(np.array([0, 1])).tolist() == [[-1], [1]]


def test_softmax_does_not_overflow():
    model = Softmax(features=1, classes=2, bias=False)
    w, x = np.array([[1000.0, -1000.0]]), np.ones((1, 1, 1))
    assert model.loss(w, x, np.array([[1]]), np.ones((1, 1))).tolist() == [2000.0]
    assert model.gradient(w, x, np.array([[1]]), np.ones((1, 1))).tolist() == [[1.0, -1.0]]


@pytest.mark.parametrize("model", [Softmax, LinearSvm])
def test_one_class_is_no_classification(model):
    with pytest.raises(FedsimError, match="classes must be >= 2"):
        model(features=2, classes=1)


@pytest.mark.parametrize("model", [Softmax, LinearSvm, Logistic])
@pytest.mark.parametrize("l2", [-1.0, float("nan"), float("inf")])
def test_l2_must_not_be_negative(model, l2):
    with pytest.raises(FedsimError, match="l2"):
        model(features=2, classes=2, l2=l2)


@pytest.mark.parametrize(("model", "l2"), [(LeastSquares, -1.0), (Ridge, float("nan")), (Ridge, 0.0)])
def test_l2_of_a_regression(model, l2):
    with pytest.raises(FedsimError, match="l2"):
        model(features=2, l2=l2)


def test_logistic_tells_two_classes_apart():
    with pytest.raises(FedsimError, match="2 classes apart, got 3: take softmax"):
        Logistic(features=2, classes=3)


@pytest.mark.parametrize("model", [Softmax(features=1, classes=2, l2=1.0), Logistic(features=1, l2=1.0)], ids=repr)
def test_biases_are_free_of_penalty(model):
    x, y, nothing = np.ones((1, 1, 1)), np.zeros((1, 1), dtype=np.int64), np.zeros((1, 1))
    w = np.array([[3.0, 100.0] * (model.parameters // 2)])
    assert model.loss(w, x, y, nothing)[0] == 4.5 * (model.parameters // 2)
    assert model.gradient(w, x, y, nothing).tolist() == [[3.0, 0.0] * (model.parameters // 2)]
