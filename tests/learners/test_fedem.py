"""FedEM against FedAvg, its symmetries, what it costs, and what becomes of lost answers."""

import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.learners.decay import Milestones
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.fedem import FedEM
from fedsim.learners.learner import MergingLearner
from fedsim.tasks.examples import Examples
from fedsim.tasks.logistic import Logistic
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import quality
from fedsim.tasks.sgd import Sgd
from fedsim.tasks.softmax import Softmax
from fedsim.tasks.svm import LinearSvm

SOLVER = Sgd(epochs=2, batch_size=4, step_size=0.2, momentum=0.9, weight_decay=1e-3)


def ragged(model=None, devices=6, seed=0):
    """Devices of 3 to 18 examples of three classes."""
    rng = np.random.default_rng(seed)
    sizes = 3 * np.arange(1, devices + 1)
    model = model or Softmax(features=4, classes=3)
    n = int(sizes.sum())
    part = Examples.of(
        rng.normal(size=(n, 4)), rng.integers(0, model.classes, n), np.repeat(range(devices), sizes), devices
    )
    return Problem(model=model, train=part, test=part)


@pytest.fixture(scope="module")
def two_kinds():
    """12 devices of two opposite linear laws; device t draws a share of t / 11 of its examples from the second."""
    rng = np.random.default_rng(4)
    X, device = rng.uniform(-1, 1, size=(12 * 80, 5)), np.repeat(np.arange(12), 80)
    theta = rng.uniform(-1, 1, size=(2, 5)) * 4
    second = rng.random(len(device)) < device / 11
    y = ((X * theta[second.astype(int)]).sum(axis=1) > 0).astype(np.int64)
    part = Examples.of(X, y, device, 12)
    return Problem(model=Logistic(features=5), train=part, test=part)


def test_one_component_at_rest_is_fedavg_to_the_last_bit(rounds):
    problem = ragged()
    fedavg = rounds(FedAvg(solver=SOLVER), problem, seed=3)
    fedem = rounds(FedEM(components=1, solver=SOLVER, keep_momentum=False), problem, seed=3)
    for cohort in (None, [0, 3, 4], None, [5]):
        fedavg.play(cohort)
        fedem.play(cohort)
        assert np.array_equal(fedem.state[0], fedavg.state)
    assert np.array_equal(fedem.models, np.hstack([fedavg.models, np.ones((6, 1))]))
    assert fedem.measures["objective"] == pytest.approx(fedavg.measures["objective"], rel=1e-12)
    assert quality(problem, fedem.models, fedem.learner.predictor(problem)) == quality(problem, fedavg.models)


def test_momentum_is_kept_over_rounds_where_asked(rounds):
    """A kept velocity makes the second round differ, and not the first."""
    kept, fresh = (rounds(FedEM(solver=SOLVER, keep_momentum=keep), ragged()) for keep in (True, False))
    for run in (kept, fresh):
        run.play()
    assert np.array_equal(kept.state, fresh.state)
    assert kept.memory[0].momentum.shape == (3, 15)
    assert fresh.memory[0].momentum is None
    for run in (kept, fresh):
        run.play()
    assert not np.allclose(kept.state, fresh.state, atol=1e-3)


def test_without_momentum_there_is_nothing_to_keep(rounds):
    run = rounds(FedEM(solver=Sgd()), ragged())
    run.play()
    assert run.memory[0].momentum is None


def test_the_step_size_falls_at_milestones(rounds):
    solver = Sgd(batch_size=None, step_size=0.2)
    runs = [rounds(FedEM(solver=solver, decay=decay), ragged()) for decay in (None, Milestones(at=(2,), factor=0.5))]
    for _ in range(2):
        [run.play() for run in runs]
        assert np.array_equal(runs[0].state, runs[1].state)
    starts = [run.state.copy() for run in runs]
    [run.play() for run in runs]
    moves = [run.state - start for run, start in zip(runs, starts, strict=True)]
    assert np.allclose(moves[1], moves[0] / 2, atol=1e-6)


def test_components_start_apart_within_the_spread():
    rng = np.random.default_rng
    theta = FedEM(spread=0.5).init(ragged(), rng(0))
    assert theta.shape == (3, 15)
    assert 0.2 < np.abs(theta).max() <= 0.25  # 0.5 / sqrt(4)
    assert len({tuple(row) for row in theta}) == 3
    assert np.array_equal(theta, FedEM(spread=0.5).init(ragged(), rng(0)))


