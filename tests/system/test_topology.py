"""Topology files: what they say, and what is wrong with them."""

import contextlib
import functools
import math
import operator
from pathlib import Path

import networkx as nx
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import ScenarioError
from fedsim.system.routing import Router
from fedsim.system.topology import KINDS, Topology
from fedsim.system.topology_file import parse_topology, read_topology

TOPOLOGIES = Path(__file__).resolve().parents[2] / "topologies"


def village():
    return {
        "name": "village",
        "about": "a school behind a thin line",
        "nodes": {"server": {"kind": "server"}, "mast": {"kind": "cell"}, "school": {"kind": "access-point"}},
        "links": [
            {
                "from": "server",
                "to": "mast",
                "capacity": {"forward": "8 Mbit/s", "back": "1 Mbit/s"},
                "delay": "20 ms",
            },
            {"from": "mast", "to": "school", "capacity": "54 Mbit/s", "delay": 0, "duplex": "half"},
        ],
    }


def mistakes(value, at=""):
    with pytest.raises(ScenarioError) as refusal:
        parse_topology(value, "village.yaml", at)
    return str(refusal.value).splitlines()


def test_file_is_read_into_a_graph():
    topology = parse_topology(village(), "village.yaml")
    assert (topology.name, topology.about) == ("village", "a school behind a thin line")
    assert dict(topology.graph.nodes(data="kind")) == {"server": "server", "mast": "cell", "school": "access-point"}
    assert {arc: topology.graph.edges[arc] for arc in topology.graph.edges} == {
        ("server", "mast"): {"capacity_bps": 8e6, "delay_s": 0.02, "duplex": "full"},
        ("mast", "server"): {"capacity_bps": 1e6, "delay_s": 0.02, "duplex": "full"},
        ("mast", "school"): {"capacity_bps": 54e6, "delay_s": 0.0, "duplex": "half"},
        ("school", "mast"): {"capacity_bps": 54e6, "delay_s": 0.0, "duplex": "half"},
    }


def test_graph_cannot_be_changed_afterwards():
    with pytest.raises(nx.NetworkXError, match=r"[Ff]rozen"):
        parse_topology(village(), "village.yaml").graph.add_node("new")


@pytest.mark.parametrize("path", sorted(TOPOLOGIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_topologies_can_be_used(path):
    topology = read_topology(path)
    assert topology.name == path.stem
    assert topology.about
    router = Router(topology)
    assert all(router.route("server", node).delay_s < 0.1 for node in topology.graph)


def test_quickstart_has_the_server_line_and_places_for_devices():
    graph = read_topology(TOPOLOGIES / "quickstart.yaml").graph
    assert graph.edges["metro", "server"]["capacity_bps"] == 100e6
    assert graph.edges["metro", "server"]["delay_s"] == 0.005
    assert {"cell-a", "cell-b", "cell-c", "home-ap"} < set(graph)
    assert graph.edges["home-ap", "home-router"]["duplex"] == "half"


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text("""
name: 3
nodes:
  server: {kind: serve}
  mast: {kind: cell, hight: 3}
  island: {kind: router}
  7: {kind: router}
links:
  - {from: server, to: mats, capacity: 1 Mbit/s, delay: 1 ms}
  - {from: server, to: mast, capacity: 0 Mbit/s, delay: -1 ms}
  - {from: mast, to: server, capacity: 5 ms, delay: 1 ms}
  - {from: mast, to: mast, capacity: 1 Mbit/s, delay: 1 Mbit/s, duplex: hafl}
  - {from: mast, capacity: {forward: 1 Mbit/s, up: 1 Mbit/s}}
color: red
""")
    with pytest.raises(ScenarioError) as refusal:
        read_topology(file)
    lines = [line.removeprefix(f"{file}: ") for line in str(refusal.value).splitlines()]
    assert lines == [
        "color: 'color' is not a known key (known: name, nodes, links, about)",
        "name: must be a text, got 3",
        "nodes.server.kind: 'serve' is not a known kind; did you mean 'server'? (known: " + ", ".join(KINDS) + ")",
        "nodes.mast.hight: 'hight' is not a known key (known: kind)",
        "nodes: a node's name must be a text, got 7",
        "links[0]: 'mats' is not a known node; did you mean 'mast'? (known: server, mast, island)",
        "links[1].capacity: must be > 0, got '0 Mbit/s'",
        "links[1].delay: must be >= 0 and finite, got '-1 ms'",
        "links[2].capacity: '5 ms' is not a rate such as '20 Mbit/s': 'ms' measures something else",
        "links[2]: 'mast' and 'server' have a link already",
        "links[3].delay: '1 Mbit/s' is not a time such as '250 ms': 'Mbit/s' measures something else",
        "links[3].duplex: 'hafl' is not a known duplex; did you mean 'half'? (known: full, half)",
        "links[3]: must join two different nodes, got 'mast' twice",
        "links[4]: must have the key 'to'",
        "links[4]: must have the key 'delay'",
        "links[4].capacity.up: 'up' is not a known key (known: forward, back)",
        "links[4].capacity: must have the key 'back'",
        "nodes.island: must be connected with 'server', and no links lead there",
    ]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda v: v.pop("nodes"), "village.yaml: must have the key 'nodes'"),
        (lambda v: v.update(nodes={}), "village.yaml: nodes: must be a mapping with a name for each node, got {}"),
        (lambda v: v.update(nodes=None), "village.yaml: nodes: must be a mapping with a name for each node, got null"),
        (lambda v: v.update(links={}), "village.yaml: links: must be a list, got {}"),
        (lambda v: v.update(about=" "), "village.yaml: about: must be a text, got ' '"),
        (
            lambda v: v["links"].__setitem__(0, "fast"),
            "village.yaml: links[0]: must be a mapping with the keys from, to, capacity, delay, duplex, got 'fast'",
        ),
        (
            lambda v: v["links"][1].update(delay="inf"),
            "village.yaml: links[1].delay: must be >= 0 and finite, got 'inf'",
        ),
        (
            lambda v: v["links"][1].update(duplex=["half"]),
            "village.yaml: links[1].duplex: ['half'] is not a known duplex; did you mean 'half'? (known: full, half)",
        ),
        (
            lambda v: v["links"][0]["capacity"].update(back="-1 bit/s"),
            "village.yaml: links[0].capacity.back: must be > 0, got '-1 bit/s'",
        ),
        (
            lambda v: v["links"].pop(),
            "village.yaml: nodes.school: must be connected with 'server', and no links lead there",
        ),
    ],
)
def test_one_mistake_is_one_line(change, line):
    value = village()
    change(value)
    assert line in mistakes(value)


