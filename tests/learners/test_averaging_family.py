"""FedSGD, FedProx, SCAFFOLD and FedDyn: exact numbers of two clients, and what holds for any data."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.feddyn import FedDyn
from fedsim.learners.fedprox import FedProx
from fedsim.learners.fedsgd import FedSgd
from fedsim.learners.scaffold import Scaffold
from fedsim.tasks.datasets import load
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.partition import dirichlet
from fedsim.tasks.problem import Problem, deal
from fedsim.tasks.quality import quality
from fedsim.tasks.sgd import Sgd
from fedsim.tasks.softmax import Softmax

TEN = Sgd(epochs=10, batch_size=None, step_size=0.05)
EXACT = Sgd(epochs=200, batch_size=None, step_size=0.1)  # a contraction by 0.8 a step or faster
FAMILY = (FedSgd, FedAvg, FedProx, Scaffold, FedDyn)


def problem_of(x, y, device, **model):
    part = Examples.of(np.asarray(x, dtype=np.float64), np.asarray(y), np.asarray(device), int(max(device)) + 1)
    return Problem(model=LeastSquares(features=part.features, **model), train=part, test=part)


@pytest.fixture
def two_clients():
    """F_1 = w^2 / 2 and F_2 = 9 (w - 10)^2 / 2: one example each, (x, y) = (1, 0) and (3, 30)."""
    return problem_of([[1.0], [3.0]], [0.0, 30.0], [0, 1])


@pytest.fixture(scope="module")
def digits():
    data = load("digits")
    device = dirichlet(data.y, 8, 0.5, np.random.default_rng(0))
    return deal(data, device, Softmax(features=64, classes=10, l2=1e-3), 0.2, np.random.default_rng(1))


def regression(seed, devices, examples):
    """Strongly convex least squares of several devices with their own solutions, and sizes that may differ."""
    rng = np.random.default_rng(seed)
    device = np.repeat(np.arange(devices), examples)
    x = rng.normal(size=(len(device), 2))
    return problem_of(x, (x * rng.normal(size=(devices, 2))[device]).sum(axis=1) + rng.normal(size=len(x)), device)


# --- the exact numbers of the two clients -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("learner", "iterates", "limit"),
    [
        (FedSgd(step_size=0.05), [2.25, 3.9375, 5.20312, 6.15234, 6.86426], 9.0),
        (FedAvg(solver=TEN), [4.98734, 6.48670, 6.93746, 7.07298, 7.11372], 7.131233),
        (FedProx(solver=TEN, mu=1.0), [4.49561, 6.23814, 6.91357, 7.17537, 7.27684], 7.341071),
        (
            Scaffold(solver=TEN),
            [4.98734, 7.93519, 9.09635, 9.32435, 9.23329, 9.10830, 9.03098, 8.99917],
            9.0,
        ),
    ],
    ids=["fedsgd", "fedavg", "fedprox", "scaffold"],
)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_two_clients_by_hand(rounds, two_clients, precision, learner, iterates, limit):
    run = rounds(replace(learner, precision=precision), two_clients)
    for iterate in iterates:
        run.play()
        assert run.models[:, 0] == pytest.approx(iterate, abs=1e-5)
    for _ in range(150):
        run.play()
    assert run.models[:, 0] == pytest.approx(limit, abs=1e-5)


@pytest.mark.parametrize("option", ["I", "II"])
def test_scaffolds_controls_end_at_the_gradients(rounds, two_clients, option):
    run = rounds(Scaffold(solver=TEN, option=option, precision="float64"), two_clients)
    for _ in range(150):
        run.play()
    assert run.state.model == pytest.approx(9.0, abs=1e-5)
    assert run.state.control == pytest.approx(0.0, abs=1e-5)
    assert [run.memory[k][0] for k in (0, 1)] == pytest.approx([9.0, -9.0], abs=1e-5)


def test_feddyn_with_exact_minima(rounds, two_clients):
    """Theta is right after one round, and the mean of models comes half nearer in each."""
    run = rounds(FedDyn(solver=EXACT, alpha=1.0, precision="float64"), two_clients)
    for mean in (4.5, 6.75, 7.875, 8.4375, 8.71875):
        run.play()
        assert run.state.theta == pytest.approx(9.0, abs=1e-5)
        assert run.models[:, 0] == pytest.approx(mean, abs=1e-5)
    for _ in range(40):
        run.play()
    assert run.models[:, 0] == pytest.approx(9.0, abs=1e-5)
    assert [run.memory[k].gradient[0] for k in (0, 1)] == pytest.approx([9.0, -9.0], abs=1e-5)
    assert run.state.h == pytest.approx(0.0, abs=1e-5)


def test_fedavg_with_exact_minima_is_the_mean_of_the_minima(rounds, two_clients):
    run = rounds(FedAvg(solver=EXACT), two_clients)
    run.play()
    assert run.models[:, 0] == pytest.approx(5.0, abs=1e-5)


# --- what holds for any data ------------------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), batch_size=st.sampled_from([None, 3]), epochs=st.integers(1, 4))
def test_one_device_makes_them_all_plain_descent(rounds, seed, batch_size, epochs):
    problem = regression(seed, 1, 10)
    solver = Sgd(epochs=epochs, batch_size=batch_size, step_size=0.05)
    learners = (FedAvg(solver=solver), FedProx(solver=solver, mu=0.0), Scaffold(solver=solver))
    runs = [rounds(replace(learner, precision="float64"), problem, seed=3) for learner in learners]
    w = np.zeros(2)
    for number in range(4):
        for run in runs:
            run.play()
        rng = np.random.default_rng([3, number, 0])
        asked = {"devices": np.array([0]), "steps": np.array([solver.steps(10)]), "rngs": [rng]}
        w = solver.run(problem.model, problem.train, start=w[None], **asked).parameters[0]
        for run in runs:
            assert np.allclose(run.models[0], w, rtol=1e-12, atol=1e-12)


def test_fedprox_without_a_pull_is_fedavg_to_the_last_bit(rounds, digits):
    runs = [rounds(learner, digits) for learner in (FedAvg(), FedProx(mu=0.0), FedProx(mu=1.0))]
    for _ in range(3):
        for run in runs:
            run.play()
    fedavg, without, with_pull = (run.state for run in runs)
    assert np.array_equal(fedavg, without)
    assert not np.array_equal(fedavg, with_pull)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), devices=st.integers(1, 5), option=st.sampled_from(["I", "II"]))
def test_scaffold_is_fedavg_where_all_devices_hold_the_same(rounds, seed, devices, option):
    """Controls cancel. Option I's control is the gradient at x, equal for all, and cancels as well."""
    one = regression(seed, 1, 6)
    X, y = np.tile(one.train.X, (devices, 1)), np.tile(one.train.y, devices)
    problem = problem_of(X, y, np.repeat(np.arange(devices), 6))
    runs = [
        rounds(learner, problem)
        for learner in (
            FedAvg(solver=TEN, precision="float64"),
            Scaffold(solver=TEN, precision="float64", option=option),
        )
    ]
    for _ in range(4):
        for run in runs:
            run.play()
        assert np.allclose(runs[0].models, runs[1].models, rtol=1e-10, atol=1e-10)


