"""Ways through a topology."""

import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import NoRouteError
from fedsim.system.routing import Router
from fedsim.system.topology import Topology


def topology(*links, one_way=()):
    """Links are (node, node, delay in s)."""
    graph = nx.DiGraph()
    for source, target, delay_s in (*links, *((b, a, delay_s) for a, b, delay_s in links), *one_way):
        for node in (source, target):
            graph.add_node(node, kind="router")
        graph.add_edge(source, target, capacity_bps=1.0, delay_s=delay_s, duplex="full")
    return Topology("test", graph)


def way(router, source, target):
    return "".join(router.route(source, target).nodes)


def test_least_delay_wins_over_fewest_hops():
    router = Router(topology(("a", "b", 0.003), ("b", "c", 0.003), ("a", "c", 0.007)))
    assert way(router, "a", "c") == "abc"
    assert router.route("a", "c").delay_s == 0.006
    assert router.route("a", "c").arcs == [("a", "b"), ("b", "c")]


def test_of_equal_delays_the_fewest_hops_win():
    # 0.1 + 0.2 is not 0.3 in floating point, and equal all the same
    assert way(Router(topology(("a", "b", 0.1), ("b", "c", 0.2), ("a", "c", 0.3))), "a", "c") == "ac"


def test_of_equal_hops_the_first_in_the_alphabet_wins_in_whatever_order_links_are_given():
    links = [("s", "x", 1.0), ("s", "m", 1.0), ("x", "t", 1.0), ("m", "t", 1.0)]
    assert way(Router(topology(*links)), "s", "t") == "smt"
    assert way(Router(topology(*reversed(links))), "s", "t") == "smt"


def test_delays_too_long_to_live_through_are_still_compared():
    links = [("a", "b", 1e300), ("b", "d", 1.0), ("a", "c", 1e300), ("c", "d", 0.5)]
    assert way(Router(topology(*links)), "a", "d") == "acd"


def test_way_to_oneself_has_no_arcs():
    route = Router(topology(("a", "b", 1.0))).route("a", "a")
    assert (route.nodes, route.arcs, route.delay_s) == (("a",), [], 0.0)


def test_one_way_links_lead_one_way():
    router = Router(topology(one_way=[("a", "b", 1.0), ("b", "c", 1.0), ("c", "a", 1.0)]))
    assert (way(router, "a", "c"), way(router, "c", "a")) == ("abc", "ca")


def test_no_route_names_both_ends():
    router = Router(topology(("a", "b", 1.0), one_way=[("b", "c", 1.0)]))
    with pytest.raises(NoRouteError, match="no route leads from 'c' to 'a'"):
        router.route("c", "a")
    with pytest.raises(NoRouteError, match="'z' is not a node of the topology"):
        router.route("a", "z")


graphs = st.dictionaries(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")).filter(lambda arc: arc[0] != arc[1]),
    st.sampled_from([0.0, 0.001, 0.002, 0.003]),
    min_size=1,
    max_size=14,
)


@settings(deadline=None, max_examples=100)
@given(graphs)
def test_agrees_with_trying_every_way(arcs):
    net = topology(one_way=[(a, b, delay_s) for (a, b), delay_s in arcs.items()])
    router = Router(net)
    for source in net.graph:
        for target in set(net.graph) - {source}:
            ways = [
                (round(sum(1e6 * arcs[arc] for arc in nx.utils.pairwise(nodes))), len(nodes), tuple(nodes))
                for nodes in nx.all_simple_paths(net.graph, source, target)
            ]
            if ways:
                assert router.route(source, target).nodes == min(ways)[2]
                assert math.isclose(router.route(source, target).delay_s, min(ways)[0] / 1e6, abs_tol=1e-12)
            else:
                with pytest.raises(NoRouteError):
                    router.route(source, target)


def test_fewest_hops_win_over_least_delay_where_hops_are_counted():
    net = topology(("a", "b", 0.003), ("b", "c", 0.003), ("a", "c", 0.007))
    assert way(Router(net, metric="hops"), "a", "c") == "ac"
    detours = topology(("a", "x", 0.002), ("x", "c", 0.002), ("a", "b", 0.001), ("b", "c", 0.004))
    assert way(Router(detours, metric="hops"), "a", "c") == "axc"  # as many hops, less delay
    with pytest.raises(ValueError, match="'hop' is not a known metric of routes; did you mean 'hops'"):
        Router(net, metric="hop")


def test_a_line_that_fails_is_gone_around_until_it_is_back():
    router = Router(topology(("a", "b", 1.0), ("b", "c", 1.0), ("a", "c", 5.0)))
    assert way(router, "a", "c") == "abc"
    assert router.set_up(("b", "c"), up=False) == {"a"}
    assert (way(router, "a", "c"), way(router, "c", "a")) == ("ac", "cba")  # the other direction is up
    assert not router.is_up(("b", "c"))
    assert router.is_up(("c", "b"))
    assert router.set_up(("b", "c"), up=True) == {"a"}
    assert way(router, "a", "c") == "abc"


