"""MOCHA's bookkeeping: what is sent, committed, lost, and charged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.learners.mocha import Mocha
from fedsim.learners.regularisers import Independent, MeanRegularised, ProbabilisticPrior
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.losses import Hinge, Squared
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import quality
from fedsim.tasks.sdca import Sdca
from fedsim.tasks.softmax import Softmax
from fedsim.tasks.svm import LinearSvm


def problem_of(sizes, classes=3, seed=0, features=4):
    """Devices whose classes lie around centres, a little different on each device."""
    rng = np.random.default_rng(seed)
    device = np.repeat(np.arange(len(sizes)), sizes)
    y = rng.integers(0, classes, sum(sizes))
    centres = rng.normal(size=(classes, features)) + 0.3 * rng.normal(size=(len(sizes), classes, features))
    X = centres[device, y] + rng.normal(size=(sum(sizes), features))
    part = Examples.of(X, y, device, len(sizes))
    return Problem(model=LinearSvm(features=features, classes=classes), train=part, test=part)


def image_of(learner, run):
    """V from its definition: c_t X_t^T alpha_t, with alpha as the devices committed it."""
    problem = run.problem
    design = problem.train.with_constant if problem.model.bias else problem.train
    V = np.zeros_like(run.state.V)
    for t, alpha in run.memory.items():
        c = 1 / problem.sizes[t] if learner.example_weight == "mean" else 1.0
        V[:, t] = c * (design.X[design.rows(t)].T @ alpha).T
    return V


@settings(deadline=None, max_examples=25)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    classes=st.integers(2, 4),
    regulariser=st.sampled_from([MeanRegularised(mu=0.2), ProbabilisticPrior(eps=0.05), Independent()]),
    loss=st.sampled_from([Hinge(), Hinge(smoothing=0.3), Squared()]),
    example_weight=st.sampled_from(["mean", "sum"]),
    data=st.data(),
)
def test_whatever_is_lost_the_gap_is_a_gap(rounds, arrived, *, sizes, classes, regulariser, loss, example_weight, data):
    """Any devices are asked for any part of their work, any answers are lost."""
    learner = Mocha(
        solver=Sdca(loss=loss),
        penalty=0.05,
        regulariser=regulariser,
        omega_every=4,
        example_weight=example_weight,
    )
    run = rounds(learner, problem_of(sizes, classes))
    dual = run.measures["dual"]
    for _ in range(9):
        chosen = data.draw(st.sets(st.integers(0, len(sizes) - 1), min_size=1))
        steps = [data.draw(st.integers(0, 2 * sizes[t])) for t in sorted(chosen)]
        answers = run.ask(sorted(chosen), np.array(steps))
        keep = np.array([data.draw(st.booleans()) for _ in chosen])
        run.take(arrived(answers, keep))
        measures = run.measures
        assert measures["gap"] == measures["primal"] - measures["dual"]
        assert measures["gap"] >= -1e-10
        assert np.allclose(run.state.V, image_of(learner, run), atol=1e-10)
        assert np.allclose(run.state.W, run.state.sigma @ run.state.V / 0.05, atol=1e-9)
        if run.state.rounds % 4:  # a new Omega makes another dual
            assert measures["dual"] >= dual - 1e-10
        dual = measures["dual"]


def test_a_lost_answer_leaves_everything_as_it_was(rounds):
    run = rounds(Mocha(), problem_of([5, 8, 3]))
    run.play()
    state, memory = run.state, {t: alpha.copy() for t, alpha in run.memory.items()}
    measures = run.measures
    answers = run.ask()
    assert np.abs(answers.sent).max() > 0
    assert run.state is state
    assert all(np.array_equal(run.memory[t], memory[t]) for t in memory)
    assert run.measures == measures
    assert np.array_equal(run.ask().sent, answers.sent)


def test_order_and_company_of_devices_change_no_bit(rounds):
    run = rounds(Mocha(), problem_of([5, 8, 3, 8, 12]))
    run.play()
    together, backwards = run.ask(), run.ask(np.arange(5)[::-1])
    assert np.array_equal(together.sent, backwards.sent[::-1])
    for t in range(5):
        alone = run.ask([t])
        assert np.array_equal(alone.sent[0], together.sent[t])
        assert np.array_equal(alone.memory[0], together.memory[t])


def test_fewer_steps_are_a_beginning_of_more(rounds):
    """What a device did before its deadline is what it would have done first: the step after changes one example."""
    run = rounds(Mocha(solver=Sdca(loss=Squared())), problem_of([10, 10]))
    before, after = run.ask([0], np.array([4])), run.ask([0], np.array([5]))
    assert (before.memory[0] != 0).any(axis=1).sum() == 4
    assert (before.memory[0] != after.memory[0]).any(axis=1).sum() == 1


def test_a_message_down_holds_all_that_a_device_needs(rounds):
    learner = Mocha(penalty=0.25, regulariser=MeanRegularised(mu=0.1))
    run = rounds(learner, problem_of([5, 8], classes=3))
    run.play()
    message = learner.broadcast(run.problem, run.state, 1)
    assert message.shape == (3, 4 + 1 + 3)
    assert np.array_equal(message[:, :5], run.state.W[:, 1])
    sigma = 0.5 / 1.1 + 0.5 / 0.1  # Sigma_tt of two tasks; rows of Sigma sum to 1 / mu
    assert np.allclose(message[:, 5:], [sigma, 10 / sigma, 0.25])


def test_each_row_of_weights_has_its_own_relations(rounds):
    run = rounds(Mocha(regulariser=ProbabilisticPrior(), omega_every=2), problem_of([20, 20, 20]))
    assert np.array_equal(run.state.sigma, np.stack([np.eye(3) / 3] * 3))
    run.play()
    assert np.array_equal(run.state.sigma, np.stack([np.eye(3) / 3] * 3))  # not yet
    run.play()
    assert np.allclose(np.trace(run.state.sigma, axis1=1, axis2=2), 1.0)
    assert not np.allclose(run.state.sigma[0], run.state.sigma[1])


def test_rows_of_weights_are_problems_of_their_own(rounds):
    """One-against-rest on three classes is three times a problem of two classes."""
    problem = problem_of([6, 9, 4], classes=3)
    run = rounds(Mocha(regulariser=MeanRegularised()), problem)
    for _ in range(3):
        run.play()
    for label in range(3):
        part = Examples(X=problem.train.X, y=(problem.train.y == label).astype(np.int64), offsets=problem.train.offsets)
        alone = Problem(model=LinearSvm(features=4, classes=2), train=part, test=part)
        single = rounds(Mocha(regulariser=MeanRegularised()), alone)
        for _ in range(3):
            single.play()
        assert np.allclose(single.state.W[0], run.state.W[label], rtol=1e-12, atol=1e-12)


def test_squared_loss_meets_the_solution_of_the_normal_equations(rounds):
    """Three ridge regressions that are drawn together: one linear system for all their weights."""
    rng = np.random.default_rng(0)
    m, d, mu, penalty = 3, 2, 0.2, 0.3
    X, y, device = rng.normal(size=(30, d)), rng.normal(size=30), np.repeat(np.arange(m), [5, 10, 15])
    part = Examples.of(X, y, device, m)
    problem = Problem(model=LeastSquares(features=d), train=part, test=part)
    learner = Mocha(solver=Sdca(epochs=4, loss=Squared()), penalty=penalty, regulariser=MeanRegularised(mu=mu))
    run = rounds(learner, problem)
    for _ in range(150):
        run.play()
    omega = np.eye(m) * (1 + mu) - 1 / m
    system, right = penalty * np.kron(omega, np.eye(d)), np.zeros(m * d)
    for t in range(m):
        rows, place = part.rows(t), slice(t * d, t * d + d)
        system[place, place] += part.X[rows].T @ part.X[rows] / part.sizes[t]
        right[place] = part.X[rows].T @ part.y[rows] / part.sizes[t]
    assert np.allclose(run.models.ravel(), np.linalg.solve(system, right), atol=1e-8)
    assert run.measures["gap"] == pytest.approx(0.0, abs=1e-12)


def test_examples_weigh_one_each_or_their_device_one(rounds):
    """At W = 0 the hinge loss of each example is 1: the sum counts examples, the mean counts devices."""
    for example_weight, loss in (("mean", 2.0), ("sum", 13.0)):
        run = rounds(Mocha(example_weight=example_weight), problem_of([5, 8], classes=2))
        assert run.measures == {"primal": loss, "dual": 0.0, "gap": loss}


def test_related_devices_learn_from_each_other(rounds):
    """A device with two examples is served better when it is drawn to the mean of others than alone."""
    train = problem_of([3] * 10 + [60] * 5, classes=3, seed=1)
    test = problem_of([60] * 15, classes=3, seed=1)
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(3, 4))

    def part(sizes):
        device = np.repeat(np.arange(len(sizes)), sizes)
        y = rng.integers(0, 3, len(device))
        return Examples.of(2 * centres[y] + rng.normal(size=(len(y), 4)), y, device, len(sizes))

    problem = Problem(model=train.model, train=part(train.sizes), test=part(test.sizes))
    shares = {}
    for regulariser in (MeanRegularised(mu=0.1), Independent()):
        run = rounds(Mocha(penalty=0.01, regulariser=regulariser), problem)
        for _ in range(40):
            run.play()
        shares[regulariser] = quality(problem, run.models).worst_tenth
    assert shares[MeanRegularised(mu=0.1)] > shares[Independent()] + 0.1


def test_bytes_and_operations():
    problem = problem_of([5, 8], classes=3)
    learner = Mocha(solver=Sdca(epochs=2), regulariser=ProbabilisticPrior(), omega_every=5)
    assert learner.up_bytes(problem) == 8 * 3 * 5
    assert learner.down_bytes(problem) == 8 * 3 * (5 + 3)
    assert learner.local_cost(problem, 1).steps == 16
    assert learner.local_cost(problem, 1).step_flops == 4 * 5 * 3
    # Two answers of 5 numbers go into V and, through Sigma (2 x 2), into W; every fifth time Sigma and W are new.
    adding, renewing = 2 * 5 + 2 * 2 * 2 * 5, (2 * 4 * 5 + 11 * 8) + 2 * 4 * 5
    assert learner.aggregate_flops(problem, 2) == pytest.approx(3 * (adding + renewing / 5))
    assert learner.takes_partial_work


def test_learners_and_models_that_do_not_go_together_are_refused():
    part = Examples.of(np.zeros((2, 1)), np.array([0, 1]), np.array([0, 1]), 2)
    rng = np.random.default_rng(0)
    softmax = Problem(model=Softmax(features=1, classes=2), train=part, test=part)
    with pytest.raises(FedsimError, match="Softmax is none"):
        Mocha().init(softmax, rng)
    regression = Problem(model=LeastSquares(features=1), train=part, test=part)
    with pytest.raises(FedsimError, match="Hinge loss needs classes"):
        Mocha().init(regression, rng)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"penalty": 0.0}, "penalty"),
        ({"penalty": float("nan")}, "penalty"),
        ({"omega_every": 0}, "omega_every"),
        ({"example_weight": "equal"}, "'mean' or 'sum', got 'equal'"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    with pytest.raises(FedsimError, match=message):
        Mocha(**parameters)
