import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim import units
from fedsim.report.human import about, gain


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (186.0, "s", "3.1 min"),
        (4.2, "s", "4.2 s"),
        (0.25, "s", "250 ms"),
        (59.96, "s", "1 min"),  # rounded first, then given a unit
        (7200.0, "s", "2 h"),
        (864000.0, "s", "10 d"),
        (0.0, "s", "0 s"),
        (12_400_000.0, "bytes", "12.4 MB"),
        (999.6, "bytes", "1 kB"),
        (512.0, "bytes", "512 B"),
        (0.0, "bytes", "0 B"),
        (310.0, "J", "310 J"),
        (0.0432, "J", "43.2 mJ"),
        (15 * 3600.0, "J", "54 kJ"),
        (0.9008, "1", "90.1 %"),
        (0.0, "1", "0.0 %"),
        (42.0, "", "42"),
        (165.333, "", "165"),
        (12345.0, "", "12,300"),
        (-10.28, "s", "-10.3 s"),
        (math.inf, "s", "never"),
    ],
)
def test_quantities_in_words(value, unit, text):
    assert about(value, unit) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(10.0, "s", "+10 s"), (-10.0, "s", "-10 s"), (0.0, "s", "0 s"), (0.021, "1", "+2.1 pt"), (-0.004, "1", "-0.4 pt")],
)
def test_differences_have_a_sign(value, unit, text):
    assert gain(value, unit) == text


@given(st.floats(1e-6, 1e8), st.sampled_from(["s", "J"]))
@settings(deadline=None, max_examples=200)
def test_three_digits_are_right(value, unit):
    words = about(value, unit).replace(",", "")
    assert units.parse(words, unit) == pytest.approx(value, rel=0.0051)


@given(st.floats(1.0, 1e14))
@settings(deadline=None, max_examples=100)
def test_three_digits_of_bytes_are_right(value):
    assert units.parse(about(value, "bytes").replace(",", ""), "bytes") == pytest.approx(value, rel=0.0051)


@pytest.mark.parametrize(
    ("share", "text"),
    [(-3.036, "-303.6 %"), (-7.7e41, "-7.7e+43 %"), (math.nan, "not a number"), (-math.inf, "not a number")],
)
def test_shares_of_a_learner_that_diverges_are_short(share, text):
    assert about(share, "1") == text