def test_nothing_leads_to_or_through_a_node_that_is_down():
    router = Router(topology(("a", "b", 1.0), ("b", "c", 1.0)))
    router.set_up("b", up=False)
    assert not router.is_up("b")
    assert not router.is_up(("a", "b"))
    with pytest.raises(NoRouteError, match=r"from 'a' to 'b': 'b' is down"):
        router.route("a", "b")
    with pytest.raises(NoRouteError, match=r"from 'b' to 'b': 'b' is down"):
        router.route("b", "b")
    with pytest.raises(NoRouteError, match=r"no route leads from 'a' to 'c'"):
        router.route("a", "c")
    router.set_up("b", up=True)
    assert way(router, "a", "c") == "abc"


def test_only_sources_that_it_concerns_are_searched_again(monkeypatch):
    net = topology(("a", "b", 1.0), ("b", "c", 1.0), ("c", "d", 1.0), ("a", "d", 5.0))
    router, searched = Router(net), []
    search = Router._search
    monkeypatch.setattr(Router, "_search", lambda self, source: searched.append(source) or search(self, source))

    def ask():
        searched.clear()
        for source in "abcd":
            for target in "abcd":
                router.route(source, target)
        return searched

    assert ask() == ["a", "b", "c", "d"]
    assert router.set_up(("a", "d"), up=False) == set()  # nobody goes there
    assert ask() == []
    assert router.set_up(("a", "d"), up=True) == set()  # and nobody wants to
    assert router.set_up(("a", "d"), up=True) == set()  # it is up already
    assert router.set_up(("c", "d"), up=False) == {"a", "b", "c"}
    assert ask() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="no link from 'a' to 'c'"):
        router.set_up(("a", "c"), up=False)
    with pytest.raises(ValueError, match="'e' is not a known node"):
        router.set_up("e", up=False)


def test_an_equal_way_that_comes_first_in_the_alphabet_is_taken_as_soon_as_it_is_back():
    router = Router(topology(("s", "x", 1.0), ("s", "m", 1.0), ("x", "t", 1.0), ("m", "t", 1.0)))
    router.set_up("m", up=False)
    assert way(router, "s", "t") == "sxt"
    router.set_up("m", up=True)
    assert way(router, "s", "t") == "smt"


outages = st.lists(
    st.tuples(st.one_of(st.sampled_from("abcdef"), st.integers(0, 13)), st.booleans(), st.sampled_from("abcdef")),
    max_size=12,
)


@settings(deadline=None, max_examples=150)
@given(graphs, outages, st.sampled_from(["delay", "hops"]))
def test_after_any_outages_it_is_as_if_only_what_is_up_had_ever_been(arcs, changes, metric):
    """The readable twin: a new router on a topology without what is down."""
    net = topology(one_way=[(a, b, delay_s) for (a, b), delay_s in arcs.items()])
    router, down, listed = Router(net, metric), set(), sorted(net.graph.edges)
    for spot, up, asked in changes:
        what = spot if isinstance(spot, str) else listed[spot % len(listed)]
        if isinstance(spot, int) or spot in net.graph:
            router.set_up(what, up)
            (down.discard if up else down.add)(what)
        up_now = {node for node in net.graph if node not in down}
        left = [(a, b) for a, b in listed if {a, b} <= up_now and (a, b) not in down]
        rest = net.graph.edge_subgraph(left).copy()
        rest.add_nodes_from((node, net.graph.nodes[node]) for node in up_now)
        twin = Router(Topology("rest", rest), metric)
        for target in net.graph:
            if asked in up_now and target in nx.descendants(rest, asked) | {asked}:
                assert router.route(asked, target) == twin.route(asked, target)
            else:
                with pytest.raises(NoRouteError):
                    router.route(asked, target)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_lengths_are_those_of_networkx_on_larger_graphs_with_outages(seed, nodes):
    plain = nx.gnp_random_graph(nodes, 0.15, seed=seed)
    delays = np.random.default_rng(seed).uniform(0.001, 0.05, plain.number_of_edges())
    links = [(f"{a:02d}", f"{b:02d}", delay) for (a, b), delay in zip(plain.edges, delays, strict=True)]
    if not links:
        return
    net = topology(*links)
    by_delay, by_hops, left = Router(net), Router(net, metric="hops"), nx.DiGraph(net.graph)
    source = links[0][0]
    for a, b, _ in links[1::3]:
        for router in (by_delay, by_hops):
            router.route(source, source)
            router.set_up((a, b), up=False)
        left.remove_edge(a, b)
    delay_s = nx.single_source_dijkstra_path_length(left, source, weight="delay_s")
    hops = nx.single_source_shortest_path_length(left, source)
    for target in delay_s:
        assert math.isclose(by_delay.route(source, target).delay_s, delay_s[target], rel_tol=1e-12)
        assert len(by_hops.route(source, target).arcs) == hops[target]
