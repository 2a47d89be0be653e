import pytest

from fedsim.study.axis_values import axis_values


@pytest.mark.parametrize(
    ("values", "at", "unit"),
    [
        ([5, 10], (5.0, 10.0), ""),
        (["3 s", "500 ms"], (3.0, 0.5), "s"),
        (["20 Mbit/s", "1 Gbit/s"], (2e7, 1e9), "bit/s"),
        (["10 %", 0.3], (0.1, 0.3), ""),
    ],
)
def test_quantities_of_one_kind_are_numbers(values, at, unit):
    found = axis_values(values)
    assert (found.at, found.unit, found.is_numeric) == (at, unit, True)


@pytest.mark.parametrize("values", [["3g", "wifi", "3g"], ["3 s", "4 J", "3 s"], [True, "x", True]])
def test_other_values_are_names_in_the_order_in_which_they_come(values):
    found = axis_values(values)
    assert (found.at, found.is_numeric) == ((0.0, 1.0, 0.0), False)
    assert found.names == (str(values[0]), str(values[1]))
