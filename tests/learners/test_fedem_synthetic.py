"""The comparison of Marfoq et al. 2021 on their generator, and what FedEM recovers of it.

The whole table, 200 rounds of 300 devices for each learner, runs with ``pytest -m long``. It gave, as mean and
bottom decile over devices in per cent: Local 65.3 / 57.0, FedAvg 71.7 / 68.6, FedAvg+ 72.2 / 68.8, FedEM with two
components 77.5 / 71.0, three 84.2 / 75.0, four 83.7 / 74.6, three without momentum 75.5 / 70.8, three with step 1
85.1 / 75.0. Three components: mean |pi - pi*| 0.065; correlations with the true components 0.991, 0.989, 0.994, with
others at most 0.23. Trained on the first 240 devices: 84.1 there, 84.0 on the other 60. The decile is of 500 test
examples a device and not of 5,000, so it lies lower than the reference, and is not tested.
"""

from itertools import permutations

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from fedsim.learners.decay import Milestones
from fedsim.learners.fedem import FedEM
from fedsim.learners.local import Local
from fedsim.learners.local_tuning import FedAvgTuned
from fedsim.tasks import quality
from fedsim.tasks.generators.fedem import FedEmMixture
from fedsim.tasks.generators.sizes import Sizes
from fedsim.tasks.logistic import Logistic
from fedsim.tasks.sgd import Sgd

DECAY = Milestones(at=(100, 150), factor=0.1)


def solver(step_size=0.1, momentum=0.9):
    return Sgd(epochs=1, batch_size=128, step_size=step_size, momentum=momentum, weight_decay=5e-4)


def scores(run, devices=None):
    """Mean over devices and bottom decile, in per cent."""
    problem, learner = run.problem, run.learner
    chosen = np.arange(problem.devices) if devices is None else devices
    found = quality.scores(problem, run.models, problem.test, learner.predictor(problem)).quality(chosen)
    return 100 * found.mean_accuracy, 100 * found.bottom_decile


def matched(run, truth):
    """Learned weights and components in the order of the true ones that they resemble best."""
    pi = run.learner.weights(run.problem, run.state, run.memory)
    order = min(permutations(range(pi.shape[1])), key=lambda one: np.abs(pi[:, one] - truth.mixture).mean())
    return pi[:, order], run.state[list(order), : truth.weights.shape[1]]


@pytest.fixture(scope="module")
def paper():
    """300 devices with 67,758 training rows, seed 12345."""
    data = FedEmMixture(seed=12345, test_examples=500).deal("fedem", 300, np.random.default_rng)
    assert (data.train.sizes.sum(), data.train.sizes.min(), data.train.sizes.max()) == (67_758, 50, 1000)
    return data.problem(Logistic(features=150)), data.truth


@pytest.fixture
def played(rounds):
    def play(learner, problem, times=200, devices=None):
        run = rounds(learner, problem)
        with threadpool_limits(1):
            for _ in range(times):
                run.play(devices)
        return run

    return play


@pytest.mark.long
@pytest.mark.parametrize(
    ("learner", "mean", "decile", "tolerance"),
    [
        pytest.param(Local(solver=solver(), decay=DECAY), 65.4, 57.4, 1.0, id="Local"),
        pytest.param(FedEM(components=1, solver=solver(), decay=DECAY), 71.8, 69.9, 1.0, id="FedAvg"),
        pytest.param(FedAvgTuned(solver=solver(), decay=DECAY), 72.3, 70.2, 1.0, id="FedAvg+"),
        pytest.param(FedEM(components=2, solver=solver(), decay=DECAY), 77.6, 71.5, 1.5, id="FedEM 2"),
        pytest.param(FedEM(components=3, solver=solver(), decay=DECAY), 84.3, 74.8, 1.5, id="FedEM 3"),
        pytest.param(FedEM(components=4, solver=solver(), decay=DECAY), 84.3, 74.7, 1.5, id="FedEM 4"),
        pytest.param(FedEM(solver=solver(momentum=0), decay=DECAY), 74.3, 71.6, 1.5, id="no momentum"),
        pytest.param(FedEM(solver=solver(1.0), decay=DECAY), 85.3, 75.3, 1.5, id="step 1"),
    ],
)
def test_the_table(paper, played, learner, mean, decile, tolerance):
    run = played(learner, paper[0])
    assert scores(run)[0] == pytest.approx(mean, abs=tolerance)


@pytest.mark.long
def test_what_is_recovered(paper, played):
    problem, truth = paper
    run = played(FedEM(solver=solver(), decay=DECAY), problem)
    pi, theta = matched(run, truth)
    alike = np.corrcoef(theta, truth.weights)[:3, 3:]
    assert np.abs(pi - truth.mixture).mean() <= 0.08
    assert (np.diag(alike) >= 0.98).all()
    assert (alike[~np.eye(3, dtype=bool)] <= 0.3).all()


@pytest.mark.long
def test_devices_unseen_in_training(paper, played):
    run = played(FedEM(solver=solver(), decay=DECAY), paper[0], devices=np.arange(240))
    seen, unseen = scores(run, np.arange(240))[0], scores(run, np.arange(240, 300))[0]
    assert seen == pytest.approx(84.3, abs=1.5)
    assert unseen == pytest.approx(seen, abs=2.0)


def test_the_order_on_a_small_mixture(played):
    """80 devices, 40 features, of which 60 train: Local 68.7 < FedAvg 69.9 < FedEM 83.2 %, and 83.1 % of the unseen."""
    mixture = FedEmMixture(features=40, sizes=Sizes(most=100), test_examples=200, seed=3)
    data = mixture.deal("small", 80, np.random.default_rng)
    problem, seen, unseen = data.problem(Logistic(features=40)), np.arange(60), np.arange(60, 80)
    learners = [Local(solver=solver(1.0)), *(FedEM(components=M, solver=solver(1.0)) for M in (1, 3))]
    runs = [played(learner, problem, 100, seen) for learner in learners]
    local, fedavg, fedem = (scores(run, seen)[0] for run in runs)
    assert [local, fedavg, fedem] == pytest.approx([68.7, 69.9, 83.2], abs=0.5)
    assert scores(runs[2], unseen)[0] == pytest.approx(fedem, abs=2.0)
    pi, theta = matched(runs[2], data.truth)
    alike = np.corrcoef(theta, data.truth.weights)[:3, 3:]
    assert np.abs(pi - data.truth.mixture).mean() <= 0.08
    assert (np.diag(alike) >= 0.98).all()
