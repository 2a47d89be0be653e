"""CoCoA, mini-batch ascent and descent, and the two extremes, beside MOCHA."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from fedsim.errors import FedsimError
from fedsim.learners.cocoa import Cocoa
from fedsim.learners.extremes import GlobalMachine, LocalMachines
from fedsim.learners.learner import Work
from fedsim.learners.margins import training_rows
from fedsim.learners.mb_sdca import MbSdca
from fedsim.learners.mb_sgd import MbSgd
from fedsim.learners.mocha import Mocha
from fedsim.learners.regularisers import Independent, MeanRegularised, Shared
from fedsim.tasks.certificate import certified_theta
from fedsim.tasks.examples import Examples
from fedsim.tasks.losses import Hinge, LogLoss, Squared, SquaredHinge
from fedsim.tasks.problem import Problem
from fedsim.tasks.sdca import Sdca, Solution
from fedsim.tasks.svm import LinearSvm

RELATED = MeanRegularised(mu=0.1)


def problem_of(sizes, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    device = np.repeat(np.arange(len(sizes)), sizes)
    y = rng.integers(0, classes, len(device))
    X = 0.7 * rng.normal(size=(classes, 4))[y] + rng.normal(size=(len(y), 4))
    part = Examples.of(X, y, device, len(sizes))
    return Problem(model=LinearSvm(features=4, classes=classes, bias=False), train=part, test=part)


def play(run, rounds):
    history = [run.measures]
    for _ in range(rounds):
        run.play()
        history.append(run.measures)
    return history


def optimum(rounds, problem, penalty, regulariser, loss=None):
    """Primal and dual by one device after the other, each to its end: with one answer at a time sigma' is 1."""
    learner = Mocha(solver=Sdca(loss=loss or Hinge()), penalty=penalty, regulariser=regulariser, omega_every=1_000_000)
    run = rounds(learner, problem)
    run.state = replace(run.state, safety=np.ones_like(run.state.safety))
    while run.measures["gap"] > 1e-9:
        for device in range(problem.devices):
            run.play([device], steps=200)
    return run


@pytest.mark.parametrize(
    "learner",
    [
        Cocoa(penalty=0.1, regulariser=RELATED, omega_every=1000),
        MbSdca(solver=Sdca(epochs=0.5), penalty=0.1, regulariser=RELATED, omega_every=1000, beta=4.0),
    ],
    ids=["cocoa", "mb-sdca"],
)
def test_dual_learners_meet_mochas_optimum(rounds, learner):
    problem = problem_of([5, 8, 12, 3])
    best = optimum(rounds, problem, 0.1, RELATED)
    run = rounds(learner, problem)
    history = play(run, 60 if isinstance(learner, Cocoa) else 1500)
    assert all(measures["gap"] >= -1e-12 for measures in history)
    assert (np.diff([measures["dual"] for measures in history]) >= -1e-12).all()
    assert history[-1]["dual"] == pytest.approx(best.measures["dual"], rel=1e-3)
    assert np.abs(run.state.W - best.state.W).max() < 0.05


def test_descent_comes_near_the_same_optimum(rounds):
    problem = problem_of([5, 8, 12, 3])
    best = optimum(rounds, problem, 0.1, RELATED)
    learner = MbSgd(penalty=0.1, regulariser=RELATED, omega_every=10_000, batch_share=1.0, step_size=0.5)
    assert play(rounds(learner, problem), 2000)[-1]["primal"] == pytest.approx(best.measures["primal"], rel=0.01)


@pytest.mark.parametrize(
    "loss", [Squared(), SquaredHinge(), LogLoss(), Hinge(smoothing=0.5)], ids=lambda v: type(v).__name__
)
def test_every_loss_closes_its_gap_and_stands_where_the_gradient_is_zero(rounds, loss):
    """At the optimum lambda Omega W is minus the gradient of the loss, whatever the dual says."""
    problem = problem_of([5, 8, 12])
    run = optimum(rounds, problem, 0.2, RELATED, loss)
    W, rows = run.state.W[0], problem.train
    omega = np.eye(3) - 1 / 3 + 0.1 * np.eye(3)
    slope = loss.slope((rows.X * W[rows.device]).sum(axis=1), problem.model.targets(rows.y)[:, 0])
    gradient = np.stack([(slope[rows.device == t] / n) @ rows.X[rows.device == t] for t, n in enumerate(rows.sizes)])
    assert np.abs(0.2 * omega @ W + gradient).max() < 1e-4


