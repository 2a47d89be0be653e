from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.learners.fastest_mixing import FastestMixing, Fdla, fastest
from fedsim.learners.mixing import EqualShares, MaxDegree, Metropolis, contraction, metropolis, neighbour_weights


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


WEIGHTS = [Metropolis(), MaxDegree(), Fdla(), FastestMixing()]


def drawn(nodes, share, seed):
    graph = nx.gnp_random_graph(nodes, share, seed=seed)
    graph.add_edges_from((i, i + 1) for i in range(nodes - 1))
    return graph


@settings(deadline=None, max_examples=20)
@given(nodes=st.integers(2, 12), share=st.floats(0.1, 1.0), seed=st.integers(0, 1000))
def test_all_symmetric_weights_keep_the_mean_and_lie_on_edges(nodes, share, seed):
    graph = drawn(nodes, share, seed)
    for mixing in WEIGHTS:
        W = mixing.weights(graph).toarray()
        assert np.allclose(W, W.T, atol=1e-15)
        assert np.allclose(W.sum(axis=1), 1.0)
        assert not (W[(nx.to_numpy_array(graph) == 0) & ~np.eye(nodes, dtype=bool)]).any()
        if not isinstance(mixing, Fdla):
            assert W.min() >= -1e-15


@settings(deadline=None, max_examples=15)
@given(nodes=st.integers(3, 12), share=st.floats(0.1, 0.8), seed=st.integers(0, 1000))
def test_the_fastest_weights_are_certified_and_beat_the_others(nodes, share, seed):
    graph = drawn(nodes, share, seed)
    found = [fastest(graph, is_chain=is_chain) for is_chain in (False, True)]
    for one in found:
        assert one.bound <= one.contraction + 1e-12
        assert one.contraction - one.bound < 1e-6
        assert one.contraction == pytest.approx(contraction(one.W), abs=1e-12)
    others = [contraction(mixing.weights(graph)) for mixing in (Metropolis(), MaxDegree())]
    assert found[0].contraction <= found[1].contraction + 1e-8
    assert found[1].contraction <= min(others) + 1e-8


def torus(side):
    return nx.convert_node_labels_to_integers(nx.grid_2d_graph(side, side, periodic=True))


@pytest.mark.parametrize(
    "graph", [nx.cycle_graph(8), nx.cycle_graph(17), nx.star_graph(9), torus(4), nx.hypercube_graph(3)], ids=str
)
def test_where_all_edges_are_alike_the_fastest_weights_are_constant(graph):
    """Xiao and Boyd 2004, equation 23: 2 / (lambda_1 + lambda_{n-1}) of the Laplacian, on edge-transitive graphs."""
    values = np.linalg.eigvalsh(nx.laplacian_matrix(graph).toarray().astype(float))
    found = fastest(graph, is_chain=False)
    assert found.contraction == pytest.approx((values[-1] - values[1]) / (values[-1] + values[1]), abs=1e-8)


@pytest.mark.parametrize("nodes", [2, 5, 8, 20])
def test_the_fastest_chain_on_a_path_has_weights_of_one_half(nodes):
    """Boyd, Diaconis, Sun and Xiao 2006, "Fastest mixing Markov chain on a path": cos(pi / n)."""
    found = fastest(nx.path_graph(nodes), is_chain=True)
    assert found.contraction == pytest.approx(np.cos(np.pi / nodes) if nodes > 2 else 0.0, abs=1e-8)
    assert found.W.toarray()[range(nodes - 1), range(1, nodes)] == pytest.approx(0.5, abs=1e-3)


def test_a_chain_on_a_star_waits_where_others_may_be_negative():
    """In the middle nothing may be less than nothing: 1 / (n - 1) for each leaf, and (n - 2) / (n - 1) is left."""
    assert fastest(nx.star_graph(15), is_chain=True).contraction == pytest.approx(14 / 15, abs=1e-8)
    assert fastest(nx.star_graph(15), is_chain=False).W.toarray()[0, 0] < 0


