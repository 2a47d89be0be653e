import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import ScenarioError
from fedsim.yamlfile import parse_yaml, read_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml: line 3, column 1: key 'a' is given twice (first in line 1)"),
        ("x: {a: 1, a: 2}", "line 1, column 11: key 'a' is given twice"),
        ("a: [1", "line 1, column 6: expected ',' or ']'"),
        ("a: *x", "found undefined alias 'x'"),
        ("a: &b [*b]", "an alias inside what it stands for"),
        (BOMB, "more than 100,000 values, aliases unfolded"),
        ("[" * 500, "nested deeper than 40 levels"),
        ("a: !!python/object:os.system x", "tag 'tag:yaml.org,2002:python/object:os.system' has no meaning here"),
        ("? [1]\n: 2", "found unhashable key"),
        ("a: " + "9" * 5000, "a number in it cannot be read"),
        ("- 1\n---\n- 2", "found another document"),
        ("a: \x00", "is not YAML: unacceptable character"),
    ],
)
def test_what_cannot_be_used_is_one_line_with_its_place(text, message):
    with pytest.raises(ScenarioError, match=re.escape(message)) as caught:
        parse_yaml(text, "f.yaml")
    assert "\n" not in str(caught.value)


def test_values_are_those_of_safe_load_but_dates_are_texts():
    text = "a: &u {b: 1, c: 2}\nd: {<<: *u, c: 3}\ne: [1.5, true, null, 'x', 2024-13-45]"
    assert parse_yaml(text, "f.yaml") == {
        "a": {"b": 1, "c": 2},
        "d": {"b": 1, "c": 3},
        "e": [1.5, True, None, "x", "2024-13-45"],
    }


def test_a_merge_of_a_merge_is_no_duplicate():
    text = "a: &a {x: 1}\nb: &b {<<: *a, x: 2}\nc: {<<: *b, x: 3}"
    assert parse_yaml(text, "f.yaml")["c"] == {"x": 3}


def test_files_that_are_missing_empty_too_large_or_no_text(tmp_path):
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    (tmp_path / "large.yaml").write_text("a: " + "x" * 1_000_000)
    (tmp_path / "bytes.yaml").write_bytes(b"a: \xff")
    for name, message in [
        ("emty.yaml", "emty.yaml: no such file; did you mean '.*empty.yaml'?"),
        ("empty.yaml", "empty.yaml: is empty"),
        ("large.yaml", "large.yaml: is larger than 1,000,000 bytes"),
        ("bytes.yaml", "bytes.yaml: is not UTF-8 text: byte 3"),
        (".", "is a folder: name a file"),
    ]:
        with pytest.raises(ScenarioError, match=message):
            read_yaml(tmp_path / name)


def test_the_folder_of_a_run_has_a_scenario_in_it(tmp_path):
    (tmp_path / "scenario.yaml").write_text("a: 1\n")
    with pytest.raises(ScenarioError, match=r"is a folder: name a file, such as .*scenario.yaml$"):
        read_yaml(tmp_path)


def test_a_file_goes_by_the_name_it_is_given(tmp_path):
    with pytest.raises(ScenarioError, match=r"^my file: no such file$"):
        read_yaml(tmp_path / "x.yaml", "my file")


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(max_size=40), st.text(alphabet="ab:-[]{}&*!|>'\"#%@,?~ \n0", max_size=40)))
def test_any_text_is_a_value_or_a_scenario_error(text):
    try:
        value = parse_yaml(text, "f.yaml")
    except ScenarioError as error:
        assert str(error).startswith("f.yaml:")  # noqa: PT017  # either outcome is right
    else:
        assert value is None or isinstance(value, (str, int, float, bool, list, dict))
