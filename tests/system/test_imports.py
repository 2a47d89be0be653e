"""Networks in other people's formats: what is taken over, what is filled in, and what is refused.

All files here are written by the tests themselves.
"""

import json
import math
from itertools import combinations
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import ScenarioError
from fedsim.system.delay_rule import DelayRule
from fedsim.system.imports.reader import import_topology
from fedsim.system.imports.rules import ImportRules
from fedsim.system.imports.source import MOST_BYTES
from fedsim.system.imports.speeds import speed_bps
from fedsim.system.place import Geo, Plane, distance_m
from fedsim.system.topology_file import parse_topology

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "topologies"

PLACES = {"oslo": (59.91, 10.75), "bergen": (60.39, 5.32), "hamar": (60.79, 11.07)}
ZOO = """graph [
  Network "Fjord"
  multigraph 1
  node [ id 0 label "Oslo" Country "Norway" Longitude 10.75 Latitude 59.91 Internal 1 ]
  node [ id 1 label "Bergen" Longitude 5.32 Latitude 60.39 Internal 1 ]
  node [ id 2 label "Bergen" Longitude 5.32 Latitude 60.39 Internal 1 ]
  node [ id 3 label "World" Internal 0 ]
  edge [ source 0 target 1 LinkSpeed "2.5" LinkSpeedUnits "G" LinkLabel "2.5 Gbps" LinkSpeedRaw 2500000000.0 ]
  edge [ source 1 target 0 LinkLabel "< 10 Gbit/s" ]
  edge [ source 1 target 2 LinkLabel "OC-48" ]
  edge [ source 2 target 2 LinkSpeed "1" LinkSpeedUnits "G" ]
  edge [ source 0 target 3 ]
]
"""
SNDLIB = """<?xml version="1.0" encoding="ISO-8859-1"?>
<network xmlns="http://sndlib.zib.de/network" version="1.0">
 <networkStructure>
  <nodes coordinatesType="geographical">
   <node id="oslo"><coordinates><x>10.75</x><y>59.91</y></coordinates></node>
   <node id="bergen"><coordinates><x>5.32</x><y>60.39</y></coordinates></node>
   <node id="hamar"><coordinates><x>11.07</x><y>60.79</y></coordinates></node>
  </nodes>
  <links>
   <link id="L1"><source>oslo</source><target>bergen</target>
    <preInstalledModule><capacity>155.0</capacity><cost>0.0</cost></preInstalledModule>
    <additionalModules><addModule><capacity>622.0</capacity><cost>9</cost></addModule></additionalModules></link>
   <link id="L2"><source>oslo</source><target>hamar</target>
    <additionalModules><addModule><capacity>155.0</capacity><cost>3</cost></addModule>
     <addModule><capacity>622.0</capacity><cost>9</cost></addModule></additionalModules></link>
  </links>
 </networkStructure>
 <demands><demand id="D1"><source>oslo</source><target>hamar</target><demandValue>3</demandValue></demand></demands>
</network>
"""