def test_labels_of_components_mean_nothing(rounds):
    """Permuted at the start, rows of theta and columns of pi are permuted at the end, and nothing else."""
    problem, order = ragged(), [2, 0, 1]
    plain, other = (rounds(FedEM(solver=SOLVER), problem, seed=1) for _ in range(2))
    other.state = other.state[order]
    for _ in range(4):
        plain.play()
        other.play()
    assert np.allclose(other.state, plain.state[order], atol=1e-6)
    weights = [run.learner.weights(problem, run.state, run.memory) for run in (plain, other)]
    assert np.allclose(weights[1], weights[0][:, order], atol=1e-6)
    assert other.measures["objective"] == pytest.approx(plain.measures["objective"], abs=1e-6)


def test_weights_are_updated_before_the_models(rounds):
    """pi of the first round is the mean of q under the models *received*, whatever is learned from it."""
    problem = ragged()
    runs = [rounds(FedEM(solver=Sgd(step_size=step)), problem) for step in (0.1, 1.0)]
    for run in runs:
        run.play()
    for t in range(6):
        assert np.array_equal(runs[0].memory[t].pi, runs[1].memory[t].pi)
        assert runs[0].memory[t].pi.sum() == pytest.approx(1.0)


def test_a_round_is_what_the_paper_s_algorithm_says(rounds):
    """One device, one component and one minibatch at a time; the loss is divided by the minibatch, not by its q."""
    problem, learner = ragged(), FedEM(solver=SOLVER, precision="float64")
    run, v = rounds(learner, problem, seed=2), np.zeros((6, 3, 15))
    theta, pi = run.state.copy(), np.full((6, 3), 1 / 3)
    for number in range(3):
        run.play()
        trained = np.repeat(theta[None], 6, axis=0)
        for t in range(6):
            X, y = (part[problem.train.rows(t)] for part in (problem.train.X, problem.train.y))
            likely = [np.exp(-problem.model.losses(theta[[m]], X[None], y[None])[0]) for m in range(3)]
            q = pi[t] * np.stack(likely, axis=1)
            q /= q.sum(axis=1, keepdims=True)
            pi[t] = q.mean(axis=0)
            rng = np.random.default_rng([2, number, t])
            for order in [rng.permutation(len(y)) for _ in range(2)]:
                for batch in (order[begin : begin + 4] for begin in range(0, len(y), min(4, len(y)))):
                    for m in range(3):
                        w = trained[t, [m]]
                        slope = problem.model.gradient(
                            w, X[None, batch], y[None, batch], q[None, batch, m] / len(batch)
                        )
                        v[t, m] = 0.9 * v[t, m] + slope[0] + 1e-3 * w[0]
                        trained[t, m] -= 0.2 * v[t, m]
        theta = np.average(trained, axis=0, weights=problem.sizes)
        assert np.allclose(run.state, theta, rtol=1e-10, atol=1e-12)
        assert np.allclose([run.memory[t].pi for t in range(6)], pi, rtol=1e-10)


def test_two_kinds_of_data_are_told_apart(rounds, two_kinds):
    solver = Sgd(batch_size=20, step_size=1.0, momentum=0.5)
    one, two = (rounds(FedEM(components=M, solver=solver), two_kinds) for M in (1, 2))
    for _ in range(60):
        one.play()
        two.play()
    scores = [quality(two_kinds, run.models, run.learner.predictor(two_kinds)).accuracy for run in (one, two)]
    assert scores[1] > scores[0] + 0.1
    weights = two.learner.weights(two_kinds, two.state, two.memory)
    shares = np.arange(12) / 11
    assert min(np.abs(weights[:, m] - shares).mean() for m in range(2)) < 0.12


def test_order_and_company_of_devices_change_nothing(rounds):
    run = rounds(FedEM(solver=SOLVER), ragged())
    run.play()
    together, backwards = run.ask(), run.ask(np.arange(6)[::-1])
    for t in range(6):
        alone = run.ask([t])
        for other in (backwards[5 - t], alone[0]):
            assert np.array_equal(together[t].sent, other.sent)
            assert np.array_equal(together[t].memory.pi, other.memory.pi)
            assert np.array_equal(together[t].memory.momentum, other.memory.momentum)


def test_a_lost_answer_leaves_its_device_as_it_was(rounds, arrived):
    run = rounds(FedEM(solver=SOLVER), ragged())
    run.play()
    before = run.memory[2]
    run.take(arrived(run.ask(), np.arange(6) != 2))
    assert run.memory[2] is before
    assert run.memory[3].took_part


