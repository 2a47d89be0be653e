"""Pages of the documentation stay true: YAML loads, Python runs, commands and links lead somewhere."""

import os
import re
import sys
from copy import deepcopy
from types import ModuleType

import pytest
import typer
import yaml
from pages import CITY, ROOT, pages, with_example, write_files

from fedsim.cli.app import app
from fedsim.kernel import Simulation
from fedsim.report.listing import kinds
from fedsim.scenario import check, load, resolved
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.scenario.underlay import parse_underlay, read_underlay
from fedsim.system.access import Access
from fedsim.system.network import Network
from fedsim.system.topology_file import parse_topology

PAGES = {page.path.name: page for page in pages()}
RUN_ELSEWHERE = {"kernel.md": "kernel/test_stories.py", "kernel_examples.md": "kernel/test_simpy_examples.py"}
"""Pages whose Python is run, and its output compared, by tests of their own."""


@pytest.fixture
def words(tiny, tmp_path, monkeypatch):
    """A scenario in a folder with the files that pages name."""
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    return {**deepcopy(tiny), "topology": CITY}


@pytest.mark.parametrize("name", PAGES)
def test_every_example_in_yaml_is_part_of_a_scenario(words, name):
    for example in [*PAGES[name].yaml(), *PAGES[name].inline()]:
        scenario = check(with_example(words, example))
        assert check(yaml.safe_load(resolved(scenario))) == scenario


def test_examples_in_yaml_are_found():
    """So many are there: a fence that is written otherwise would not be noticed."""
    found = {name: (len(page.yaml()), len(page.inline())) for name, page in PAGES.items()}
    assert min(found["network.md"]) >= 2
    assert min(found["devices.md"]) >= 11


def spaces():
    """What the Python of a page, block by block, takes as given."""
    network = Network(Simulation(), parse_topology(CITY, "page"))
    network.attach("phone-07", "cell-a", Access(up_bps=1e6, down_bps=1e6, delay_s=0.0))
    return {"network.md": {"network": network, "wifi": Access(up_bps=2e6, down_bps=2e6, delay_s=0.0)}}


@pytest.mark.parametrize("name", [name for name in PAGES if name not in RUN_ELSEWHERE])
def test_every_block_of_python_runs(name, tmp_path, monkeypatch, capsys):
    """Beside the scenarios that ship. What a line prints is said behind it: ``print(...)  # this``."""
    monkeypatch.chdir(tmp_path)
    for folder in ("scenarios", "topologies"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    space = spaces().get(name, {})
    for block in PAGES[name].fenced("python"):
        page = ModuleType("page")  # a module that is known by its name, so that what is defined there pickles
        monkeypatch.setitem(sys.modules, "page", page)
        vars(page).update(space)
        exec(compile(block, name, "exec"), vars(page))  # noqa: S102  # our own words
        said = re.findall(r"^print\(.*\)  # (.*)$", block, flags=re.MULTILINE)
        printed = capsys.readouterr().out.splitlines()
        assert printed == said or not said


@pytest.mark.parametrize("name", RUN_ELSEWHERE)
def test_other_python_is_run_by_a_test_of_its_own(name):
    assert name in (ROOT / "tests" / RUN_ELSEWHERE[name]).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_commands_are_ones_that_there_are(name, monkeypatch):
    """Their options exist; scenarios and topologies that ship are there, and have the keys that are set."""
    monkeypatch.chdir(ROOT)
    commands = typer.main.get_command(app).commands
    for _, command, *arguments in PAGES[name].commands():
        context = commands[command].make_context(command, list(arguments))
        ships = [word for word in arguments if word.startswith(("scenarios/", "topologies/"))]
        assert all(os.path.exists(word) for word in ships)  # noqa: PTH110  # as it was typed
        if ships and context.params.get("set_"):
            assert load(ships[0], context.params["set_"]) != load(ships[0])
    assert set(re.findall(r"fedsim list ([a-z]+)", PAGES[name].text)) <= set(kinds())


@pytest.mark.parametrize("name", PAGES)
def test_settings_in_the_text_change_something(words, name, tmp_path):
    for setting in re.findall(r"`--set '?((?:fleet|network)[^'`\s]*)", PAGES[name].text):
        (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(words))
        assert load("tiny.yaml", [setting]) != load("tiny.yaml")


@pytest.mark.parametrize("name", PAGES)
def test_files_and_links_are_there(name):
    page = PAGES[name]
    assert [path for path in page.files() if not (ROOT / path).exists()] == []
    assert [target for target in page.links() if target and not (page.path.parent / target).exists()] == []


def test_every_way_to_name_a_topology(words, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT / "scenarios")
    lines = PAGES["network.md"].indented("topology: ..").splitlines()
    ways = [yaml.safe_load(line)["topology"] for line in lines]
    named = [ways[0], tmp_path / ways[2]]
    built = [{**ways[3], "import": str(tmp_path / ways[3]["import"])}, ways[4]]
    topologies = [read_underlay(way, 1, standard_catalogue()) for way in named]
    topologies += [parse_underlay(way, "page", seed=1, catalogue=standard_catalogue()) for way in built]
    assert [len(topology.graph) for topology in topologies] == [14, 2, 2, 50]
    assert topologies[2].graph.nodes["Chicago"]["kind"] == "server"


def test_the_topology_file_is_one():
    village = parse_topology(yaml.safe_load(PAGES["network.md"].indented("name: village")), "page")
    assert village.graph.edges["mast", "school"]["capacity_bps"] == 8e6
    assert village.graph.edges["school", "mast"]["capacity_bps"] == 1e6
    assert village.graph.edges["server", "mast"]["delay_s"] == pytest.approx(1.5 * 51.155e3 / 2e8, rel=1e-3)


def test_a_topology_is_generated():
    space = {}
    exec(compile(PAGES["network.md"].indented("from fedsim.system.generators"), "network.md", "exec"), space)  # noqa: S102
    assert len(space["topology"].graph) == 50