@pytest.fixture
def write(tmp_path):
    def put(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    return put


def norway():
    """Three cities as a networkx graph with attributes as people have them."""
    graph = nx.Graph()
    for city, (lat, lon) in PLACES.items():
        graph.add_node(city, lat=lat, lon=lon)
    graph.add_edge("oslo", "bergen", capacity_bps=1e9, delay_ms=4.0)
    graph.add_edge("oslo", "hamar", length_km=120.0, loss=0.01, medium="radio", duplex="half")
    return graph


def save(graph, path):
    if path.suffix == ".graphml":
        nx.write_graphml(graph, path)
    elif path.suffix == ".gml":
        nx.write_gml(graph, path, stringizer=str)
    else:
        path.write_text(json.dumps(nx.node_link_data(graph, edges="links")))
    return path


def arc(topology, a, b):
    return topology.graph.edges[a, b]


def km(a, b):
    return distance_m(Geo(*PLACES[a]), Geo(*PLACES[b])) / 1000


def refusal(path, rules=None):
    with pytest.raises(ScenarioError) as caught:
        import_topology(path, rules)
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".graphml", ".gml", ".json"])
def test_graph_files_of_networkx_are_read(tmp_path, suffix):
    topology = import_topology(save(norway(), tmp_path / f"norway{suffix}"))
    assert (topology.name, topology.about) == ("norway", f"imported from norway{suffix}")
    assert {node: row["place"] for node, row in topology.graph.nodes(data=True)} == {
        city: Geo(*place) for city, place in PLACES.items()
    }
    line, air = arc(topology, "bergen", "oslo"), arc(topology, "oslo", "hamar")
    assert (line["capacity_bps"], line["delay_s"], line["duplex"], line["medium"]) == (1e9, 0.004, "full", "wire")
    assert (air["capacity_bps"], air["loss"], air["duplex"], air["medium"]) == (10e9, 0.01, "half", "radio")
    assert air["delay_s"] == pytest.approx(120e3 / 299_792_458)
    assert topology.attachments == {"all": ("oslo", "bergen", "hamar")}
    again = parse_topology(topology.words(), "f")
    assert again.words() == topology.words()


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 12), st.integers(0, 2**20), st.sampled_from([".graphml", ".gml", ".json"]))
def test_agrees_with_the_readers_of_networkx(tmp_path_factory, nodes, seed, suffix):
    plain = nx.gnp_random_graph(nodes, 0.5, seed=seed, directed=False)
    plain.add_edges_from(nx.utils.pairwise(range(nodes)))
    for a, b in plain.edges:
        plain.edges[a, b]["delay_s"] = 0.001 * (1 + (7 * a + 3 * b) % 11)
    path = save(nx.relabel_nodes(plain, str), tmp_path_factory.mktemp("import") / f"graph{suffix}")
    read = {".graphml": nx.read_graphml, ".gml": nx.read_gml}.get(
        suffix, lambda file: nx.node_link_graph(json.loads(file.read_text()), edges="links")
    )
    theirs, ours = read(path), import_topology(path).graph
    assert set(ours) == set(theirs)
    assert {frozenset(edge) for edge in ours.edges} == {frozenset(edge) for edge in theirs.edges}
    assert all(ours.edges[a, b]["delay_s"] == row["delay_s"] for a, b, row in theirs.edges(data=True))


def test_topology_zoo_files_are_merged_and_their_speeds_read(write):
    for text in (ZOO, ZOO.replace("  multigraph 1\n", "")):  # many of its files do not announce parallel links
        topology = import_topology(write("Fjord.gml", text))
        assert list(topology.graph) == ["Oslo", "Bergen 1", "Bergen 2", "World"]
        assert len(topology.pairs()) == 3  # two parallel lines are one, the loop is gone
        assert arc(topology, "Oslo", "Bergen 1")["capacity_bps"] == 12.5e9  # 2.5 and 10
        assert arc(topology, "Bergen 2", "Bergen 1")["capacity_bps"] == 48 * 51.84e6
        assert arc(topology, "Bergen 2", "Bergen 1")["delay_s"] == 50e-6  # one place, two nodes
        by_distance_s = 1.5 * km("oslo", "bergen") / 200e3
        assert arc(topology, "Oslo", "Bergen 1")["delay_s"] == pytest.approx(by_distance_s)
        world = arc(topology, "Oslo", "World")
        usual_s = (by_distance_s + 50e-6) / 2  # the median of the others
        assert (world["capacity_bps"], world["delay_s"]) == (10e9, pytest.approx(usual_s))


def test_topology_zoo_graphml_is_the_same(tmp_path, write):
    graph = nx.parse_gml(ZOO, label="id")
    nx.write_graphml(graph, tmp_path / "Fjord.graphml")
    by_gml, by_graphml = import_topology(write("Fjord.gml", ZOO)), import_topology(tmp_path / "Fjord.graphml")
    assert {**by_gml.words(), "about": ""} == {**by_graphml.words(), "about": ""}


