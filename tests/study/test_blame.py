"""Errors of a run name the scenario's file, whatever went wrong and however many things at once."""

import pytest
import yaml

from fedsim.errors import DeadlockError, FedsimError, ScenarioError
from fedsim.scenario import load
from fedsim.study.blame import blaming
from fedsim.study.run import run


def said(*errors):
    with pytest.raises(FedsimError) as caught, blaming("x.yaml"):
        raise errors[0] if len(errors) == 1 else ExceptionGroup("several", errors)
    return caught.value


def test_one_error_keeps_its_kind():
    assert str(said(DeadlockError("nobody moves"))) == "x.yaml: nobody moves"
    assert type(said(DeadlockError("nobody moves"))) is DeadlockError
    assert str(said(ScenarioError("x.yaml: data: none"))) == "x.yaml: data: none"


def test_several_become_one_of_a_line_each():
    group = ExceptionGroup("inner", [FedsimError("b"), FedsimError("a")])
    assert str(said(FedsimError("a"), group)) == "x.yaml: a\nx.yaml: b"


def test_too_little_memory_is_a_refusal():
    assert str(said(MemoryError("8 TiB"))) == "x.yaml: needs more memory than there is: 8 TiB"


def test_our_own_mistakes_keep_their_traceback():
    with pytest.raises(ZeroDivisionError), blaming("x.yaml"):
        raise ZeroDivisionError
    with pytest.raises(ExceptionGroup), blaming("x.yaml"):
        raise ExceptionGroup("mixed", [FedsimError("a"), ZeroDivisionError()])


def test_what_is_seen_when_it_is_built_names_the_file(tiny, tmp_path):
    path = tmp_path / "scenario.yaml"
    path.write_text(
        yaml.safe_dump({**tiny, "data": {"name": "iris", "partition": {"name": "iid", "min_examples": 99}}})
    )
    with pytest.raises(ScenarioError, match=rf"^{path}: data: partition"):
        run(path)
    assert load(path).origin == str(path)
    with pytest.raises(ScenarioError, match=r"^tiny: data: partition"):
        run(yaml.safe_load(path.read_text()))
