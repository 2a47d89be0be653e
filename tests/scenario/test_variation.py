import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim import units
from fedsim.scenario.refusal import Refused
from fedsim.scenario.variation import Choice, Integers, Listed, LogUniform, Uniform, read_variation

SHARES = st.floats(0, 1, exclude_max=True)


def test_a_list_is_its_values():
    assert read_variation([5, "3 s", {"name": "mocha"}]) == Listed(values=(5, "3 s", {"name": "mocha"}))
    assert read_variation({"values": [1, 2]}) == Listed(values=(1, 2))
    assert read_variation([1, True, 1.0]).values == (1, True, 1.0)  # three different words


def test_a_grid_has_both_ends_and_equal_steps():
    assert read_variation({"grid": {"from": "1 s", "to": "10 s", "points": 4}}).values == ("1 s", "4 s", "7 s", "10 s")
    assert read_variation({"grid": {"from": 0, "to": 1, "points": 3}}).values == (0.0, 0.5, 1.0)


def test_a_logarithmic_grid_has_equal_factors():
    assert read_variation({"log_grid": {"from": 0.01, "to": 1, "points": 3}}).values == (0.01, 0.1, 1.0)
    grid = read_variation({"log_grid": {"from": "1 kbit/s", "to": "1 Mbit/s", "points": 4}})
    assert grid.values == ("1 kbit/s", "10 kbit/s", "100 kbit/s", "1 Mbit/s")


def test_laws_are_quantiles():
    assert read_variation({"uniform": ["1 s", "10 s"]}).at(0.5) == "5.5 s"
    assert read_variation({"uniform": ["250 ms", "10 s"]}).at(0.0) == "250 ms"
    assert read_variation({"uniform": [0, 8]}).at(0.25) == 2.0
    assert read_variation({"uniform": ["10 %", "30 %"]}).at(0.5) == 0.2
    assert read_variation({"log_uniform": [0.01, 1]}).at(0.5) == 0.1
    assert [read_variation({"integers": [5, 8]}).at(share) for share in (0, 0.3, 0.5, 0.99)] == [5, 6, 7, 8]
    assert [read_variation({"choice": ["3g", "wifi"]}).at(share) for share in (0, 0.49, 0.5)] == ["3g", "3g", "wifi"]


@settings(deadline=None, max_examples=60)
@given(low=st.floats(1e-6, 1e6), factor=st.floats(1.01, 1e3), share=SHARES)
def test_a_drawn_number_lies_within_its_bounds_to_four_digits(low, factor, share):
    for law in (Uniform(low=low, high=low * factor, unit="s"), LogUniform(low=low, high=low * factor, unit="s")):
        value = units.parse(law.at(share), "s")
        assert low <= value <= low * factor
        assert value in {low, low * factor} or value == float(f"{value:.4g}")


@settings(deadline=None, max_examples=60)
@given(low=st.integers(-50, 50), more=st.integers(1, 50), share=SHARES)
def test_a_drawn_integer_is_one_of_all(low, more, share):
    assert low <= Integers(low=low, high=low + more).at(share) <= low + more
    values = tuple(range(more))
    assert Choice(values=values).at(share) in values


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (5, "must be a list of values, or have one key of values, grid"),
        ({"uniform": [1, 2], "grid": 3}, "must be a list of values, or have one key"),
        ([], r"must be a list with at least one value, got \[\]"),
        ([1, 2, 1], "1 is there already"),
        ({"unifrm": [1, 2]}, "'unifrm' is not a known variation; did you mean 'uniform'"),
        ({"uniform": [1]}, r"must be \[low, high\], got \[1\]"),
        ({"uniform": [2, 1]}, "with low < high"),
        ({"uniform": [1, float("nan")]}, "is not"),
        ({"uniform": ["1 s", "2 kg"]}, "two quantities of one kind"),
        ({"uniform": [1, "2 s"]}, "two quantities of one kind"),
        ({"log_uniform": [0, 1]}, "must be > 0 on a logarithmic scale, got 0"),
        ({"integers": [1, 2.5]}, "two whole numbers"),
        ({"choice": []}, "at least one value"),
        ({"grid": {"from": 1, "to": 2}}, "must have the keys from, to and points"),
        ({"grid": {"from": 1, "to": 2, "points": 1}}, "must be a whole number from 2"),
        ({"grid": {"from": 1, "to": 2, "points": 10**9}}, "must be a whole number from 2 to 10,000"),
    ],
)
def test_what_is_no_variation_is_refused(words, rule):
    with pytest.raises(Refused, match=rule):
        read_variation(words)
