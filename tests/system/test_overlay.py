"""Who talks to whom."""

from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError, ScenarioError
from fedsim.kernel.streams import Streams
from fedsim.system.cycle_time import cycle_time
from fedsim.system.overlay import Complete, Path, Ring, Star, Torus
from fedsim.system.overlay_changing import OnePeerExponential, RandomMatchings
from fedsim.system.overlay_file import Listed
from fedsim.system.overlay_random import RandomPairs, RandomRegular, SmallWorld
from fedsim.system.overlay_trees import BottleneckTree, MinimumTree, bounded_prim, cube_path, round_s
from fedsim.system.overlay_underlay import AsUnderlay
from fedsim.system.peers import Peers
from fedsim.system.reach import Reach
from fedsim.system.topology import Topology
from fedsim.system.tour import christofides

PLAIN = [Ring(), Ring(directed=True), Complete(), Path(), Star(), Torus(), RandomRegular(neighbours=4), RandomPairs()]


def edges(graph):
    return sorted(tuple(sorted(edge)) for edge in graph.edges)


def line_up(xs, *, message_bytes=0.0, compute_s=0.0, access_bps=np.inf, core_bps=np.inf):
    """Peers at the nodes of a complete underlay, so many seconds along a line from each other."""
    graph = nx.DiGraph()
    graph.add_nodes_from([f"n{i}" for i in range(len(xs))], kind="router")
    for i, j in combinations(range(len(xs)), 2):
        for arc in ((f"n{i}", f"n{j}"), (f"n{j}", f"n{i}")):
            graph.add_edge(*arc, capacity_bps=core_bps, delay_s=float(abs(xs[i] - xs[j])), duplex="full")
    return at_nodes(Topology("line", graph), message_bytes=message_bytes, compute_s=compute_s, access_bps=access_bps)


def at_nodes(topology, *, message_bytes=0.0, compute_s=0.0, access_bps=np.inf, access_s=0.0, places=None):
    places = list(topology.graph) if places is None else places
    count = len(places)
    reach = Reach(
        topology=topology,
        places=places,
        up_bps=np.full(count, access_bps),
        down_bps=np.full(count, access_bps),
        access_s=np.full(count, access_s),
        compute=lambda: np.full(count, compute_s),
        message_bytes=message_bytes,
    )
    return Peers(names=[f"peer-{index}" for index in range(count)], reach=reach)


def test_a_ring_goes_around():
    assert edges(Ring().graph(Peers.of(5))) == [(0, 1), (0, 4), (1, 2), (2, 3), (3, 4)]
    assert sorted(Ring(directed=True).graph(Peers.of(3)).edges) == [(0, 1), (1, 2), (2, 0)]


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize(("peers", "arcs"), [(1, 0), (2, 1), (3, 3), (50, 50)])
def test_a_small_ring_has_no_double_edge_and_no_loop(peers, arcs, directed):
    graph = Ring(directed=directed).graph(Peers.of(peers))
    assert (len(graph), graph.number_of_edges()) == (peers, arcs + (directed and peers == 2))
    assert nx.is_strongly_connected(nx.DiGraph(graph))
    assert nx.number_of_selfloops(graph) == 0


@pytest.mark.parametrize(("peers", "pairs"), [(1, 0), (2, 1), (6, 15)])
def test_complete_has_every_pair(peers, pairs):
    graph = Complete().graph(Peers.of(peers))
    assert (list(graph), graph.number_of_edges()) == (list(range(peers)), pairs)
    assert nx.number_of_selfloops(graph) == 0


