"""The union of stretches of time, told in any order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsim.system.spans import Spans

STRETCHES = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 9)), max_size=150)


def covered(stretches):
    return len({second for begin, lasts in stretches for second in range(begin, begin + lasts)})


def told(stretches, sure_s=0.0):
    spans = Spans()
    for begin, lasts in stretches:
        spans.add(float(begin), float(begin + lasts), sure_s)
    return spans


def test_what_overlaps_counts_once():
    spans = told([(1, 4), (3, 4), (10, 1)])
    assert spans.seconds(12.0, 12.0) == 7.0


def test_what_lasts_until_now_joins_what_was():
    spans = told([(1, 4), (6, 2)])
    assert spans.seconds(7.0, 10.0) == 4.0 + 4.0
    assert spans.seconds(float("inf"), 10.0) == 6.0


@given(stretches=STRETCHES)
def test_the_order_does_not_matter(stretches):
    assert told(stretches).seconds(1000.0, 1000.0) == covered(stretches)


@given(stretches=STRETCHES, since_s=st.integers(0, 400))
def test_up_to_now_is_one_stretch_more(stretches, since_s):
    assert told(stretches).seconds(float(since_s), 410.0) == covered([*stretches, (since_s, 410 - since_s)])


@given(late=st.lists(st.tuples(st.integers(500, 700), st.integers(0, 9)), max_size=20))
def test_what_is_certain_is_kept_as_a_sum(late):
    """Two hundred seconds with gaps, long past; then others that may still come in any order."""
    early = [(2 * second, 1) for second in range(200)]
    spans = told(early + late, sure_s=500.0)
    assert len(spans._known) + len(spans.fresh) < 150  # that it forgets is not to be seen from outside
    assert spans.seconds(1000.0, 1000.0) == pytest.approx(200 + covered(late))
