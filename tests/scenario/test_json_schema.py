"""The JSON Schema takes whatever the reader takes, refuses unknown keys as it does, and describes every key."""

import copy
import json
from functools import cache

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from mutations import changed, changes
from pages import ROOT, pages, with_example, write_files

from fedsim.cli.schema import SCHEMAS
from fedsim.errors import ScenarioError
from fedsim.scenario import check, load, resolved
from fedsim.scenario.catalogue import standard_catalogue
from fedsim.scenario.study_file import check_study

FILES = {path: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "scenarios").rglob("*.yaml")}
STUDIES = sorted(path for path, words in FILES.items() if words.keys() & {"vary", "scenario", "scenarios"})
SHIPPED = sorted(FILES.keys() - set(STUDIES))


@cache
def validator(what="scenario"):
    schema = SCHEMAS[what](standard_catalogue())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def complaint(words, what="scenario"):
    """What the schema has against some words, "" for nothing."""
    found = jsonschema.exceptions.best_match(validator(what).iter_errors(words))
    return "" if found is None else f"{found.json_path}: {found.message}"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios_are_valid_as_they_are_and_as_they_are_shown(path):
    assert complaint(FILES[path]) == ""
    assert complaint(yaml.safe_load(resolved(load(path)))) == ""


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_shipped_studies_are_valid(path):
    assert complaint(FILES[path], "study") == ""


