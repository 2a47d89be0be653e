"""E and M steps by hand, and against an EM that knows its M step exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.learners.em import example_losses, expect, likelihood, negative_log_likelihood, settle
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.logistic import Logistic
from fedsim.tasks.mixture import Mixture
from fedsim.tasks.softmax import Softmax
from fedsim.tasks.svm import LinearSvm


@pytest.mark.parametrize(
    ("pi", "q"), [((0.5, 0.5), (0.731059, 0.268941)), ((0.2, 0.8), (0.404610, 0.595390))], ids=["equal", "skewed"]
)
def test_responsibilities_by_hand(pi, q):
    found = expect(np.array([[0.1, 1.1]]), np.array([pi]), np.array([1]))
    assert found.responsibilities[0] == pytest.approx(q, abs=1e-6)
    assert np.array_equal(found.weights, found.responsibilities)


def test_one_component_is_responsible_for_everything():
    found = expect(np.array([[0.3], [90.0], [1.7]]), np.ones((2, 1)), np.array([2, 1]))
    assert np.array_equal(found.responsibilities, np.ones((3, 1)))
    assert np.array_equal(found.weights, np.ones((2, 1)))


@settings(deadline=None, max_examples=30)
@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_an_e_step_is_bayes_rule(sizes, seed):
    """The definition, one example at a time; huge losses do not overflow."""
    rng = np.random.default_rng(seed)
    losses = rng.exponential(3.0, size=(sum(sizes), 3)) + 800.0
    pi = rng.dirichlet(np.ones(3), size=len(sizes))
    found = expect(losses, pi, np.array(sizes))
    owner = np.repeat(np.arange(len(sizes)), sizes)
    likely = pi[owner] * np.exp(-(losses - 800.0))
    assert np.allclose(found.responsibilities, likely / likely.sum(axis=1, keepdims=True), rtol=1e-12)
    means = [found.responsibilities[owner == t].mean(axis=0) for t in range(len(sizes))]
    assert np.allclose(found.weights, means, rtol=1e-12)
    assert negative_log_likelihood(losses, pi, np.array(sizes)) == pytest.approx(
        800.0 - np.log(likely.sum(axis=1)).mean()
    )


def test_identical_components_leave_the_weights_alone():
    pi = np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]])
    found = expect(np.repeat([[0.4], [2.0], [9.0]], 3, axis=1), pi, np.array([2, 1]))
    assert np.allclose(found.responsibilities, pi[[0, 0, 1]], rtol=1e-14)
    assert np.allclose(found.weights, pi, rtol=1e-14)


def settle_slow(losses, sizes):
    """The definition: one E step after the other, example by example."""
    owner, likely = np.repeat(np.arange(len(sizes)), sizes), np.exp(losses.min(axis=1, keepdims=True) - losses)
    pi = np.full((len(sizes), losses.shape[1]), 1 / losses.shape[1])
    for _ in range(200):
        q = pi[owner] * likely
        q /= q.sum(axis=1, keepdims=True)
        pi = np.add.reduceat(q, np.cumsum(sizes) - sizes, axis=0) / sizes[:, None]
    return pi


@settings(deadline=None, max_examples=25)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=6), components=st.integers(1, 9), seed=st.integers(0, 99)
)
def test_weights_settle_as_they_do_example_by_example(sizes, components, seed):
    """To the last bit for up to seven components, from which on NumPy adds a row's numbers in pairs."""
    losses = np.random.default_rng(seed).exponential(3.0, size=(sum(sizes), components))
    found, expected = settle(losses, np.array(sizes)), settle_slow(losses, np.array(sizes))
    assert np.allclose(found, expected, rtol=0, atol=1e-13)
    assert components > 7 or np.array_equal(found, expected)


def test_weights_settle_where_e_steps_lead():
    rng = np.random.default_rng(3)
    losses, sizes = rng.exponential(2.0, size=(30, 3)), np.array([10, 20])
    pi = np.full((2, 3), 1 / 3)
    before = negative_log_likelihood(losses, pi, sizes)
    for _ in range(200):
        pi = expect(losses, pi, sizes).weights
        after = negative_log_likelihood(losses, pi, sizes)
        assert after <= before + 1e-12
        before = after
    assert np.allclose(settle(losses, sizes), pi, atol=1e-12)


