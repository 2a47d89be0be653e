"""Topologies drawn by rule and by chance."""

import hashlib
import math
import os
import subprocess
import sys
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import ScenarioError
from fedsim.kernel.streams import Streams
from fedsim.system.delay_rule import DelayRule
from fedsim.system.generators import generator as common
from fedsim.system.generators import random_graphs, regular
from fedsim.system.generators.cellular import HierarchicalCellular
from fedsim.system.generators.generator import LinkKind, generate
from fedsim.system.generators.geometric import RandomGeometric
from fedsim.system.law import Constant
from fedsim.system.place import distance_m

ROOT = Path(__file__).resolve().parents[2]

REGULAR = [regular.Star(), regular.Tree(), regular.Ring(), regular.Path(), regular.Torus(), regular.Complete()]
CHANCE = [
    random_graphs.ErdosRenyi(),
    random_graphs.WattsStrogatz(),
    random_graphs.BarabasiAlbert(),
    RandomGeometric(),
    HierarchicalCellular(),
]


def plain(topology):
    return nx.Graph(topology.graph.to_undirected())


def named(generator):
    return type(generator).__name__


@pytest.mark.parametrize("generator", [*REGULAR, *CHANCE], ids=named)
def test_same_seed_gives_the_same_words_and_another_seed_other_luck(generator):
    first = generate(generator, seed=1)
    assert nx.is_strongly_connected(first.graph)
    assert generate(generator, seed=1).words() == first.words()
    assert (generate(generator, seed=2).words() == first.words()) == (generator in REGULAR)
    assert first.recipe == generator
    assert first.attachments["all"] == tuple(first.graph)


@pytest.mark.parametrize("generator", CHANCE, ids=named)
def test_own_seed_is_stronger_than_the_scenarios(generator):
    own = replace(generator, seed=7)
    assert generate(own, seed=1).words() == generate(own, seed=2).words() == generate(generator, seed=7).words()


def test_same_bytes_in_any_process():
    """Whatever the hash seed of Python."""
    script = "from tests.system.test_generators import digest\nprint(digest())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "12345"}
    said = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True)
    assert said.stdout.strip() == digest()


def digest():
    words = repr([generate(one, seed=3).words() for one in CHANCE])
    return hashlib.sha256(words.encode()).hexdigest()


def test_shapes():
    link = LinkKind(capacity_bps=1e6, delay_s=0.02, loss=0.1, medium="radio")
    star = generate(regular.Star(leaves=3, link=link), 0)
    assert sorted(star.graph["server"]) == list(star.attachments["leaves"]) == ["leaf-0", "leaf-1", "leaf-2"]
    assert star.graph.edges["leaf-0", "server"] == {
        "capacity_bps": 1e6, "delay_s": 0.02, "duplex": "full", "loss": 0.1, "medium": "radio",
    }  # fmt: skip
    tree = generate(regular.Tree(branches=2, levels=3), 0)
    assert (len(tree.graph), len(tree.attachments["leaves"])) == (15, 8)
    assert all(nx.shortest_path_length(tree.graph, "server", leaf) == 3 for leaf in tree.attachments["leaves"])
    line = generate(regular.Tree(branches=1, levels=2), 0)
    assert sorted(line.graph) == ["leaf-0", "node-0", "server"]
    assert nx.is_isomorphic(plain(generate(regular.Ring(nodes=5), 0)), nx.cycle_graph(5))
    assert sorted(generate(regular.Ring(nodes=11), 0).graph["node-00"]) == ["node-01", "node-10"]
    assert nx.is_isomorphic(plain(generate(regular.Path(nodes=4), 0)), nx.path_graph(4))
    torus = plain(generate(regular.Torus(rows=3, columns=5), 0))
    assert nx.is_isomorphic(torus, nx.grid_2d_graph(3, 5, periodic=True))
    assert nx.is_isomorphic(plain(generate(regular.Complete(nodes=6), 0)), nx.complete_graph(6))


