"""Topology files: what they say, and what is wrong with them."""

import contextlib
import functools
import math
import operator
import pickle
from pathlib import Path

import networkx as nx
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import ScenarioError
from fedsim.system.place import Geo, Plane, distance_m
from fedsim.system.routing import Router
from fedsim.system.topology import KINDS, Topology
from fedsim.system.topology_file import parse_topology
from fedsim.yamlfile import read_yaml

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
    topology, plain = parse_topology(village(), "village.yaml"), {"loss": 0.0, "medium": "wire"}
    assert (topology.name, topology.about) == ("village", "a school behind a thin line")
    assert dict(topology.graph.nodes(data="kind")) == {"server": "server", "mast": "cell", "school": "access-point"}
    assert {arc: topology.graph.edges[arc] for arc in topology.graph.edges} == {
        ("server", "mast"): {"capacity_bps": 8e6, "delay_s": 0.02, "duplex": "full", **plain},
        ("mast", "server"): {"capacity_bps": 1e6, "delay_s": 0.02, "duplex": "full", **plain},
        ("mast", "school"): {"capacity_bps": 54e6, "delay_s": 0.0, "duplex": "half", **plain},
        ("school", "mast"): {"capacity_bps": 54e6, "delay_s": 0.0, "duplex": "half", **plain},
    }


def test_graph_cannot_be_changed_afterwards():
    with pytest.raises(nx.NetworkXError, match=r"[Ff]rozen"):
        parse_topology(village(), "village.yaml").graph.add_node("new")


def read(path):
    return parse_topology(read_yaml(path), str(path))


