import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.tasks.datasets import load
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.partition import iid
from fedsim.tasks.problem import Problem, deal
from fedsim.tasks.softmax import Softmax


def examples_of(devices, features=2, label=0):
    y = np.full(devices, label)
    return Examples.of(np.zeros((devices, features)), y, np.arange(devices), devices)


def test_dealing_uses_every_row_once():
    iris = load("iris")
    device = iid(150, 7, np.random.default_rng(0))
    problem = deal(iris, device, Softmax(features=4, classes=3), 0.25, np.random.default_rng(1))
    assert (problem.devices, problem.name) == (7, "iris")
    assert (problem.sizes + problem.test.sizes).tolist() == np.bincount(device).tolist()
    rows = np.column_stack(
        [np.vstack([problem.train.X, problem.test.X]), np.concatenate([problem.train.y, problem.test.y])]
    )
    whole = np.column_stack([iris.X, iris.y])
    assert np.array_equal(rows[np.lexsort(rows.T)], whole[np.lexsort(whole.T)])
    assert problem.test.sizes.min() >= 5


def test_rows_go_to_their_own_device():
    iris = load("iris")
    device = iid(150, 3, np.random.default_rng(0))
    problem = deal(iris, device, Softmax(features=4, classes=3), 0.5, np.random.default_rng(1))
    for number in range(3):
        own = {tuple(row) for row in iris.X[device == number]}
        assert {tuple(row) for row in problem.train.X[problem.train.rows(number)]} <= own
        assert {tuple(row) for row in problem.test.X[problem.test.rows(number)]} <= own


def test_what_does_not_fit_together_is_refused():
    model = Softmax(features=2, classes=2)
    with pytest.raises(FedsimError, match="3 devices have training examples and 2"):
        Problem(model=model, train=examples_of(3), test=examples_of(2))
    with pytest.raises(FedsimError, match="takes 2 features, the examples have 5"):
        Problem(model=model, train=examples_of(3), test=examples_of(3, features=5))
    with pytest.raises(FedsimError, match="whole numbers from 0 to 1"):
        Problem(model=model, train=examples_of(3), test=examples_of(3, label=2))
    with pytest.raises(FedsimError, match="whole numbers from 0 to 1"):
        Problem(model=model, train=examples_of(3), test=examples_of(3, label=0.5))


def test_a_regression_takes_any_target():
    part = examples_of(3, label=0.5)
    assert Problem(model=LeastSquares(features=2), train=part, test=part).devices == 3