def test_random_graphs_have_what_they_are_known_for():
    ring = generate(random_graphs.WattsStrogatz(nodes=20, neighbours=4, rewired=0.0), 0)
    assert nx.is_isomorphic(plain(ring), nx.circulant_graph(20, [1, 2]))
    assert len(generate(random_graphs.WattsStrogatz(rewired=1.0), 0).pairs()) == 40
    grown = generate(random_graphs.BarabasiAlbert(nodes=200, links_per_node=3), 0)
    assert len(grown.pairs()) == 3 * 197
    degrees = sorted(degree for _, degree in plain(grown).degree)
    assert degrees[-1] > 4 * degrees[100]  # hubs
    for probability, links in ((1.0, 190), (0.5, 95)):
        drawn = [
            len(generate(random_graphs.ErdosRenyi(nodes=20, probability=probability), seed).pairs())
            for seed in range(20)
        ]
        assert sum(drawn) / 20 == pytest.approx(links, rel=0.1)


def test_delays_of_geometric_graphs_follow_from_distance():
    rule = DelayRule(route_factor=2.0, site_s=0.001)
    drawn = RandomGeometric(nodes=30, side_m=50e3, reach_m=20e3, capacity_bps=5e6, loss=0.01, rule=rule)
    topology = generate(drawn, 4)
    places = {node: row["place"] for node, row in topology.graph.nodes(data=True)}
    assert all(0 <= place.x_m <= 50e3 and 0 <= place.y_m <= 50e3 for place in places.values())
    for (a, here), (b, there) in permutations(places.items(), 2):
        length_m = distance_m(here, there)
        assert topology.graph.has_edge(a, b) == (length_m <= 20e3)
        if topology.graph.has_edge(a, b):
            arc = topology.graph.edges[a, b]
            assert arc["delay_s"] == pytest.approx(2 * length_m / 2e8 + 0.002)
            assert (arc["capacity_bps"], arc["loss"], arc["medium"]) == (5e6, 0.01, "fibre")
    air = generate(replace(drawn, medium="radio"), 4)
    assert air.graph.edges["node-00", next(iter(air.graph["node-00"]))]["medium"] == "radio"


def test_cellular_networks_are_hierarchies():
    small = HierarchicalCellular(cores=2, metros=3, cells=4, access="access-point", core_delay_s=0.03)
    topology = generate(small, 0)
    graph = topology.graph
    assert len(graph) == 1 + 2 + 6 + 24
    assert {kind for _, kind in graph.nodes(data="kind")} == {"server", "router", "access-point"}
    assert (len(topology.attachments["metros"]), len(topology.attachments["cells"])) == (6, 24)
    assert nx.shortest_path(graph, "server", "ap-23") == ["server", "core-0", "core-1", "metro-5", "ap-23"]
    assert graph.edges["core-0", "core-1"]["delay_s"] == 0.03
    assert [graph.edges[arc]["duplex"] for arc in (("metro-5", "ap-23"), ("core-1", "metro-5"))] == ["half", "full"]
    delays_s = [graph.edges[a, b]["delay_s"] for a, b in topology.pairs() if b.startswith("metro")]
    assert len(set(delays_s)) == 6
    assert all(5e-3 <= delay_s <= 20e-3 for delay_s in delays_s)
    own = HierarchicalCellular(
        core_capacity_bps=3e9, metro_capacity_bps=2e9, cell_capacity_bps=1e8,
        metro_delay_s=Constant(0.007), cell_delay_s=Constant(0.002),
    )  # fmt: skip
    graph = generate(own, 0).graph
    assert [graph.edges[arc]["capacity_bps"] for arc in (("server", "core-0"), ("core-0", "metro-0"))] == [3e9, 2e9]
    assert graph.edges["cell-00", "metro-0"]["capacity_bps"] == 1e8
    assert [graph.edges[arc]["delay_s"] for arc in (("core-0", "metro-0"), ("metro-0", "cell-00"))] == [0.007, 0.002]


