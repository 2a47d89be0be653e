"""The union of stretches of time of many links, told in any order: beside a count of seconds."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fedsim.system.busy import BusyTimes, Stretches

LINKS = 3
NEVER_S = np.full(LINKS, math.inf)
STRETCHES = st.lists(st.tuples(st.integers(0, LINKS - 1), st.integers(0, 400), st.integers(0, 9)), max_size=150)


def covered(stretches, link):
    return len({second for of, begin, lasts in stretches for second in range(begin, begin + lasts) if of == link})


def counted(stretches):
    return [covered(stretches, link) for link in range(LINKS)]


def told(stretches):
    busy = BusyTimes()
    for link, begin, lasts in stretches:
        busy.tell(link, float(begin), float(begin + lasts))
    return busy


def told_at_once(stretches):
    busy = BusyTimes()
    links, begins, lasts = np.array(stretches, dtype=np.int64).reshape(-1, 3).T
    busy.tell_many(Stretches(links, begins.astype(float), (begins + lasts).astype(float)))
    return busy


def seconds(busy, since_s=NEVER_S, now_s=1000.0):
    return busy.seconds(np.arange(LINKS), since_s, now_s).tolist()


def test_what_overlaps_counts_once():
    assert seconds(told([(0, 1, 4), (0, 3, 4), (0, 10, 1), (2, 3, 4)])) == [7.0, 0.0, 4.0]


def test_what_lasts_until_now_joins_what_was():
    busy = told([(0, 1, 4), (0, 6, 2)])
    assert seconds(busy, np.array([7.0, math.inf, 3.0]), 10.0) == [4.0 + 4.0, 0.0, 7.0]
    assert seconds(busy, now_s=10.0) == [6.0, 0.0, 0.0]


def test_links_of_which_nothing_was_told():
    assert seconds(BusyTimes()) == [0.0, 0.0, 0.0]
    assert BusyTimes().seconds(np.empty(0, dtype=np.int64), np.empty(0), 1.0).tolist() == []


@given(stretches=STRETCHES, more=STRETCHES)
def test_neither_order_nor_company_matters(stretches, more):
    expected = counted(stretches + more)
    assert seconds(told(stretches + more)) == expected
    assert seconds(told_at_once(more + stretches)) == expected
    looked_at = told(stretches)
    seconds(looked_at)
    looked_at.tell_many(told_at_once(more)._columns[0])
    assert seconds(looked_at) == expected


@given(stretches=STRETCHES, since_s=st.integers(0, 400))
def test_up_to_now_is_one_stretch_more(stretches, since_s):
    found = told(stretches).seconds(np.array([1]), np.array([float(since_s)]), 410.0)
    assert found.tolist() == [covered([*stretches, (1, since_s, 410 - since_s)], 1)]


@given(late=st.lists(st.tuples(st.integers(0, LINKS - 1), st.integers(500, 700), st.integers(0, 9)), max_size=20))
def test_what_is_certain_is_kept_as_a_sum(late):
    """Two hundred seconds of two links with gaps, of one of them long past; then others that come in any order."""
    early = [(link, 2 * second, 1) for second in range(200) for link in (0, 1)]
    busy = told(early)
    busy.gather(np.array([500.0, 100.0, 500.0]))
    assert busy._known.size == 1 + 150  # that it forgets is not to be seen from outside
    for link, begin, lasts in late:
        busy.tell(link, float(begin), float(begin + lasts))
    assert seconds(busy) == counted(early + late)


def test_much_is_put_together_now_and_then():
    busy = told([(0, second, 1) for second in range(5000)])
    assert busy.are_many
    busy.gather(np.zeros(LINKS))
    assert not busy.are_many
    assert seconds(busy, now_s=5000.0) == [5000.0, 0.0, 0.0]