def sizes_of(seed, weights):
    rng = np.random.default_rng(seed)
    return rng.integers(2, 9, size=4) if weights == "examples" else 5


def optimum(problem, weights):
    """The minimiser of the objective, and every device's gradient there."""
    train, share = problem.train, problem.sizes / problem.sizes.sum()
    share = share if weights == "examples" else np.full(problem.devices, 1 / problem.devices)
    each = (share / problem.sizes)[train.device]
    w = np.linalg.solve(train.X.T @ (each[:, None] * train.X), train.X.T @ (each * train.y))
    slopes = train.X * (train.X @ w - train.y)[:, None]
    return w, np.add.reduceat(slopes, train.offsets[:-1]) / problem.sizes[:, None]


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), weights=st.sampled_from(["examples", "equal"]))
def test_the_optimum_is_feddyns_fixed_point(rounds, seed, weights):
    problem = regression(seed, 4, sizes_of(seed, weights))
    w, gradients = optimum(problem, weights)
    solver = Sgd(epochs=400, batch_size=None, step_size=0.05)
    run = rounds(FedDyn(solver=solver, alpha=1.0, weights=weights, precision="float64"), problem)
    run.state = run.state._replace(theta=w)
    run.memory = {k: run.learner.memory(problem, k)._replace(gradient=gradients[k]) for k in range(4)}
    run.play()
    assert run.state.theta == pytest.approx(w, abs=1e-6)
    assert run.state.h == pytest.approx(0.0, abs=1e-6)
    assert np.stack([run.memory[k].gradient for k in range(4)]) == pytest.approx(gradients, abs=1e-6)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), weights=st.sampled_from(["examples", "equal"]))
