"""MOCHA on real data, against certified optima: P* = D* to the digits of the reference notes (c_t = 1 / n_t)."""

from dataclasses import replace

import numpy as np
import pytest

from fedsim.learners.extremes import GlobalMachine, LocalMachines
from fedsim.learners.mocha import Mocha
from fedsim.learners.regularisers import Independent, MeanRegularised, ProbabilisticPrior
from fedsim.tasks.datasets import from_arrays
from fedsim.tasks.problem import deal
from fedsim.tasks.quality import quality
from fedsim.tasks.sdca import Sdca
from fedsim.tasks.svm import LinearSvm


@pytest.fixture(scope="module")
def activity(reference):
    """Sitting or not, of 30 people, with a bias; a quarter of each one's windows is for testing."""
    known = reference["har"].train
    data = from_arrays(known.X, known.y, known.device, name="har")
    model = LinearSvm(features=561, classes=2)
    return deal(data, known.device, model, 0.25, np.random.default_rng(0))


def mean_regularised(penalty):
    return Mocha(penalty=penalty, regulariser=MeanRegularised(mu=0.1))


def play(run, rounds, steps):
    """So many rounds; the measures after each, of which no gap is negative and no dual below the one before."""
    history = [run.measures]
    for _ in range(rounds):
        run.play(steps=steps)
        history.append(run.measures)
        assert history[-1]["gap"] >= -1e-12
        assert history[-1]["dual"] >= history[-2]["dual"] - 1e-12
    return history


@pytest.mark.parametrize(
    ("name", "penalty", "optimum_value", "norm", "first_norm", "safety"),
    [
        ("vehicle_subset", 0.1, 1.6096176870, 6.34797, 1.55599, 7.666667),
        ("vehicle_subset", 0.01, 0.5981048688, 12.08582, 2.36695, 7.666667),
        ("fmtl_small", 0.1, 18.4672068748, 15.08627, 2.68723, 8.179487),
        ("fmtl_small", 0.01, 13.414171804, 36.06357, 6.38481, 8.179487),
    ],
)
def test_the_optimum_is_certified_and_stays(
    reference, rounds, optimum, *, name, penalty, optimum_value, norm, first_norm, safety
):
    """Primal and dual meet at the duals of an independent solver, and rounds of MOCHA do not leave them."""
    problem, learner = reference[name], mean_regularised(penalty)
    run = rounds(learner, problem)
    assert run.state.safety[0] == pytest.approx(safety, abs=5e-7)
    run.state, run.memory = optimum(learner, problem, run.state.sigma[0])
    assert run.measures["dual"] == pytest.approx(optimum_value, rel=1e-9)
    assert run.measures["primal"] == pytest.approx(optimum_value, rel=1e-5)
    assert np.linalg.norm(run.state.W) == pytest.approx(norm, rel=1e-6)
    assert np.linalg.norm(run.state.W[0, 0]) == pytest.approx(first_norm, abs=1e-5)
    play(run, 5, steps=100)
    assert run.measures["dual"] == pytest.approx(optimum_value, rel=1e-9)
    assert np.linalg.norm(run.state.W) == pytest.approx(norm, rel=1e-5)


def test_rounds_from_nothing_reach_the_coupled_optimum(reference, rounds):
    run = rounds(mean_regularised(0.1), reference["vehicle_subset"])
    history = play(run, 650, steps=150)
    assert history[0]["dual"] == 0.0
    assert history[-1]["dual"] == pytest.approx(1.6096176870, rel=2e-4)
    assert min(measures["primal"] for measures in history) == pytest.approx(1.6096176870, rel=1e-3)
    assert np.linalg.norm(run.state.W) == pytest.approx(6.34797, rel=1e-3)


def test_rounds_from_nothing_reach_the_uncoupled_optimum(reference, rounds):
    """Omega = m I: the tasks are separate machines, and sigma' = 1 is right."""
    run = rounds(Mocha(penalty=0.01, regulariser=Independent()), reference["vehicle_subset"])
    assert run.state.safety[0] == 1.0
    history = play(run, 600, steps=100)
    assert history[-1]["dual"] == pytest.approx(2.9659725735, rel=1e-8)
    assert history[-1]["primal"] == pytest.approx(2.9659725735, rel=1e-6)
    assert np.linalg.norm(run.state.W) == pytest.approx(3.47653, abs=2e-5)