def test_one_machine_for_all_is_that_of_the_pooled_examples(rounds):
    problem = problem_of([5, 8, 12])
    run = rounds(GlobalMachine(solver=Sdca(epochs=5), penalty=0.5, example_weight="sum"), problem)
    play(run, 400)
    pooled = LinearSVC(C=1 / 0.5, loss="hinge", fit_intercept=False, tol=1e-8, max_iter=1_000_000)
    pooled.fit(problem.train.X, problem.train.y)
    assert np.ptp(run.state.W, axis=1).max() < 1e-12
    assert run.state.W[0, 0] == pytest.approx(pooled.coef_[0], abs=1e-3)


def test_a_machine_for_each_is_that_of_its_own_examples(rounds):
    problem = problem_of([15, 8, 12])
    run = rounds(LocalMachines(solver=Sdca(epochs=5), penalty=0.5, example_weight="sum"), problem)
    play(run, 200)
    for device in range(3):
        own = problem.train.rows(device)
        alone = LinearSVC(C=1 / 0.5, loss="hinge", fit_intercept=False, tol=1e-8, max_iter=1_000_000)
        alone.fit(problem.train.X[own], problem.train.y[own])
        assert run.state.W[0, device] == pytest.approx(alone.coef_[0], abs=1e-3)


def test_a_batch_step_is_the_papers_formula(rounds):
    """alpha <- alpha + (beta / b) Delta, each step alone at w_t, with neither sigma' nor the batch's other steps."""
    problem, penalty = problem_of([4, 6]), 0.3
    learner = MbSdca(penalty=penalty, regulariser=RELATED, beta=2.0)
    run = rounds(learner, problem)
    run.play()
    W, alpha, sigma = run.state.W[0], dict(run.memory), run.state.sigma[0]
    run.play()
    for t in range(2):
        x, y = problem.train.X[problem.train.rows(t)], problem.model.targets(problem.train.y[problem.train.rows(t)])
        c = 1 / len(x)
        for i in range(len(x)):
            curvature = c * sigma[t, t] * (x[i] @ x[i]) / penalty
            best = y[i] * np.clip(y[i] * alpha[t][i] + (1 - y[i] * (x[i] @ W[t])) / curvature, 0, 1)
            expected = alpha[t][i] + 2.0 / 10 * (best - alpha[t][i])
            assert run.memory[t][i] == pytest.approx(expected, abs=1e-12)
        assert run.state.V[0, t] == pytest.approx(c * x.T @ run.memory[t][:, 0], abs=1e-12)


def test_a_step_down_is_the_papers_formula(rounds):
    """W <- W - (eta / (lambda h)) (lambda Omega W + G), batches weighed so that their mean is the gradient."""
    problem, penalty = problem_of([4, 6]), 0.3
    run = rounds(MbSgd(penalty=penalty, regulariser=RELATED, batch_share=1.0, step_size=0.5), problem)
    omega, W = np.linalg.inv(run.state.sigma[0]), np.zeros((2, 4))
    for h in (1, 2, 3):
        G = np.zeros_like(W)
        for t in range(2):
            x, y = problem.train.X[problem.train.rows(t)], problem.model.targets(problem.train.y)[problem.train.rows(t)]
            inside = y[:, 0] * (x @ W[t]) < 1
            G[t] = -(y[inside, 0] @ x[inside]) / len(x)
        W = W - 0.5 / (penalty * h) * (penalty * omega @ W + G)
        run.play()
        assert run.state.W[0] == pytest.approx(W, abs=1e-12)