@given(st.integers(5, 60), st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_overlays_join_all_peers_in_order_and_are_the_same_every_time(count, seed):
    peers = Peers(names=list(map(str, range(count))), streams=Streams(seed).generator)
    for overlay in PLAIN:
        if list(getattr(overlay, "misfits", lambda _: ())(peers.names)):
            with pytest.raises(FedsimError):
                overlay.graph(peers)
            continue
        graph = overlay.graph(peers)
        assert list(graph) == list(range(count))
        assert nx.is_strongly_connected(nx.DiGraph(graph))
        assert nx.number_of_selfloops(graph) == 0
        assert sorted(overlay.graph(peers).edges) == sorted(graph.edges)


def test_a_star_has_the_hub_that_is_named():
    assert edges(Star(hub="2").graph(Peers.of(4))) == [(0, 2), (1, 2), (2, 3)]
    with pytest.raises(FedsimError, match=r"hub 'peer-8' is not a known peer; did you mean 'peer-1'"):
        Star(hub="peer-8").graph(line_up([0, 1]))


def test_without_a_name_the_hub_is_where_most_routes_pass():
    graph = nx.DiGraph()
    graph.add_nodes_from("abcde", kind="router")
    for ends in ("ad", "bd", "cd", "de"):
        for arc in (ends, ends[::-1]):
            graph.add_edge(*arc, capacity_bps=1.0, delay_s=1.0, duplex="full")
    assert edges(Star().graph(at_nodes(Topology("hub d", graph)))) == [(0, 3), (1, 3), (2, 3), (3, 4)]
    assert edges(Star().graph(Peers.of(3))) == [(0, 1), (0, 2)]  # nothing is known: the first


@pytest.mark.parametrize(("count", "rows", "degrees"), [(16, None, {4}), (12, 3, {4}), (9, 3, {4}), (15, 5, {4})])
def test_on_a_torus_everybody_has_four(count, rows, degrees):
    graph = Torus(rows=rows).graph(Peers.of(count))
    assert {degree for _, degree in graph.degree} == degrees
    assert graph.has_edge(0, 1)


@pytest.mark.parametrize(
    ("overlay", "count", "message"),
    [
        (Torus(rows=5), 12, "rows must divide the 12 peers there are, got 5"),
        (Torus(), 13, "rows and columns must be at least 3 each, got 1 and 13 for 13 peers"),
        (RandomRegular(neighbours=3), 5, r"neighbours must be even where the number of peers is odd \(5\), got 3"),
        (RandomRegular(neighbours=5), 5, "neighbours must be less than the 5 peers there are, got 5"),
        (RandomRegular(neighbours=1), 4, "neighbours must be at least 2 to join 4 peers, got 1"),
        (SmallWorld(neighbours=6), 5, "neighbours must be less than the 5 peers there are, got 6"),
        (RandomPairs(probability=0.0), 3, "no connected graph came in 100 tries"),
        (RandomMatchings(base=Torus()), 7, "rows and columns"),
        (RandomMatchings(base=Ring(directed=True)), 7, "base overlay that is not directed"),
        (MinimumTree(), 2_001, "more than 2,000 peers, got 2,001"),
        (Ring(order="tour"), 1_001, "order must be 'fleet' for more than 1,000 peers"),
        (Ring(order="tour"), 9, "a tour needs to know the network between the peers"),
        (AsUnderlay(), 3, "needs to know the network"),
    ],
)
def test_overlays_that_there_are_not_are_refused(overlay, count, message):
    with pytest.raises(FedsimError, match=message):
        overlay.graph(Peers.of(count))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Torus(rows=0), "rows must be >= 1, got 0"),
        (lambda: RandomRegular(neighbours=0), "neighbours must be >= 1"),
        (lambda: SmallWorld(neighbours=3), "neighbours must be even"),
        (lambda: SmallWorld(rewired=1.5), "rewired must be between 0 and 1"),
        (lambda: RandomPairs(probability=-0.1), "probability must be between 0 and 1"),
    ],
)
def test_parameters_are_checked(make, message):
    with pytest.raises((FedsimError, ValueError), match=message):
        make()


def test_luck_is_the_runs_or_ones_own():
    def drawn(overlay, seed):
        return edges(overlay.graph(Peers(names=list("abcdefghijkl"), streams=Streams(seed).generator)))

    for kind in (RandomRegular, RandomPairs, SmallWorld):
        assert drawn(kind(), 1) == drawn(kind(), 1) != drawn(kind(), 2)
        assert drawn(kind(seed=5), 1) == drawn(kind(seed=5), 2) != drawn(kind(), 1)
    assert len(drawn(SmallWorld(neighbours=2, rewired=0.0), 1)) == 12
    assert len(drawn(RandomPairs(probability=1.0), 1)) == 66


def test_by_delay_a_tour_and_a_tree_follow_the_line():
    """Peers along a line in another order than the fleet's: around is there and back, the tree is the line."""
    peers = line_up([0, 30, 10, 40, 20])
    assert edges(MinimumTree().graph(peers)) == [(0, 2), (1, 3), (1, 4), (2, 4)]
    tour = christofides(peers)
    assert sorted(tour) == list(range(5))
    xs = [0, 30, 10, 40, 20]
    assert sum(abs(xs[a] - xs[b]) for a, b in pairwise([*tour, tour[0]])) == 80
    assert edges(Ring(order="tour").graph(peers)) == edges(nx.cycle_graph(tour))