def one_after_the_other(run, gap):
    """Each device in turn, every example once, until the gap is closed: with one answer at a time sigma' is 1."""
    run.state = replace(run.state, safety=np.ones(1))
    while run.measures["gap"] > gap:
        for device in range(run.problem.devices):
            run.play([device])
    return run.measures


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "star"), [("vehicle_subset", 0.5981048688), ("fmtl_small", 13.414171804), ("landmine", 19.070508826)]
)
def test_rounds_grow_with_one_over_the_share_that_answers(reference, rounds, arrived, name, star):
    """With half of the answers lost about twice as many rounds, with three quarters about four times as many."""
    needed = {}
    for drop in (0.0, 0.25, 0.5, 0.75):
        run = rounds(mean_regularised(0.01), reference[name])
        while run.measures["primal"] - star >= 0.1:
            keep = np.random.default_rng([1, run.round]).random(run.problem.devices) >= drop
            run.take(arrived(run.ask(), keep))
        needed[drop] = run.round * (1 - drop)
    assert max(needed.values()) < 1.25 * min(needed.values()), needed


@pytest.mark.long
def test_the_optimum_of_landmine_is_reached_from_nothing(reference, rounds):
    """Gap below 1e-6 of the optimum in 48 sweeps."""
    learner = Mocha(penalty=0.1, regulariser=MeanRegularised(mu=0.1), omega_every=1_000_000)
    run = rounds(learner, reference["landmine"])
    assert run.state.safety[0] == pytest.approx(8.179487, abs=5e-7)
    measures = one_after_the_other(run, 2e-5)
    assert measures["primal"] == pytest.approx(22.200056106, rel=1e-6)
    assert measures["dual"] == pytest.approx(22.200056106, rel=1e-6)
    away = np.sqrt(2 * measures["gap"] / (0.1 * 0.1))  # how far W can be: P is lambda mu strongly convex
    assert np.linalg.norm(run.state.W) == pytest.approx(12.65393, abs=away)
    assert np.linalg.norm(run.state.W[0, 0]) == pytest.approx(2.10636, abs=away)


def test_without_its_safety_factor_the_coupled_problem_diverges(reference, rounds):
    never = Mocha(penalty=0.01, regulariser=MeanRegularised(mu=0.1), omega_every=1000)
    run = rounds(never, reference["fmtl_small"])
    run.state = replace(run.state, safety=np.ones(1))  # it stays until Omega is updated
    for _ in range(100):
        run.play()
    assert run.measures["dual"] < -1e3


@pytest.mark.parametrize(
    ("name", "drop", "fewest", "most"),
    [
        ("fmtl_small", 0.0, 265, 305),
        ("fmtl_small", 0.5, 541, 581),
        ("landmine", 0.0, 58, 63),
        pytest.param("vehicle_subset", 0.0, 323, 357, marks=pytest.mark.long),  # 340 within 5 %: 326, 337 and 328 here
    ],
)
def test_drops_cost_rounds_but_not_the_optimum(reference, rounds, arrived, *, name, drop, fewest, most):
    """Rounds of one local epoch until P - P* < 0.1, within the range of the notes' five seeds."""
    optimum_value = {"fmtl_small": 13.414171804, "landmine": 19.070508826, "vehicle_subset": 0.5981048688}[name]
    run = rounds(mean_regularised(0.01), reference[name])
    dual = 0.0
    while run.measures["primal"] - optimum_value >= 0.1 and run.round <= most:
        keep = np.random.default_rng([1, run.round]).random(run.problem.devices) >= drop
        run.take(arrived(run.ask(), keep))
        assert run.measures["gap"] >= 0.0
        assert run.measures["dual"] >= dual
        dual = run.measures["dual"]
    assert fewest <= run.round <= most


