"""Topologies of scenarios: in a file, imported, generated; and where groups attach to them."""

import copy
from pathlib import Path

import pytest
import yaml

from fedsim.errors import ScenarioError
from fedsim.scenario import check, load, resolved
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.scenario.underlay import is_underlay, read_underlay
from fedsim.study.compare import compare
from fedsim.study.run import run
from fedsim.system.generators.generator import Generator, generate

TOPOLOGIES = sorted((Path(__file__).resolve().parents[2] / "topologies").glob("*.yaml"))
GENERATORS = standard_catalogue().choices[Generator]


def scenario(tiny, topology, at="all", **changes):
    """Four phones on a topology, the first of its nodes as the server."""
    words = copy.deepcopy(tiny)
    words["topology"] = topology
    words["fleet"][0]["at"] = at
    words["server"]["at"] = changes.pop("server", "node-0")
    return {**words, **changes}


def mistakes(words):
    with pytest.raises(ScenarioError) as refusal:
        check(words)
    return str(refusal.value).splitlines()


@pytest.mark.parametrize("name", GENERATORS)
def test_scenario_with_a_generated_topology_is_read_written_and_read_again(tiny, name):
    first_node = next(iter(generate(GENERATORS[name](), 0).graph))
    words = scenario(tiny, {"generate": name}, server=first_node)
    first = check(words)
    written = yaml.safe_load(resolved(first))
    assert written["topology"]["generate"] == name
    again = check(written)
    assert again == first
    assert again.topology.words() == first.topology.words()
    assert resolved(again) == resolved(first)


def test_parameters_of_a_generator(tiny):
    words = {"generate": "barabasi-albert", "nodes": 9, "links_per_node": 3, "capacity": "7 Mbit/s", "delay": "1 ms"}
    topology = check(scenario(tiny, words)).topology
    assert len(topology.pairs()) == 3 * 6
    assert topology.graph.edges[topology.pairs()[0]]["capacity_bps"] == 7e6


def test_luck_of_the_graph_is_the_scenarios_unless_it_has_a_seed(tiny):
    words = scenario(tiny, {"generate": "watts-strogatz", "nodes": 9})
    assert check(words).topology.words() != check(words, seed=9).topology.words()
    words["topology"]["seed"] = 3
    assert check(words).topology.words() == check(words, seed=9).topology.words()
    assert check(words, {"topology.seed": 4}).topology.words() != check(words).topology.words()


def test_every_seed_of_a_comparison_has_the_graph_that_a_run_has(tiny):
    words = scenario(tiny, {"generate": "watts-strogatz", "nodes": 9}, stop={"time": "5 s", "target": "90 %"})
    one = check(words)
    results = compare([one], seeds=[1, 2], workers=1).results["tiny"]
    for result in results:
        assert result.scenario.topology.words() == check(words, seed=result.seed).topology.words()
        assert run(one, seed=result.seed).scenario.topology.words() == result.scenario.topology.words()


def test_topology_file_may_generate_or_import(tmp_path, tiny):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "l.csv").write_text("u,v,delay_s\na,b,0.001\nb,c,0.001\n")
    (tmp_path / "net" / "lines.yaml").write_text("import: l.csv\ncapacity: 5 Mbit/s\nkinds: {a: server}\n")
    (tmp_path / "net" / "ring.yaml").write_text("generate: ring\nnodes: 5\n")
    for name, words in {
        "file": "net/lines.yaml",
        "table": "net/l.csv",
        "inline": {"import": "net/l.csv", "capacity": "5 Mbit/s", "attachments": {"ends": ["a", "c"]}},
        "ring": "net/ring.yaml",
    }.items():
        server = "node-0" if name == "ring" else "a"
        at = "ends" if name == "inline" else "all"
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(scenario(tiny, words, at=at, server=server)))
    graph = load(tmp_path / "file.yaml").topology.graph
    assert (graph.nodes["a"]["kind"], graph.edges["b", "c"]["capacity_bps"]) == ("server", 5e6)
    assert load(tmp_path / "table.yaml").topology.graph.edges["b", "c"]["capacity_bps"] == 10e9
    faster = load(tmp_path / "table.yaml", ["topology.capacity=1 Gbit/s"])
    assert faster.topology.graph.edges["b", "c"]["capacity_bps"] == 1e9
    inline = load(tmp_path / "inline.yaml")
    assert inline.fleet[0].at == ("a", "c")
    assert check(yaml.safe_load(resolved(inline))) == inline  # with all of the graph in it
    assert len(load(tmp_path / "ring.yaml").topology.graph) == 5
    assert len(load(tmp_path / "ring.yaml", {"topology.nodes": 6}).topology.graph) == 6
    (tmp_path / "other.yaml").write_text("extends: ring.yaml\ntopology: {generate: star}\nserver: {at: server}\n")
    assert "server" in load(tmp_path / "other.yaml").topology.graph  # and nothing of the ring's parameters


