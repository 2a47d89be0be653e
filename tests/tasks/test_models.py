"""Models against finite differences, scikit-learn, and a device at a time."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from fedsim.errors import FedsimError
from fedsim.tasks.datasets import load
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.softmax import Softmax
from fedsim.tasks.svm import LinearSvm

MODELS = [
    Softmax(features=5, classes=4),
    Softmax(features=5, classes=2, bias=False, l2=0.3),
    Softmax(features=5, classes=3, l2=0.7),
    LinearSvm(features=5, classes=4),
    LinearSvm(features=5, classes=2, bias=False),
    LeastSquares(features=5),
    LeastSquares(features=5, bias=True),
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
    assert LeastSquares(features=28).forward_flops == 56.0


def test_softmax_has_its_minimum_where_scikit_learn_finds_it():
    iris = load("iris")
    l2 = 0.05
    reference = LogisticRegression(C=1 / (l2 * 150), tol=1e-12, max_iter=5000).fit(iris.X, iris.y)
    model = Softmax(features=4, classes=3, l2=l2)
    w = np.column_stack([reference.coef_, reference.intercept_]).reshape(1, -1)
    weight = np.full((1, 150), 1 / 150)
    assert np.abs(model.gradient(w, iris.X[None], iris.y[None], weight)).max() < 1e-6
    assert np.array_equal(model.predict(w, iris.X[None])[0], reference.predict(iris.X))


def test_svm_has_its_minimum_where_scikit_learn_finds_it():
    """For the squared weights that its solver penalises, the subgradients of loss and penalty add up to nearly 0."""
    data = load("breast_cancer")
    reference = LinearSVC(C=0.01, loss="hinge", tol=1e-10, max_iter=200_000, fit_intercept=False)
    w = reference.fit(data.X, data.y).coef_
    model = LinearSvm(features=30, classes=2, bias=False)
    assert np.array_equal(model.predict(w, data.X[None])[0], reference.predict(data.X))

    def objective(v):
        loss = model.loss(v, data.X[None], data.y[None], np.full((1, 569), 0.01))
        return float(loss[0] + 0.5 * (v**2).sum())

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


def test_l2_must_not_be_negative():
    with pytest.raises(FedsimError, match="l2"):
        Softmax(features=2, classes=2, l2=float("nan"))
