"""MATCHA: edges in matchings, how often each is used, and how much that is worth."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from fedsim.errors import FedsimError
from fedsim.learners.mixing import OverlayWeights
from fedsim.system.edge_colouring import matchings
from fedsim.system.matcha import plan
from fedsim.system.overlay import Complete, Ring
from fedsim.system.overlay_matcha import Matcha
from fedsim.system.peers import Peers


@settings(deadline=None, max_examples=150)
@given(st.integers(2, 24), st.floats(0.05, 1.0), st.integers(0, 10_000))
def test_edges_fall_into_one_matching_more_than_the_degree_at_most(nodes, density, seed):
    graph = nx.gnp_random_graph(nodes, density, seed=seed)
    found = matchings(graph)
    degree = max((degree for _, degree in graph.degree), default=0)
    assert len(found) <= degree + 1
    assert sorted(tuple(sorted(edge)) for matching in found for edge in matching) == sorted(
        tuple(sorted(edge)) for edge in graph.edges
    )
    for matching in found:
        ends = [node for edge in matching for node in edge]
        assert len(ends) == len(set(ends))


def test_loops_are_no_edges():
    assert matchings(nx.Graph([(0, 0), (0, 1)])) == [((0, 1),)]


GRAPHS = {
    "path": nx.path_graph(3),
    "cycle": nx.cycle_graph(5),
    "barbell": nx.barbell_graph(4, 1),
    "random": nx.gnp_random_graph(14, 0.35, seed=3),
    "grid": nx.convert_node_labels_to_integers(nx.grid_2d_graph(3, 4)),
}


def laplacians(graph, found):
    return [nx.laplacian_matrix(_only(graph, matching)).toarray().astype(float) for matching in found]


def _only(graph, matching):
    only = nx.Graph()
    only.add_nodes_from(graph)
    only.add_edges_from(matching)
    return only


@pytest.mark.parametrize("budget", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("name", GRAPHS)
def test_the_chances_are_the_best_and_say_so(name, budget):
    """The bound holds for any chances of the budget, and these are within 1e-7 of it."""
    graph = GRAPHS[name]
    found = matchings(graph)
    best = plan(len(graph), found, budget)
    assert best.chances.sum() <= budget * len(found) + 1e-12
    assert best.chances.min() >= 0
    assert best.chances.max() <= 1
    assert best.connectivity == pytest.approx(best.bound, rel=1e-7)
    L = laplacians(graph, found)
    rng = np.random.default_rng(0)
    for _ in range(200):
        p = rng.random(len(found))
        p = np.minimum(p * budget * len(found) / p.sum(), 1.0)
        assert np.linalg.eigvalsh(np.tensordot(p, L, axes=1))[1] <= best.bound + 1e-12


def test_a_path_of_three_by_hand():
    """Two matchings of an edge each, half a chance each: lambda_2 of half the path's Laplacian, which is 1, is 1/2.

    Lbar has eigenvalues 0, 1/2, 3/2, Ltil is Lbar / 2: rho(a) = max(1 - a + a^2 3/4, 1 - 3 a + a^2 15/4), at its least
    where the first is: a = 2/3, rho = 2/3.
    """
    best = plan(3, matchings(nx.path_graph(3)), 0.5)
    assert best.chances == pytest.approx([0.5, 0.5])
    assert best.connectivity == pytest.approx(0.5)
    assert (best.weight, best.rho) == pytest.approx((2 / 3, 2 / 3))


@pytest.mark.parametrize("name", GRAPHS)
def test_the_weight_is_the_best_and_rho_is_the_mean_of_w_squared(name):
    graph = GRAPHS[name]
    found = matchings(graph)
    best = plan(len(graph), found, 0.5)
    L = np.stack(laplacians(graph, found))
    mean = np.tensordot(best.chances, L, axes=1)
    spread = np.tensordot(best.chances * (1 - best.chances), L, axes=1)
    J, eye = np.full(mean.shape, 1 / len(mean)), np.eye(len(mean))

    def rho(a):
        return np.linalg.eigvalsh(eye - J - 2 * a * mean + a * a * (mean @ mean + 2 * spread))[-1]

    assert best.rho == pytest.approx(rho(best.weight))
    found_least = minimize_scalar(rho, bounds=(0, 1), method="bounded", options={"xatol": 1e-12}).fun
    assert best.rho == pytest.approx(found_least, abs=1e-9)
    rng = np.random.default_rng(0)
    squares = np.zeros_like(mean)
    for _ in range(4000):
        W = eye - best.weight * np.tensordot(rng.random(len(L)) < best.chances, L, axes=1)
        squares += W @ W / 4000
    assert np.linalg.eigvalsh(squares - J)[-1] == pytest.approx(best.rho, abs=0.04)


def pairs(graph):
    return {frozenset(edge) for edge in graph.edges}


def test_with_the_whole_budget_every_edge_is_used_in_every_round():
    overlay, peers = Matcha(base=Ring(), budget=1.0), Peers.of(6)
    assert pairs(overlay.graph_of(peers, 3)) == pairs(Ring().graph(peers))


def test_rounds_are_lots_of_the_overlay_and_their_weights_keep_the_mean():
    overlay, peers = Matcha(base=Complete(), budget=0.4), Peers.of(7)
    found, best = overlay.plan(peers)
    graphs = [overlay.graph_of(peers, number) for number in range(1, 401)]
    W = np.stack([OverlayWeights().weights(graph).toarray() for graph in graphs])
    assert np.allclose(W, W.transpose(0, 2, 1))
    assert np.allclose(W.sum(axis=2), 1.0)
    used = np.mean([graph.number_of_edges() for graph in graphs]) / 3  # seven peers have three in a matching
    assert used == pytest.approx(0.4 * len(found), rel=0.05)
    assert pairs(graphs[8]) == pairs(overlay.graph_of(peers, 9))
    expected = np.full((7, 7), 0.4 * best.weight) + np.eye(7) * (1 - 7 * 0.4 * best.weight)
    assert W.mean(axis=0) == pytest.approx(expected, abs=0.05)


def test_a_seed_of_its_own_gives_luck_of_its_own():
    peers = Peers.of(8)

    def edges(seed):
        return [sorted(Matcha(seed=seed).graph_of(peers, number).edges) for number in range(1, 6)]

    assert edges(1) == edges(1)
    assert edges(1) != edges(2)


@pytest.mark.parametrize("budget", [0.0, 1.1, -1.0, np.nan])
def test_the_budget_is_a_share(budget):
    with pytest.raises(FedsimError, match="budget must be > 0 and <= 1"):
        Matcha(budget=budget)


def test_what_matcha_is_not_for():
    with pytest.raises(FedsimError, match="not directed"):
        Matcha(base=Ring(directed=True)).graph_of(Peers.of(4), 1)
    with pytest.raises(FedsimError, match="two peers"):
        Matcha().graph_of(Peers.of(1), 1)
    with pytest.raises(FedsimError, match="as matcha does"):
        OverlayWeights().weights(nx.path_graph(3))