def test_a_tour_is_at_most_half_longer_than_the_shortest():
    rng = np.random.default_rng(3)
    peers = line_up(rng.uniform(0, 10, 7))
    graph = peers.reach.distances()
    length = sum(graph.edges[pair]["delay_s"] for pair in nx.utils.pairwise(christofides(peers), cyclic=True))
    least = 2 * max(delay_s for _, _, delay_s in graph.edges(data="delay_s"))  # of points on a line: there and back
    assert least <= length <= 1.5 * least + 1e-12


def test_where_access_is_narrow_the_bottleneck_tree_has_few_neighbours():
    """A star by delays: in the middle nine messages share 8 Mbit/s; on a path no more than two do."""
    graph = nx.DiGraph()
    graph.add_nodes_from(map(str, range(10)), kind="router")
    for leaf in range(1, 10):
        for arc in (("0", str(leaf)), (str(leaf), "0")):
            graph.add_edge(*arc, capacity_bps=1e9, delay_s=0.001, duplex="full")
    peers = at_nodes(Topology("star", graph), message_bytes=1e6, access_bps=8e6, compute_s=0.5)
    star, tree = MinimumTree().graph(peers), BottleneckTree().graph(peers)
    assert max(degree for _, degree in star.degree) == 9
    assert max(degree for _, degree in tree.degree) == 2
    assert round_s(peers.reach, star) == pytest.approx(0.5 + 9.0 + 0.001)
    assert round_s(peers.reach, tree) == pytest.approx(0.5 + 2.0 + 0.002)
    for found in (star, tree):
        assert cycle_time(peers.reach.delays(found)) == pytest.approx(round_s(peers.reach, found), rel=1e-12)


@given(st.integers(0, 10**6), st.integers(2, 25))
@settings(deadline=None, max_examples=40)
def test_through_the_cube_of_a_tree_leads_a_path(seed, count):
    tree = nx.random_labeled_tree(count, seed=seed)
    order = cube_path(tree)
    assert sorted(order) == list(range(count))
    far = dict(nx.all_pairs_shortest_path_length(tree))
    assert all(far[a][b] <= 3 for a, b in pairwise(order))


@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(2, 5))
@settings(deadline=None, max_examples=40)
def test_a_bounded_tree_keeps_its_bound_and_is_least_without(seed, count, bound):
    weights = np.random.default_rng(seed).uniform(1, 2, (count, count))
    weights += weights.T
    tree = bounded_prim(weights, bound)
    assert nx.is_tree(tree)
    assert max(degree for _, degree in tree.degree) <= bound
    whole = nx.Graph((i, j, {"weight": weights[i, j]}) for i, j in combinations(range(count), 2))
    assert edges(bounded_prim(weights, count)) == edges(nx.minimum_spanning_tree(whole))


def test_the_underlay_itself_joins_the_next_places_that_have_peers():
    """a - r - b, b - c: r has nobody, so that a and b are next to each other; two more live at b."""
    graph = nx.DiGraph()
    graph.add_nodes_from("arbc", kind="router")
    for ends in ("ar", "rb", "bc"):
        for arc in (ends, ends[::-1]):
            graph.add_edge(*arc, capacity_bps=1.0, delay_s=1.0, duplex="full")
    peers = at_nodes(Topology("line", graph), places=["a", "b", "b", "c", "b"])
    assert edges(AsUnderlay().graph(peers)) == [(0, 1), (1, 2), (1, 3), (1, 4)]