def test_large_imports_are_named_with_their_digest_rather_than_written_out(tmp_path, tiny, monkeypatch):
    names = [f"city-{index}" for index in range(120)]  # 7,140 links
    rows = [",".join(["", *names]), *(f"{name}," + ",".join("20" for _ in names) for name in names)]
    (tmp_path / "rtt.csv").write_text("\n".join(rows))
    monkeypatch.chdir(tmp_path)
    words = scenario(tiny, {"import": "rtt.csv", "kinds": {"city-3": "server"}}, server="city-3", at="city-7")
    first = check(words)
    written = yaml.safe_load(resolved(first))
    assert written["topology"]["import"] == str(tmp_path / "rtt.csv")
    monkeypatch.chdir("/")
    again = check(written, seed=5)
    assert again.topology.words() == first.topology.words()
    (tmp_path / "rtt.csv").write_text("\n".join(rows).replace("20", "21"))
    with pytest.raises(ScenarioError, match=r"rtt.csv: has changed: its digest is \w{16}, not \w{16}"):
        check(written)


def test_groups_attach_to_nodes_lists_and_named_sets_in_turn(tiny):
    topology = {"generate": "star", "leaves": 3}
    at = {
        "leaf-1": ("leaf-1",),
        "leaves": ("leaf-0", "leaf-1", "leaf-2"),
        ("leaf-2", "leaves"): ("leaf-2", "leaf-0", "leaf-1"),
    }
    for words, places in at.items():
        one = check(scenario(tiny, topology, at=words if isinstance(words, str) else list(words), server="server"))
        assert one.fleet[0].at == places


@pytest.mark.parametrize(
    ("topology", "line"),
    [
        ({"generate": "rnig"}, "topology.generate: 'rnig' is not a known generator; did you mean 'ring'?"),
        ({"generate": 3}, "topology.generate: 3 is not a known generator"),
        ({"generate": "ring", "node": 3}, "topology.node: 'node' is not a known key; did you mean 'nodes'?"),
        ({"generate": "ring", "nodes": 2}, "topology: nodes must be between 3 and 10,000, got 2"),
        ({"generate": "ring", "capacity": "5 kg"}, "topology.capacity: '5 kg' is not a rate such as '20 Mbit/s'"),
        ({"generate": "ring", "capacity": 0}, "topology: capacity must be > 0, got 0.0"),
        (
            {"generate": "ring", "medium": "fiber"},
            "topology.medium: 'fiber' is not a known value; did you mean 'fibre'?",
        ),
        ({"generate": "erdos-renyi", "probability": 0}, "topology: no connected graph came in 100 tries"),
        ({"import": 3}, "topology.import: must be the path of a file or folder, got 3"),
        ({"import": "x.gml", "latency": "both"}, "topology.latency: 'both' is not a known value (known: rtt, one-way)"),
        ({"import": "x.gml", "capacty": 3}, "topology.capacty: 'capacty' is not a known key; did you mean 'capacity'?"),
        ({"import": "x.gml", "kinds": {"a": 3}}, "topology.kinds.a: must be a text, got 3"),
        ({"import": "x.gml", "delay": "5 km"}, "topology.delay: '5 km' is not a time such as '250 ms'"),
        ({"import": "x.gml"}, "scenario: topology.import: x.gml: no such file"),
        ("x.gml", "x.gml: no such file"),
        ({"name": "t", "nodes": {}}, "topology: must have the key 'links'"),
    ],
)
def test_mistakes_in_topologies_are_told_with_their_key(tiny, topology, line):
    found = mistakes(scenario(tiny, topology))
    assert any(line in said for said in found), found


def test_unknown_places_name_sets_and_nodes(tiny):
    [line] = mistakes(scenario(tiny, {"generate": "star", "leaves": 2}, at=["leaves", "leaf-3"], server="server"))
    assert line == (
        "scenario: fleet[0].at[1]: 'leaf-3' is not a known place in the topology; did you mean 'leaf-1'? "
        "(known: all, leaves, server, leaf-0, leaf-1)"
    )
    assert mistakes(scenario(tiny, {"generate": "star"}, at=[3], server="server")) == [
        "scenario: fleet[0].at[0]: must be a text, got 3"
    ]
    assert mistakes(scenario(tiny, {"generate": "star"}, at=[], server="server"))


@pytest.mark.parametrize("path", TOPOLOGIES, ids=lambda path: path.stem)
def test_phones_learn_on_every_topology_that_ships(tiny, path):
    topology = read_underlay(path, 0, standard_catalogue())
    cells = [node for node, kind in topology.graph.nodes(data="kind") if kind == "cell"]
    places = list(topology.attachments) or cells or list(topology.graph)
    server = "server" if "server" in topology.graph else next(iter(topology.graph))
    result = run(scenario(tiny, str(path), at=places, server=server))
    assert result.summary.time_to_target_s is not None
    assert result.scenario.topology.name == path.stem


def test_topologies_and_scenarios_are_told_apart(tmp_path, tiny):
    for name, text in {
        "t.yaml": "name: t\nnodes: {a: {kind: server}}\nlinks: []\n",
        "g.yaml": "generate: ring\n",
        "i.yaml": "import: x.gml\n",
        "x.gml": "",
        "s.yaml": yaml.safe_dump(tiny),
        "e.yaml": "extends: s.yaml\n",
        "n.yaml": "[]",
    }.items():
        (tmp_path / name).write_text(text)
    told = {path.name: is_underlay(str(path)) for path in tmp_path.iterdir()}
    assert {name for name, is_one in told.items() if is_one} == {"t.yaml", "g.yaml", "i.yaml", "x.gml"}
    assert not is_underlay(str(tmp_path))
    (tmp_path / "nodes.csv").write_text("node\na\n")
    assert is_underlay(str(tmp_path))
