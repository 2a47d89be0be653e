"""Learners that leave every device a model of its own: by tuning, by clusters, on a leash, or alone."""

from dataclasses import replace

import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.learners.clustered import ClusteredFL
from fedsim.learners.decay import Milestones
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.learner import Answers
from fedsim.learners.local import Local
from fedsim.learners.local_tuning import FedAvgTuned
from fedsim.learners.pfedme import PFedMe
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd
from fedsim.tasks.softmax import Softmax

FULL = Sgd(epochs=1, batch_size=None, step_size=0.5)


def quadratics(*targets):
    """Device t has the loss (w - targets[t])^2 / 2: one example, x = 1."""
    count = len(targets)
    part = Examples.of(np.ones((count, 1)), np.array(targets, dtype=float), np.arange(count), count)
    return Problem(model=LeastSquares(features=1), train=part, test=part)


@pytest.fixture(scope="module")
def ragged():
    rng = np.random.default_rng(0)
    sizes = np.array([4, 9, 14, 23])
    X, device = rng.normal(size=(50, 3)), np.repeat(np.arange(4), sizes)
    part = Examples.of(X, (X[:, 0] * (-1.0) ** device > 0).astype(np.int64), device, 4)
    return Problem(model=Softmax(features=3, classes=2), train=part, test=part)


def test_tuning_is_one_more_step_of_the_scored_copy_alone(rounds):
    """Targets 0 and 8, half a step: the global model goes 2, 3, ..., and each device uses its own half way home."""
    run = rounds(FedAvgTuned(solver=FULL), quadratics(0.0, 8.0))
    for model in (2.0, 3.0):
        run.play()
        assert run.state.tolist() == [model]
        assert run.models[:, 0].tolist() == [model / 2, (model + 8) / 2]
    more = replace(run.learner, tuning_epochs=2)
    assert more.models(run.problem, run.state, {})[:, 0].tolist() == [0.75, 6.75]
    less = replace(run.learner, tuning_step_size=0.25)
    assert less.models(run.problem, run.state, {})[:, 0].tolist() == [2.25, 4.25]


def test_tuning_leaves_training_and_costs_to_fedavg(rounds, ragged):
    plain, tuned = rounds(FedAvg(), ragged), rounds(FedAvgTuned(), ragged)
    for _ in range(3):
        plain.play()
        tuned.play()
        assert np.array_equal(tuned.models, tuned.models)  # looking twice shows the same
        assert not np.allclose(tuned.models, plain.models)
    assert np.array_equal(plain.state, tuned.state)
    assert tuned.learner.local_cost(ragged, 2) == plain.learner.local_cost(ragged, 2)
    assert tuned.learner.up_bytes(ragged) == plain.learner.up_bytes(ragged)


def test_devices_alone_go_their_own_way_and_send_nothing(rounds):
    run = rounds(Local(solver=FULL), quadratics(0.0, 8.0, 4.0))
    run.play([1])
    assert run.models[:, 0].tolist() == [0.0, 4.0, 0.0]
    run.play([1, 2])
    assert run.models[:, 0].tolist() == [0.0, 6.0, 2.0]
    assert run.measures["objective"] == pytest.approx((0 + 2 + 2) / 3)
    assert run.ask().sent.size == run.learner.up_bytes(run.problem) == run.learner.down_bytes(run.problem) == 0
    assert run.learner.aggregate_flops(run.problem, 3) == 0.0


def test_devices_alone_keep_their_velocity_and_their_step_size_falls(rounds):
    momentum = rounds(Local(solver=replace(FULL, momentum=0.5)), quadratics(8.0))
    falling = rounds(Local(solver=FULL, decay=Milestones(at=(1,), factor=0.5)), quadratics(8.0))
    for run in (momentum, falling):
        run.play()
        run.play()
    assert momentum.models[0, 0] == 8.0  # 4, then 4 + 0.5 (0.5 * 8 + 4)
    assert falling.models[0, 0] == 5.0  # 4, then 4 + 0.25 * 4


def test_a_lost_round_of_a_device_alone_did_not_happen(rounds, arrived):
    run = rounds(Local(solver=FULL), quadratics(8.0, 8.0))
    run.take(arrived(run.ask(), [True, False]))
    assert run.models[:, 0].tolist() == [4.0, 0.0]


