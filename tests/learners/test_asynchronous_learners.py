"""FedAsync and FedBuff: the notes' weights, and what they are in the limit."""

import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.learners.fedasync import FedAsync
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.fedbuff import FedBuff
from fedsim.learners.learner import Answers
from fedsim.learners.staleness import ConstantStaleness, HingeStaleness, PolynomialStaleness
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd

FULL = Sgd(epochs=1, batch_size=None, step_size=0.1)


def made(sizes=(5, 5, 5), features=4):
    rng = np.random.default_rng(0)
    device = np.repeat(np.arange(len(sizes)), sizes)
    X = rng.normal(size=(len(device), features))
    rows = Examples.of(X, X @ rng.normal(size=features) + device, device, len(sizes))
    return Problem(model=LeastSquares(features=features, bias=False), train=rows, test=rows)


@pytest.mark.parametrize(
    ("staleness", "weights"),
    [
        (ConstantStaleness(), [1, 1, 1, 1, 1, 1]),
        (PolynomialStaleness(), [1, 0.707107, 0.5, 0.447214, 0.408248, 0.333333]),
        (PolynomialStaleness(power=1.0), [1, 1 / 2, 1 / 4, 1 / 5, 1 / 6, 1 / 9]),
        (HingeStaleness(), [1, 1, 1, 1, 1 / 11, 1 / 41]),
    ],
    ids=repr,
)
def test_weights_at_some_staleness(staleness, weights):
    assert staleness.weights(np.array([0, 1, 3, 4, 5, 8])) == pytest.approx(weights, abs=1e-6)


def answers(sent, staleness):
    count = len(sent)
    ones = np.ones(count, dtype=np.int64)
    return Answers(
        devices=np.arange(count), sent=np.asarray(sent), examples=ones, steps=ones, staleness=np.asarray(staleness)
    )


def test_fedasync_mixes_in_one_answer_after_the_other():
    learner = FedAsync(mixing=0.6)
    state = learner.aggregate(made(), np.array([1.0]), answers([[3.0], [9.0]], [0, 3]))
    assert state == pytest.approx([0.4 * ((1 - 0.3) * 1 + 0.3 * 9) + 0.6 * 3])  # the stale one first


def test_fedasync_pulls_devices_towards_what_they_received(rounds):
    """Two full-batch steps by hand: w - 0.1 (grad + rho (w - x))."""
    problem = made((5,))
    solver = Sgd(epochs=2, batch_size=None, step_size=0.1)
    free, pulled = (
        rounds(FedAsync(solver=solver, precision="float64", proximal=rho), problem).ask().sent[0] for rho in (0.0, 2.0)
    )
    X, y = problem.train.X, problem.train.y

    def gradient(w):
        return X.T @ (X @ w - y) / len(y)

    first = -0.1 * gradient(np.zeros(4))
    assert free == pytest.approx(first - 0.1 * gradient(first), rel=1e-12)
    assert pulled == pytest.approx(first - 0.1 * (gradient(first) + 2.0 * first), rel=1e-12)


def test_fedbuff_steps_along_the_mean_of_weighted_changes():
    learner = FedBuff(server_step_size=0.5)
    state = learner.aggregate(made(), np.array([1.0]), answers([[2.0], [-4.0]], [0, 3]))
    assert state == pytest.approx([1.0 - 0.5 * (2.0 - 0.5 * 4.0) / 2 - 0.0])
    state = learner.aggregate(made(), np.array([1.0]), answers([[2.0]], [8]))
    assert state == pytest.approx([1.0 - 0.5 * 2.0 / 3])


def test_fedbuff_with_everybody_fresh_is_fedavg(rounds):
    problem = made()
    buffered, averaged = (rounds(cls(solver=FULL, precision="float64"), problem) for cls in (FedBuff, FedAvg))
    for _ in range(10):
        buffered.play()
        averaged.play()
    assert buffered.models == pytest.approx(averaged.models, abs=1e-12)
    assert buffered.measures["objective"] == pytest.approx(averaged.measures["objective"])


@pytest.mark.parametrize("cls", [FedAsync, FedBuff])
def test_the_optimum_of_one_device_is_a_fixed_point(rounds, cls):
    problem = made((6,))
    play = rounds(cls(solver=FULL, precision="float64"), problem)
    play.state = np.linalg.lstsq(problem.train.X, problem.train.y, rcond=None)[0]
    before = play.state.copy()
    play.play()
    assert play.state == pytest.approx(before, abs=1e-12)


@pytest.mark.parametrize("cls", [FedAsync, FedBuff])
def test_numbers_are_really_rounded_and_charged(rounds, cls):
    play = rounds(cls(solver=FULL), made())
    sent = play.ask().sent
    assert np.array_equal(sent, sent.astype(np.float32))
    assert play.learner.up_bytes(play.problem) == play.learner.down_bytes(play.problem) == 16
    assert play.learner.aggregate_flops(play.problem, 2) == (24.0)


@pytest.mark.parametrize("cls", [FedAsync, FedBuff])
def test_what_a_device_computes_does_not_depend_on_its_company(rounds, cls):
    play = rounds(cls(solver=Sgd(epochs=2, batch_size=2, step_size=0.1)), made((5, 7, 4)))
    together = play.ask().sent
    alone = np.concatenate([play.ask([device]).sent for device in (2, 0, 1)])
    assert np.array_equal(together[[2, 0, 1]], alone)


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: FedAsync(mixing=0.0), "fedasync: mixing must be > 0 and <= 1, got 0.0"),
        (lambda: FedAsync(proximal=-1.0), "fedasync: proximal must be >= 0 and finite, got -1.0"),
        (lambda: FedBuff(server_step_size=0.0), "fedbuff: server_step_size must be > 0 and finite, got 0.0"),
        (lambda: PolynomialStaleness(power=-1.0), "staleness: power must be >= 0 and finite, got -1.0"),
        (lambda: HingeStaleness(free=-1), "staleness: free must be >= 0, got -1"),
        (lambda: HingeStaleness(slope=float("nan")), "staleness: slope must be >= 0 and finite, got nan"),
    ],
)
def test_parameters_are_checked(make, rule):
    with pytest.raises(FedsimError, match=rule):
        make()
