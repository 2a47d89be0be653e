import re
from pathlib import Path

import pytest

from fedsim.errors import ScenarioError
from fedsim.scenario.layers import assign, layers_of, read_layers, split_override


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def layers(words):
    return layers_of(words, "x.yaml", Path(), trusted=True)


def test_a_file_is_put_on_top_of_what_it_extends(write):
    write("base.yaml", "name: base\nseed: 1\nstop: {time: 1 h, rounds: 5}\nfleet: [{name: a}, {name: b}]")
    top = write("top.yaml", "extends: base.yaml\nname: top\nstop: {rounds: null, target: 0.9}\nfleet: [{name: c}]")
    assert read_layers(top).words == {
        "name": "top",
        "seed": 1,
        "stop": {"time": "1 h", "rounds": None, "target": 0.9},
        "fleet": [{"name": "c"}],
    }


def test_another_name_replaces_the_block_and_the_same_name_adds_to_it(write):
    write("base.yaml", "learner: {name: fedavg, epochs: 5}\ndata: {name: digits, partition: {name: iid, k: 1}}")
    top = write(
        "top.yaml", "extends: base.yaml\nlearner: {name: mocha}\ndata: {partition: {name: iid, j: 2}, test_share: 0.5}"
    )
    assert read_layers(top).words == {
        "learner": {"name": "mocha"},
        "data": {"name": "digits", "partition": {"name": "iid", "k": 1, "j": 2}, "test_share": 0.5},
    }


def test_a_bare_name_counts_as_a_block_above_and_below(write):
    write("base.yaml", "learner: fedavg\nmodel: {name: softmax, l2: 1}\nprotocol: {name: rounds, cohort: 3}")
    top = write("top.yaml", "extends: base.yaml\nlearner: {epochs: 3}\nmodel: softmax\nprotocol: gossip")
    assert read_layers(top).words == {
        "learner": {"name": "fedavg", "epochs": 3},
        "model": {"name": "softmax", "l2": 1},
        "protocol": {"name": "gossip"},
    }