def test_key_path_begins_where_a_scenario_has_its_topology():
    value = village()
    value["links"][1]["capacity"] = 0
    assert mistakes(value, at="topology") == ["village.yaml: topology.links[1].capacity: must be > 0, got 0"]
    assert mistakes([], at="topology") == [
        "village.yaml: topology: must be a mapping with the keys name, nodes, links, about, got []"
    ]


def test_thought_experiments_may_have_infinite_capacity():
    value = village()
    value["links"][1]["capacity"] = "inf"
    assert parse_topology(value, "f").graph.edges["mast", "school"]["capacity_bps"] == math.inf


def test_one_place_needs_no_links():
    alone = {"name": "alone", "nodes": {"server": {"kind": "server"}}, "links": []}
    assert list(parse_topology(alone, "f").graph) == ["server"]


def arcs(topology):
    return list(topology.graph.nodes(data=True)), sorted(topology.graph.edges(data=True), key=lambda arc: arc[:2])


@pytest.mark.parametrize("value", [village(), yaml.safe_load((TOPOLOGIES / "quickstart.yaml").read_text())])
def test_words_of_a_topology_make_the_same_topology(value):
    topology = parse_topology(value, "f")
    again = parse_topology(yaml.safe_load(yaml.safe_dump(topology.words(), sort_keys=False)), "g")
    assert (again.name, again.about, arcs(again)) == (topology.name, topology.about, arcs(topology))
    assert again.words() == topology.words()


def two_nodes(**arc):
    graph = nx.DiGraph()
    graph.add_nodes_from(["a", "b"], kind="router")
    graph.add_edge("a", "b", **{"capacity_bps": 1.0, "delay_s": 0.0, "duplex": "full", **arc})
    return graph


def test_what_a_file_cannot_say_has_no_words():
    graph = two_nodes()
    with pytest.raises(ValueError, match="a -> b"):
        Topology("one-way", graph).words()
    graph.add_edge("b", "a", capacity_bps=1.0, delay_s=1.0, duplex="full")
    with pytest.raises(ValueError, match="a -> b"):
        Topology("two delays", graph).words()


@pytest.mark.parametrize(
    ("arc", "message"),
    [
        ({"capacity_bps": 0.0}, "topology t: a -> b: capacity_bps must be > 0, got 0.0"),
        ({"capacity_bps": math.nan}, "topology t: a -> b: capacity_bps must be > 0, got nan"),
        ({"capacity_bps": "8 Mbit/s"}, "topology t: a -> b: capacity_bps must be > 0, got '8 Mbit/s'"),
        ({"delay_s": -1.0}, "topology t: a -> b: delay_s must be >= 0 and finite, got -1.0"),
        ({"delay_s": None}, "topology t: a -> b: delay_s must be >= 0 and finite, got None"),
        ({"duplex": "both"}, "topology t: a -> b: duplex must be one of full, half, got 'both'"),
        ({"duplex": "half"}, "topology t: a -> b: a half-duplex link must be half duplex both ways"),
    ],
)
def test_graph_made_in_python_is_checked(arc, message):
    with pytest.raises(ScenarioError) as refusal:
        Topology("t", two_nodes(**arc))
    assert str(refusal.value) == message


def test_nodes_and_loops_of_a_graph_made_in_python_are_checked():
    graph = two_nodes()
    graph.add_edge("b", "b", capacity_bps=1.0, delay_s=0.0, duplex="full")
    graph.add_node("c", kind="castle")
    with pytest.raises(ScenarioError) as refusal:
        Topology("t", graph)
    assert str(refusal.value).splitlines() == [
        "topology t: c: 'castle' is not a known kind (known: server, edge-server, router, cell, access-point)",
        "topology t: b -> b: a link must join two different nodes",
    ]


junk = st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.just([]) | st.just({"kind": 1})
spots = st.sampled_from(
    [
        ("name",), ("nodes",), ("links",), ("nodes", "mast"), ("nodes", "mast", "kind"), ("links", 0),
        ("links", 0, "from"), ("links", 0, "to"), ("links", 0, "capacity"), ("links", 0, "capacity", "back"),
        ("links", 1, "delay"), ("links", 1, "duplex"), ("links", 1, "new"), ("nodes", "new"), ("nodes", 1),
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(spots, junk), min_size=1, max_size=3))
def test_whatever_a_file_says_it_is_a_topology_or_a_scenario_error(changes):
    value = village()
    for (*path, last), new in changes:
        with contextlib.suppress(KeyError, IndexError, TypeError, AttributeError):  # an earlier change was here
            functools.reduce(operator.getitem, path, value)[last] = new
    try:
        topology = parse_topology(value, "f")
    except ScenarioError as error:
        refusal = str(error)
    else:
        refusal = "f: nothing"
        assert parse_topology(topology.words(), "g").words() == topology.words()
    assert all(line.startswith("f: ") for line in refusal.splitlines())