def test_a_personal_model_is_the_proximal_point(rounds):
    """(w - 8)^2 / 2 + (3 / 2) (w - 2)^2 is least at 3.5; the copy goes 2 + 0.1 * 3 * 1.5 = 2.45."""
    solver = Sgd(epochs=1, batch_size=None, step_size=0.2)
    learner = PFedMe(solver=solver, lambda_=3.0, inner_steps=60, outer_step_size=0.1, precision="float64")
    run = rounds(learner, quadratics(8.0, 0.0))
    run.state = np.array([2.0])
    run.play([0])
    assert run.models[0, 0] == pytest.approx(3.5, abs=1e-9)
    assert run.state[0] == pytest.approx(2.45, abs=1e-9)
    # Device 1 took no part: it uses what a first round at the new w would give it, 3 w / 4.
    assert run.models[1, 0] == pytest.approx(3 * 2.45 / 4, abs=1e-9)
    pulls = 1.5 * (np.array([3.5, 3 * 2.45 / 4]) - 2.45) ** 2
    own = np.array([4.5, 3 * 2.45 / 4]) ** 2
    assert run.measures["objective"] == pytest.approx((pulls + own / 2).mean())


def test_the_server_of_pfedme_mixes(rounds):
    solver = Sgd(epochs=1, batch_size=None, step_size=0.2)
    whole = PFedMe(solver=solver, lambda_=3.0, inner_steps=60, outer_step_size=0.1, precision="float64")
    states = []
    for beta in (1.0, 0.5, 2.0):
        run = rounds(replace(whole, beta=beta), quadratics(8.0, 4.0))
        run.play()
        states.append(run.state[0])
    assert states == pytest.approx([0.45, 0.225, 0.9])  # copies move 0.1 * 3 / 4 of 8 and of 4


def test_pfedme_rests_where_gradients_of_the_envelopes_cancel(rounds):
    """Moreau envelopes of quadratics have their optimum at the mean of the targets."""
    solver = Sgd(epochs=3, batch_size=None, step_size=0.2)
    learner = PFedMe(solver=solver, lambda_=3.0, inner_steps=40, outer_step_size=0.1, precision="float64")
    run = rounds(learner, quadratics(8.0, 1.0))
    for _ in range(120):
        run.play()
    assert run.state[0] == pytest.approx(4.5, abs=1e-9)
    # Its personal model hangs on the device's copy, which two of three steps took 0.3 / 4 of the rest of the way home.
    away = 3.5 * 0.925**2 * 3 / 4
    assert run.models[:, 0] == pytest.approx([8 - away, 1 + away], abs=1e-6)


def test_pfedme_sees_minibatches_and_charges_inner_steps(rounds, ragged):
    learner = PFedMe(solver=Sgd(epochs=2, batch_size=5, step_size=0.1), inner_steps=4)
    plain, cost = FedAvg(solver=learner.solver).local_cost(ragged, 3), learner.local_cost(ragged, 3)
    assert cost.steps == plain.steps == 2 * 5
    assert cost.step_flops == 4 * (plain.step_flops + 3 * 8) + 3 * 8
    assert cost.dispatches(10) == 40
    assert cost.step_moved_bytes == 4 * plain.step_moved_bytes
    assert cost.memory_bytes == plain.memory_bytes + 4 * 8
    assert learner.aggregate_flops(ragged, 4) == 8 * 8
    run = rounds(learner, ragged)
    before = run.measures["objective"]
    for _ in range(20):
        run.play()
    assert run.measures["objective"] < before
    together = run.ask()
    for t in range(4):
        alone = run.ask([t])[0]
        assert np.array_equal(alone.sent, together[t].sent)
        assert np.array_equal(alone.memory, together[t].memory)


def test_pfedme_without_steps_sends_what_it_got(rounds, ragged):
    run = rounds(PFedMe(), ragged)
    run.play()
    start = run.learner.broadcast(ragged, run.state, 0)
    assert np.array_equal(run.ask(steps=0).sent, np.broadcast_to(start, (4, 8)))


def changes(*rows, devices=None):
    sent = np.array(rows, dtype=float)
    numbers = np.arange(len(sent)) if devices is None else np.asarray(devices)
    ones = np.ones(len(sent), dtype=np.int64)
    return Answers(devices=numbers, sent=sent, examples=ones, steps=ones, staleness=0 * ones)


def plane(devices=4):
    part = Examples.of(np.eye(2)[np.arange(devices) % 2], np.zeros(devices), np.arange(devices), devices)
    return Problem(model=LeastSquares(features=2), train=part, test=part)