def test_paths_are_relative_to_the_file_that_holds_them(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("lib/base.yaml", "topology: ../nets/city.yaml\nseed: 3")
    middle = write("mid/middle.yaml", "extends: ../lib/base.yaml\nname: middle")
    assert read_layers(middle).words["topology"] == str(tmp_path / "nets/city.yaml")


def test_it_is_remembered_who_said_what(write, tmp_path):
    write("base.yaml", "seed: 1\nstop: {time: 1 h, rounds: 5}\ndata: {name: digits, test_share: 0.5}")
    top = write("top.yaml", "extends: base.yaml\nstop: {rounds: 7}\ndata: {name: iris}")
    merged = read_layers(top)
    assign(merged, "stop.target", 0.9)
    base, top = str(tmp_path / "base.yaml"), str(tmp_path / "top.yaml")
    assert merged.origin(("seed",)) == base
    assert merged.origin(("stop", "time")) == base
    assert merged.origin(("stop", "rounds")) == top
    assert merged.origin(("stop", "target")) == "--set stop.target"
    assert merged.origin(("data", "test_share")) == top  # it went with the digits
    assert merged.origin(("fleet",)) == top  # nobody said it: the file at hand is to blame


@pytest.mark.parametrize("chain", [["a.yaml"], ["b.yaml", "a.yaml"], ["sub/../b.yaml", "./a.yaml"]])
def test_a_circle_is_refused(write, chain):
    a = write("a.yaml", f"extends: {chain[0]}")
    write("b.yaml", f"extends: {chain[-1]}")
    write("sub/c.yaml", "name: c")
    with pytest.raises(ScenarioError, match=r"extends: '.*a.yaml' leads in a circle: .*a\.yaml -> "):
        read_layers(a)


def test_what_can_not_be_extended(write):
    with pytest.raises(ScenarioError, match="extends: must be the path of a file, got 3"):
        read_layers(write("a.yaml", "extends: 3"))
    write("near.yaml", "name: x")
    with pytest.raises(ScenarioError, match=r"neer\.yaml: no such file; did you mean '.*near\.yaml'\?"):
        read_layers(write("a.yaml", "extends: neer.yaml"))
    with pytest.raises(ScenarioError, match=r"a\.yaml: must be a mapping of keys to values, got \[1, 2\]"):
        read_layers(write("a.yaml", "[1, 2]"))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("seed", 3, {"seed": 3}),
        ("stop.time", "1 h", {"stop": {"time": "1 h", "rounds": 1}}),
        ("network.message_loss", 0.1, {"network": {"message_loss": 0.1}}),
        ("fleet.1.count", 9, {"fleet": [{"name": "a", "count": 1}, {"name": "b", "count": 9}]}),
        ("fleet.a.count", 9, {"fleet": [{"name": "a", "count": 9}, {"name": "b", "count": 2}]}),
        ("fleet.*.count", 9, {"fleet": [{"name": "a", "count": 9}, {"name": "b", "count": 9}]}),
        ("fleet.a.name", "z", {"fleet": [{"name": "z", "count": 1}, {"name": "b", "count": 2}]}),
        ("fleet.1", {"name": "c"}, {"fleet": [{"name": "a", "count": 1}, {"name": "c"}]}),
        ("learner", "mocha", {"learner": {"name": "mocha"}}),
        ("learner.name", "mocha", {"learner": {"name": "mocha"}}),
        ("learner.name", "fedavg", {"learner": {"name": "fedavg", "epochs": 5}}),
        ("server", None, {"server": None}),
    ],
)
def test_an_override_sets_what_stands_at_its_path(path, value, words):
    start = {
        "seed": 1,
        "stop": {"rounds": 1},
        "fleet": [{"name": "a", "count": 1}, {"name": "b", "count": 2}],
        "learner": {"name": "fedavg", "epochs": 5},
        "server": {"at": "x"},
    }
    changed = layers(start)
    assign(changed, path, value)
    assert changed.words == {**start, **words}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("fleet.c.count", "--set fleet.c.count: 'c' is not a known item of fleet (known: low-3g, high)"),
        ("fleet.low_3g.count", "did you mean 'low-3g'?"),
        ("fleet.2.count", "'2' is not a known item of fleet"),
        ("seed.x", "--set seed.x: seed is 1, which has no keys"),
        ("numbers.5", "'5' is not a known item of numbers (known: 0, 1)"),
    ],
)
def test_an_override_that_leads_nowhere_is_refused(path, message):
    start = {"seed": 1, "fleet": [{"name": "low-3g"}, {"name": "high"}], "numbers": [3, 4]}
    with pytest.raises(ScenarioError, match=re.escape(message)):
        assign(layers(start), path, 1)


def test_an_alias_is_not_changed_by_an_override_of_its_twin(write):
    path = write("a.yaml", "fleet: [{name: a, crashes: &c {every: 1 h}}, {name: b, crashes: *c}]")
    merged = read_layers(path)
    assign(merged, "fleet.a.crashes.every", "2 h")
    assert [group["crashes"]["every"] for group in merged.words["fleet"]] == ["2 h", "1 h"]


def test_a_topology_in_a_file_can_be_overridden_too(write):
    city = write("city.yaml", "name: city\nlinks: [{capacity: 1 Mbit/s}]")
    merged = layers({"topology": str(city)})
    assign(merged, "topology.links.0.capacity", "2 Mbit/s")
    assert merged.words["topology"] == {"name": "city", "links": [{"capacity": "2 Mbit/s"}]}


def test_overrides_are_split_at_the_first_equals_and_read_as_yaml():
    assert split_override("a.b={c: [1, x=y]}") == ("a.b", {"c": [1, "x=y"]})
    assert split_override("stop.time=30 min") == ("stop.time", "30 min")
    assert split_override("server=") == ("server", None)
    for text, message in [("seed", "must be key.path=value"), ("=3", "must be key.path=value"), ("a=[", "line 1")]:
        with pytest.raises(ScenarioError, match=message):
            split_override(text)


def test_words_that_are_nested_without_end_are_refused():
    words = {"name": "x"}
    words["fleet"] = [words]
    with pytest.raises(ScenarioError, match="nested deeper than 40 levels"):
        layers(words)
