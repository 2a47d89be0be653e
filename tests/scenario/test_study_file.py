import pytest
import yaml

from fedsim.errors import ScenarioError
from fedsim.scenario.study_file import check_study, label_of, read_study_file

STUDY = {"name": "cohorts", "scenario": "a.yaml", "vary": {"protocol.cohort": [5, 10]}}


def refused(words):
    with pytest.raises(ScenarioError) as caught:
        check_study(words, "study.yaml")
    return str(caught.value).splitlines()


def test_a_short_study_and_what_it_leaves_out():
    study = check_study(STUDY, "study.yaml")
    assert (study.seeds, study.terms, study.sample_seed, study.target) == (5, "equal", 0, None)
    assert [(variant.label, variant.file) for variant in study.variants] == [("a", "a.yaml")]


def test_variants_by_file_by_label_and_by_what_they_set():
    words = {"name": "x", "scenario": "base.yaml", "scenarios": ["b/ring.yaml", {"label": "fast", "set": {"a.b": 1}}]}
    variants = check_study(words, "study.yaml").variants
    assert [(one.label, one.file, one.set_) for one in variants] == [
        ("ring", "b/ring.yaml", {}),
        ("fast", "base.yaml", {"a.b": 1}),
    ]


def test_a_file_is_read(tmp_path):
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY))
    assert read_study_file(tmp_path / "study.yaml") == check_study(STUDY, "study.yaml")


def test_all_mistakes_are_said_at_once():
    words = {
        "name": "x y",
        "scenaro": "a.yaml",
        "scenarios": [{"fil": "a.yaml"}, {"file": "b.yaml", "label": "b c"}],
        "vary": {"a": {"unifrm": [1, 2]}, "b": []},
        "sample": {"randm": 3},
        "seeds": [1, "x"],
        "target": True,
        "terms": "equl",
    }
    lines = refused(words)
    assert "study.yaml: name: must be a name of letters, digits, '-' and '_', got 'x y'" in lines
    for start in ("scenaro: ", "scenarios[0].fil: ", "scenarios[1].label: ", "vary.a: ", "vary.b: ", "sample.randm: "):
        assert any(line.startswith(f"study.yaml: {start}") for line in lines), start
    assert any("seeds[1]: must be a whole number >= 0, got 'x'" in line for line in lines)
    assert any("'equl' is not a known word; did you mean 'equal'?" in line for line in lines)
    assert any("target: must be a number or a share" in line for line in lines)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"scenario": None}, "has nothing to run"),
        ({"scenario": None, "scenarios": [{"label": "a"}]}, "scenarios[0].file: is missing"),
        ({"scenarios": ["a.yaml", "b/a.yaml"]}, "scenarios[1].label: 'a' is the label of an earlier one"),
        ({"vary": {"a": {"uniform": [1, 2]}}}, "vary.a: is drawn: say how many samples"),
        ({"sample": {"random": 3}}, "sample: has nothing to draw"),
        ({"sample": {}}, "sample: must have one key, random or latin_hypercube"),
        ({"sample": {"random": 0}}, "sample.random: must be >= 1, got 0"),
        ({"seeds": 0}, "seeds: must be a whole number from 1"),
        ({"seeds": []}, "seeds: must be different, and at least one"),
        ({"seeds": [1, 1]}, "seeds: must be different, and at least one"),
        ({"vary": {"seed": [1]}}, "vary.seed: cannot be set: say how many, or which, in 'seeds'"),
        ({"set": {"name": "b"}}, "set.name: cannot be set: a point is named by its label"),
        ({"vary": {"stop.time": ["1 s"]}}, "vary.stop.time: is the same for all runs on equal terms: say 'terms: own'"),
        ({"vary": {"evaluate.every": ["1 s"]}}, "vary.evaluate.every: is the same for all runs on equal terms"),
        (
            {"vary": {"protocol.cohort": [1], "protocol": [{"name": "a"}]}},
            "vary.protocol: would replace what 'protocol.cohort' sets: put it first",
        ),
        ({"vary": {f"k{i}": list(range(10)) for i in range(5)}}, "has 100,000 points, and may have 10,000"),
        ({"vary": {"a": list(range(5000))}, "seeds": 30}, "has 150,000 runs, and may have 100,000"),
    ],
)
def test_what_cannot_be_a_study_is_refused(changes, rule):
    assert any(line.startswith(f"study.yaml: {rule}") for line in refused({**STUDY, **changes}))


def test_when_runs_stop_may_vary_on_their_own_terms():
    words = {**STUDY, "terms": "own", "vary": {"stop.time": ["1 s", "2 s"], "evaluate.unseen": [1, 2]}}
    assert list(check_study(words, "study.yaml").vary) == ["stop.time", "evaluate.unseen"]
    assert check_study({**STUDY, "vary": {"evaluate.unseen": [1, 2]}}, "study.yaml").terms == "equal"


def test_a_file_gives_a_label():
    assert label_of("a/b c.yaml") == "b-c"
    assert label_of("..") == "scenario"
