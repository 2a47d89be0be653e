from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.learners.mixing import contraction, metropolis


@pytest.mark.parametrize(
    ("nodes", "ring", "path", "star", "directed"),
    [
        (8, 0.804738, 0.949253, 0.875000, 0.923880),
        (16, 0.949253, 0.987190, 0.937500, 0.980785),
        (32, 0.987190, 0.996790, 0.968750, 0.995185),
        (64, 0.996790, 0.999197, 0.984375, 0.998795),
    ],
)
def test_contraction_of_common_overlays(nodes, ring, path, star, directed):
    shift = np.roll(np.eye(nodes), 1, axis=1)
    assert contraction(metropolis(nx.cycle_graph(nodes))) == pytest.approx(ring, abs=5e-7)
    assert contraction(metropolis(nx.path_graph(nodes))) == pytest.approx(path, abs=5e-7)
    assert contraction(metropolis(nx.star_graph(nodes - 1))) == pytest.approx(star, abs=5e-7)
    assert contraction((np.eye(nodes) + shift) / 2) == pytest.approx(directed, abs=5e-7)


@pytest.mark.parametrize(("side", "torus"), [(4, 0.6), (8, 0.882843)])
def test_contraction_of_a_torus(side, torus):
    graph = nx.grid_2d_graph(side, side, periodic=True)
    assert contraction(metropolis(graph)) == pytest.approx(torus, abs=5e-7)


def test_averaging_on_a_path_of_three():
    W = metropolis(nx.path_graph(3))
    x = np.array([0.0, 3.0, 9.0])
    for expected in ([1, 4, 7], [2, 4, 6], [2.66667, 4, 5.33333], [3.11111, 4, 4.88889]):
        x = W @ x
        assert np.allclose(x, expected, atol=5e-6)
        assert x.mean() == pytest.approx(4.0)
    assert contraction(W) == pytest.approx(2 / 3)


def test_a_ring_of_32_needs_536_rounds_for_a_thousandth():
    shrink = contraction(metropolis(nx.cycle_graph(32)))
    assert int(np.ceil(np.log(1e3) / np.log(1 / shrink))) == 536


@settings(deadline=None, max_examples=30)
@given(nodes=st.integers(2, 15), edges=st.floats(0.1, 1.0), seed=st.integers(0, 1000))
def test_weights_lie_on_edges_and_every_row_and_column_sums_to_one(nodes, edges, seed):
    graph = nx.gnp_random_graph(nodes, edges, seed=seed)
    graph.add_edges_from((i, i + 1) for i in range(nodes - 1))
    W = metropolis(graph)
    assert np.array_equal(W, W.T)
    assert np.allclose(W.sum(axis=1), 1.0)
    assert (W >= 0).all()
    linked = nx.to_numpy_array(graph) > 0
    assert ((W > 0) & ~np.eye(nodes, dtype=bool) == linked).all()
    x = np.random.default_rng(seed).normal(size=nodes)
    apart = [np.linalg.norm(np.linalg.matrix_power(W, k) @ x - x.mean()) for k in (0, 1, 2, 3)]
    for before, after in pairwise(apart):
        assert after <= contraction(W) * before + 1e-12


def test_rows_follow_the_graphs_order_and_edge_weights_do_not_count():
    graph = nx.Graph()
    graph.add_nodes_from(["c", "a", "b"])
    graph.add_edge("a", "b", weight=7.0)
    graph.add_edge("b", "c", weight=9.0)
    graph.add_edge("b", "b")
    third = 1 / 3
    expected = [[2 * third, 0, third], [0, 2 * third, third], [third, third, third]]
    assert np.allclose(metropolis(graph), expected)


def test_overlays_that_cannot_mix_are_refused():
    with pytest.raises(FedsimError, match="undirected"):
        metropolis(nx.DiGraph([(0, 1)]))
    with pytest.raises(FedsimError, match="at least one node"):
        metropolis(nx.Graph())