def test_the_optimum_is_scaffolds_fixed_point(rounds, seed, weights):
    problem = regression(seed, 4, sizes_of(seed, weights))
    w, gradients = optimum(problem, weights)
    run = rounds(Scaffold(solver=TEN, weights=weights, precision="float64"), problem)
    run.state = run.state._replace(model=w)
    run.memory = dict(enumerate(gradients))
    run.play()
    assert run.state.model == pytest.approx(w, abs=1e-9)
    assert run.state.control == pytest.approx(0.0, abs=1e-9)


cohorts = st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=5)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    cohorts=cohorts,
    weights=st.sampled_from(["examples", "equal"]),
    precision=st.sampled_from(["float32", "float64"]),
)
def test_feddyns_h_is_the_mean_of_gradient_memories(rounds, seed, cohorts, weights, precision):
    problem = regression(seed, 6, [2, 3, 4, 5, 6, 4])
    learner = FedDyn(solver=Sgd(epochs=2, batch_size=2), alpha=0.1, weights=weights, precision=precision)
    run = rounds(learner, problem)
    count = learner.relative(problem, np.arange(6))
    for cohort in cohorts:
        run.play(sorted(cohort))
        kept = np.stack([run.memory[k].gradient if k in run.memory else np.zeros(2) for k in range(6)])
        assert run.state.h == pytest.approx((count[:, None] * kept).mean(axis=0), rel=1e-9, abs=1e-9)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    cohorts=cohorts,
    option=st.sampled_from(["I", "II"]),
    weights=st.sampled_from(["examples", "equal"]),
)
def test_scaffolds_control_is_the_mean_of_controls(rounds, seed, cohorts, option, weights):
    problem = regression(seed, 6, [2, 3, 4, 5, 6, 4])
    learner = Scaffold(solver=Sgd(epochs=2, batch_size=2, step_size=0.01), option=option, weights=weights)
    run = rounds(learner, problem)
    count = learner.relative(problem, np.arange(6))
    for cohort in cohorts:
        run.play(sorted(cohort))
        kept = np.stack([run.memory.get(k, np.zeros(2)) for k in range(6)])
        assert run.state.control == pytest.approx((count[:, None] * kept).mean(axis=0), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("learner", FAMILY)
def test_messages_by_their_papers(digits, learner):
    """One model down and one up, 8 bytes a number of the model and round; SCAFFOLD sends twice that."""
    numbers = 4 * 650 * (2 if learner is Scaffold else 1)
    assert (learner().down_bytes(digits), learner().up_bytes(digits)) == (numbers, numbers)


@pytest.mark.parametrize("learner", FAMILY)
def test_names_of_devices_do_not_matter(rounds, learner):
    """Devices in another order, with luck that is the same for all: the same model."""
    problem = regression(4, 5, [2, 3, 4, 5, 6])
    turned = np.array([3, 0, 4, 2, 1])
    rows = np.concatenate([np.arange(problem.train.offsets[k], problem.train.offsets[k + 1]) for k in turned])
    other = problem_of(problem.train.X[rows], problem.train.y[rows], np.repeat(np.arange(5), problem.sizes[turned]))
    solver = {} if learner is FedSgd else {"solver": TEN}
    runs = [rounds(learner(precision="float64", **solver), each) for each in (problem, other)]
    for cohort in ([0, 1, 2, 3, 4], [0, 3], [1, 2, 3]):
        runs[0].play(turned[cohort])
        runs[1].play(cohort)
        assert runs[0].models[0] == pytest.approx(runs[1].models[0], rel=1e-9)


# --- what each does with the work of its devices ----------------------------------------------------------------------


def test_stragglers_work_counts_with_fedprox(rounds, digits):
    run = rounds(FedProx(solver=Sgd(epochs=4)), digits)
    assert run.learner.takes_partial_work
    run.play(steps=3)
    three = run.state
    assert np.abs(three).max() > 0
    again = rounds(FedProx(solver=Sgd(epochs=4)), digits)
    again.play(steps=[3, 3, 3, 3, 0, 0, 0, 0])
    assert 0 < np.abs(again.state).max() < np.abs(three).max()


def test_the_pull_keeps_devices_near_the_servers_model(rounds, digits):
    moved = []
    for mu in (0.0, 0.1, 1.0, 10.0):
        run = rounds(FedProx(solver=Sgd(epochs=20, step_size=0.05), mu=mu), digits)
        moved.append(np.linalg.norm(run.ask().sent, axis=1).mean())
    assert moved == sorted(moved, reverse=True)
    assert moved[3] < 0.2 * moved[0]


@pytest.mark.parametrize("steps", [1, 4])
def test_scaffold_counts_the_steps_that_were_done(rounds, two_clients, steps):
    """Option II's control is the mean gradient along the way: for one step, exactly the gradient at the start."""
    run = rounds(Scaffold(solver=TEN, precision="float64"), two_clients)
    run.play(steps=steps)
    for k, (curve, minimum) in enumerate([(1.0, 0.0), (9.0, 10.0)]):
        way = [minimum * (1 - (1 - 0.05 * curve) ** s) for s in range(steps)]
        assert run.memory[k][0] == pytest.approx(np.mean([curve * (w - minimum) for w in way]))


def test_a_device_that_did_no_step_keeps_its_control(rounds, two_clients):
    run = rounds(Scaffold(solver=TEN, precision="float64"), two_clients)
    run.play()
    before = run.memory[1].copy()
    run.play(steps=[10, 0])
    assert np.array_equal(run.memory[1], before)
    assert np.array_equal(run.memory[0] == run.state.control, [False])


def test_scaffolds_server_step(rounds, two_clients):
    whole, half = (
        rounds(Scaffold(solver=TEN, server_step_size=size, precision="float64"), two_clients) for size in (1.0, 0.5)
    )
    whole.play()
    half.play()
    assert half.state.model == pytest.approx(whole.state.model / 2)


def test_feddyns_three_scores(rounds, two_clients):
    """Only the second device answers: exact, theta_1 = 9 with alpha 1, g_1 = -9, h = -4.5, theta = 9 + 4.5."""
    scores = {}
    for scored in ("active", "all", "server"):
        run = rounds(FedDyn(solver=EXACT, alpha=1.0, scored=scored), two_clients)
        assert run.models[0, 0] == 0.0
        run.play([1])
        scores[scored] = run.models[0, 0]
        assert run.measures["objective"] == pytest.approx(
            (scores[scored] ** 2 / 2 + 9 * (scores[scored] - 10) ** 2 / 2) / 2, rel=1e-5
        )
    assert scores == pytest.approx({"active": 9.0, "all": 4.5, "server": 13.5}, abs=1e-5)


def test_alpha_weighs_by_examples(rounds):
    """The device with three of four examples has w = 1.5, and its alpha is a third of that of the other (w = 0.5)."""
    problem = problem_of(np.ones((4, 1)), [8.0, 2.0, 2.0, 2.0], [0, 1, 1, 1])
    run = rounds(FedDyn(solver=EXACT, alpha=1.0, precision="float64"), problem)
    run.play()
    # The minima of half the squared distance from 8 plus x squared, and from 2 plus a third of x squared.
    assert [run.memory[k].model[0] for k in (0, 1)] == pytest.approx([8 / 3, 2 / (1 + 2 / 3)])
    assert [run.memory[k].gradient[0] for k in (0, 1)] == pytest.approx([-16 / 3, -2 / 3 * 1.2])
    for _ in range(60):
        run.play()
    assert run.models[0, 0] == pytest.approx(3.5)  # the mean of all examples, not of devices (5)


@pytest.mark.parametrize("learner", [Scaffold, FedDyn])
@pytest.mark.parametrize(("weights", "target"), [("examples", 3.5), ("equal", 5.0)])
def test_the_limit_is_the_optimum_of_the_weighted_objective(rounds, learner, weights, target):
    problem = problem_of(np.ones((4, 1)), [8.0, 2.0, 2.0, 2.0], [0, 1, 1, 1])
    alpha = {"alpha": 1.0} if learner is FedDyn else {}
    run = rounds(learner(solver=TEN, weights=weights, **alpha), problem)
    for _ in range(150):
        run.play()
    assert run.models[0, 0] == pytest.approx(target, abs=1e-4)


def test_operations(digits):
    """What a paper's terms cost on top of FedAvg, for each parameter (650) and step, and once a round."""
    solver = Sgd(epochs=2, batch_size=10)
    plain = FedAvg(solver=solver).local_cost(digits, 0)
    size = int(digits.sizes[0])

    def more(learner):
        cost = learner.local_cost(digits, 0)
        return (cost.step_flops - plain.step_flops) / 650, cost.begin_flops, cost.begin_dispatches

    assert more(FedProx(solver=solver)) == (pytest.approx(3.0), 0.0, 0)
    assert more(Scaffold(solver=solver)) == (pytest.approx(1.0), 7 * 650, 0)
    passes = 7 * 650 + size * 3 * 2 * 650
    assert more(Scaffold(solver=solver, option="I")) == (pytest.approx(1.0), passes, -(-size // 10))
    assert more(FedDyn(solver=solver)) == (pytest.approx(4.0), 3 * 650, 0)
    assert FedDyn(solver=solver).local_cost(digits, 0).memory_bytes == plain.memory_bytes + 8 * 650
    assert Scaffold().aggregate_flops(digits, 7) == 4 * 7 * 650
    assert FedDyn().aggregate_flops(digits, 7) == (3 * 7 + 5) * 650


class Unhashed(Softmax):
    """A model of somebody else's, that can be no key."""

    __hash__ = None


def test_local_work_costs_the_same_with_as_many_examples(digits):
    """A cost is reckoned up once for a size; where that cannot be, for each device."""
    learner = FedAvg(solver=Sgd(epochs=2, batch_size=10))
    sizes = sorted(range(8), key=lambda device: digits.sizes[device])
    costs = [learner.local_cost(digits, device) for device in sizes]
    assert [cost.steps for cost in costs] == [2 * -(-int(digits.sizes[device]) // 10) for device in sizes]
    assert learner.local_cost(digits, 3) is learner.local_cost(digits, 3)
    strange = replace(digits, model=Unhashed(features=64, classes=10, l2=1e-3))
    assert [learner.local_cost(strange, device) for device in sizes] == costs


@pytest.mark.parametrize(
    "learner",
    [FedSgd(step_size=1.0), FedProx(mu=0.1), Scaffold(), Scaffold(option="I"), FedDyn(alpha=0.01)],
    ids=["fedsgd", "fedprox", "scaffold", "scaffold I", "feddyn"],
)
def test_they_learn_digits(rounds, digits, learner):
    run = rounds(learner, digits)
    before = run.measures["objective"]
    assert before == pytest.approx(np.log(10))
    for number in range(30):
        run.play(np.random.default_rng(number).permutation(8)[:4])
    assert run.measures["objective"] < 0.7
    assert quality(digits, run.models).accuracy > 0.8


# --- edge servers -----------------------------------------------------------------------------------------------------

EDGES = ([0, 2], [1, 3, 4], [5])


@pytest.mark.parametrize(
    "learner",
    [FedSgd(), FedAvg(), FedProx(), *(Scaffold(weights=w) for w in ("examples", "equal")), FedDyn()],
    ids=lambda learner: type(learner).__name__,
)
def test_edges_that_answer_once_and_merge_are_one_server(rounds, learner):
    problem = regression(9, 6, [2, 3, 4, 5, 6, 4])
    run = rounds(replace(learner, precision="float64"), problem)
    run.play([0, 3, 5])  # a start that is not the beginning
    base, memory = run.state, dict(run.memory)
    states = []
    for edge in EDGES:
        run.state, run.memory, run.round = base, dict(memory), 1
        run.play(edge)
        states.append(run.state)
    examples = np.array([problem.sizes[edge].sum() for edge in EDGES], dtype=np.float64)
    merged = run.learner.merge(problem, base, states, examples)
    run.state, run.memory, run.round = base, dict(memory), 1
    run.play()
    for own, flat in zip(merged, run.state, strict=True):
        assert own == pytest.approx(flat, rel=1e-9, abs=1e-12)
    assert run.learner.merge_flops(problem, 3) > 0
    numbers = {FedDyn: 2, Scaffold: 2}.get(type(learner), 1) * 2
    assert run.learner.state_bytes(problem) == 8 * numbers


def test_equal_weights_do_not_merge():
    assert "needs weights by examples, not equal ones" in FedAvg(weights="equal").merge_obstacle
    assert not FedAvg().merge_obstacle


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: FedProx(mu=-1.0), "fedprox: mu must be >= 0 and finite, got -1.0"),
        (lambda: FedProx(mu=float("nan")), "got nan"),
        (lambda: FedDyn(alpha=0.0), "feddyn: alpha must be > 0 and finite, got 0.0"),
        (lambda: FedDyn(scored="mean"), "'active', 'all' or 'server', got 'mean'"),
        (lambda: FedDyn(weights="size"), "feddyn: weights must be 'examples' or 'equal', got 'size'"),
        (lambda: Scaffold(option="III"), "scaffold: option must be 'I' or 'II', got 'III'"),
        (lambda: Scaffold(server_step_size=0.0), "scaffold: server_step_size must be > 0"),
        (lambda: Scaffold(solver=Sgd(momentum=0.9)), "momentum needs option I"),
        (lambda: FedSgd(step_size=0.0), "step_size must be > 0"),
    ],
)
def test_what_cannot_be_is_refused(make, match):
    with pytest.raises(FedsimError, match=match):
        make()


def test_scaffold_with_momentum_reads_whole_gradients(rounds, digits):
    run = rounds(Scaffold(solver=Sgd(momentum=0.5), option="I"), digits)
    for _ in range(5):
        run.play()
    assert run.measures["objective"] < np.log(10)


@pytest.mark.parametrize("weights", ["examples", "equal"])
@pytest.mark.parametrize("learner", [Scaffold(), FedDyn(alpha=0.5, scored="all")], ids=lambda one: type(one).__name__)
def test_unseen_devices_change_nothing_of_the_training(rounds, learner, weights):
    """Four devices are trained on; with two more that are kept out, the server does to the last bit what it did."""
    both, learner = regression(3, 6, [5, 9, 4, 7, 30, 2]), replace(learner, weights=weights)
    few = np.repeat(np.arange(6), [5, 9, 4, 7, 30, 2]) < 4
    alone = problem_of(both.train.X[few], both.train.y[few], np.repeat(np.arange(4), [5, 9, 4, 7]))
    one, other = rounds(learner, alone), rounds(learner, replace(both, unseen=np.array([4, 5])))
    for devices in ([0, 1], [1, 2, 3], [0, 3]):
        one.play(devices)
        other.play(devices)
    for mine, theirs in zip(one.state, other.state, strict=True):
        assert np.array_equal(mine, theirs)
    assert np.array_equal(one.models[0], other.models[0])