def test_rules_fill_in_what_is_missing(write):
    path = write("Fjord.gml", ZOO)
    topology = import_topology(
        path,
        ImportRules(
            name="norge",
            capacity_bps=1e6,
            delay_s=0.2,
            least_delay_s=0.001,
            rule=DelayRule(route_factor=2.0, site_s=0.003),
            kinds={"Oslo": "server"},
            attachments={"west": ("Bergen 1", "Bergen 2")},
        ),
    )
    assert topology.name == "norge"
    assert arc(topology, "Oslo", "World")["capacity_bps"] == 1e6
    assert arc(topology, "Oslo", "World")["delay_s"] == 0.2
    assert arc(topology, "Oslo", "Bergen 1")["delay_s"] == pytest.approx(km("oslo", "bergen") / 1e5 + 0.006)
    assert arc(topology, "Bergen 1", "Bergen 2")["delay_s"] == 0.006
    flat = ImportRules(least_delay_s=0.001)
    assert arc(import_topology(path, flat), "Bergen 1", "Bergen 2")["delay_s"] == 0.001
    assert topology.graph.nodes["Oslo"]["kind"] == "server"
    assert topology.attachments["west"] == ("Bergen 1", "Bergen 2")
    assert "World" not in import_topology(path, ImportRules(externals=False)).graph


def test_stated_delays_or_distances_count(write):
    path = write("l.csv", "u,v,latency_ms,length_km\na,b,2,1000\nb,c,0,10\n")
    both = [
        import_topology(path, rules) for rules in (ImportRules(delay_factor=1.5), ImportRules(delay_from="distance"))
    ]
    assert [arc(topology, "a", "b")["delay_s"] for topology in both] == pytest.approx([0.003, 0.0075])
    # nothing is said by a delay of 0, and 10 km are 75 us
    assert [arc(topology, "c", "b")["delay_s"] for topology in both] == pytest.approx([75e-6, 75e-6])


def test_largest_part_of_a_network_in_pieces(write):
    path = write("l.csv", "u,v,delay_s\na,b,1\nb,c,1\nx,y,1\n")
    assert refusal(path) == (
        f"{path}: must be connected, and is in 2 parts, the largest of 3 of 5 nodes: 'x' is not in it "
        "('largest_part: true' takes that part alone)"
    )
    assert set(import_topology(path, ImportRules(largest_part=True)).graph) == {"a", "b", "c"}


def test_sndlib(write):
    topology = import_topology(write("norway.xml", SNDLIB))
    assert topology.graph.nodes["bergen"]["place"] == Geo(60.39, 5.32)
    assert arc(topology, "oslo", "bergen")["capacity_bps"] == 155e6  # what is installed
    assert arc(topology, "oslo", "hamar")["capacity_bps"] == 622e6  # the largest that can be
    assert arc(topology, "hamar", "oslo")["delay_s"] == pytest.approx(1.5 * km("oslo", "hamar") / 200e3)
    in_stm1 = import_topology(write("norway.xml", SNDLIB), ImportRules(capacity_unit_bps=155.52e6))
    assert arc(in_stm1, "oslo", "bergen")["capacity_bps"] == pytest.approx(155 * 155.52e6)
    drawn = write("norway.xml", SNDLIB.replace("geographical", "pixel"))
    assert "no link says a delay, a length, or where its ends are: give 'delay: 5 ms'" in refusal(drawn)
    assert "place" not in import_topology(drawn, ImportRules(delay_s=0.001)).graph.nodes["oslo"]


