"""What a topology is like, in words and as a picture."""

import io
from itertools import combinations
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from rich.console import Console

from fedsim.errors import FedsimError
from fedsim.report.grid import show
from fedsim.report.topology_drawing import Scale, draw_topology, save_drawing
from fedsim.report.topology_layout import layout
from fedsim.report.topology_summary import topology_report
from fedsim.system.generators.cellular import HierarchicalCellular
from fedsim.system.generators.generator import generate
from fedsim.system.generators.random_graphs import BarabasiAlbert, WattsStrogatz
from fedsim.system.generators.regular import Ring, Star, Tree
from fedsim.system.place import Geo
from fedsim.system.topology import Topology
from fedsim.system.topology_file import parse_topology
from fedsim.yamlfile import read_yaml

TOPOLOGIES = sorted((Path(__file__).resolve().parents[2] / "topologies").glob("*.yaml"))

VALLEY = {
    "name": "valley",
    "about": "a farm and a mill",
    "nodes": {
        "server": {"kind": "server", "place": [47.0, 11.0]},
        "mast": {"kind": "cell", "place": [47.2, 11.0]},
        "mill": {"kind": "access-point", "place": [47.2, 11.3]},
        "farm": {"kind": "access-point"},
    },
    "links": [
        {"from": "server", "to": "mast", "capacity": "1 Gbit/s", "delay": "10 ms", "medium": "fibre"},
        {"from": "mast", "to": "mill", "capacity": {"forward": "8 Mbit/s", "back": "1 Mbit/s"}, "delay": "20 ms"},
        {"from": "mast", "to": "farm", "capacity": "2 Mbit/s", "delay": "30 ms", "loss": "1 %", "duplex": "half"},
    ],
    "attachments": {"homes": ["mill", "farm"]},
}


def text_of(topology):
    out = io.StringIO()
    show(Console(file=out, width=100), topology_report(topology))
    return out.getvalue()


def test_summary():
    assert text_of(parse_topology(VALLEY, "f")).splitlines() == [
        "valley: a farm and a mill",
        "  nodes              4 (1 server, 1 cell, 2 access-point)",
        "  links              3 (1 fibre, 2 wire, 1 half duplex)",
        "  with a place       3 of 4",
        "  connected          yes",
        "  farthest in delay  50 ms, mill to farm",
        "  farthest in hops   2, server to mill",
        "",
        "Links, each direction",
        "               least    median      most",
        "  capacity  1 Mbit/s  5 Mbit/s  1 Gbit/s",
        "  delay        10 ms     20 ms     30 ms",
        "  loss         0.0 %     0.0 %     1.0 %",
        "",
        "Attachments",
        "  homes  mill, farm",
    ]


def test_summary_of_what_only_python_can_make():
    graph = nx.DiGraph()
    graph.add_nodes_from("ab", kind="router")
    assert "connected     no" in text_of(Topology("apart", graph))
    graph.add_edge("a", "b", capacity_bps=1.0, delay_s=0.0, duplex="full")
    text = text_of(Topology("one way", graph))
    assert "  farthest in hops   1, a to b" in text.splitlines()
    assert "  connected          no" in text.splitlines()


def test_farthest_agrees_with_networkx():
    topology = generate(HierarchicalCellular(metros=3, cells=4), 0)
    delays_s = dict(nx.all_pairs_dijkstra_path_length(topology.graph, weight="delay_s"))
    most_s = max(max(row.values()) for row in delays_s.values())
    assert f"farthest in delay  {1000 * most_s:.3g} ms" in text_of(topology)
    assert f"farthest in hops   {nx.diameter(topology.graph)}, " in text_of(topology)


@pytest.mark.parametrize("path", TOPOLOGIES, ids=lambda path: path.stem)
def test_drawings_of_what_ships_have_every_name_and_nothing_on_top_of_another(path):
    topology = parse_topology(read_yaml(path), str(path))
    figure = draw_topology(topology)
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.texts] == sorted(
        topology.graph, key=lambda node: (-topology.graph.degree[node], node)
    )
    renderer = figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    assert not [pair for pair in combinations(range(len(boxes)), 2) if boxes[pair[0]].overlaps(boxes[pair[1]])]
    frame = axes.get_window_extent(renderer)
    for box in boxes:  # nothing is cut off, and nothing runs into the legend
        assert frame.x0 <= box.x0 <= box.x1 <= frame.x1
        assert frame.y0 <= box.y0 <= box.y1 <= frame.y1
    for legend in figure.legends:
        legend_box = legend.get_window_extent(renderer)
        assert legend_box.x0 >= frame.x1
        assert legend_box.x1 <= figure.bbox.x1
    legends = [legend.get_window_extent(renderer) for legend in figure.legends]
    assert not any(a.overlaps(b) for a, b in combinations(legends, 2))


