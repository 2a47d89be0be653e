"""Relations learned on a graph: who is alike is tied, and the models are the optimum of the relation that was found."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.learners.affinity import GivenAffinity, LearnedAffinity
from fedsim.learners.graph_dual import GraphDual
from fedsim.learners.graph_gradient import GraphGradient
from fedsim.learners.mixing import metropolis
from fedsim.tasks.examples import Examples
from fedsim.tasks.least_squares import LeastSquares
from fedsim.tasks.losses import Squared
from fedsim.tasks.problem import Problem
from fedsim.tasks.sdca import Sdca

PENALTY, MU, WIDTH = 0.1, 0.1, 1.0


def two_kinds(seed=0, examples=6):
    """Six tasks of four weights: 0, 2, 4 want the one thing and 1, 3, 5 the opposite; few and noisy examples."""
    rng = np.random.default_rng(seed)
    device = np.repeat(np.arange(6), examples)
    truth = np.outer([1, -1] * 3, [1.5, -1.0, 0.5, 1.0])
    X = rng.normal(size=(len(device), 4))
    parts = [
        Examples.of(X, (X * truth[device]).sum(axis=1) + noise * rng.normal(size=len(X)), device, 6)
        for noise in (0.5, 0.0)
    ]
    return Problem(model=LeastSquares(features=4, bias=False), train=parts[0], test=parts[1])


def learned(kind="dual", epochs=40, **rest):
    rest = {"penalty": PENALTY, "mu": MU, "precision": "float64", "affinity": LearnedAffinity(width=WIDTH), **rest}
    if kind == "dual":
        return GraphDual(solver=Sdca(loss=Squared(), epochs=epochs), **rest)
    return GraphGradient(loss=Squared(), steps=4000, **rest)


def in_turns(problem, W, rounds):
    """The same by hand: every task's normal equations with its neighbours' models of the round before, then the ties.

    A tie is exp(-|w_t - w_s|^2 / 2) times the edge's weight, and there from the first exchange of models on.
    """
    m, d, train = problem.devices, problem.model.features, problem.train
    A, w = np.zeros((m, m)), np.zeros((m, d))
    for _ in range(rounds):
        w = np.stack([_solve(train, t, A[t], w) for t in range(m)])
        apart = ((w[:, None] - w[None]) ** 2).sum(axis=2)
        A = (W - np.diag(np.diag(W))) * np.exp(-apart / (2 * WIDTH**2))
    assert d == 4
    return w, A


def _solve(train, t, ties, w):
    X, y = train.X[train.rows(t)], train.y[train.rows(t)]
    H = X.T @ X / len(X) + PENALTY * (MU + ties.sum()) * np.eye(X.shape[1])
    return np.linalg.solve(H, X.T @ y / len(X) + PENALTY * ties @ w)


@pytest.mark.parametrize("kind", ["dual", "gradient"])
def test_a_learned_relation_is_that_of_a_plain_loop(gossip, kind):
    problem, W = two_kinds(), metropolis(nx.complete_graph(6))
    peers = gossip(learned(kind, epochs=500), problem, W)
    for _ in range(5):
        peers.play()
    models, ties = in_turns(problem, W, 5)
    assert np.allclose(peers.models, models, atol=1e-9)
    for t, node in enumerate(peers.memory):
        assert np.allclose(node.near.ties, np.delete(ties[t], t), rtol=0, atol=1e-9)


def test_tasks_that_are_alike_stay_tied_and_the_others_part(gossip):
    problem = two_kinds()
    peers = gossip(learned(), problem, metropolis(nx.complete_graph(6)))
    for _ in range(30):
        peers.play()
    omega = peers.learner.omega([node.near for node in peers.memory]).toarray()
    alike = np.equal.outer(np.arange(6) % 2, np.arange(6) % 2) & ~np.eye(6, dtype=bool)
    assert -omega[alike].max() > 0.1 / 6
    assert -omega[~alike & ~np.eye(6, dtype=bool)].min() < 1e-3 / 6
    assert peers.measures["gap"] < 1e-6 * peers.measures["primal"]  # the optimum of the relation that was found


def test_with_tasks_of_two_kinds_it_is_better_to_learn_who_is_alike(gossip):
    """Mean squared error on noiseless test examples: against the whole graph, and against nobody."""
    problem, W = two_kinds(seed=3), metropolis(nx.complete_graph(6))
    error = {}
    for name, affinity, weight in (
        ("learned", LearnedAffinity(width=WIDTH), 3.0),
        ("given", GivenAffinity(), 3.0),
        ("alone", GivenAffinity(), 1e-9),
    ):
        peers = gossip(learned(affinity=affinity, edge_weight=weight), problem, W)
        for _ in range(40):
            peers.play()
        test = problem.test
        guess = (test.X * peers.models[test.device]).sum(axis=1)
        error[name] = float(((guess - test.y) ** 2).mean())
    assert error["learned"] < 0.7 * error["alone"] < error["given"]


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10**6), width=st.floats(1e-3, 1e3), far=st.floats(0.0, 1e6))
def test_ties_are_the_same_from_both_ends_and_between_nothing_and_what_is_given(seed, width, far):
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=(2, 5, 3)) * far
    weights = rng.uniform(0.1, 1.0, 5)
    law = LearnedAffinity(width=width)
    ties = law.ties(weights, one, other)
    assert (ties == law.ties(weights, other, one)).all()
    assert ((ties > 0) & (ties <= weights)).all()
    assert (law.ties(weights, one, one) == weights).all()


def test_the_tie_is_the_minimum_of_the_joint_objective():
    """lambda / 2 a |w_t - w_s|^2 + lambda width^2 (a log(a / b) - a + b), for b = 0.4, |w_t - w_s|^2 = 2, width 1.5."""
    one, other = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    [tie] = LearnedAffinity(width=1.5).ties(np.array([0.4]), one, other)
    assert tie == pytest.approx(0.4 * np.exp(-1 / 2.25))
    cost = lambda a: a / 2 * 2.0 + 2.25 * (a * np.log(a / 0.4) - a + 0.4)  # noqa: E731
    assert all(cost(tie) < cost(tie + step) for step in (-1e-4, 1e-4))


@pytest.mark.parametrize("width", [0.0, -1.0, float("nan"), float("inf")])
def test_a_width_is_more_than_nothing(width):
    with pytest.raises(FedsimError, match="width must be > 0"):
        LearnedAffinity(width=width)
