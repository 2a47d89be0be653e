"""docs/network.md stays true: its Python runs, its YAML loads, its commands and links lead somewhere."""

import gzip
import re
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from fedsim.kernel import Simulation
from fedsim.report.listing import kinds
from fedsim.scenario import check, load, resolved
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.scenario.underlay import parse_underlay, read_underlay
from fedsim.system.access import Access
from fedsim.system.network import Network
from fedsim.system.topology_file import parse_topology

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "network.md").read_text(encoding="utf-8")

CITY = {
    "name": "city",
    "nodes": {
        "server": {"kind": "server"},
        "metro": {"kind": "router"},
        **{cell: {"kind": "cell"} for cell in ("cell", "cell-a", "cell-b", "cell-c")},
        "home-ap": {"kind": "access-point"},
    },
    "links": [
        {"from": "server", "to": "metro", "capacity": "1 Gbit/s", "delay": "5 ms"},
        {"from": "server", "to": "cell-a", "capacity": "1 Gbit/s", "delay": "9 ms"},
        {"from": "server", "to": "cell-b", "capacity": "1 Gbit/s", "delay": "9 ms"},
        *(
            {"from": "metro", "to": place, "capacity": "100 Mbit/s", "delay": "4 ms"}
            for place in ("cell", "cell-a", "cell-b", "cell-c", "home-ap")
        ),
    ],
}
FILES = {
    "traces/norway_3g.csv.gz": "trace_id,t_s,down_kbps\ntram,0,900\nbus,0,800\n",
    "bus.csv": "t_s,down_kbps,up_kbps\n0,900,300\n10,0,100\n20,400,200\n",
    "all.csv.gz": "trace_id,t_s,mbps\noffice-1,0,5\noffice-1,9,6\noffice-2,0,7\nhome,0,9\n",
    "down.csv": "t_s,down_kbps\n0,900\n10,400\n",
    "lte.down": "1\n5\n9\n",
    "lte.up": "2\n8\n",
    "backhaul.csv": "t_s,mbps\n0,80\n5,100\n",
    "cuts.csv": "seconds,for\n5,2\n60,10\n",
}


def fenced(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def indented(start):
    """The indented block whose first line starts so, without its indentation."""
    [block] = [found for found in re.findall(r"(?:^    .*\n|^\n(?=    ))+", PAGE, flags=re.MULTILINE)
               if found.strip().startswith(start)]  # fmt: skip
    return "".join(line[4:] or "\n" for line in block.strip("\n").splitlines(keepends=True))


@pytest.fixture
def words(tiny, tmp_path, monkeypatch):
    """A scenario in a folder with the files that the page names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "traces").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    gml = 'graph [ node [ id 0 label "Chicago" ] node [ id 1 label "Denver" ] edge [ source 0 target 1 delay_ms 12 ] ]'
    (tmp_path / "abilene.gml").write_text(gml)
    return {**deepcopy(tiny), "topology": CITY}


def lines_of(block, key):
    """A line for each way to say the same key, or the block itself."""
    lines = [line for line in block.splitlines() if line.startswith(f"{key}: ")]
    return lines if len(lines) > 1 else [block]


def test_every_yaml_block_is_part_of_a_scenario(words):
    blocks = [yaml.safe_load(text) for block in fenced("yaml") for text in lines_of(block, "rate")]
    assert len(blocks) == 11
    for block in blocks:
        added = {"fleet": [{**words["fleet"][0], **block}]} if "rate" in block else block
        scenario = check({**words, **added})
        assert check(yaml.safe_load(resolved(scenario))) == scenario


def test_every_way_to_name_a_topology(words, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT / "scenarios")
    ways = [yaml.safe_load(line)["topology"] for line in indented("topology: ..").splitlines()]
    named = [ways[0], tmp_path / ways[2]]
    built = [{**ways[3], "import": str(tmp_path / ways[3]["import"])}, ways[4]]
    topologies = [read_underlay(way, 1, standard_catalogue()) for way in named]
    topologies += [parse_underlay(way, "page", seed=1, catalogue=standard_catalogue()) for way in built]
    assert [len(topology.graph) for topology in topologies] == [14, 2, 2, 50]
    assert topologies[2].graph.nodes["Chicago"]["kind"] == "server"


def test_the_topology_file_is_one():
    village = parse_topology(yaml.safe_load(indented("name: village")), "page")
    assert village.graph.edges["mast", "school"]["capacity_bps"] == 8e6
    assert village.graph.edges["school", "mast"]["capacity_bps"] == 1e6
    assert village.graph.edges["server", "mast"]["delay_s"] == pytest.approx(1.5 * 51.155e3 / 2e8, rel=1e-3)


def test_python_runs(capsys):
    moves, circuit = fenced("python")
    exec(compile(circuit, "network.md", "exec"), {})  # noqa: S102  # our own words
    [printed] = re.findall(r"# (Circuit.*)", circuit)
    assert capsys.readouterr().out.strip() == printed
    space = {}
    exec(compile(indented("from fedsim.system.generators"), "network.md", "exec"), space)  # noqa: S102
    assert len(space["topology"].graph) == 50
    network = Network(Simulation(), parse_topology(CITY, "page"))
    network.attach("phone-07", "cell-a", Access(up_bps=1e6, down_bps=1e6, delay_s=0.0))
    wifi = Access(up_bps=2e6, down_bps=2e6, delay_s=0.0)
    exec(compile(moves, "network.md", "exec"), {"network": network, "wifi": wifi})  # noqa: S102


def test_the_commands_know_what_they_are_asked_for(words):
    assert set(re.findall(r"fedsim list ([a-z]+)", PAGE)) <= set(kinds())
    for setting in re.findall(r"`--set '?((?:fleet|network)[^'`\s]*)", PAGE):
        Path("tiny.yaml").write_text(yaml.safe_dump(words))
        assert load("tiny.yaml", [setting]) != load("tiny.yaml")


@pytest.mark.parametrize("path", re.findall(r"`((?:scenarios|topologies|tests|fedsim)/[\w/.]+)`", PAGE))
def test_files_are_there(path):
    assert (ROOT / path).exists()