@pytest.mark.parametrize("path", sorted(TOPOLOGIES.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_topologies_can_be_used(path):
    topology = read(path)
    assert topology.name == path.stem
    assert topology.about
    router = Router(topology)
    middle = "server" if "server" in topology.graph else next(iter(topology.graph))
    assert all(router.route(middle, node).delay_s < 0.3 for node in topology.graph)  # a satellite, an ocean


def test_quickstart_has_the_server_line_and_places_for_devices():
    graph = read(TOPOLOGIES / "quickstart.yaml").graph
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
        read(file)
    lines = [line.removeprefix(f"{file}: ") for line in str(refusal.value).splitlines()]
    assert lines == [
        "color: 'color' is not a known key (known: name, nodes, links, about, delay_rule, attachments)",
        "name: must be a text, got 3",
        "nodes.server.kind: 'serve' is not a known kind; did you mean 'server'? (known: " + ", ".join(KINDS) + ")",
        "nodes.mast.hight: 'hight' is not a known key (known: kind, place)",
        "nodes: a node's name must be a text, got 7",
        "links[0]: 'mats' is not a known node; did you mean 'mast'? (known: server, mast, island)",
        "links[1].capacity: must be > 0, got '0 Mbit/s'",
        "links[1].delay: must be >= 0 and finite, got '-1 ms'",
        "links[2].capacity: '5 ms' is not a rate such as '20 Mbit/s': 'ms' measures something else",
        "links[2]: 'mast' and 'server' have a link already",
        "links[3].duplex: 'hafl' is not a known duplex; did you mean 'half'? (known: full, half)",
        "links[3]: must join two different nodes, got 'mast' twice",
        "links[3].delay: '1 Mbit/s' is not a time such as '250 ms': 'Mbit/s' measures something else",
        "links[4]: must have the key 'to'",
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
            (
                "village.yaml: links[0]: must be a mapping with the keys from, to, capacity, delay, length, loss, "
                "medium, duplex, got 'fast'"
            ),
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
        (
            "village.yaml: topology: must be a mapping with the keys name, nodes, links, about, delay_rule, "
            "attachments, got []"
        )
    ]


def test_thought_experiments_may_have_infinite_capacity():
    value = village()
    value["links"][1]["capacity"] = "inf"
    assert parse_topology(value, "f").graph.edges["mast", "school"]["capacity_bps"] == math.inf


def test_one_place_needs_no_links():
    alone = {"name": "alone", "nodes": {"server": {"kind": "server"}}, "links": []}
    assert list(parse_topology(alone, "f").graph) == ["server"]


def coast(**changes):
    value = {
        "name": "coast",
        "nodes": {
            "paris": {"kind": "server", "place": [48.8566, 2.3522]},
            "lyon": {"kind": "router", "place": [45.764, 4.8357]},
            "boat": {"kind": "cell"},
        },
        "links": [
            {"from": "paris", "to": "lyon", "capacity": "1 Gbit/s", "medium": "fibre"},
            {"from": "lyon", "to": "boat", "capacity": "1 Mbit/s", "length": "600 km", "medium": "satellite"},
        ],
        "attachments": {"sea": ["boat"], "land": ["lyon", "paris"]},
    }
    return {**value, **changes}


def delays(value):
    graph = parse_topology(value, "coast.yaml").graph
    return graph.edges["paris", "lyon"]["delay_s"], graph.edges["boat", "lyon"]["delay_s"]


def test_distance_becomes_delay_by_a_rule():
    paris_lyon_km = 391.5  # as the crow flies
    light_s = 600e3 / 299_792_458
    assert delays(coast()) == pytest.approx((1.5 * paris_lyon_km / 200e3, light_s), rel=1e-3)
    measured = (1.8 * paris_lyon_km / 200e3 + 0.004, light_s + 0.004)
    assert delays(coast(delay_rule="measured")) == pytest.approx(measured, rel=1e-3)
    own = (1.25 * paris_lyon_km / 200e3 + 0.002, light_s + 0.002)
    assert delays(coast(delay_rule={"route_factor": 1.25, "site": "1 ms"})) == pytest.approx(own, rel=1e-3)


def test_places_on_a_plan_are_in_metres():
    value = coast()
    value["nodes"]["paris"]["place"], value["nodes"]["lyon"]["place"] = ["-1 km", "0 m"], ["2 km", "4000 m"]
    graph = parse_topology(value, "f").graph
    assert graph.nodes["lyon"]["place"] == Plane(2000.0, 4000.0)
    assert delays(value)[0] == pytest.approx(1.5 * 5000 / 2e8)


def test_degrees_and_metres_do_not_go_together():
    value = coast()
    value["nodes"]["lyon"]["place"] = ["2 km", "4 km"]
    assert mistakes(value) == ["village.yaml: nodes.lyon.place: all places must be in degrees, or all in metres"]
    with pytest.raises(ValueError, match="one is on the earth, the other on a plan"):
        distance_m(Geo(0, 0), Plane(0, 0))
    graph = two_nodes()
    graph.add_node("a", kind="router", place=Geo(0.0, 0.0))
    graph.add_node("b", kind="router", place=Plane(0.0, 0.0))
    with pytest.raises(ScenarioError, match="topology t: b: all places must be on the earth"):
        Topology("t", graph)
    graph.add_node("b", kind="router", place=(0.0, 0.0))
    with pytest.raises(ScenarioError, match=r"topology t: b: place must be a Geo or a Plane, got \(0.0, 0.0\)"):
        Topology("t", graph)


@pytest.mark.parametrize(
    ("here", "there", "km"),
    [
        (Geo(0, 0), Geo(0, 90), 10007.5),  # a quarter of the equator
        (Geo(90, 0), Geo(-90, 77), 20015.1),
        (Geo(0, 179.5), Geo(0, -179.5), 111.2),  # across the date line
        (Geo(51.5, -0.1), Geo(51.5, -0.1), 0.0),
    ],
)
def test_great_circles(here, there, km):
    assert distance_m(here, there) == pytest.approx(1000 * km, rel=1e-4)


def test_directions_may_differ_in_everything_but_the_medium():
    value = village()
    value["links"][0] |= {"delay": {"forward": "20 ms", "back": "30 ms"}, "loss": {"forward": 0, "back": "1 %"}}
    value["links"][1] |= {"loss": "0.1 %", "medium": "radio"}
    graph = parse_topology(value, "f").graph
    assert [graph.edges[arc]["delay_s"] for arc in (("server", "mast"), ("mast", "server"))] == [0.02, 0.03]
    assert [graph.edges[arc]["loss"] for arc in (("server", "mast"), ("mast", "server"))] == [0.0, 0.01]
    assert [graph.edges[arc]["loss"] for arc in (("school", "mast"), ("mast", "school"))] == [0.001, 0.001]
    assert graph.edges["school", "mast"]["medium"] == "radio"


def test_attachments_are_named_sets_of_nodes():
    topology = parse_topology(coast(), "f")
    assert topology.attachments == {"sea": ("boat",), "land": ("lyon", "paris")}
    with pytest.raises(ScenarioError) as refusal:
        Topology("t", topology.graph, attachments={"boat": ("lyon",), "air": (), "ports": ("marseille",)})
    assert str(refusal.value).splitlines() == [
        "topology t: attachments.boat: 'boat' is the name of a node",
        "topology t: attachments.air: needs at least one node",
        "topology t: attachments.ports: 'marseille' is not a known node (known: paris, lyon, boat)",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"delay_rule": "measure"}, "delay_rule: 'measure' is not a known rule of delays; did you mean 'measured'? "),
        ({"delay_rule": {"route_factor": 0.5}}, "delay_rule: route_factor must be >= 1 and finite, got 0.5"),
        ({"delay_rule": {"site": "-1 ms"}}, "delay_rule: site must be >= 0 and finite, got -0.001"),
        ({"delay_rule": {"site": "1 km"}}, "delay_rule: '1 km' is not a time such as '250 ms': 'km' measures"),
        ({"attachments": ["boat"]}, "attachments: must be a mapping with a list of nodes for each name, got ['boat']"),
        ({"attachments": {"boat": ["lyon"]}}, "attachments: a name must be a text, and not a node's, got 'boat'"),
        ({"attachments": {"sea": "boat"}}, "attachments.sea: must be a list of nodes, at least one, got 'boat'"),
        ({"attachments": {"sea": ["boot"]}}, "attachments.sea: 'boot' is not a known node; did you mean 'boat'?"),
        ({"nodes.paris.place": [91, 0]}, "nodes.paris.place: a latitude must lie between -90 and 90 degrees, got 91"),
        ({"nodes.paris.place": [0, math.nan]}, "nodes.paris.place: a longitude must lie between -180 and 180"),
        ({"nodes.paris.place": ["1 km", "inf"]}, "nodes.paris.place: a place on a plan must be finite"),
        ({"nodes.paris.place": ["1 km", "1 s"]}, "nodes.paris.place: '1 s' is not a length such as '12 km'"),
        ({"nodes.paris.place": [1, "1 km"]}, "nodes.paris.place: must be [48.14, 11.58] in degrees north and east, or"),
        ({"nodes.paris.place": "Paris"}, "nodes.paris.place: must be [48.14, 11.58] in degrees north and east, or"),
        ({"links.0.length": "-1 km"}, "links[0].length: must be >= 0 and finite, got '-1 km'"),
        ({"links.1.length": None}, "links[1].length: None is not a length such as '12 km'"),
        ({"links.1.delay": "1 ms"}, "links[1]: must have a delay or a length, not both"),
        ({"links.0.medium": "fiber"}, "links[0].medium: 'fiber' is not a known medium; did you mean 'fibre'?"),
        ({"links.0.loss": "100 %"}, "links[0].loss: must be at least 0 % and below 100 %, got '100 %'"),
        ({"links.0.loss": {"forward": -1, "back": 0}}, "links[0].loss.forward: must be at least 0 %"),
        ({"links.0.to": "boat"}, "links[0]: must have a delay or a length, because its two ends have not both a place"),
    ],
)
def test_mistakes_in_places_media_and_sets(changes, line):
    value = coast()
    for path, new in changes.items():
        *above, last = (int(key) if key.isdecimal() else key for key in path.split("."))
        functools.reduce(operator.getitem, above, value)[last] = new
    assert any(found.startswith(f"village.yaml: {line}") for found in mistakes(value)), mistakes(value)


