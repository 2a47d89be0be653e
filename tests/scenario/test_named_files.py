"""Files that a scenario may name, and those that it may not, whoever wrote it."""

import os

import pytest
import yaml

import fedsim
from fedsim.errors import ScenarioError
from fedsim.scenario import check, load
from fedsim.study.plan import read_plan


@pytest.fixture
def place(tmp_path, tiny, monkeypatch):
    """Somebody else's folders, and us working elsewhere: scenarios, topologies beside them, and a secret."""
    for name in ("scenarios", "topologies", "private", "here"):
        (tmp_path / name).mkdir()
    (tmp_path / "topologies" / "pair.yaml").write_text(yaml.safe_dump(tiny["topology"]))
    (tmp_path / "private" / "pair.yaml").write_text(yaml.safe_dump(tiny["topology"]))
    (tmp_path / "private" / "key.csv").write_text("seconds,for\nroot:x:0:0,secret\n")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("FEDSIM_DATA", raising=False)
    monkeypatch.delenv("FEDSIM_PATH", raising=False)
    return tmp_path


@pytest.fixture
def write(place, tiny):
    def make(**changes):
        path = place / "scenarios" / "one.yaml"
        path.write_text(yaml.safe_dump({**tiny, **changes}))
        return path

    return make


def test_a_topology_beside_the_folder_of_scenarios(write):
    assert len(load(write(topology="../topologies/pair.yaml")).topology.graph) == 2


def test_scenarios_may_lie_deeper_and_share_their_topologies(place, tiny):
    deep = place / "scenarios" / "studies" / "base"
    deep.mkdir(parents=True)
    path = deep / "one.yaml"
    path.write_text(yaml.safe_dump({**tiny, "topology": "../../../topologies/pair.yaml"}))
    assert len(load(path).topology.graph) == 2
    path.write_text(yaml.safe_dump({**tiny, "topology": "../../../private/pair.yaml"}))
    with pytest.raises(ScenarioError, match="leads out of"):
        load(path)


def test_what_lies_elsewhere_is_refused_until_its_folder_is_named(write, place, monkeypatch):
    path = write(topology="../private/pair.yaml")
    with pytest.raises(
        ScenarioError, match=r"one\.yaml: topology: '\.\./private/pair\.yaml' leads out of .*FEDSIM_PATH"
    ):
        load(path)
    monkeypatch.setenv("FEDSIM_PATH", os.pathsep.join(["/nowhere", str(place / "private")]))
    assert len(load(path).topology.graph) == 2


def test_the_folder_in_which_one_works_is_open(write, place, monkeypatch):
    monkeypatch.chdir(place)
    assert len(load(write(topology="../private/pair.yaml")).topology.graph) == 2


GROUP = {"name": "p", "count": 1, "device": "phone-mid", "link": "4g", "at": "cell"}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"topology": "/etc/passwd"}, "topology"),
        ({"topology": {"import": "/etc/passwd.gml"}}, "topology.import"),
        ({"extends": "../../../../etc/passwd"}, "extends"),
        ({"outages": [{"node": "cell", "trace": "../private/key.csv"}]}, "outages[0].trace"),
        ({"data": {"name": "csv", "file": "key.csv", "label": "for", "folder": "../private"}}, "data.folder"),
        ({"fleet": [{**GROUP, "devices": "../private/key.csv"}]}, "fleet[0].devices"),
        ({"fleet": [{**GROUP, "rate": {"down": {"trace": "/dev/zero"}}}]}, "fleet[0].rate.down.trace"),
        ({"fleet": [{**GROUP, "availability": {"trace": "../private/key.csv"}}]}, "fleet[0].availability.trace"),
        ({"fleet": [{**GROUP, "speed": {"csv": {"file": "../private/key.csv", "column": "for", "unit": "s"}}}]},
         "fleet[0].speed.csv.file"),
        ({"topology": "a\0b"}, "topology"),
        ({"topology": "x/" * 3000}, "topology"),
    ],
    ids=str,
)  # fmt: skip
def test_every_key_that_names_a_file_is_looked_at(write, changes, key):
    with pytest.raises(ScenarioError) as caught:
        load(write(**changes))
    [line] = [line for line in str(caught.value).splitlines() if f"one.yaml: {key}: " in line]
    assert "root:" not in line
    assert "secret" not in line


def test_a_link_counts_as_what_it_leads_to(write, place):
    (place / "scenarios" / "net.yaml").symlink_to(place / "private" / "pair.yaml")
    (place / "scenarios" / "same.yaml").symlink_to(place / "topologies" / "pair.yaml")
    with pytest.raises(ScenarioError, match="leads out of"):
        load(write(topology="net.yaml"))
    assert load(write(topology="same.yaml"))


def test_only_plain_files(write, place):
    os.mkfifo(place / "scenarios" / "pipe.yaml")
    with pytest.raises(ScenarioError, match=r"'pipe\.yaml' is neither a file nor a folder"):
        load(write(topology="pipe.yaml"))


def test_a_topology_imports_by_the_same_rule(write, place):
    (place / "topologies" / "out.yaml").write_text("import: ../private/a.gml")
    with pytest.raises(ScenarioError, match=r"out\.yaml: import: '\.\./private/a\.gml' leads out of"):
        load(write(topology="../topologies/out.yaml"))


def test_what_is_extended_is_held_to_the_rule_of_its_own_folder(write, place):
    (place / "scenarios" / "base.yaml").write_text("topology: ../private/pair.yaml")
    with pytest.raises(ScenarioError, match=r"base\.yaml: topology: .* leads out of"):
        load(write(extends="base.yaml", topology="../topologies/pair.yaml"))


def test_what_one_says_oneself_may_lead_anywhere(write, place, tiny):
    private = str(place / "private" / "pair.yaml")
    assert len(load(write(), [f"topology={private}"]).topology.graph) == 2
    assert len(check({**tiny, "topology": private}).topology.graph) == 2
    assert fedsim.run({**tiny, "topology": private, "stop": {"rounds": 1}}).summary.rounds == 1


def test_a_missing_base_is_the_scenarios_mistake(write):
    with pytest.raises(ScenarioError, match=r"one\.yaml: extends: .*none\.yaml: no such file"):
        load(write(extends="none.yaml"))


def test_studies_are_held_to_the_rule(write, place):
    write(topology="../topologies/pair.yaml")
    study = place / "scenarios" / "study.yaml"
    words = {
        "name": "s",
        "scenario": "one.yaml",
        "vary": {"topology": ["../topologies/pair.yaml", "../private/pair.yaml"]},
    }
    study.write_text(yaml.safe_dump(words))
    with pytest.raises(ScenarioError, match=r"study\.yaml: topology: '\.\./private/pair\.yaml' leads out of"):
        read_plan(study)
    study.write_text(yaml.safe_dump({**words, "scenario": "../private/one.yaml"}))
    with pytest.raises(ScenarioError, match=r"study\.yaml: scenario: .* leads out of"):
        read_plan(study)
