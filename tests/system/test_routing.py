"""Ways through a topology."""

import math

import networkx as nx
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
