import pytest

from fedsim.errors import ScenarioError
from fedsim.problems import Mistakes, key_path, nearest, shown, unknown


def test_all_mistakes_are_one_error_with_a_line_each():
    mistakes = Mistakes()
    mistakes.add("a.yaml", "seed", "must be >= 0, got -1")
    mistakes.add_unknown("a.yaml", "fleet[2].link", "6g", "link", ["3g", "4g", "5g"])
    mistakes.add("a.yaml", "seed", "must be >= 0, got -1")
    assert len(mistakes) == 2
    with pytest.raises(ScenarioError) as caught:
        mistakes.raise_any()
    assert str(caught.value).splitlines() == [
        "a.yaml: seed: must be >= 0, got -1",
        "a.yaml: fleet[2].link: '6g' is not a known link; did you mean '5g'? (known: 3g, 4g, 5g)",
    ]


def test_no_mistakes_no_error():
    mistakes = Mistakes()
    mistakes.raise_any()
    assert mistakes.lines == ()


def test_the_lines_of_another_reader_are_taken_over():
    mistakes = Mistakes()
    mistakes.extend(ScenarioError("t.yaml: one\nt.yaml: two"))
    assert mistakes.lines == ("t.yaml: one", "t.yaml: two")


def test_beyond_fifty_mistakes_only_their_number_is_told():
    mistakes = Mistakes()
    for number in range(60):
        mistakes.add("a.yaml", f"x{number}", "is wrong")
    lines = str(mistakes.error()).splitlines()
    assert len(lines) == 51
    assert lines[-1] == "... and 10 more"


def test_a_rule_with_line_breaks_stays_one_line():
    mistakes = Mistakes()
    mistakes.add("a.yaml", "", "is\nwrong")
    assert mistakes.lines == ("a.yaml: is wrong",)


@pytest.mark.parametrize(
    ("name", "near"), [("phone_low", "phone-low"), ("PHONE-LOW", "phone-low"), ("zebra", None), (3, None), ("", None)]
)
def test_the_nearest_name_is_found_whatever_its_case(name, near):
    assert nearest(name, ["phone-low", "phone-high", "server"]) == near


def test_long_lists_of_names_are_cut():
    assert unknown("x", "thing", range(20)).endswith("9, 10, 11, ...)")
    assert unknown("x", "thing", []).endswith("(known: none)")


def test_values_are_shown_as_files_have_them_and_cut():
    assert shown(None) == "null"
    assert shown(True) == "true"
    assert shown("a b") == "'a b'"
    assert len(shown("x" * 500)) <= 62
    assert shown(list(range(9))) == "[0, 1, 2, 3, ...]"


def test_key_paths():
    assert key_path(("fleet", 2, "link")) == "fleet[2].link"
    assert key_path((0, "a")) == "[0].a"
    assert key_path(()) == ""
