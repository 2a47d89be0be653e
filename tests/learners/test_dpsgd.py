"""D-PSGD against Lian et al. 2017, and against FedAvg where they must agree."""

import networkx as nx
import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.learners.dpsgd import DPsgd
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.learner import Work
from fedsim.learners.mixing import metropolis
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd
from fedsim.tasks.softmax import Softmax


class Gossip:
    """Synchronous rounds of all nodes in a plain loop."""

    def __init__(self, learner, problem, W, seed=0):
        self.learner, self.problem, self.W, self.seed, self.round = learner, problem, W, seed, 0
        self.models = np.stack([learner.init(problem, np.random.default_rng(0)) for _ in W])

    def play(self):
        devices = np.arange(len(self.W))
        work = Work(
            devices=devices,
            received=self.models,
            memory=tuple(self.learner.memory(self.problem, i) for i in devices),
            steps=np.array([self.learner.local_cost(self.problem, i).steps for i in devices]),
            versions=np.full(len(devices), self.round),
            rngs=tuple(np.random.default_rng([self.seed, self.round, i]) for i in devices),
        )
        computed = self.learner.local(self.problem, work).sent
        sent = self.models if self.learner.overlaps else computed
        mixed = []
        for i in devices:
            peers = np.flatnonzero((self.W[i] > 0) & (devices != i))
            weights = self.W[i, [i, *peers]]
            mixed.append(self.learner.mix(self.models[i], computed[i], sent[peers], weights))
        self.models = np.stack(mixed)
        self.round += 1


def regression(nodes, seed=0):
    """Each node has its own least-squares optimum."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(nodes * 5, 3)), rng.normal(size=nodes * 5)
    part = Examples.of(X, y, np.repeat(np.arange(nodes), 5), nodes)
    return Problem(model=LeastSquares(features=3), train=part, test=part)


def one_step(step_size):
    return Sgd(epochs=1, batch_size=None, step_size=step_size)


def test_a_round_is_the_papers_formula():
    """x_i <- sum_j W_ij x_j - gamma g_i(x_i), the gradient taken before mixing."""
    problem, W = regression(6), metropolis(nx.cycle_graph(6))
    gossip = Gossip(DPsgd(solver=one_step(0.1), precision="float64"), problem, W)
    x = np.zeros((6, 3))
    X, y = problem.train.X.reshape(6, 5, 3), problem.train.y.reshape(6, 5)
    for _ in range(10):
        gradient = np.stack([X[i].T @ (X[i] @ x[i] - y[i]) / 5 for i in range(6)])
        x = W @ x - 0.1 * gradient
        gossip.play()
        assert np.allclose(gossip.models, x, rtol=1e-12, atol=1e-13)


def test_disagreement_halves_with_the_step():
    """Full gradients and a constant step: nodes end O(gamma / (1 - lambda)) apart."""
    problem, W = regression(8), metropolis(nx.cycle_graph(8))
    apart = []
    for gamma in (0.005, 0.0025):
        gossip = Gossip(DPsgd(solver=one_step(gamma), precision="float64"), problem, W)
        for _ in range(int(5 / gamma)):
            gossip.play()
        apart.append(gossip.learner.measures(problem, gossip.models, {})["disagreement"])
    assert apart[1] / apart[0] == pytest.approx(0.5, rel=0.02)


def clique_of_softmax(nodes=5):
    rng = np.random.default_rng(0)
    n = nodes * 24
    part = Examples.of(rng.normal(size=(n, 4)), rng.integers(0, 3, n), np.repeat(np.arange(nodes), 24), nodes)
    return Problem(model=Softmax(features=4, classes=3), train=part, test=part)


def test_on_a_clique_it_is_fedavg_with_all_devices(rounds):
    """Train, send, average with equal weights: after every round each node holds FedAvg's global model."""
    problem, solver = clique_of_softmax(), Sgd(epochs=2, batch_size=10)
    W = metropolis(nx.complete_graph(5))
    assert np.allclose(W, 0.2)
    gossip = Gossip(DPsgd(solver=solver, overlaps=False, precision="float64"), problem, W)
    server = rounds(FedAvg(solver=solver, precision="float64"), problem)
    for _ in range(8):
        gossip.play()
        server.play()
        for model in gossip.models:
            assert np.allclose(model, server.state, rtol=1e-12, atol=1e-12)
    objective = gossip.learner.measures(problem, gossip.models, {})["objective"]
    assert objective == pytest.approx(server.measures["objective"])


def test_overlapping_or_not_are_two_algorithms():
    problem, W = clique_of_softmax(), metropolis(nx.cycle_graph(5))
    early, late = (Gossip(DPsgd(overlaps=overlaps, precision="float64"), problem, W) for overlaps in (True, False))
    for gossip in (early, late):
        gossip.play()
    assert early.learner.overlaps
    assert not np.allclose(early.models, late.models)
    assert np.allclose(early.models.mean(axis=0), late.models.mean(axis=0))  # both add the same gradients


@pytest.mark.parametrize("overlaps", [True, False])
def test_mixing_keeps_the_mean_whatever_the_precision(overlaps):
    """Without learning, by a step so small that it changes nothing in float32, only mixing moves the models."""
    problem, W = regression(7), metropolis(nx.cycle_graph(7))
    gossip = Gossip(DPsgd(solver=one_step(1e-30), overlaps=overlaps, precision="float32"), problem, W)
    gossip.models = np.random.default_rng(0).normal(size=(7, 3))
    mean = gossip.models.mean(axis=0)
    for _ in range(300):
        gossip.play()
    assert np.allclose(gossip.models.mean(axis=0), mean, rtol=0, atol=1e-14)
    assert np.abs(gossip.models - mean).max() < 1e-6


def test_messages_are_rounded_to_their_precision():
    own, computed = np.zeros(1), np.zeros(1)
    third, half = np.array([[1 / 3]]), np.array([0.5, 0.5])
    assert DPsgd(precision="float64").mix(own, computed, third, half)[0] == 1 / 6
    assert DPsgd(precision="float32").mix(own, computed, third, half)[0] == float(np.float32(1 / 3)) / 2


def test_a_neighbour_that_is_left_out_leaves_its_weight_to_the_node():
    learner = DPsgd(precision="float64", overlaps=False)
    mixed = learner.mix(np.array([1.0]), np.array([2.0]), np.empty((0, 1)), np.array([1.0]))
    assert mixed.tolist() == [2.0]


def test_measures():
    problem = regression(2)
    models = np.array([[3.0, 0.0, 4.0], [-3.0, 0.0, -4.0]])
    measures = DPsgd().measures(problem, models, {})
    assert measures["disagreement"] == 5.0
    assert measures["objective"] == pytest.approx((problem.train.y**2).mean() / 2)


def test_bytes_and_operations():
    problem = clique_of_softmax()
    learner = DPsgd(solver=Sgd(epochs=2, batch_size=10))
    assert learner.up_bytes(problem) == 4 * 15
    assert DPsgd(precision="float64").up_bytes(problem) == 8 * 15
    assert learner.local_cost(problem, 0).steps == 6
    assert learner.local_cost(problem, 0).step_flops == 3 * 30 * 24 / 3
    assert learner.takes_partial_work


def test_an_unknown_precision_is_refused():
    with pytest.raises(FedsimError, match="float32, float64"):
        DPsgd(precision="float16")