def test_batches_of_descent_are_unbiased(rounds):
    """Over many rounds, the mean of half-batch subgradients is the whole one, within its standard error."""
    problem = problem_of([40, 25])
    whole = rounds(MbSgd(batch_share=1.0), problem).ask().sent
    run = rounds(MbSgd(batch_share=0.5), problem)
    drawn = []
    for run.round in range(400):
        drawn.append(run.ask().sent)
    mean, error = np.mean(drawn, axis=0), np.std(drawn, axis=0) / np.sqrt(len(drawn))
    assert (np.abs(mean - whole) < 4.5 * error + 1e-12).all()


def test_projection_keeps_weights_in_the_ball(rounds):
    problem = problem_of([4, 6])
    free = rounds(MbSgd(penalty=0.5, regulariser=RELATED, step_size=5.0), problem)
    bound = rounds(MbSgd(penalty=0.5, regulariser=RELATED, step_size=5.0, project=True), problem)
    free.play()
    bound.play()
    radius = 1 / np.sqrt(0.5)
    assert np.linalg.norm(free.state.W[0, 0]) > radius
    assert np.linalg.norm(bound.state.W[0], axis=1) == pytest.approx([radius, radius])


def test_certified_theta_bounds_the_true_one_and_falls(rounds):
    problem = problem_of([20, 15])
    learner = Mocha(penalty=0.5, regulariser=RELATED)
    run = rounds(learner, problem)
    run.play()

    def after(epochs):
        """The subproblem and what so many epochs make of it."""
        work = Work(
            devices=np.arange(2),
            received=np.stack([learner.broadcast(problem, run.state, t) for t in range(2)]),
            memory=tuple(run.memory[t] for t in range(2)),
            steps=np.array([20, 15]) * epochs,
            versions=np.zeros(2, dtype=np.int64),
            rngs=tuple(np.random.default_rng(t) for t in range(2)),
        )
        computed = learner.local(problem, work)
        return learner.subproblem(problem, work, safe=True), Solution(u=computed.sent, alpha=computed.memory)

    def won(subproblem, solution, t):
        """G(delta) - G(0), from its definition."""
        own, y = problem.train.rows(t), problem.model.targets(problem.train.y)
        alpha, u = solution.alpha[t], solution.u[t, 0]
        gain = ((alpha - subproblem.alpha[t]) * y[own]).sum() / len(alpha)
        return gain - subproblem.w[t, 0] @ u - subproblem.coupling[t, 0] / 2 * u @ u

    end = after(3000)
    certified = []
    for epochs in (1, 4, 16, 64, 1000):
        subproblem, solution = after(epochs)
        certified.append(certified_theta(problem, Hinge(), subproblem, solution, np.arange(2)))
        for t in range(2):
            best = won(*end, t)
            assert (best - won(subproblem, solution, t)) / best <= certified[-1][t] + 1e-12
    assert (certified[-1] < 0.1).all()
    assert (certified[0] > certified[-1]).all()
    assert certified_theta(problem, Hinge(), *after(0), np.arange(2)) == pytest.approx([1.0, 1.0])


def test_cocoa_stops_when_theta_is_certified_and_says_how_long_it_took(rounds):
    problem = problem_of([20, 15, 10])
    smooth = Sdca(loss=Hinge(smoothing=0.5))
    loose, tight = (
        rounds(Cocoa(solver=smooth, penalty=0.5, regulariser=RELATED, theta=theta, most_epochs=200), problem)
        for theta in (0.9, 0.2)
    )
    few, many = ([answer.steps for answer in run.ask()] for run in (loose, tight))
    assert all(1 <= f < m < 200 * n for f, m, n in zip(few, many, (20, 15, 10), strict=True))
    assert all(f % n == 0 for f, n in zip(few, (20, 15, 10), strict=True))
    capped = rounds(Cocoa(penalty=0.5, regulariser=RELATED, theta=1e-6, most_epochs=3), problem)
    assert [answer.steps for answer in capped.ask()] == [60, 45, 30]


def test_cocoas_company_changes_no_bit(rounds):
    run = rounds(Cocoa(penalty=0.5, regulariser=RELATED, theta=0.5), problem_of([20, 15, 10]))
    run.play()
    together = run.ask()
    for t in range(3):
        assert np.array_equal(run.ask([t]).sent[0], together.sent[t])
        assert run.ask([t])[0].steps == together[t].steps