def test_a_cluster_whose_devices_pull_apart_is_cut():
    learner, problem = ClusteredFL(), plane()
    state = learner.init(problem, np.random.default_rng(0))
    state = learner.aggregate(problem, state, changes([2, 0.1], [-2, 0.1], [2, -0.1], [-2, -0.1]))
    assert state.of.tolist() == [0, 1, 0, 1]
    assert state.models.tolist() == [[2, 0], [-2, 0]]  # each part's own changes count
    assert learner.broadcast(problem, state, 3).tolist() == [-2, 0]
    assert learner.measures(problem, state, {})["clusters"] == 2
    state = learner.aggregate(problem, state, changes([0, 3], [0, 1], [0, -3], [0, 1]))
    assert state.of.tolist() == [0, 1, 2, 1]  # indices are those of all devices, whatever the cluster
    assert state.models.tolist() == [[2, 3], [-2, 1], [2, -3]]


@pytest.mark.parametrize(
    ("learner", "rows"),
    [
        (ClusteredFL(), ([1.5, 0], [-1.5, 0])),  # nobody is far enough from rest
        (ClusteredFL(), ([2, 0], [-1, 0])),  # the cluster still moves: 0.5
        (ClusteredFL(mean_below=0.1), ([2, 0], [-1.7, 0])),
        (ClusteredFL(largest_above=2.5), ([2, 0], [-2, 0])),
    ],
    ids=["at rest", "moving", "mean_below", "largest_above"],
)
def test_a_cluster_is_not_cut_before_it_stands_still_at_odds(learner, rows):
    state = learner.init(plane(2), np.random.default_rng(0))
    after = learner.aggregate(plane(2), state, changes(*rows))
    assert after.of.tolist() == [0, 0]
    assert after.models[0] == pytest.approx(np.mean(rows, axis=0))


def test_norms_are_those_of_devices_and_not_of_coordinates():
    """(1.2, 1.2) has the norm 1.7, though no coordinate is above 1.6."""
    state = ClusteredFL().init(plane(2), np.random.default_rng(0))
    assert len(ClusteredFL().aggregate(plane(2), state, changes([1.2, 1.2], [-1.2, -1.2])).models) == 2


def test_linkage_says_when_parts_are_alike():
    """A fan of directions: by their nearest pairs all but the last hang together; by the farthest, one goes with it."""
    angles = np.radians([0, 30, 61, 93, 126, 170])
    fan = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    found = {}
    for linkage in ("complete", "single"):
        learner, problem = ClusteredFL(linkage=linkage, mean_below=9.0), plane(6)
        state = learner.aggregate(problem, learner.init(problem, np.random.default_rng(0)), changes(*fan))
        found[linkage] = state.of.tolist()
    assert found["single"] == [0, 0, 0, 0, 0, 1]  # the widest gap between neighbours: 44 degrees
    assert found["complete"] == [0, 0, 0, 0, 1, 1]


def test_two_groups_at_odds_get_models_of_their_own(rounds):
    """Targets 8 and -8: the mean stands still at once, and after the cut each group goes to its own optimum."""
    run = rounds(ClusteredFL(solver=FULL), quadratics(8.0, -8.0, 8.0, -8.0))
    for _ in range(30):
        run.play()
    assert run.models[:, 0] == pytest.approx([8, -8, 8, -8], abs=1e-5)
    assert run.measures == {"objective": pytest.approx(0.0, abs=1e-9), "clusters": 2.0}


def test_a_newcomer_joins_the_cluster_that_suits_its_data(rounds):
    run = rounds(ClusteredFL(solver=FULL), quadratics(8.0, -8.0, 7.0, -6.0))
    for _ in range(20):
        run.play([0, 1])
    assert run.models[:, 0] == pytest.approx([8, -8, 8, -8], abs=1e-4)


def test_bad_parameters_are_refused():
    with pytest.raises(FedsimError, match="tuning_epochs must be >= 1, got 0"):
        FedAvgTuned(tuning_epochs=0)
    with pytest.raises(FedsimError, match="tuning_step_size must be > 0 and finite, or None, got 0"):
        FedAvgTuned(tuning_step_size=0.0)
    with pytest.raises(FedsimError, match="mean_below must be > 0 and finite, got nan"):
        ClusteredFL(mean_below=float("nan"))
    with pytest.raises(FedsimError, match="largest_above must be > 0 and finite, got -1"):
        ClusteredFL(largest_above=-1)
    with pytest.raises(FedsimError, match="'complete' or 'single', got 'ward'"):
        ClusteredFL(linkage="ward")
    with pytest.raises(FedsimError, match="inner_steps must be >= 1, got 0"):
        PFedMe(inner_steps=0)
    with pytest.raises(FedsimError, match="lambda must be > 0 and finite, got 0"):
        PFedMe(lambda_=0)
    with pytest.raises(FedsimError, match="beta must be > 0 and finite, got nan"):
        PFedMe(beta=float("nan"))