@pytest.mark.parametrize(
    ("name", "dual", "primal", "unrestricted"),
    [("vehicle_subset", 0.589336, 0.81107, 0.5981048688), ("fmtl_small", 12.80941, 13.8669, 13.414171804)],
)
def test_a_device_that_never_answers_gives_a_wrong_limit(
    reference, rounds, optimum, *, name, dual, primal, unrestricted
):
    problem, learner = reference[name], mean_regularised(0.01)
    others = np.arange(1, problem.devices)
    run = rounds(learner, problem)
    run.state, run.memory = optimum(learner, problem, run.state.sigma[0], silent=[0])
    for _ in range(5):
        run.play(others, steps=100)
    assert run.measures["dual"] == pytest.approx(dual, rel=2e-6)
    assert run.measures["primal"] == pytest.approx(primal, rel=1e-4)
    for _ in range(10):
        run.play(steps=100)
    assert dual < run.measures["dual"] < unrestricted  # it answered after all


def test_without_a_device_the_dual_stays_below_its_restricted_limit(reference, rounds):
    problem = reference["fmtl_small"]
    run = rounds(mean_regularised(0.01), problem)
    for _ in range(600):
        run.play(np.arange(1, 29))
    assert run.measures["dual"] == pytest.approx(12.80941, rel=1e-3)
    assert run.measures["dual"] <= 12.80941


def joint_objective(learner, problem, state):
    """J(W) = sum_t c_t sum_i loss + (lambda / 2) (tr (W W^T + eps I)^(1/2))^2, from its definition."""
    W, train = state.W[0], problem.train
    margin = problem.model.targets(train.y)[:, 0] * (train.X * W[train.device]).sum(axis=1)
    loss = (np.maximum(0.0, 1.0 - margin) / train.sizes[train.device]).sum()
    roots = np.sqrt(np.linalg.svd(W, compute_uv=False) ** 2 + learner.regulariser.eps)
    null = max(len(W) - len(roots), 0) * np.sqrt(learner.regulariser.eps)
    return loss + learner.penalty / 2 * (roots.sum() + null) ** 2


@pytest.mark.parametrize(
    ("name", "values"), [("vehicle_subset", [7.50953, 6.33078, 6.10204]), ("fmtl_small", [27.31238])]
)
def test_each_update_of_omega_lowers_the_joint_objective(reference, rounds, optimum, *, name, values):
    """W-steps solved by an independent solver, Omega-steps by MOCHA's server after an empty round."""
    problem = reference[name]
    learner = Mocha(penalty=0.1, regulariser=ProbabilisticPrior(eps=1e-2), omega_every=1)
    run = rounds(learner, problem)
    found = []
    for _ in range(6):
        sigma = run.state.sigma[0]
        solved, run.memory = optimum(learner, problem, sigma)
        run.state = replace(solved, sigma=sigma[None])
        found.append(joint_objective(learner, problem, run.state))
        run.play(steps=0)
    assert found[: len(values)] == pytest.approx(values, abs=1e-5)
    assert (np.diff(found) < 0).all()


def test_the_whole_method_finds_the_joint_optimum(reference, rounds):
    """Ten rounds and an Omega-step in turn, from nothing. After 60 exact W-steps J is 25.03687, and still falls."""
    problem = reference["fmtl_small"]
    learner = Mocha(penalty=0.1, regulariser=ProbabilisticPrior(eps=1e-2), omega_every=10)
    run = rounds(learner, problem)
    for _ in range(640):
        run.play()
    assert joint_objective(learner, problem, run.state) == pytest.approx(25.03687, rel=1e-5)


def test_related_people_learn_from_each_other(activity, rounds):
    """Errors on human activity, 75 % for training: related < each alone < one for all, as in Smith et al. 2017.

    Penalties are those that did best on one split of {1e-3, 1e-2, 1e-1, 1}. On that split the three make 1.1, 1.7 and
    4.4 per cent of errors.
    """
    learners = [
        (Mocha(solver=Sdca(epochs=0.5), penalty=1e-3, omega_every=30), 300),
        (LocalMachines(solver=Sdca(epochs=2), penalty=1e-2), 20),
        (GlobalMachine(penalty=0.1), 100),
    ]
    errors = []
    for learner, count in learners:
        run = rounds(learner, activity)
        for _ in range(count):
            run.play()
        errors.append(1 - quality(activity, run.models).mean_accuracy)
    assert errors == sorted(errors)
    assert errors[0] == pytest.approx(0.0105, abs=0.002)
    assert errors[1] == pytest.approx(0.01745, abs=0.002)
    assert errors[2] == pytest.approx(0.044, abs=0.008)
