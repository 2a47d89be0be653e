"""FedEM without a server: against FedEM, against the algorithm written out, and on the paper's generator.

The whole run on the paper's generator, 300 nodes for 200 rounds, has the mark ``long``. What it gave is in
``test_the_papers_generator``.
"""

import networkx as nx
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from fedsim.errors import FedsimError
from fedsim.learners.decay import Milestones
from fedsim.learners.dfedem import DFedEM
from fedsim.learners.em import example_losses, expect
from fedsim.learners.fedem import FedEM
from fedsim.learners.mixing import contraction, metropolis
from fedsim.tasks.examples import Examples
from fedsim.tasks.generators.fedem import FedEmMixture
from fedsim.tasks.generators.sizes import Sizes
from fedsim.tasks.logistic import Logistic
from fedsim.tasks.problem import Problem
from fedsim.tasks.quality import quality
from fedsim.tasks.sgd import Sgd
from fedsim.tasks.softmax import Softmax
from fedsim.tasks.svm import LinearSvm

SOLVER = Sgd(epochs=2, batch_size=4, step_size=0.2, momentum=0.9, weight_decay=1e-3)


def problem_of(sizes, seed=0):
    rng = np.random.default_rng(seed)
    device = np.repeat(np.arange(len(sizes)), sizes)
    part = Examples.of(rng.normal(size=(len(device), 4)), rng.integers(0, 3, len(device)), device, len(sizes))
    return Problem(model=Softmax(features=4, classes=3), train=part, test=part)


def test_on_a_complete_graph_with_equal_sizes_it_is_fedem(gossip, rounds):
    problem, W = problem_of([9] * 5), metropolis(nx.complete_graph(5))
    assert np.allclose(W, 1 / 5)
    peers = gossip(DFedEM(solver=SOLVER, precision="float64"), problem, W)
    server = rounds(FedEM(solver=SOLVER, precision="float64"), problem)
    for _ in range(6):
        peers.play()
        server.play()
        assert np.allclose(peers.states, server.state.ravel(), rtol=0, atol=1e-12)
    assert np.allclose(peers.models, server.models, rtol=0, atol=1e-12)
    assert peers.measures["objective"] == pytest.approx(server.measures["objective"], rel=1e-12)
    assert peers.measures["disagreement"] < 1e-12


def test_a_round_is_the_papers(gossip):
    """E step, weights, M step by one full gradient step, then theta_m,t <- sum_s W_ts theta_m,s."""
    problem, W = problem_of([3, 8, 5, 6]), metropolis(nx.path_graph(4))
    peers = gossip(DFedEM(solver=Sgd(batch_size=None, step_size=0.3), precision="float64"), problem, W)
    for _ in range(3):
        theta = peers.states.reshape(4, 3, -1).copy()
        pi = np.stack([share.pi for share in peers.memory])
        losses = example_losses(problem.model, problem.train, np.arange(4), theta)
        q, pi = expect(losses, pi, problem.sizes)
        for t in range(4):
            own = problem.train.rows(t)
            X, y = problem.train.X[own], problem.train.y[own]
            for m in range(3):
                weight = q[own, m] / len(y)
                theta[t, m] -= 0.3 * problem.model.gradient(theta[None, t, m], X[None], y[None], weight[None])[0]
        peers.play()
        assert np.allclose(peers.states, W @ theta.reshape(4, -1), atol=1e-12)
        assert np.allclose([share.pi for share in peers.memory], pi, atol=1e-12)


def test_all_start_from_the_same_components_and_different_ones(gossip):
    start = gossip(DFedEM(), problem_of([3, 4]), np.eye(2)).states
    assert (start[0] == start[1]).all()
    components = start[0].reshape(3, -1)
    assert len(np.unique(components, axis=0)) == 3
    assert np.abs(components).max() <= 0.5 < np.abs(gossip(DFedEM(spread=4.0), problem_of([3]), np.eye(1)).states).max()


def test_mixing_keeps_the_mean_whatever_the_precision_and_a_lost_message_costs_its_weight(gossip):
    problem, W = problem_of([3, 3, 3]), metropolis(nx.path_graph(3))
    peers = gossip(DFedEM(solver=Sgd(step_size=1e-30)), problem, W)
    peers.states = peers.states * np.array([[1.0], [2.0], [4.0]])
    before = peers.states.copy()
    peers.play()
    assert np.allclose(peers.states.mean(axis=0), before.mean(axis=0), rtol=0, atol=1e-15)
    half = (before[0] + 1 / 3 * (before[1] - before[0]), before[2] + 1 / 3 * (before[1] - before[2]))
    assert np.allclose(peers.states[[0, 2]], half, atol=1e-6)
    alone = peers.states[0].copy()
    peers.play(lost={(1, 0)})
    assert (peers.states[0] == alone).all()