@pytest.mark.parametrize(
    "learner",
    [Mocha(omega_every=2), Cocoa(omega_every=2), MbSdca(omega_every=2, beta=3.0)],
    ids=["mocha", "cocoa", "mb-sdca"],
)
def test_edges_that_combine_once_are_one_server(rounds, learner, arrived):
    problem = problem_of([5, 8, 12, 3], classes=3)
    run = rounds(learner, problem)
    for _ in range(4):
        base, answers = run.state, run.ask()
        edges = []
        for chosen in ([True, True, False, False], [False, False, True, True]):
            edge = rounds(learner, problem)
            edge.state, edge.round = base, run.round
            edge.take(arrived(answers, chosen))
            edges.append(edge.state)
        merged = learner.merge(problem, base, edges, np.array([13.0, 15.0]))
        run.take(answers)
        assert merged.rounds == run.state.rounds
        for name in ("V", "W", "sigma", "safety"):
            assert getattr(merged, name) == pytest.approx(getattr(run.state, name), rel=1e-9, abs=1e-12)


def test_costs_and_bytes():
    problem = problem_of([10, 30], classes=3)
    cocoa = Cocoa(solver=Sdca(epochs=2), most_epochs=7).local_cost(problem, 1)
    assert cocoa.steps == 180  # three times two epochs of 30 examples
    assert cocoa.step_flops == pytest.approx(4 * 4 * 3 + 2 * 4 * 3 / 2)  # a pass of margins after every two epochs
    assert cocoa.dispatches(180) == 3
    steps = Mocha(solver=Sdca(epochs=2)).local_cost(problem, 1)
    certificates = cocoa.moved_bytes(180) - steps.moved_bytes(180)
    assert certificates == pytest.approx(3 * 8 * (30 * 4 + 2 * 3 * 4))  # all examples, w and u, in doubles
    batch = MbSdca(solver=Sdca(epochs=0.5)).local_cost(problem, 1)
    assert (batch.steps, batch.dispatches(15)) == (15, 1)
    sgd = MbSgd(batch_share=0.1)
    assert (sgd.local_cost(problem, 1).steps, sgd.up_bytes(problem), sgd.down_bytes(problem)) == (3, 96, 96)
    assert sgd.local_cost(problem, 1).step_flops == 4 * 4 * 3
    plain = MbSgd(regulariser=Independent(), omega_every=1).aggregate_flops(problem, 2)
    assert plain == pytest.approx(3 * (2 * 4 * 4 + (3 * 2 + 2) * 4 + 2 * 8))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cocoa(theta=1.0), "theta must be > 0 and < 1"),
        (lambda: Cocoa(most_epochs=0.5), "at least the solver's epochs"),
        (lambda: MbSdca(beta=0.5), "beta must be >= 1"),
        (lambda: MbSdca(solver=Sdca(epochs=2)), "at most one epoch"),
        (lambda: MbSgd(batch_share=0.0), "batch_share"),
        (lambda: MbSgd(step_size=float("nan")), "step_size"),
        (lambda: MbSgd(schedule="constant"), "schedule"),
        (lambda: Independent(variance=0.0), "variance"),
        (lambda: MbSdca(beta=1e6).init(problem_of([5, 5]), None), "at most the batch of all devices"),
        (lambda: MbSgd(regulariser=Shared()).init(problem_of([5, 5]), None), "no inverse"),
    ],
)
def test_parameters_out_of_range_are_refused(make, message):
    with pytest.raises(FedsimError, match=message):
        make()


def test_rows_have_the_constant_of_a_bias():
    problem = problem_of([5, 5])
    assert training_rows(replace(problem, model=LinearSvm(features=4, classes=2, bias=True))).X.shape == (10, 5)


def test_the_batch_of_mb_sdca_is_that_of_devices_that_may_be_trained_on():
    problem = replace(problem_of([10, 30, 20]), unseen=np.array([1]))
    learner = MbSdca(solver=Sdca(epochs=0.5), beta=3.0)
    message = learner.broadcast(problem, learner.init(problem, np.random.default_rng(0)), 0)
    assert message[0, -2] == 3.0 / (5 + 10)