@pytest.mark.parametrize("path", sorted((ROOT / "topologies").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_topologies_are_valid(path):
    assert complaint(yaml.safe_load(path.read_text(encoding="utf-8")), "topology") == ""


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.path.name)
def test_examples_of_the_pages_are_valid_as_they_are_and_as_they_are_shown(page, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    for example in [*page.yaml(), *page.inline()]:
        words = with_example(tiny, example)
        assert complaint(words) == "", example
    shown = yaml.safe_load(page_topology) if (page_topology := _topology(page)) else {}
    assert not shown or complaint(shown, "topology") == ""


def _topology(page):
    return page.indented("name: village") if "    name: village" in page.text else ""


def spots(words):
    """Every mapping in some words."""
    found, waiting = [], [words]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            found.append(node)
        waiting += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return found


FREE = ("nodes", "attachments", "kinds", "groups")  # mappings whose keys are the user's own names


@pytest.mark.parametrize("path", SHIPPED[::4], ids=lambda path: path.stem)
def test_unknown_keys_are_refused_at_every_depth(path):
    words = yaml.safe_load(resolved(load(path)))
    free = [id(node[key]) for node in spots(words) for key in FREE if isinstance(node.get(key), dict)]
    for node in spots(words)[:: max(1, len(spots(words)) // 25)]:
        if id(node) not in free:
            node["strange_key"] = 1
            assert complaint(words) != "", node
            del node["strange_key"]


@cache
def corpus():
    raw = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in SHIPPED]
    return raw + [yaml.safe_load(resolved(load(path))) for path in SHIPPED]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(given_changes=changes, number=changes.map(len))
def test_what_the_schema_refuses_the_reader_refuses(given_changes, number):
    """The other way round the reader knows more: rules between keys, names of places, what is in files."""
    scenarios = corpus()
    start = scenarios[(given_changes[0][1] + number) % len(scenarios)]
    words = changed(start, scenarios, given_changes)
    if isinstance(words, dict) and complaint(words):
        with pytest.raises(ScenarioError):
            check(_beside_the_scenarios(words))


def _beside_the_scenarios(words):
    """Relative paths of a scenario that ships, from anywhere."""
    words = copy.deepcopy(words)
    for key in ("topology", "extends"):
        if isinstance(words.get(key), str) and "\0" not in words[key]:
            words[key] = str(ROOT / "scenarios" / words[key])
    return words


@pytest.mark.parametrize(
    "change",
    [
        {"fleet": [{"name": "p", "count": 4, "device": "phone-mid", "link": "7g", "at": "cell"}]},
        {"learner": {"name": "fedavg", "mu": 1}},
        {"learner": "fedprocks"},
        {"data": {"name": "iris", "partition": {"name": "dirichlet", "shards": 2}}},
        {"stop": {"time": "soon"}},
        {"stop": {"time": 0}},
        {"seed": "one"},
        {"server": {"at": "server", "crashes": {"every": {"exponential": {"median": "1 s"}}, "repair": "1 s"}}},
        {"extends": 3},
        {"network": {"transport": {"name": "udp"}}},
    ],
    ids=str,
)
def test_mistakes_are_seen(tiny, change):
    assert complaint(tiny) == ""
    assert complaint({**tiny, **change}) != ""


def group(**changes):
    """A fleet of one group of four."""
    return {"fleet": [{"name": "p", "count": 4, "device": "phone-mid", "link": "4g", "at": "cell", **changes}]}


@pytest.mark.parametrize(
    "change",
    [
        {"learner": "fedavg", "model": "softmax", "data": "iris"},
        {"network": {"transport": {"handshakes": 1}, "jitter": {"uniform": [1, 2]}}},
        {"network": {"transport": "ideal", "retry": None}},
        {"compression": None},
        group(devices=["ada", "bob", "c", "d"], count=None),
        group(availability="phones", at=["cell"]),
        group(speed={"measured": "phones-2023"}),
        group(rate="fading", loss="residual"),
        group(processor={"step_cv": "profile"}),
        {"stop": {"time": 60}},
    ],
    ids=str,
)
def test_short_forms_are_taken(tiny, change):
    words = {**tiny, **change}
    check(words)
    assert complaint(words) == ""


def test_what_stands_over_another_file_may_be_a_part_at_any_depth():
    assert complaint({"extends": "quickstart.yaml", "learner": {"epochs": 5}, "stop": {"rounds": 3}}) == ""
    assert complaint({"extends": "quickstart.yaml", "learner": {"epochz": 5}}) != ""
    assert complaint({"learner": {"epochs": 5}, "stop": {"rounds": 3}}) != ""


def described(schema):
    """Every key of every mapping in a schema, with what is said about it."""
    for name, definition in {**schema["$defs"], "top": schema}.items():
        waiting = [definition]
        while waiting:
            node = waiting.pop()
            properties = node.get("properties", {}) if isinstance(node, dict) else {}
            yield from ((f"{name}.{key}", shape) for key, shape in properties.items())
            inner = node.values() if isinstance(node, dict) else node
            waiting += [one for one in inner if isinstance(one, (dict, list))]


@pytest.mark.parametrize("what", ["scenario", "study", "topology"])
def test_every_key_is_described_in_a_sentence(what):
    bare = [
        key
        for key, shape in described(SCHEMAS[what](standard_catalogue()))
        if not key.endswith(("-over-another", ".name")) and "const" not in shape and "description" in shape
        if not shape["description"].endswith((".", ")", "`"))
    ]
    assert bare == []


STUDY = {
    "name": "deadlines",
    "question": "How long should a round last?",
    "scenarios": ["a.yaml", {"label": "b", "file": "b.yaml", "set": {"learner": "mocha"}}],
    "vary": {
        "protocol.cohort": [5, 10],
        "protocol.deadline": {"grid": {"from": "1 s", "to": "10 s", "points": 4}},
        "learner.step_size": {"log_uniform": [0.001, 1]},
        "fleet.*.link": {"choice": ["3g", "4g"]},
    },
    "sample": {"latin_hypercube": 20},
    "seeds": [1, 2],
    "target": "85 %",
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"seeds": 3, "terms": "own", "metric": "objective", "target": 0.5},
        {"scenario": "a.yaml", "scenarios": [{"label": "c", "set": {"stop.time": "1 min"}}]},
        {"sample": {"random": 5, "more": 1}},
        {"sample": {"random": 0}},
        {"vary": {"protocol.cohort": {"grid": {"from": 1, "to": 2}}}},
        {"vary": {"protocol.cohort": {"gaussian": [1, 2]}}},
        {"vary": {"protocol.cohort": []}},
        {"seeds": 0},
        {"seeds": "all"},
        {"terms": "fair"},
        {"why": "because"},
    ],
    ids=str,
)
def test_studies_are_valid_as_their_reader_says(change):
    words = {**STUDY, **change}
    try:
        check_study(words, "study.yaml")
    except ScenarioError:
        assert complaint(words, "study") != ""
    else:
        assert complaint(words, "study") == ""


def test_a_schema_is_json():
    for what in SCHEMAS:
        text = json.dumps(SCHEMAS[what](standard_catalogue()), allow_nan=False)
        assert json.loads(text)["$schema"].endswith("2020-12/schema")