@pytest.mark.parametrize(
    "text",
    [
        ",oslo,bergen,hamar\noslo,0,10,4\nbergen,14,0,\nhamar,6,20,0\n",  # names above and beside
        "oslo,bergen,hamar\n0,10,4\n14,0,nan\n6,20,0\n",  # above
        "oslo,0,10,4\nbergen,14,0,-\nhamar,6,20,0\n",  # beside
        "0,10,4\n14,0,\n6,20,0\n",  # nowhere
    ],
)
def test_matrices_of_latencies(write, text):
    names = ("oslo", "bergen", "hamar") if "oslo" in text else ("node-0", "node-1", "node-2")
    a, b, c = names
    one_way = import_topology(write("delays.csv", text), ImportRules(latency="one-way"))
    assert tuple(one_way.graph) == names
    assert [arc(one_way, *pair)["delay_s"] for pair in ((a, b), (b, a), (a, c))] == [0.01, 0.014, 0.004]
    assert arc(one_way, b, c)["delay_s"] == arc(one_way, c, b)["delay_s"] == 0.02  # measured one way only
    there_and_back = import_topology(write("delays.csv", text), ImportRules(latency="rtt"))
    assert arc(there_and_back, a, b)["delay_s"] == 0.005
    in_seconds = import_topology(write("delays.csv", text), ImportRules(latency="one-way", latency_unit_s=1.0))
    assert arc(in_seconds, a, b)["delay_s"] == 10.0


def test_matrix_says_in_its_name_or_beside_it_what_it_has(write):
    text = ",a,b\na,0,10\nb,10,0\n"
    assert arc(import_topology(write("city_rtt.csv", text)), "a", "b")["delay_s"] == 0.005
    assert arc(import_topology(write("one_way.csv", text)), "a", "b")["delay_s"] == 0.01
    assert "a matrix must say what it has: 'latency: rtt' or 'latency: one-way'" in refusal(write("c.csv", text))


def test_lists_of_links_may_differ_by_direction(write):
    topology = import_topology(
        write("l.csv", "source,target,rtt_ms,capacity\na,b,10,1 Mbit/s\nb,a,12,2 Mbit/s\nb,c,2,\n")
    )
    assert [arc(topology, *pair)["delay_s"] for pair in ("ab", "ba", "bc", "cb")] == [0.005, 0.006, 0.001, 0.001]
    assert [arc(topology, *pair)["capacity_bps"] for pair in ("ab", "ba", "bc")] == [1e6, 2e6, 10e9]


def test_folder_of_tables(write, tmp_path):
    write(
        "net/nodes.csv",
        "id,label,lat,lon,kind\n0,Oslo,59.91,10.75,server\n1,Bergen,60.39,5.32,city\n2,Ext,,,external\n",
    )
    write("net/links.csv", "u,v,capacity_bps,length_km,latency_ms,label\n0,1,1000000000,,,\n1,2,,,3,\n")
    topology = import_topology(tmp_path / "net")
    assert (topology.name, list(topology.graph)) == ("net", ["Oslo", "Bergen", "Ext"])
    assert [row["kind"] for _, row in topology.graph.nodes(data=True)] == ["server", "router", "router"]
    assert arc(topology, "Oslo", "Bergen")["delay_s"] == pytest.approx(1.5 * km("oslo", "bergen") / 200e3)
    assert arc(topology, "Bergen", "Ext")["delay_s"] == 0.003
    assert "Ext" not in import_topology(tmp_path / "net", ImportRules(externals=False)).graph
    (tmp_path / "net" / "links.csv").unlink()
    assert "must have a links.csv, an rtt.csv or an rtt_ms.npz beside its nodes.csv" in refusal(tmp_path / "net")
    np.savez(tmp_path / "net" / "rtt_ms.npz", avg=np.array([[0, 8, np.nan], [8, 0, 2], [np.nan, np.nan, 0]]))
    measured = import_topology(tmp_path / "net")
    assert [arc(measured, *pair)["delay_s"] for pair in (("Oslo", "Bergen"), ("Ext", "Bergen"))] == [0.004, 0.001]
    np.savez(tmp_path / "net" / "rtt_ms.npz", avg=np.zeros((2, 2)))
    assert "must have a row and a column for each of 3 nodes, got (2, 2)" in refusal(tmp_path / "net")
    np.savez(tmp_path / "net" / "rtt_ms.npz", other=np.zeros((3, 3)))
    assert "must have one of avg, min, rtt_ms" in refusal(tmp_path / "net")
    (tmp_path / "net" / "rtt_ms.npz").write_text("no archive")
    assert "is no archive of NumPy arrays" in refusal(tmp_path / "net")