@pytest.mark.parametrize(
    ("generator", "message"),
    [
        (
            random_graphs.ErdosRenyi(nodes=20, probability=0.01),
            r"in 100 tries: probability should be at least about 1.5",
        ),
        (RandomGeometric(nodes=50, reach_m=100.0), r"reach should be at least about \d+ m, got 100.0"),
    ],
    ids=named,
)
def test_graphs_that_stay_in_pieces_are_refused(generator, message):
    with pytest.raises(ScenarioError, match=message):
        generate(generator, 0)


def test_small_worlds_are_drawn_again_until_they_are_in_one_piece(monkeypatch):
    loose = random_graphs.WattsStrogatz(nodes=30, neighbours=2, rewired=1.0)  # one such graph of five is connected
    assert all(nx.is_strongly_connected(generate(loose, seed).graph) for seed in range(10))
    monkeypatch.setattr(common, "TRIES", 1)
    with pytest.raises(ScenarioError, match=r"in 1 tries: neighbours should be more than 2, or rewired less than 1.0"):
        [generate(loose, seed) for seed in range(30)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: regular.Star(leaves=0), "leaves must be between 1 and 9,999, got 0"),
        (lambda: regular.Tree(branches=10, levels=4), "nodes must be between 2 and 10,000"),
        (lambda: regular.Tree(branches=2, levels=9_000), "nodes must be between 2 and 10,000"),
        (lambda: regular.Tree(levels=0), "levels must be between 1"),
        (lambda: regular.Ring(nodes=2), "nodes must be between 3"),
        (lambda: regular.Path(nodes=1), "nodes must be between 2"),
        (lambda: regular.Torus(rows=2), "rows must be between 3"),
        (lambda: regular.Torus(rows=200, columns=200), "nodes must be between 9 and 10,000, got 40000"),
        (lambda: regular.Complete(nodes=501), "nodes must be between 2 and 500"),
        (lambda: random_graphs.ErdosRenyi(nodes=1), "nodes must be between 2"),
        (lambda: random_graphs.ErdosRenyi(probability=math.nan), "probability must be between 0 and 1, got nan"),
        (lambda: random_graphs.WattsStrogatz(neighbours=3), "neighbours must be even"),
        (lambda: random_graphs.WattsStrogatz(nodes=4, neighbours=4), "neighbours must be between 2 and 3"),
        (lambda: random_graphs.WattsStrogatz(rewired=1.5), "rewired must be between 0 and 1"),
        (lambda: random_graphs.BarabasiAlbert(nodes=5, links_per_node=5), "links_per_node must be between 1 and 4"),
        (lambda: RandomGeometric(side_m=math.inf), r"side must be > 0 and at most 1e\+09 m, got inf"),
        (lambda: RandomGeometric(side_m=1e308), "side must be > 0 and at most"),
        (lambda: RandomGeometric(reach_m=0.0), "reach must be > 0"),
        (lambda: HierarchicalCellular(metros=100, cells=100), "nodes must be between 4 and 10,000, got 10102"),
        (lambda: HierarchicalCellular(cores=0), "cores must be between 1"),
        (lambda: HierarchicalCellular(cell_capacity_bps=0), "cell_capacity must be > 0, got 0"),
        (lambda: HierarchicalCellular(core_delay_s=-1.0), "core_delay must be >= 0 and finite"),
        (lambda: HierarchicalCellular(cell_delay_s=Constant(-1.0)), "cell_delay must be >= 0 and finite"),
        (lambda: LinkKind(capacity_bps=0.0), "capacity must be > 0, got 0"),
        (lambda: LinkKind(delay_s=math.nan), "delay must be >= 0 and finite, got nan"),
        (lambda: LinkKind(loss=1.0), "loss must be at least 0 and below 1, got 1"),
    ],
)
def test_parameters_that_no_graph_has_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**63 - 1), st.integers(3, 40))
def test_by_default_graphs_of_any_size_are_connected(seed, nodes):
    for generator in (random_graphs.ErdosRenyi(nodes=nodes), RandomGeometric(nodes=nodes)):
        topology = generator.draw(Streams(seed).generator("topology"))
        assert len(topology.graph) == nodes
        assert nx.is_strongly_connected(topology.graph)