def test_everybody_with_everybody_is_the_mean_at_once():
    for mixing in (*WEIGHTS, EqualShares()):
        assert mixing.weights(nx.complete_graph(60)).toarray() == pytest.approx(1 / 60)


@pytest.mark.parametrize("nodes", [8, 16, 32, 64])
def test_a_directed_ring_gives_half(nodes):
    ring = nx.cycle_graph(nodes, create_using=nx.DiGraph)
    W = EqualShares().weights(ring)
    assert W.toarray() == pytest.approx((np.eye(nodes) + np.roll(np.eye(nodes), -1, axis=1)) / 2)
    assert contraction(W) == pytest.approx(np.cos(np.pi / nodes), abs=1e-12)
    assert neighbour_weights(W, 3) == {2: 0.5}  # it hears the one before it


def test_max_degree_weights_are_those_of_the_largest():
    W = MaxDegree().weights(nx.star_graph(4)).toarray()
    assert W[0].tolist() == pytest.approx([0.2] * 5)
    assert W[1].tolist() == pytest.approx([0.2, 0.8, 0, 0, 0])


@pytest.mark.parametrize(
    ("mixing", "graph", "message"),
    [
        (MaxDegree(), nx.DiGraph([(0, 1)]), "max-degree weights need an undirected overlay"),
        (Fdla(), nx.DiGraph([(0, 1)]), "fdla weights need an undirected overlay"),
        (Fdla(), nx.Graph([(0, 1), (2, 3)]), "fdla weights need an overlay in which every node can be reached"),
        (FastestMixing(), nx.cycle_graph(1501), "fastest-mixing weights are for up to 1,500 edges, got 1,501"),
        (EqualShares(), nx.path_graph(3), "equal-shares weights need an overlay in which everybody hears as many"),
    ],
)
def test_weights_that_there_are_not_are_refused(mixing, graph, message):
    with pytest.raises(FedsimError, match=message):
        mixing.weights(graph)


def test_pieces_average_by_themselves():
    """As in a round of matchings."""
    W = metropolis(nx.Graph([(0, 1), (2, 3)]))
    assert W @ np.array([0.0, 2.0, 4.0, 8.0]) == pytest.approx([1, 1, 6, 6])


def shifted(step, nodes=501):
    return nx.DiGraph([(i, (i + step) % nodes) for i in range(nodes)])


def scrambled(nodes=501):
    """Everybody sends to the next one, and to another: regular, and nothing commutes."""
    places = np.arange(nodes)
    for seed in range(99):
        others = np.random.default_rng(seed).permutation(nodes)
        if not ((others == places) | (others == (places + 1) % nodes)).any():
            return nx.DiGraph([*shifted(1).edges, *enumerate(others.tolist())])
    raise AssertionError


@pytest.mark.parametrize(
    "W",
    [
        Metropolis().weights(nx.cycle_graph(501)),
        EqualShares().weights(nx.cycle_graph(501, create_using=nx.DiGraph)),
        Metropolis().weights(nx.random_regular_graph(10, 600, seed=1)),
        EqualShares().weights(nx.compose(*(shifted(step) for step in (1, 7)))),
        EqualShares().weights(scrambled()),
    ],
    ids=["ring", "directed ring", "random", "two steps", "not normal"],
)
def test_some_eigenvalues_are_as_good_as_all(W):
    others = np.linalg.eigvals(W.toarray() - 1.0 / W.shape[0])
    assert contraction(W) == pytest.approx(np.abs(others).max(), abs=1e-9)


def test_ten_thousand_peers_cost_what_their_edges_cost():
    W = Metropolis().weights(nx.random_regular_graph(10, 10_000, seed=1))
    assert W.nnz == 110_000
    ring = Metropolis().weights(nx.cycle_graph(10_000))
    assert contraction(ring) == pytest.approx((1 + 2 * np.cos(2 * np.pi / 10_000)) / 3, abs=1e-12)
    assert contraction(W) < 0.7  # 6 / 11 is the least that ten neighbours can do, about