def test_plans_are_in_metres(write):
    nodes = [{"id": "a", "x_m": 0, "y_m": 0}, {"id": "b", "x_m": 3000, "y_m": 4000}]
    topology = import_topology(write("p.json", json.dumps({"nodes": nodes, "links": [{"source": "a", "target": "b"}]})))
    assert topology.graph.nodes["b"]["place"] == Plane(3000.0, 4000.0)
    assert arc(topology, "a", "b")["delay_s"] == 50e-6  # 5 km are 37.5 us, less than the least


@pytest.mark.parametrize(
    ("label", "bps"),
    [
        ("10 Gbps", 10e9),
        ("155 Mb/s", 155e6),
        ("OC-3", 155.52e6),
        ("STM-16", 16 * 155.52e6),
        ("<2.5 Gbit/s", 2.5e9),
        ("34 Mbps - 1 Gbps", 1e9),
        ("64kbit/s", 64e3),
        ("10GbE", None),
        ("Ethernet", None),
        ("0 Mbps", None),
        ("", None),
    ],
)
def test_labels_of_links(label, bps):
    assert speed_bps(label) == (None if bps is None else pytest.approx(bps))


def doctype(rest):
    return f'<?xml version="1.0"?>\n<!DOCTYPE x [\n{rest}\n]>\n<graphml>&a9;</graphml>'


LAUGHS = "\n".join(['<!ENTITY a0 "ha">', *(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))])


