"""Server optimisers against Reddi et al. 2021, Algorithm 2, step by step."""

import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.fedprox import FedProx
from fedsim.learners.server_optimiser import Adagrad, Adam, Mean, Momentum, Yogi
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd

ALL = (Mean(), Momentum(), Adagrad(), Adam(), Yogi())


@pytest.fixture
def two_clients():
    """On the mean of both, of curvature 5 and minimum 9, one step of 0.05 goes a quarter of the way."""
    both = Examples.of(np.array([[1.0], [3.0]]), np.array([0.0, 30.0]), np.array([0, 1]), 2)
    return Problem(model=LeastSquares(features=1), train=both, test=both)


def sgd():
    return Sgd(epochs=1, batch_size=None, step_size=0.05)


def by_hand(optimiser, rounds):
    """Algorithm 2, with plain numbers."""
    w, m, v, path = 0.0, 0.0, getattr(optimiser, "tau", 0.0) ** 2, []
    for _ in range(rounds):
        delta = (9.0 - w) / 4
        match optimiser:
            case Mean():
                w += delta
            case Momentum(step_size=eta, momentum=beta):
                m = beta * m + delta
                w += eta * m
            case _:
                m = optimiser.beta_1 * m + (1 - optimiser.beta_1) * delta
                match optimiser:
                    case Adagrad():
                        v += delta**2
                    case Yogi(beta_2=beta_2):
                        v -= (1 - beta_2) * delta**2 * np.sign(v - delta**2)
                    case Adam(beta_2=beta_2):
                        v = beta_2 * v + (1 - beta_2) * delta**2
                w += optimiser.step_size * m / (np.sqrt(v) + optimiser.tau)
        path.append(w)
    return path


@pytest.mark.parametrize(
    "optimiser",
    [
        *ALL,
        Momentum(step_size=0.5, momentum=0.5),
        Adagrad(step_size=2.0, beta_1=0.5, tau=0.1),
        Adam(step_size=0.5, beta_1=0.0, beta_2=0.5, tau=0.1),
        Yogi(step_size=0.5, beta_1=0.5, beta_2=0.5, tau=1.0),
    ],
    ids=repr,
)
def test_steps_by_hand(rounds, two_clients, optimiser):
    run = rounds(FedAvg(solver=sgd(), server=optimiser, precision="float64"), two_clients)
    for wanted in by_hand(optimiser, 8):
        run.play()
        assert run.models[:, 0] == pytest.approx(wanted, rel=1e-12)


def test_first_step_of_adam_in_numbers(rounds, two_clients):
    """Delta 2.25, m 0.225, v 0.99e-6 + 0.050625: 0.1 * 0.225 / (0.2250022 + 0.001)."""
    run = rounds(FedAvg(solver=sgd(), server=Adam(), precision="float64"), two_clients)
    run.play()
    assert run.models[0, 0] == pytest.approx(0.0225 / (np.sqrt(0.050625 + 0.99e-6) + 0.001), rel=1e-12)


def test_no_momentum_is_the_mean(rounds, two_clients):
    runs = [rounds(FedAvg(server=server), two_clients) for server in (Mean(), Momentum(momentum=0.0))]
    for _ in range(5):
        for run in runs:
            run.play()
    assert runs[0].models == pytest.approx(runs[1].models, rel=1e-6)


def test_fedprox_has_them_too(rounds, two_clients):
    plain, moving = (rounds(FedProx(server=server), two_clients) for server in (Mean(), Momentum()))
    for _ in range(3):
        plain.play()
        moving.play()
    assert abs(plain.models[0, 0] - moving.models[0, 0]) > 1


@pytest.mark.parametrize(
    ("optimiser", "vectors", "flops"), list(zip(ALL, (1, 2, 3, 3, 3), (0, 5, 14, 14, 14), strict=True))
)
def test_costs(two_clients, optimiser, vectors, flops):
    learner = FedAvg(server=optimiser)
    assert learner.aggregate_flops(two_clients, 10) == 20 + flops
    assert learner.state_bytes(two_clients) == 4 * vectors
    assert learner.merge_flops(two_clients, 3) == 2 * 3 * vectors
    assert learner.up_bytes(two_clients) == learner.down_bytes(two_clients) == 4


@pytest.mark.parametrize("optimiser", ALL, ids=lambda optimiser: type(optimiser).__name__)
def test_linear_ones_merge_into_one_step_of_all_answers(rounds, two_clients, optimiser):
    learner = FedAvg(solver=sgd(), server=optimiser, precision="float64")
    run = rounds(learner, two_clients)
    run.play()
    base, states = run.state, []
    for edge in ([0], [1]):
        run.state, run.round = base, 1
        run.play(edge)
        states.append(run.state)
    if not optimiser.linear:
        assert "take none or momentum" in learner.merge_obstacle
        return
    merged = learner.merge(two_clients, base, states, np.ones(2))
    run.state, run.round = base, 1
    run.play()
    assert optimiser.pack(merged) == pytest.approx(optimiser.pack(run.state), rel=1e-12)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Momentum(momentum=1.0), "momentum: momentum must be >= 0 and < 1, got 1.0"),
        (lambda: Momentum(step_size=0.0), "momentum: step_size must be > 0 and finite, got 0.0"),
        (lambda: Adam(beta_2=1.0), "adam: beta_2 must be >= 0 and < 1"),
        (lambda: Adam(beta_1=-0.1), "adam: beta_1 must be"),
        (lambda: Yogi(beta_2=float("nan")), "yogi: beta_2 .* got nan"),
        (lambda: Adagrad(tau=0.0), "adagrad: tau must be > 0"),
    ],
)
def test_what_cannot_be_is_refused(make, match):
    with pytest.raises(FedsimError, match=match):
        make()
