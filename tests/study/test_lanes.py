from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.study.lanes import lanes

SLICES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(1, 8)), min_size=1, max_size=30)


def columns(rows):
    key, start, length = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return key, start, start + length


def test_by_hand():
    rows = [(0, 0, 4), (0, 1, 1), (0, 2, 3), (0, 3, 3), (0, 5, 1), (1, 0, 9), (0, 4, 1)]
    assert lanes(*columns(rows)).tolist() == [0, 1, 1, 2, 0, 0, 0]


@given(SLICES)
@settings(deadline=None, max_examples=80)
def test_on_a_lane_one_follows_the_other_and_there_are_no_more_than_needed(rows):
    key, start, end = columns(rows)
    found = lanes(key, start, end)
    for own in np.unique(key):
        mine = key == own
        for lane in np.unique(found[mine]):
            on_it = sorted(zip(start[mine & (found == lane)], end[mine & (found == lane)], strict=True))
            assert all(before[1] <= after[0] for before, after in pairwise(on_it))
        at_once = max(((start[mine] <= at) & (at < end[mine])).sum() for at in start[mine])
        assert found[mine].max() + 1 == at_once