def test_how_far_peers_are_from_each_other():
    """8 Mbit/s of access, the core's 6 over two hops: 3 Mbit/s; half of the access is 4."""
    graph = nx.DiGraph()
    graph.add_nodes_from("xyz", kind="router")
    for ends in ("xy", "yz"):
        for arc in (ends, ends[::-1]):
            graph.add_edge(*arc, capacity_bps=6e6, delay_s=0.25, duplex="full")
    peers = at_nodes(
        Topology("x", graph), message_bytes=1.5e6, access_bps=8e6, access_s=0.125, places=["x", "z", "x"], compute_s=2.0
    )
    reach = peers.reach
    assert reach.latency_s(0, 1) == 0.75
    assert reach.core_bps(0, 1) == 3e6
    assert reach.core_bps(0, 2) == np.inf
    assert reach.move_s(0, 1) == 0.75 + 4.0
    assert reach.move_s(0, 2, out=4) == 0.25 + 6.0
    delays = reach.delays(nx.DiGraph([(0, 1), (1, 0)]))
    assert [delays.edges[arc]["delay_s"] for arc in ((0, 0), (0, 1))] == [2.0, 6.75]
    assert reach.delays(nx.DiGraph([(0, 1)]), overlaps=True).edges[0, 1]["delay_s"] == 4.75
    with pytest.raises(FedsimError, match="no route leads"):
        at_nodes(Topology("apart", nx.DiGraph(graph.subgraph("xz"))), places=["x", "z"]).reach.latency_s(0, 1)


def test_one_peer_a_round_and_everybody_has_heard_of_everybody():
    """16 peers, 4 rounds with weights of one half: the mean exactly."""
    overlay, peers = OnePeerExponential(), Peers.of(16)
    x = np.arange(16.0)
    for number in range(1, 5):
        graph = overlay.graph_of(peers, number)
        assert {degree for _, degree in graph.in_degree} == {degree for _, degree in graph.out_degree} == {1}
        x = np.array([(x[i] + x[next(iter(graph.predecessors(i)))]) / 2 for i in range(16)])
    assert (x == 7.5).all()
    assert sorted(overlay.graph_of(peers, 5).edges) == sorted(overlay.graph_of(peers, 1).edges)
    assert {target for _, target in overlay.graph(peers).edges(0)} == {1, 2, 4, 8}
    assert overlay.graph_of(Peers.of(1), 1).number_of_edges() == 0


@pytest.mark.parametrize("base", [Complete(), Ring(), Torus()])
def test_matchings_are_maximal_and_of_the_round(base):
    overlay, peers = RandomMatchings(base=base), Peers.of(12)
    seen = []
    for number in range(1, 6):
        matching = overlay.graph_of(peers, number)
        assert edges(matching) == edges(overlay.graph_of(peers, number))
        assert list(matching) == list(range(12))
        assert nx.is_maximal_matching(overlay.graph(peers), set(matching.edges))
        seen.append(edges(matching))
    assert len(set(map(tuple, seen))) > 1
    assert edges(RandomMatchings(base=base, seed=3).graph_of(peers, 1)) != seen[0]


def test_every_pair_meets_equally_often():
    """Of five, two pairs a round, one is left over: each of ten pairs in a fifth of the rounds."""
    overlay, peers = RandomMatchings(), Peers.of(5)
    counts = {}
    for number in range(1, 1001):
        for edge in edges(overlay.graph_of(peers, number)):
            counts[edge] = counts.get(edge, 0) + 1
    assert sum(counts.values()) == 2000
    assert len(counts) == 10
    assert all(150 < count < 250 for count in counts.values())  # four standard deviations are 51


def test_edges_one_by_one_by_names_or_places():
    peers = line_up([0, 1, 2])
    assert edges(Listed(edges=(("peer-0", "peer-1"), ("peer-1", "peer-2"))).graph(peers)) == [(0, 1), (1, 2)]
    assert edges(Listed(edges=(("n2", "n1"), ("n1", "n0"))).graph(peers)) == [(0, 1), (1, 2)]
    around = Listed(edges=(("0", "1"), ("1", "2"), ("2", "0")), directed=True)
    assert sorted(around.graph(Peers.of(3)).edges) == [(0, 1), (1, 2), (2, 0)]


@pytest.mark.parametrize(
    ("overlay", "message"),
    [
        (Listed(edges=(("0", "1"),)), "no way between '0' and '2'"),
        (Listed(edges=(("0", "1"), ("1", "2")), directed=True), "no way between '0' and '0'|everybody to everybody"),
        (Listed(edges=(("0", "3"), ("1", "2"))), "an end that is nobody: '3' is not a known peer"),
    ],
)
def test_edges_must_join_the_peers(overlay, message):
    with pytest.raises(FedsimError, match=message):
        overlay.graph(Peers.of(3))


def test_edges_have_two_ends():
    with pytest.raises(FedsimError, match=r"edges must each have two different ends, got \['0', '0'\]"):
        Listed(edges=(("0", "0"),))
    with pytest.raises(FedsimError, match="two different ends"):
        Listed(edges=(("0", "1", "2"),))