STRANGER = """<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">
<node id="oslo"/><edge source="oslo" target="bergen"/></graph></graphml>"""


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("n.graphml", doctype(LAUGHS), "line 2: has a DOCTYPE, which is not read: remove it"),
        ("n.xml", doctype('<!ENTITY a9 SYSTEM "file:///etc/passwd">'), "line 2: has a DOCTYPE"),
        ("n.graphml", "<graphml><graph></graphml>", "line 1: is not XML: mismatched tag"),
        ("n.graphml", "", "line 1: is not XML: no element found"),
        ("n.graphml", "<a>" * 200 + "</a>" * 200, "nested deeper than 50 levels"),
        ("n.graphml", '<?xml version="1.0" encoding="klingon"?><a/>', "is not XML"),
        ("n.graphml", "<graphml/>", "is not GraphML that can be read"),
        ("n.xml", "<network/>", "is not SNDlib's XML: it has no networkStructure with nodes and links"),
        ("n.xml", SNDLIB.replace(">155.0<", ">fast<"), "link 'L1': capacity must be a number, got 'fast'"),
        ("n.xml", SNDLIB.replace(">155.0<", ">-155.0<"), "link 'L1': capacity_bps must be > 0, got -155000000.0"),
        ("n.xml", SNDLIB.replace("<source>oslo", "<source>osla"), "link 'L1': 'osla' is not a known node"),
        ("n.xml", SNDLIB.replace("59.91", "95.91"), "node 'oslo': a latitude must lie between -90 and 90 degrees"),
        ("n.gml", "graph [ node [ id 0 ", "is not GML that can be read: expected ']', found EOF"),
        ("n.gml", "", "is not GML that can be read: input contains no graph"),
        ("n.gml", "graph [ node [" + "a [" * 3000, "is not GML that can be read: nested too deep"),
        ("n.gml", "graph 5", "is not GML that can be read"),
        ("n.gml", ZOO.replace("2500000000.0", "-1"), "link 0 to 1: linkspeedraw must be > 0, got -1"),
        ("n.gml", ZOO.replace("2500000000.0", '"fast"'), "linkspeedraw must be a number, got 'fast'"),
        ("n.json", "{", "line 1: is not JSON: Expecting property name"),
        ("n.json", "[" * 100_000, "is not JSON that can be read"),
        ("n.json", "[]", "must be a mapping with the lists nodes and links, got []"),
        ("n.json", '{"nodes": [], "links": []}', "has no nodes"),
        ("n.json", '{"nodes": [3], "links": []}', "nodes[0]: must be a mapping with id, got 3"),
        ("n.json", '{"nodes": [{"id": ""}], "links": []}', "nodes[0]: a node needs a name, got ''"),
        ("n.json", '{"nodes": [{"id": 1}, {"id": 1}], "links": []}', "nodes[1]: '1' is an earlier node, too"),
        ("n.json", '{"nodes": [{"id": 1}], "links": [{"source": 1, "target": 2}]}', "links[0]: '2' is not a known"),
        ("n.csv", "u,v,delay\na,b,1 kg\n", "line 2: '1 kg' is not a time such as '250 ms'"),
        ("n.csv", "u,v,delay_s\na,b,-1\n", "line 2: delay_s must be >= 0 and finite, got '-1'"),
        ("n.csv", "u,v,capacity_bps\na,b,0\n", "line 2: capacity_bps must be > 0, got '0'"),
        ("n.csv", "u,v,length_km\na,b,inf\n", "line 2: length_km must be >= 0 and finite, got 'inf'"),
        ("n.csv", "u,v,loss\na,b,1\n", "line 2: loss must be at least 0 and below 1, got '1'"),
        ("n.csv", "u,v,duplex\na,b,semi\n", "line 2: duplex must be one of full, half, got 'semi'"),
        ("n.graphml", STRANGER, "link 'oslo' to 'bergen': 'bergen' is not a known node (known: oslo)"),
        ("n.csv", "u,v,medium\na,b,string\n", "line 2: medium must be one of wire, fibre, radio, satellite, got"),
        ("n.csv", "a,b,c\n1\n", "must be a square matrix of latencies, or links with the columns u and v; got 1 rows"),
        ("n.csv", "1,2\n3,x\n", "row 'node-1', column 'node-1': must be a number, got 'x'"),
        ("rtt.csv", "0,-2\n3,0\n", "row 'node-0', column 'node-1': must be >= 0, got -2"),
        ("n.csv", "", "a matrix must have 1 to 500 rows, got 0"),
        ("n.dot", "graph {}", "'.dot' is not a known suffix of a network's file"),
        ("n.gmll", "", "'.gmll' is not a known suffix of a network's file; did you mean '.gml'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_one_clear_line(write, name, text, message):
    path = write(name, text)
    said = refusal(path)
    assert said.startswith(f"{path}: ")
    assert message in said, said


def test_files_that_are_missing_or_too_large(tmp_path):
    (tmp_path / "abilene.gml").write_text(ZOO)
    assert refusal(tmp_path / "abilen.gml").endswith(
        "no such file; did you mean '" + str(tmp_path / "abilene.gml") + "'?"
    )
    (tmp_path / "large.json").write_text(" " * (MOST_BYTES + 1))
    assert refusal(tmp_path / "large.json").endswith("is larger than 10,000,000 bytes")
    (tmp_path / "latin.csv").write_bytes("u,v\nK\xf8ln,b\n".encode("latin-1"))
    assert "is not UTF-8 text: byte 5" in refusal(tmp_path / "latin.csv")


def test_mistakes_in_rules_name_the_nearest(write):
    rules = ImportRules(kinds={"Osl": "server", "Oslo": "sever"}, attachments={"west": ("Berge 1",)})
    lines = refusal(write("Fjord.gml", ZOO), rules).splitlines()
    assert [line.split(": ", 1)[1].split(" (known")[0] for line in lines] == [
        "kinds.Osl: 'Osl' is not a known node; did you mean 'Oslo'?",
        "kinds.Oslo: 'sever' is not a known kind; did you mean 'server'?",
        "attachments.west: 'Berge 1' is not a known node; did you mean 'Bergen 1'?",
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [("capacity_bps", 0), ("capacity_bps", math.nan), ("delay_s", -1), ("delay_factor", math.inf), ("name", " "),
     ("least_delay_s", math.nan), ("latency_unit_s", 0), ("capacity_unit_bps", -1)],
)  # fmt: skip
def test_rules_have_ranges(field, value):
    with pytest.raises(ValueError, match="must be"):
        ImportRules(**{field: value})


@settings(deadline=None, max_examples=150)
@given(st.sampled_from([".gml", ".graphml", ".json", ".xml", ".csv"]), st.data())
def test_whatever_a_file_holds_it_is_a_topology_or_a_scenario_error(tmp_path_factory, suffix, data):
    good = {".gml": ZOO, ".xml": SNDLIB, ".csv": "u,v,delay_s\na,b,1\n"}.get(suffix, "")
    folder = tmp_path_factory.mktemp("fuzz")
    if suffix in {".graphml", ".json"}:
        good = save(norway(), folder / f"n{suffix}").read_text()
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 20)))
    path = folder / f"n{suffix}"
    path.write_text(good[:start] + data.draw(st.text(st.characters(codec="utf-8"), max_size=6)) + good[end:])
    lines = []
    try:
        assert nx.is_strongly_connected(import_topology(path).graph)
    except ScenarioError as error:
        lines = str(error).splitlines()
    assert all(line.startswith((f"{path}: ", "... and")) for line in lines)