def test_partial_work_trains_less_and_still_updates_the_weights(rounds):
    run = rounds(FedEM(solver=SOLVER), ragged())
    run.play()
    full, some, none = run.ask(), run.ask(steps=1), run.ask(steps=0)
    start = run.learner.broadcast(run.problem, run.state, 0)
    assert np.array_equal(none.sent, np.broadcast_to(start, none.sent.shape))
    assert 0 < np.abs(some.sent[5] - start).max() < np.abs(full.sent[5] - start).max()
    for t in range(6):
        assert np.array_equal(none[t].memory.pi, full[t].memory.pi)
        assert not np.array_equal(none[t].memory.pi, run.memory[t].pi)


@pytest.mark.parametrize(("precision", "size"), [("float32", 4), ("float64", 8)])
def test_edges_that_combine_once_and_are_merged_are_one_server(rounds, precision, size):
    learner, problem = FedEM(solver=SOLVER, precision=precision), ragged()
    assert isinstance(learner, MergingLearner)
    flat = rounds(learner, problem)
    answers = flat.ask()
    edges = [rounds(learner, problem), rounds(learner, problem)]
    edges[0].take(answers[:2])
    edges[1].take(answers[2:])
    flat.take(answers)
    examples = np.array([problem.sizes[:2].sum(), problem.sizes[2:].sum()], dtype=float)
    merged = learner.merge(problem, None, [edge.state for edge in edges], examples)
    assert np.allclose(merged, flat.state, rtol=1e-6 if learner.precision == "float32" else 1e-12, atol=1e-15)
    assert learner.state_bytes(problem) == 3 * 15 * size
    assert learner.merge_flops(problem, 2) == 2 * 2 * 3 * 15


def test_messages_hold_all_components_and_are_really_rounded(rounds):
    problem = ragged()
    for precision, size in (("float32", 4), ("float64", 8)):
        run = rounds(FedEM(solver=SOLVER, precision=precision), problem)
        run.play()
        assert run.learner.up_bytes(problem) == run.learner.down_bytes(problem) == 3 * 15 * size
        for message in (run.learner.broadcast(problem, run.state, 0), run.ask().sent[0]):
            assert message.astype(precision).nbytes == 3 * 15 * size
            assert np.array_equal(message, message.astype(np.float32)) == (precision == "float32")


def test_the_e_step_is_charged_before_the_first_step():
    problem = ragged()  # device 5: 18 examples, 5 minibatches of 4, 2 epochs
    plain, cost = FedAvg(solver=SOLVER).local_cost(problem, 5), FedEM(solver=SOLVER).local_cost(problem, 5)
    forward = problem.model.forward_flops
    assert cost.steps == plain.steps == 10
    assert cost.begin_flops == 3 * 18 * forward
    assert cost.flops(0) == cost.begin_flops
    assert cost.flops(10) == pytest.approx(3 * plain.flops(10) + 3 * 18 * forward)
    assert cost.dispatches(10) == 3 * 10 + 3 * 5
    assert cost.moved_bytes(0) == 4 * 3 * (5 * 15 + 18 * (7 + 1))  # models for each batch; features, scores and loss
    assert cost.memory_bytes == plain.memory_bytes + 4 * (2 * 2 * 15 + 3 * 18)  # models and velocities, and q
    fresh = FedEM(solver=SOLVER, keep_momentum=False).local_cost(problem, 5)
    assert cost.memory_bytes - fresh.memory_bytes == 4 * 2 * 15
    assert FedEM(components=2).aggregate_flops(problem, 7) == 2 * 7 * 2 * 15


def test_a_device_that_never_took_part_fits_its_weights_to_its_own_data(rounds, two_kinds):
    run = rounds(FedEM(components=2, solver=Sgd(batch_size=20, step_size=1.0, momentum=0.5)), two_kinds)
    seen = np.arange(1, 11)
    for _ in range(60):
        run.play(seen)
    weights = run.learner.weights(two_kinds, run.state, run.memory)
    second = int(np.argmax(weights[11]))
    assert weights[11, second] > 0.85
    assert weights[0, second] < 0.15
    assert weights[5] == pytest.approx(run.memory[5].pi)


def test_bad_parameters_are_refused(rounds):
    with pytest.raises(FedsimError, match="components must be >= 1, got 0"):
        FedEM(components=0)
    with pytest.raises(FedsimError, match="spread must be > 0 and finite, got nan"):
        FedEM(spread=float("nan"))
    with pytest.raises(FedsimError, match="LinearSvm has none"):
        rounds(FedEM(), ragged(LinearSvm(features=4, classes=3)))
