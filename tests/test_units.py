import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim import units
from fedsim.errors import FedsimError

UNITS = ["s", "bytes", "bit/s", "J", "J/bit", "W", "flop", "flop/s", "1"]


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("20 Mbit/s", "bit/s", 2e7),
        ("20 Mb/s", "bit/s", 2e7),
        ("20Mbps", "bit/s", 2e7),
        ("20 MB/s", "bit/s", 1.6e8),
        ("1 MiB/s", "bit/s", 8 * 2**20),
        ("250 ms", "s", 0.25),
        ("10 µs", "s", 1e-5),
        ("1.5 min", "s", 90.0),
        ("1 h", "s", 3600.0),
        ("2 days", "s", 172_800.0),
        ("1e3 s", "s", 1000.0),
        ("5 MB", "bytes", 5e6),
        ("5 MiB", "bytes", 5 * 2**20),
        ("512 bytes", "bytes", 512.0),
        ("40 kbit", "bytes", 5000.0),
        ("15 Wh", "J", 54_000.0),
        ("54 kJ", "J", 54_000.0),
        ("869 nJ/bit", "J/bit", 869e-9),
        ("374 mW", "W", 0.374),
        ("10 MFLOP", "flop", 1e7),
        ("10 GFLOP/s", "flop/s", 1e10),
        ("10 GFLOPS", "flop/s", 1e10),
        ("57 %", "1", 0.57),
        ("0.5 percent", "1", 0.005),
        (" -3 ", "1", -3.0),
        ("inf", "bit/s", math.inf),
    ],
)
def test_words_become_si(text, unit, value):
    assert units.parse(text, unit) == value


def test_a_bare_number_is_si_already():
    assert units.parse(7, "bit/s") == 7.0
    assert units.parse("7", "bit/s") == 7.0
    assert isinstance(units.parse(7, "s"), float)


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("3 m", "s", "'3 m' is not a time such as '250 ms': 'm' measures something else; did you mean 'ms'?"),
        ("20 mbit/s", "bit/s", "unknown unit 'mbit/s'; did you mean 'Mbit/s'?"),
        ("5 mB", "bytes", "unknown unit 'mB'"),
        ("5 KB", "bytes", "did you mean 'kB'?"),
        ("5 s", "J", "'5 s' is not an energy such as '15 Wh': 's' measures something else"),
        ("5 MB", "bit/s", "'MB' measures something else"),
        ("3 %", "s", "'%' measures something else"),
        ("1 month", "s", "unknown unit 'month'"),
        ("fast", "bit/s", "'fast' is not a rate such as '20 Mbit/s'"),
        ("", "s", "'' is not a time"),
        ("1 s + 1 s", "s", "is not a time"),
        ("1,000 s", "s", "is not a time"),
        ("nan", "s", "'nan' is not a time"),
        (math.nan, "s", "nan is not a time"),
        ("1e999 s", "s", "the number is too large"),
        (10**400, "s", "too large"),
        (True, "1", "True is not a plain number or a share such as '30 %'"),
        (None, "W", "None is not a power such as '3.5 W'"),
        ([1], "flop", "is not a number of operations"),
        ("9" * 1000, "s", "..."),
    ],
)
def test_what_is_no_quantity_is_refused_with_an_example(text, unit, message):
    with pytest.raises(FedsimError, match=re.escape(message)):
        units.parse(text, unit)


def test_an_unknown_measure_is_refused():
    with pytest.raises(FedsimError, match=r"unit must be one of .*, got 'ft'"):
        units.parse("1 ft", "ft")


def test_a_metre_is_a_length_and_never_a_minute():
    assert units.parse("1.5 km", "m") == 1500.0
    assert [units.show(length_m, "m") for length_m in (0.0, -20.0, 1500.0)] == ["0 m", "-20 m", "1500 m"]
    with pytest.raises(FedsimError, match="'5 km' is not a time such as '250 ms': 'km' measures something else"):
        units.parse("5 km", "s")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2e7, "bit/s", "20 Mbit/s"),
        (0.25, "s", "250 ms"),
        (90.0, "s", "90 s"),
        (1800.0, "s", "30 min"),
        (0.0, "s", "0 s"),
        (54_000.0, "J", "15 Wh"),
        (41_760.0, "J", "11.6 Wh"),
        (5e6, "bytes", "5 MB"),
        (5e8, "flop/s", "500 MFLOP/s"),
        (0.3, "1", "30 %"),
        (1.0, "1", "100 %"),
        (1 / 3, "1", "0.3333333333333333"),
        (1.3, "1", "1.3"),
        (math.inf, "bit/s", "inf"),
        (-5.0, "s", "-5 s"),
    ],
)
def test_si_becomes_words(value, unit, text):
    assert units.show(value, unit) == text


def test_nan_is_never_shown():
    with pytest.raises(FedsimError, match="nan is not a time"):
        units.show(math.nan, "s")


@settings(deadline=None, max_examples=300)
@given(st.floats(allow_nan=False), st.sampled_from(UNITS))
def test_what_is_shown_is_read_back_exactly(value, unit):
    assert units.parse(units.show(value, unit), unit) == value


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(max_size=12), st.from_regex(r"\A[0-9.eE+-]{1,6} ?[a-zA-Z%/]{0,6}\Z")), st.sampled_from(UNITS))
def test_any_text_is_a_number_or_refused(text, unit):
    try:
        value = units.parse(text, unit)
    except FedsimError:
        return
    assert not math.isnan(value)


@pytest.mark.parametrize("text", ["0NAN", "1 nan", "1 nan/s", "1 3 s"])
def test_what_looks_like_a_number_is_no_unit(text):
    with pytest.raises(FedsimError):
        units.parse(text, "s")