def folders():
    return sorted(path.name for path in SHARED.iterdir() if path.is_dir()) if SHARED.is_dir() else []


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the folder of real topologies beside the checkout")
def test_every_real_network_is_connected_and_takes_time():
    index = {row.split(",")[0]: row.split(",") for row in (SHARED / "index.csv").read_text().splitlines()[1:]}
    assert len(folders()) == len(index) >= 50
    for name in folders():
        topology = import_topology(SHARED / name)
        assert len(topology.graph) == int(index[name][2]), name
        assert nx.is_strongly_connected(topology.graph), name
        assert all(arc["delay_s"] > 0 for _, _, arc in topology.graph.edges(data=True)), name
        if name.startswith(("zoo_", "sndlib_", "marfoq_")):
            assert len(topology.pairs()) == int(index[name][3]), name


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the folder of real topologies beside the checkout")
def test_distances_and_labels_agree_with_those_computed_for_the_data():
    """The folder's lengths were computed, and its capacities parsed from labels, by other code."""
    for name in ("zoo_abilene", "zoo_uninett2010", "zoo_renater2010"):
        topology = import_topology(SHARED / name, ImportRules(delay_from="distance"))
        places = [row.get("place") for _, row in topology.graph.nodes(data=True)]
        rows = [row.split(",") for row in (SHARED / name / "links.csv").read_text().splitlines()[1:]]
        for row in rows:
            here, there = places[int(row[0])], places[int(row[1])]
            if row[3] and here and there:
                assert distance_m(here, there) / 1000 == pytest.approx(float(row[3]), rel=2e-3, abs=0.01)
            label = ",".join(row[5:]).strip('"')
            if row[2] and label and speed_bps(label):
                assert speed_bps(label) <= float(row[2]) * 1.01


def test_pairs_of_a_complete_matrix_are_all_there(write):
    names = [f"city-{index}" for index in range(30)]
    rows = ["," + ",".join(names)] + [f"{name}," + ",".join("7" for _ in names) for name in names]
    topology = import_topology(write("rtt.csv", "\n".join(rows)))
    assert {frozenset(pair) for pair in topology.pairs()} == {frozenset(pair) for pair in combinations(names, 2)}
