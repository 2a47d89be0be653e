import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.study.pair import Figure, Pair

FIGURES = st.builds(Figure, value=st.floats(0, 100), complete=st.booleans())
HORIZON = 60.0


def pair(own, first):
    """Of numbers that were reached, and of texts such as ``>60``, that were not."""

    def figure(word):
        return Figure(value=float(str(word).lstrip(">")), complete=not str(word).startswith(">"))

    return Pair(own=figure(own), first=figure(first))


@pytest.mark.parametrize(
    ("own", "first", "difference", "order"),
    [
        (30, 20, 10, 1),
        (20, 30, -10, -1),
        (20, 20, 0, 0),
        (">60", 20, 40, 1),  # at least 40 later
        (20, ">60", -40, -1),
        (">60", ">60", 0, 0),
        (">5", 20, 0, 1),  # it failed cheaply: no saving, and still behind
        (20, ">5", 0, -1),
        (">5", ">20", 0, 0),
        (">20", 20, 0, 1),  # reached at the very end, against never
    ],
)
def test_never_is_behind_and_missing_the_target_is_no_saving(own, first, difference, order):
    found = pair(own, first)
    assert (found.difference, found.order) == (difference, order)


def test_ratios_stop_where_differences_do():
    assert pair(40, 20).log_ratio == pytest.approx(math.log(2))
    assert pair(">60", 20).log_ratio == pytest.approx(math.log(3))
    assert pair(">5", 20).log_ratio == 0
    assert pair(">60", ">60").log_ratio == 0
    assert pair(0, 20).log_ratio is None
    assert pair(-3, 20).log_ratio is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_told(value):
    assert not Pair(own=Figure(value=value), first=Figure(value=1.0)).finite
    assert not Pair(own=Figure(value=1.0), first=Figure(value=value)).finite
    assert pair(1, 2).finite


@given(FIGURES, FIGURES)
@settings(deadline=None, max_examples=200)
def test_changing_sides_changes_the_sign(own, first):
    there, back = Pair(own=own, first=first), Pair(own=first, first=own)
    assert there.difference == -back.difference
    assert there.order == -back.order


@given(st.floats(0, 200), st.floats(0, 200))
@settings(deadline=None, max_examples=200)
def test_up_to_a_horizon_it_is_the_difference_of_restricted_times(own, first):
    """Who reaches the target after the horizon has, within it, not reached it."""

    def seen(time_s):
        return Figure(value=min(time_s, HORIZON), complete=time_s <= HORIZON)

    found = Pair(own=seen(own), first=seen(first))
    assert found.difference == min(own, HORIZON) - min(first, HORIZON)
    assert abs(found.difference) <= abs(own - first) + 1e-9  # never more than there is


@given(FIGURES, FIGURES)
@settings(deadline=None, max_examples=200)
def test_nobody_gains_by_missing_the_target(own, first):
    """The sign of a difference never contradicts who was better."""
    found = Pair(own=own, first=first)
    assert found.difference * found.order >= 0
