"""FedAvg, FedProx, SCAFFOLD and FedDyn on FedDyn's synthetic data: the orders and relations of the paper's figures.

20 devices, seed 0, loss of one model on all training examples; 10 epochs of batches of 10 with step size 0.1, weight
decay 1e-5, gradients clipped at 10. Cohorts are those of the authors' code: each device by its own draw, again if
nobody came.

Where it says "whole table", the run takes minutes, and is done by ``pytest -m long``. Measured in 2026-11,
beside what an independent program found:

    data                  part  rounds  FedAvg          FedProx         SCAFFOLD        FedDyn
    alike                 0.1   200     0.154 (0.154)   0.154 (0.154)   0.149 (0.149)   0.065 (0.065)
    alike                 1.0   100     0.196 (0.196)   0.196 (0.196)   0.194 (0.194)   0.105 (0.105)
    own solution          1.0   100     1.5479 (1.5480) 1.5479 (1.5480) 1.5407 (1.5407) 1.5407 (1.5407)
    own solution, "all"   0.1   200     1.5653 (1.5655) 1.5653 (1.5655) 1.5407 (1.5407) 1.5415 (1.5416)
    own inputs            0.1   200     0.076 (0.075)   0.076 (0.075)   0.052 (0.051)   0.023 (0.027)
    own inputs            1.0   100     0.083 (0.083)   0.083 (0.083)   0.060 (0.060)   0.032 (0.032)
    unequal sizes         0.1   200     0.140 (0.140)   0.140 (0.140)   0.135 (0.136)   0.076 (0.076)
"""

from dataclasses import dataclass, field

import numpy as np
import pytest

from fedsim.kernel import Simulation
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.feddyn import FedDyn
from fedsim.learners.fedprox import FedProx
from fedsim.learners.scaffold import Scaffold
from fedsim.study.crossing import crossing
from fedsim.tasks.generators.feddyn import FedDynSynthetic
from fedsim.tasks.sgd import Sgd
from fedsim.tasks.softmax import Softmax

DEVICES = 20
SOLVER = Sgd(epochs=10, batch_size=10, step_size=0.1, weight_decay=1e-5, clip_norm=10.0)
FEDAVG, FEDPROX = FedAvg(solver=SOLVER), FedProx(solver=SOLVER, mu=1e-4)
SCAFFOLD, FEDDYN = Scaffold(solver=SOLVER), FedDyn(solver=SOLVER, alpha=0.01)
LEARNERS = (FEDAVG, FEDPROX, SCAFFOLD, FEDDYN)
HOMOGENEOUS, OWN_SOLUTION = FedDynSynthetic(seed=0), FedDynSynthetic(seed=0, solution_spread=1.0)
OWN_INPUTS, UNEQUAL = FedDynSynthetic(seed=0, input_spread=1.0), FedDynSynthetic(seed=0, size_sd=0.5)


def cohort(number, share):
    """Who takes part in a round, by the authors' draws."""
    for again in range(1000):
        there = np.flatnonzero(np.random.RandomState(number + again).uniform(size=DEVICES) <= share)
        if len(there):
            return there
    raise AssertionError


@dataclass
class Curve:
    """The loss of the learner's model after every round, and of the mean of every device's last model ("all")."""

    losses: list = field(default_factory=list)
    everybody: list = field(default_factory=list)


def play(rounds, data, learner, share, count):
    problem = data.deal("feddyn", DEVICES, Simulation(seed=0).rng).problem(Softmax(features=30, classes=5))
    train, weight = problem.train, np.full((1, len(problem.train.y)), 1 / len(problem.train.y))
    run, curve, last = rounds(learner, problem), Curve(), np.zeros((DEVICES, 155))

    def loss(w):
        return float(problem.model.loss(w[None], train.X[None], train.y[None], weight)[0])

    for number in range(count):
        answers = run.ask(cohort(number, share))
        began = run.models[0]
        run.take(answers)
        for answer in answers:
            last[answer.device] = began + answer.sent[0] if isinstance(learner, Scaffold) else answer.sent
        curve.losses.append(loss(run.models[0]))
        curve.everybody.append(loss(last.mean(axis=0)))
    return curve


def test_feddyn_reaches_the_optimum_and_fedavg_does_not(rounds):
    """Devices that are alike, 10 % a round: FedDyn is within 5 % of 0.0661 at round 141, FedAvg at twice the loss."""
    feddyn, fedavg = (play(rounds, HOMOGENEOUS, learner, 0.1, 150).losses for learner in (FEDDYN, FEDAVG))
    number = np.arange(1, 151)
    assert crossing(number, [-loss for loss in feddyn], -1.05 * 0.0661) == pytest.approx(141, abs=3)
    assert min(fedavg) > 2 * 0.0661
    assert fedavg[-1] == pytest.approx(0.168, rel=0.05)


def test_fedavg_stalls_where_devices_have_solutions_of_their_own(rounds):
    """All take part: FedAvg stops at 1.548, SCAFFOLD and FedDyn come to the optimum, 1.5407."""
    fedavg, scaffold, feddyn = (
        play(rounds, OWN_SOLUTION, learner, 1.0, 30).losses[-1] for learner in (FEDAVG, SCAFFOLD, FEDDYN)
    )
    assert fedavg == pytest.approx(1.5480, abs=1e-3)
    assert scaffold == pytest.approx(1.5407, abs=5e-4)
    assert feddyn == pytest.approx(1.5407, abs=5e-4)


@pytest.mark.long
@pytest.mark.parametrize(
    ("data", "share", "count", "wanted"),
    [
        (HOMOGENEOUS, 0.1, 200, (0.154, 0.154, 0.149, 0.065)),
        (HOMOGENEOUS, 1.0, 100, (0.196, 0.196, 0.194, 0.105)),
        (OWN_SOLUTION, 1.0, 100, (1.5480, 1.5480, 1.5407, 1.5407)),
        (OWN_INPUTS, 0.1, 200, (0.075, 0.075, 0.051, 0.027)),
        (OWN_INPUTS, 1.0, 100, (0.083, 0.083, 0.060, 0.032)),
        (UNEQUAL, 0.1, 200, (0.140, 0.140, 0.136, 0.076)),
    ],
    ids=["alike", "alike, all", "own solution, all", "own inputs", "own inputs, all", "unequal sizes"],
)
def test_the_whole_table(rounds, data, share, count, wanted):
    found = [play(rounds, data, learner, share, count).losses[-1] for learner in LEARNERS]
    print("table", share, count, found)  # noqa: T201  # what the docstring shows
    fedavg, fedprox, scaffold, feddyn = found
    assert found[:3] == pytest.approx(wanted[:3], rel=0.05)
    assert feddyn <= 1.05 * wanted[3]  # may be better: cohorts of two devices move it by 7 % from seed to seed
    if share == 1:
        assert feddyn == pytest.approx(wanted[3], rel=0.01)
    assert feddyn <= scaffold * 1.001
    assert scaffold < fedavg
    assert fedprox == pytest.approx(fedavg, rel=0.01)


@pytest.mark.long
def test_the_mean_of_all_devices_last_models(rounds):
    found = [play(rounds, OWN_SOLUTION, learner, 0.1, 200).everybody[-1] for learner in LEARNERS]
    print("table all", found)  # noqa: T201  # what the docstring shows
    assert found == pytest.approx((1.5655, 1.5655, 1.5407, 1.5416), rel=0.003)
    assert found[2] < found[0]
    assert found[3] < found[0]