def test_legend_names_kinds_capacities_and_half_duplex():
    figure = draw_topology(parse_topology(VALLEY, "f"))
    said = {
        legend.get_title().get_text(): [text.get_text() for text in legend.get_texts()] for legend in figure.legends
    }
    assert said["nodes"] == ["server", "cell", "access-point"]
    assert said["links"] == ["1 Gbit/s", "8 Mbit/s", "2 Mbit/s", "half duplex"]


def test_wider_and_darker_is_more():
    scale = Scale.of([1e6, 1e8, 1e9], nodes=3)
    widths = [scale.width(capacity_bps) for capacity_bps in (1e6, 1e8, 1e9)]
    assert widths == sorted(set(widths))
    light = [sum(int(scale.colour(value)[i : i + 2], 16) for i in (1, 3, 5)) for value in (1e6, 1e8, 1e9)]
    assert light == sorted(set(light), reverse=True)
    assert scale.width(float("inf")) == scale.width(1e9)
    crowd = Scale.of([1e6] * 1000, nodes=100)
    assert crowd.width(1e6) < Scale.of([1e6] * 3, nodes=3).width(1e6)


def test_of_many_capacities_some_are_in_the_legend():
    star = generate(Star(leaves=20), 0)
    graph = nx.DiGraph(star.graph)
    for index in range(20):
        for arc in ((f"leaf-{index:02d}", "server"), ("server", f"leaf-{index:02d}")):
            graph.edges[arc]["capacity_bps"] = 1e6 * 1.5**index
    texts = [text.get_text() for text in draw_topology(Topology("many", graph)).legends[1].get_texts()]
    assert len(texts) == 6
    assert (texts[0], texts[-1]) == ("2.22 Gbit/s", "1 Mbit/s")


def test_places_are_drawn_as_on_a_map():
    spots = layout(parse_topology(VALLEY, "f"))
    east = 0.3 * np.cos(np.radians(47.133))
    assert spots["server"][0] == pytest.approx(spots["mast"][0], abs=0.03)
    ratio = (spots["mill"][0] - spots["mast"][0]) / (spots["mast"][1] - spots["server"][1])
    assert ratio == pytest.approx(east / 0.2, rel=0.05)
    assert np.hypot(*np.subtract(spots["farm"], spots["mast"])) < 0.2  # beside the only neighbour that it has


def test_nodes_at_one_place_are_moved_apart():
    graph = nx.DiGraph()
    for node in range(6):
        graph.add_node(str(node), kind="router", place=Geo(50.0, 10.0 + (node == 5)))
    spots = np.array(list(layout(Topology("t", graph)).values()))
    gaps = [np.hypot(*(a - b)) for a, b in combinations(spots, 2)]
    assert min(gaps) > 0.04


def test_trees_are_drawn_in_levels_and_large_ones_in_rings():
    spots = layout(generate(Tree(branches=3, levels=2), 0))
    columns = {round(x, 3) for x, _ in spots.values()}
    assert len(columns) == 3
    assert min(spots, key=lambda node: spots[node][0]) == "server"
    wide = layout(generate(Star(leaves=100), 0))
    middle = np.array(wide["server"])
    radii = [np.hypot(*(np.array(spot) - middle)) for node, spot in wide.items() if node != "server"]
    assert max(radii) == pytest.approx(min(radii), rel=1e-2)


@pytest.mark.parametrize("generator", [Ring(nodes=5), BarabasiAlbert(nodes=30), WattsStrogatz(nodes=160)])
def test_any_size_is_drawn_and_always_the_same(generator, tmp_path):
    topology = generate(generator, 0)
    for name in ("a.svg", "b.svg"):
        save_drawing(topology, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    named = len(draw_topology(topology).axes[0].texts)
    assert named == len(topology.graph) if len(topology.graph) <= 60 else 20 < named < len(topology.graph)


def test_pictures_that_cannot_be_written(tmp_path):
    topology = generate(Ring(), 0)
    with pytest.raises(FedsimError, match=r"ring.jpg: '.jpg' is not a known suffix of a picture; did you mean '.png'"):
        save_drawing(topology, tmp_path / "ring.jpg")
    with pytest.raises(FedsimError, match=r"cannot be written: No such file or directory"):
        save_drawing(topology, tmp_path / "nowhere" / "ring.png")


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_names_in_any_script_are_drawn(tmp_path, suffix):
    """A letter that the font lacks is a box, and nobody is warned (here a warning is an error)."""
    graph = nx.DiGraph()
    graph.add_nodes_from(["\N{CJK UNIFIED IDEOGRAPH-65E5}", "b"], kind="router")
    save_drawing(Topology("names", graph), tmp_path / f"names{suffix}")
    assert (tmp_path / f"names{suffix}").stat().st_size > 1000