FILES = {
    "edges.yaml": "edges: [[0, 1], [1, 2]]",
    "links.yml": "links: [{from: 0, to: 1, capacity: 1 Gbit/s}, {from: 1, to: 2}]",
    "edges.csv": "source,target\n0,1\n1,2\n",
    "edges.json": '{"nodes": [{"id": 0}, {"id": 1}, {"id": 2}], "links": [{"source": 0, "target": 1}, '
    '{"source": 1, "target": 2}]}',
    "edges.gml": "graph [ node [ id 0 ] node [ id 1 ] node [ id 2 ] edge [ source 0 target 1 ] "
    "edge [ source 1 target 2 ] ]",
}


@pytest.mark.parametrize("name", FILES)
def test_files_of_edges(tmp_path, name):
    path = tmp_path / name
    path.write_text(FILES[name])
    overlay = Listed(file=str(path))
    assert overlay.file is None
    assert edges(overlay.graph(Peers.of(3))) == [(0, 1), (1, 2)]
    with pytest.raises(FedsimError, match="edges must not be given where there is a file"):
        Listed(file=str(path), edges=(("0", "1"),))


def test_graphml_says_whether_arcs_go_one_way(tmp_path):
    path = tmp_path / "around.graphml"
    nx.write_graphml(nx.DiGraph([("0", "1"), ("1", "2"), ("2", "0")]), path)
    assert Listed(file=str(path)).graph(Peers.of(3)).is_directed()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.yaml", "edges: {}", r"a.yaml: must be a mapping with the list edges, or links"),
        ("a.yaml", "edges: [[0]]", r"a.yaml: edges\[0\]: must be two names"),
        ("a.txt", "0 1", r"a.txt: '.txt' is not a known suffix of a file with edges"),
        ("a.json", "{", "a.json: line 1: is not JSON"),
    ],
)
def test_files_with_mistakes_are_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ScenarioError, match=message):
        Listed(file=str(path))


# The five published networks.

MODEL_BITS, COMPUTE_S = 44_961_717, 25.4e-3  # iNaturalist


def published(network):
    """Silos with 10 Gbit/s at the nodes of an underlay with links of 1 Gbit/s; 4 ms beside the distance."""
    graph = nx.DiGraph()
    graph.add_nodes_from(map(str, range(len(network["nodes"]))), kind="router")
    for source, target, km in network["links"]:
        for arc in ((str(source), str(target)), (str(target), str(source))):
            graph.add_edge(*arc, capacity_bps=1e9, delay_s=8.5e-6 * km, duplex="full")
    topology = Topology("published", graph)
    return at_nodes(topology, message_bytes=MODEL_BITS / 8, access_bps=1e10, access_s=2e-3, compute_s=COMPUTE_S)


@pytest.mark.parametrize("name", ["amazon_us", "ebone", "exodus", "gaia", "geantdistance"])
def test_overlays_made_for_the_published_networks(underlays, name):
    """Trees have the published rounds; tours theirs to 4 % (of equal least trees and matchings, others were taken)."""
    network = underlays["networks"][name]
    peers, ms = published(network), network["cycle_time_ms"]
    found = {
        shape: 1e3 * cycle_time(peers.reach.delays(overlay.graph(peers)))
        for shape, overlay in {"MST": MinimumTree(), "delta_MBST": BottleneckTree()}.items()
    }
    ring = 1e3 * cycle_time(peers.reach.delays(Ring(order="tour", directed=True).graph(peers)))
    hub = peers.names[network["overlays"]["STAR"]["hub"]]
    star = 2e3 * (cycle_time(peers.reach.delays(Star(hub=hub).graph(peers))) - COMPUTE_S) + 1e3 * COMPUTE_S
    assert found["MST"] == pytest.approx(ms["inaturalist|10G|MST"], rel=1e-6)
    assert found["delta_MBST"] == pytest.approx(ms["inaturalist|10G|delta_MBST"], rel=1e-6)
    assert star == pytest.approx(ms["inaturalist|10G|STAR"], rel=1e-6)
    assert ring == pytest.approx(ms["inaturalist|10G|RING"], rel=0.04)
    assert (found["MST"] < ring) == (name == "geantdistance")
    assert 3.3 <= star / ms["inaturalist|10G|RING"] <= 9.5
    assert star / ring >= 3.3