def test_an_exact_m_step_never_lets_the_objective_rise():
    """Linear-Gaussian clients, two components, least squares weighted by q and pooled over clients as M step."""
    rng = np.random.default_rng(5)
    sizes = rng.integers(5, 40, size=8)
    device = np.repeat(np.arange(8), sizes)
    X, component = rng.normal(size=(len(device), 4)), rng.random(len(device)) < rng.random(8)[device]
    truth = 3 * rng.normal(size=(2, 4))
    y = (X * truth[component.astype(int)]).sum(axis=1) + rng.normal(size=len(device))
    data, model = Examples.of(X, y, device, 8), LeastSquares(features=4)
    theta, pi = rng.normal(size=(2, 4)), np.full((8, 2), 0.5)
    objectives = []
    for _ in range(30):
        losses = example_losses(model, data, np.arange(8), np.broadcast_to(theta, (8, 2, 4)))
        objectives.append(negative_log_likelihood(losses, pi, sizes))
        q, pi = expect(losses, pi, sizes)
        theta = np.stack([np.linalg.solve((X.T * q[:, m]) @ X, (X.T * q[:, m]) @ y) for m in range(2)])
    assert (np.diff(objectives) <= 1e-9).all()
    assert objectives[-1] < objectives[0] - 1.0
    nearest = np.abs(theta[:, None] - truth).max(axis=2).min(axis=1)
    assert (nearest < 0.5).all()


MODELS = [Softmax(features=3, classes=4, l2=0.5), Logistic(features=3, l2=0.5), LeastSquares(features=3, bias=True)]


def batch_for(model, devices=4, examples=5):
    rng = np.random.default_rng(1)
    shape = (devices, examples)
    y = rng.integers(0, model.classes, shape) if model.classes else rng.normal(size=shape)
    return rng.normal(size=(devices, model.parameters)), rng.normal(size=(*shape, 3)), y


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_losses_of_examples_add_up_to_the_loss_without_its_penalty(model):
    w, x, y = batch_for(model)
    weight = np.random.default_rng(2).random(y.shape)
    own = (weight * model.losses(w, x, y)).sum(axis=1)
    penalty = model.loss(w, x, y, np.zeros_like(weight))
    assert np.allclose(own + penalty, model.loss(w, x, y, weight), rtol=1e-12)


@pytest.mark.parametrize("model", MODELS[:2], ids=repr)
def test_probabilities_are_those_that_the_losses_speak_of(model):
    w, x, y = batch_for(model)
    p = model.probabilities(w, x)
    assert np.allclose(p.sum(axis=2), 1.0)
    assert np.allclose(-np.log(np.take_along_axis(p, y[:, :, None], axis=2)[:, :, 0]), model.losses(w, x, y))
    assert np.array_equal(p.argmax(axis=2), model.predict(w, x))


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_a_device_s_losses_and_mixture_do_not_depend_on_its_company(model):
    rng = np.random.default_rng(0)
    sizes = np.array([3, 7, 3, 5, 3])
    y = rng.integers(0, 2, sizes.sum()) if model.classes else rng.normal(size=sizes.sum())
    data = Examples.of(rng.normal(size=(sizes.sum(), 3)), y, np.repeat(np.arange(5), sizes), 5)
    theta, pi = rng.normal(size=(5, 2, model.parameters)), rng.dirichlet([1, 1], size=5)
    devices = np.array([4, 1, 2, 0, 3])
    together = example_losses(model, data, devices, theta[devices])
    alone = [example_losses(model, data, np.array([t]), theta[[t]]) for t in devices]
    assert np.array_equal(together, np.concatenate(alone))
    mixture = Mixture(base=model, components=2)
    w, x = mixture.join(theta, pi), rng.normal(size=(5, 6, 3))
    each = [mixture.predict(w[[t]], x[[t]]) for t in range(5)]
    assert np.array_equal(mixture.predict(w, x), np.concatenate(each))


def test_a_mixture_mixes_probabilities_and_neither_scores_nor_parameters():
    """Three hesitant components for class 1 against one that is sure of class 0."""
    model = Logistic(features=1, bias=False)
    theta, pi = np.array([[[0.5], [0.5], [0.5], [-9.0]]]), np.full((1, 4), 0.25)
    mixture = Mixture(base=model, components=4)
    x = np.ones((1, 1, 1))
    assert model.predict(theta.mean(axis=1), x)[0, 0] == 0
    mean = (3 / (1 + np.exp(-0.5)) + 1 / (1 + np.exp(9.0))) / 4
    assert mean < 0.5
    assert mixture.predict(mixture.join(theta, pi), x)[0, 0] == 0
    sure = np.array([[0.3, 0.3, 0.3, 0.1]])  # 0.9 * 0.622 = 0.56: now the vote is for class 1, the mean score is not
    assert (sure * theta[:, :, 0]).sum() < 0
    assert mixture.predict(mixture.join(theta, sure), x)[0, 0] == 1


def test_a_mixture_of_regressions_predicts_the_mean():
    mixture = Mixture(base=LeastSquares(features=1), components=2)
    w = mixture.join(np.array([[[1.0], [5.0]]]), np.array([[0.25, 0.75]]))
    assert mixture.predict(w, np.array([[[1.0], [2.0]]])).tolist() == [[4.0, 8.0]]


def test_what_has_no_probabilities_cannot_be_mixed():
    with pytest.raises(FedsimError, match="LinearSvm has none"):
        likelihood(LinearSvm(features=3, classes=2))
