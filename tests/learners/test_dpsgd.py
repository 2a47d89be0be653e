"""D-PSGD against Lian et al. 2017, and against FedAvg where they must agree."""

import networkx as nx
import numpy as np
import pytest

from fedsim.errors import FedsimError
from fedsim.learners.dpsgd import DPsgd
from fedsim.learners.exchange import Meeting, assemble
from fedsim.learners.fedavg import FedAvg
from fedsim.learners.mixing import metropolis
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.problem import Problem
from fedsim.tasks.sgd import Sgd
from fedsim.tasks.softmax import Softmax


def regression(nodes, seed=0):
    """Each node has its own least-squares optimum."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(nodes * 5, 3)), rng.normal(size=nodes * 5)
    part = Examples.of(X, y, np.repeat(np.arange(nodes), 5), nodes)
    return Problem(model=LeastSquares(features=3), train=part, test=part)


def one_step(step_size):
    return Sgd(epochs=1, batch_size=None, step_size=step_size)


def test_a_round_is_the_papers_formula(gossip):
    """x_i <- sum_j W_ij x_j - gamma g_i(x_i), the gradient taken before mixing."""
    problem, W = regression(6), metropolis(nx.cycle_graph(6))
    peers = gossip(DPsgd(solver=one_step(0.1), precision="float64"), problem, W)
    x = np.zeros((6, 3))
    X, y = problem.train.X.reshape(6, 5, 3), problem.train.y.reshape(6, 5)
    for _ in range(10):
        gradient = np.stack([X[i].T @ (X[i] @ x[i] - y[i]) / 5 for i in range(6)])
        x = W @ x - 0.1 * gradient
        peers.play()
        assert np.allclose(peers.models, x, rtol=1e-12, atol=1e-13)


def test_disagreement_halves_with_the_step(gossip):
    """Full gradients and a constant step: nodes end O(gamma / (1 - lambda)) apart."""
    problem, W = regression(8), metropolis(nx.cycle_graph(8))
    apart = []
    for gamma in (0.005, 0.0025):
        peers = gossip(DPsgd(solver=one_step(gamma), precision="float64"), problem, W)
        for _ in range(int(5 / gamma)):
            peers.play()
        apart.append(peers.learner.measures(problem, peers.models, {})["disagreement"])
    assert apart[1] / apart[0] == pytest.approx(0.5, rel=0.02)


def clique_of_softmax(nodes=5):
    rng = np.random.default_rng(0)
    n = nodes * 24
    part = Examples.of(rng.normal(size=(n, 4)), rng.integers(0, 3, n), np.repeat(np.arange(nodes), 24), nodes)
    return Problem(model=Softmax(features=4, classes=3), train=part, test=part)


def test_on_a_clique_it_is_fedavg_with_all_devices(gossip, rounds):
    """Train, send, average with equal weights: after every round each node holds FedAvg's global model."""
    problem, solver = clique_of_softmax(), Sgd(epochs=2, batch_size=10)
    W = metropolis(nx.complete_graph(5))
    assert np.allclose(W, 0.2)
    peers = gossip(DPsgd(solver=solver, overlaps=False, precision="float64"), problem, W)
    server = rounds(FedAvg(solver=solver, precision="float64"), problem)
    for _ in range(8):
        peers.play()
        server.play()
        for model in peers.models:
            assert np.allclose(model, server.state, rtol=1e-12, atol=1e-12)
    objective = peers.learner.measures(problem, peers.models, {})["objective"]
    assert objective == pytest.approx(server.measures["objective"])


def test_overlapping_or_not_are_two_algorithms(gossip):
    problem, W = clique_of_softmax(), metropolis(nx.cycle_graph(5))
    early, late = (gossip(DPsgd(overlaps=overlaps, precision="float64"), problem, W) for overlaps in (True, False))
    for peers in (early, late):
        peers.play()
    assert early.learner.overlaps
    assert not np.allclose(early.models, late.models)
    assert np.allclose(early.models.mean(axis=0), late.models.mean(axis=0))  # both add the same gradients


@pytest.mark.parametrize("overlaps", [True, False])
def test_mixing_keeps_the_mean_whatever_the_precision(gossip, overlaps):
    """Without learning, by a step so small that it changes nothing in float32, only mixing moves the models."""
    problem, W = regression(7), metropolis(nx.cycle_graph(7))
    peers = gossip(DPsgd(solver=one_step(1e-30), overlaps=overlaps, precision="float32"), problem, W)
    peers.states = np.random.default_rng(0).normal(size=(7, 3))
    mean = peers.models.mean(axis=0)
    for _ in range(300):
        peers.play()
    assert np.allclose(peers.models.mean(axis=0), mean, rtol=0, atol=1e-14)
    assert np.abs(peers.models - mean).max() < 1e-6


def meeting(own, computed, offered, received, weights):
    return Meeting(
        device=0,
        own=np.array([own]),
        computed=np.array([computed]),
        offered=np.array([offered]),
        memory=None,
        received={j: np.array([message]) for j, message in received.items()},
        weights=weights,
    )


def mixed(learner, *meetings):
    return learner.mix(None, assemble(meetings)).states[:, 0].tolist()


def test_messages_are_rounded_to_their_precision():
    for precision, read in (("float64", 1 / 3), ("float32", float(np.float32(1 / 3)))):
        learner = DPsgd(precision=precision)
        (message,) = learner.outgoing(None, np.array([1]), np.array([[1 / 3]]), (None,)).messages[0]
        assert message == read
        assert mixed(learner, meeting(0.0, 0.0, 0.0, {1: message}, {1: 0.5})) == [read / 2]


def test_a_neighbour_that_is_left_out_leaves_its_weight_to_the_node():
    learner = DPsgd(precision="float64", overlaps=False)
    assert mixed(learner, meeting(1.0, 2.0, 2.0, {}, {1: 0.5})) == [2.0]


def test_nodes_that_mix_together_mix_as_alone():
    """A batch of nodes with none, two and one neighbour: to the last bit what each would have got."""
    learner, rng = DPsgd(), np.random.default_rng(0)
    meetings = [
        meeting(*rng.normal(size=3), {j: rng.normal() for j in range(k)}, dict.fromkeys(range(k), 0.3))
        for k in (0, 2, 1, 0)
    ]
    assert mixed(learner, *meetings) == [mixed(learner, one)[0] for one in meetings]


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