def test_graph_made_in_python_has_losses_and_media_that_can_be():
    graph = two_nodes(loss=1.5, medium="string")
    graph.add_edge("b", "a", capacity_bps=1.0, delay_s=0.0, duplex="full", medium="fibre")
    with pytest.raises(ScenarioError) as refusal:
        Topology("t", graph)
    assert str(refusal.value).splitlines() == [
        "topology t: a -> b: loss must be at least 0 and below 1, got 1.5",
        "topology t: a -> b: 'string' is not a known medium (known: wire, fibre, radio, satellite)",
        "topology t: a -> b: a link must have one medium both ways",
        "topology t: b -> a: a link must have one medium both ways",
    ]


def test_a_topology_can_be_sent_to_another_process():
    topology = parse_topology(coast(), "f")
    assert pickle.loads(pickle.dumps(topology)).words() == topology.words()  # noqa: S301  # our own


def arcs(topology):
    return list(topology.graph.nodes(data=True)), sorted(topology.graph.edges(data=True), key=lambda arc: arc[:2])


@pytest.mark.parametrize("value", [village(), coast(), yaml.safe_load((TOPOLOGIES / "quickstart.yaml").read_text())])
def test_words_of_a_topology_make_the_same_topology(value):
    topology = parse_topology(value, "f")
    again = parse_topology(yaml.safe_load(yaml.safe_dump(topology.words(), sort_keys=False)), "g")
    assert (again.name, again.about, arcs(again)) == (topology.name, topology.about, arcs(topology))
    assert again.words() == topology.words()
    assert again.attachments == topology.attachments


def two_nodes(**arc):
    graph = nx.DiGraph()
    graph.add_nodes_from(["a", "b"], kind="router")
    graph.add_edge("a", "b", **{"capacity_bps": 1.0, "delay_s": 0.0, "duplex": "full", **arc})
    return graph


def test_what_a_file_cannot_say_has_no_words():
    graph = two_nodes()
    with pytest.raises(ValueError, match="a -> b"):
        Topology("one-way", graph).words()


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