def test_costs_and_bytes_are_fedems_and_to_each_neighbour():
    problem = problem_of([9, 4])
    for precision in ("float32", "float64"):
        ours, theirs = (kind(solver=SOLVER, components=2, precision=precision) for kind in (DFedEM, FedEM))
        assert ours.up_bytes(problem) == theirs.up_bytes(problem) == 2 * 15 * int(precision[-2:]) // 8
        assert ours.local_cost(problem, 0) == theirs.local_cost(problem, 0)
    assert DFedEM(solver=SOLVER).local_cost(problem, 0).begin_flops == 3 * 9 * problem.model.forward_flops


def test_a_node_that_has_not_taken_part_settles_its_weights_on_its_own_examples(gossip):
    problem = problem_of([12, 12])
    peers = gossip(DFedEM(solver=SOLVER), problem, np.eye(2))
    fresh = peers.models[:, -3:]
    assert not np.allclose(fresh, 1 / 3, atol=1e-3)
    peers.play()
    kept = np.stack([share.pi for share in peers.memory])
    assert (peers.models[:, -3:] == kept).all()


def test_momentum_and_decay_are_those_of_the_rounds(gossip):
    problem, runs = problem_of([9] * 3), []
    for rest in ({}, {"keep_momentum": False}, {"decay": Milestones(at=(1,), factor=0.1)}):
        peers = gossip(DFedEM(solver=SOLVER, **rest), problem, metropolis(nx.path_graph(3)))
        for _ in range(2):
            peers.play()
        runs.append(peers.states)
    assert not np.allclose(runs[0], runs[1], atol=1e-3)
    assert not np.allclose(runs[0], runs[2], atol=1e-3)


def test_what_happened_since_stays_when_local_work_is_added():
    learner = DFedEM()
    assert learner.rebase(np.array([1.0]), np.array([1.5]), np.array([3.0])).tolist() == [3.5]


def test_what_cannot_be_is_refused():
    with pytest.raises(FedsimError, match="components must be >= 1, got 0"):
        DFedEM(components=0)
    part = problem_of([3]).train
    with pytest.raises(FedsimError, match="a mixture needs a model with probabilities, and LinearSvm has none"):
        DFedEM().init(
            Problem(model=LinearSvm(features=4, classes=3), train=part, test=part), 0, np.random.default_rng(0)
        )


def solver(step_size=0.1):
    return Sgd(epochs=1, batch_size=128, step_size=step_size, momentum=0.9, weight_decay=5e-4)


def mean_accuracy(run):
    """Mean over devices, in per cent."""
    return 100 * quality(run.problem, run.models, run.learner.predictor(run.problem)).mean_accuracy


def test_with_and_without_a_server_on_a_small_mixture(gossip, rounds):
    """60 nodes on G(60, 0.5) by Metropolis, 100 rounds: 82.5 % beside FedEM's 82.6 %."""
    data = FedEmMixture(features=40, sizes=Sizes(most=100), test_examples=200, seed=4).deal(
        "small", 60, np.random.default_rng
    )
    problem = data.problem(Logistic(features=40))
    W = metropolis(nx.gnp_random_graph(60, 0.5, seed=1))
    peers, server = gossip(DFedEM(solver=solver(1.0)), problem, W), rounds(FedEM(solver=solver(1.0)), problem)
    with threadpool_limits(1):
        for _ in range(100):
            peers.play()
            server.play()
    assert (mean_accuracy(peers), mean_accuracy(server)) == pytest.approx((82.5, 82.6), abs=0.5)


@pytest.mark.long
def test_the_papers_generator(gossip):
    """Seed 12345, M = 3, G(300, 0.5), Metropolis: 82.4 %, bottom decile 74.6, beside 84.2 / 75.0 of FedEM here.

    75.1 after 50 rounds, 81.9 after 100; nodes end 3e-4 apart. The notes' run: 82.3 / 74.4.
    """
    data = FedEmMixture(seed=12345, test_examples=500).deal("fedem", 300, np.random.default_rng)
    problem, W = data.problem(Logistic(features=150)), metropolis(nx.gnp_random_graph(300, 0.5, seed=0))
    assert contraction(W) == pytest.approx(0.195, abs=0.02)
    learner = DFedEM(solver=solver(), decay=Milestones(at=(100, 150), factor=0.1))
    peers = gossip(learner, problem, W)
    with threadpool_limits(1):
        for _ in range(200):
            peers.play()
    assert mean_accuracy(peers) == pytest.approx(82.3, abs=1.5)
