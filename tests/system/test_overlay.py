"""Who talks to whom."""

import networkx as nx
import pytest

from fedsim.system.overlay import Complete, Ring
from fedsim.system.peers import Peers


def test_a_ring_goes_around():
    assert sorted(map(sorted, Ring().graph(Peers.of(5)).edges)) == [[0, 1], [0, 4], [1, 2], [2, 3], [3, 4]]


@pytest.mark.parametrize(("peers", "edges"), [(1, 0), (2, 1), (3, 3), (50, 50)])
def test_a_small_ring_has_no_double_edge_and_no_loop(peers, edges):
    graph = Ring().graph(Peers.of(peers))
    assert (len(graph), graph.number_of_edges()) == (peers, edges)
    assert nx.is_connected(graph)
    assert nx.number_of_selfloops(graph) == 0


@pytest.mark.parametrize(("peers", "edges"), [(1, 0), (2, 1), (6, 15)])
def test_complete_has_every_pair(peers, edges):
    graph = Complete().graph(Peers.of(peers))
    assert (list(graph), graph.number_of_edges()) == (list(range(peers)), edges)
    assert nx.number_of_selfloops(graph) == 0
