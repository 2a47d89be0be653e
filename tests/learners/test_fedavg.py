"""FedAvg against the numbers and properties of McMahan et al. 2017, and against plain SGD."""

import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.learners.fedavg import FedAvg
from fedsim.tasks.datasets import load
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.partition import dirichlet
from fedsim.tasks.problem import Problem, deal
from fedsim.tasks.quality import quality
from fedsim.tasks.sgd import Sgd
from fedsim.tasks.softmax import Softmax


@pytest.fixture
def two_clients():
    """F_1 = w^2 / 2 and F_2 = 9 (w - 10)^2 / 2: one example each, (x, y) = (1, 0) and (3, 30)."""
    both = Examples.of(np.array([[1.0], [3.0]]), np.array([0.0, 30.0]), np.array([0, 1]), 2)
    return Problem(model=LeastSquares(features=1), train=both, test=both)


@pytest.fixture(scope="module")
def digits():
    data = load("digits")
    device = dirichlet(data.y, 12, 0.5, np.random.default_rng(0))
    return deal(data, device, Softmax(features=64, classes=10, l2=1e-3), 0.2, np.random.default_rng(1))


def full_batch(epochs):
    return Sgd(epochs=epochs, batch_size=None, step_size=0.05)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize(
    ("epochs", "iterates", "limit"),
    [
        (1, [2.25, 3.9375, 5.20312, 6.15234, 6.86426], 9.0),
        (10, [4.98734, 6.48670, 6.93746, 7.07298, 7.11372], 7.131233),
    ],
    ids=["FedSGD", "FedAvg"],
)
def test_two_clients_by_hand(rounds, two_clients, *, precision, epochs, iterates, limit):
    run = rounds(FedAvg(solver=full_batch(epochs), precision=precision), two_clients)
    for iterate in iterates:
        run.play()
        assert run.state[0] == pytest.approx(iterate, abs=1e-5)
    for _ in range(95):
        run.play()
    assert run.state[0] == pytest.approx(limit, abs=1e-5)


def test_fedsgd_averages_gradients(rounds, digits):
    """One step of all local data: averaging models is a step of gradient descent on the pooled data."""
    run = rounds(FedAvg(solver=full_batch(1), precision="float64"), digits)
    w = digits.model.init(np.random.default_rng(0))
    pooled = np.full((1, len(digits.train.y)), 1 / len(digits.train.y))
    for _ in range(5):
        run.play()
        w = w - 0.05 * digits.model.gradient(w[None], digits.train.X[None], digits.train.y[None], pooled)[0]
        assert np.allclose(run.state, w, rtol=1e-6, atol=1e-12)


def test_one_client_is_plain_sgd(rounds):
    data = load("iris")
    one = Problem(
        model=Softmax(features=4, classes=3),
        train=Examples.of(data.X, data.y, np.zeros(150, dtype=np.int64), 1),
        test=Examples.of(data.X, data.y, np.zeros(150, dtype=np.int64), 1),
    )
    run = rounds(FedAvg(solver=Sgd(epochs=2), precision="float64"), one, seed=5)
    w = np.zeros(15)
    for number in range(3):
        run.play()
        rng = np.random.default_rng([5, number, 0])
        for _ in range(2):
            order = rng.permutation(150)
            for chosen in order.reshape(15, 10):
                weight = np.full((1, 10), 0.1)
                w = w - 0.1 * one.model.gradient(w[None], data.X[None, chosen], data.y[None, chosen], weight)[0]
    assert np.allclose(run.state, w, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("weights", "share"), [("examples", 0.25), ("equal", 0.5)])
def test_answers_weigh_by_their_examples_or_equally(rounds, weights, share):
    """Client 0 has one example with target 8, client 1 three with target 0: a full step lands on the target."""
    part = Examples.of(np.ones((4, 1)), np.array([8.0, 0.0, 0.0, 0.0]), np.array([0, 1, 1, 1]), 2)
    problem = Problem(model=LeastSquares(features=1), train=part, test=part)
    solver = Sgd(epochs=1, batch_size=None, step_size=1.0)
    run = rounds(FedAvg(solver=solver, weights=weights), problem)
    assert run.measures["objective"] == pytest.approx(32.0 * share)
    run.play()
    assert run.state[0] == 8.0 * share


def test_absent_clients_do_not_count(rounds, two_clients):
    run = rounds(FedAvg(solver=full_batch(1), precision="float64"), two_clients)
    run.play([1])
    assert run.state[0] == pytest.approx(4.5)


def test_messages_are_rounded_to_their_precision(rounds, digits):
    single, double = (rounds(FedAvg(precision=precision), digits) for precision in ("float32", "float64"))
    for run in (single, double):
        run.play()
        run.play()
    for run, is_float32 in ((single, True), (double, False)):
        for message in (run.learner.broadcast(digits, run.state, 0), run.ask().sent):
            assert np.array_equal(message, message.astype(np.float32)) == is_float32
    difference = np.abs(single.state - double.state).max()
    assert 0 < difference < 1e-6


def test_bytes_and_operations(digits):
    learner = FedAvg(solver=Sgd(epochs=2, batch_size=10))
    assert digits.model.parameters == 650
    assert learner.down_bytes(digits) == learner.up_bytes(digits) == 2600  # 8 p a client and round
    assert FedAvg(precision="float64").down_bytes(digits) == 5200
    assert FedAvg(precision="float64").up_bytes(digits) == 5200
    assert learner.aggregate_flops(digits, 7) == 2 * 7 * 650
    for device, size in enumerate(digits.sizes.tolist()):
        cost = learner.local_cost(digits, device)
        assert cost.steps == 2 * -(-size // 10)
        # Two epochs are a forward and a backward pass, which counts double, of every example, twice.
        assert cost.flops(cost.steps) == pytest.approx(2 * 3 * size * 2 * 650)
    assert not learner.takes_partial_work


def test_order_and_company_of_clients_change_nothing(rounds, digits, arrived):
    run = rounds(FedAvg(), digits)
    run.play()
    together = run.ask()
    backwards = run.ask(np.arange(12)[::-1])
    assert np.array_equal(together.sent, backwards.sent[::-1])
    for device in range(12):
        assert np.array_equal(run.ask([device]).sent[0], together.sent[device])
    assert np.array_equal(arrived(together, np.arange(12) == 3).sent, run.ask([3]).sent)


def test_it_learns_digits(rounds, digits):
    run = rounds(FedAvg(), digits)
    before = run.measures["objective"]
    assert before == pytest.approx(np.log(10))
    for _ in range(30):
        run.play()
    weight = np.full((1, len(digits.train.y)), 1 / len(digits.train.y))
    loss = digits.model.loss(run.state[None], digits.train.X[None], digits.train.y[None], weight)
    assert run.measures["objective"] == pytest.approx(loss[0])
    assert run.measures["objective"] < 0.6
    assert quality(digits, run.models).accuracy > 0.85


def test_all_devices_use_the_global_model_as_they_would_receive_it(rounds, digits):
    run = rounds(FedAvg(), digits)
    run.play()
    models = run.models
    assert models.shape == (12, 650)
    assert np.array_equal(models[5], run.learner.broadcast(digits, run.state, 5))


def test_unknown_words_are_refused():
    with pytest.raises(FedsimError, match="'examples' or 'equal', got 'size'"):
        FedAvg(weights="size")
    with pytest.raises(FedsimError, match="float32, float64, got 'float31'"):
        FedAvg(precision="float31")
