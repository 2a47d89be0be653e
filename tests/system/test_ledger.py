"""What links carried, whenever it is written down."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsim.system import busy as busy_module
from fedsim.system import ledger as ledger_module
from fedsim.system.ledger import Ledger, LinkUse
from fedsim.system.passage import Way

BPS = np.full(3, 1e6)
WAYS = [Way((0, 1), (1.0, 1.0)), Way((1, 2), (1.0, 0.02)), Way((2,), (1.0,))]

DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["book", "book", "book", "flow"]),
        st.sampled_from(WAYS),
        st.floats(0.1, 1e6),
        st.integers(0, 300),
        st.integers(1, 20),
    ),
    max_size=150,
)


def written(deeds, *, at_once):
    """What three links did; ``at_once``: somebody looks after every deed."""
    ledger = Ledger()
    ledger.add_links(3)
    ledger.foreseen_s = 0.0
    for what, way, moved_bytes, from_s, lasts_s in deeds:
        if what == "book":
            ledger.book(way, moved_bytes, float(from_s), float(from_s + lasts_s))
        else:
            ledger.begin(way, moved_bytes, float(from_s))
            ledger.end(way, moved_bytes, complete=True)
            ledger.rest(way.links, float(from_s + lasts_s))
        if at_once:
            uses(ledger)
    return uses(ledger), ledger.offered_bytes, ledger.delivered_bytes


def uses(ledger):
    found = ledger.uses(np.arange(3), capacity_bps=BPS, used_bps=BPS, moving_bytes=np.zeros(3), now_s=1e3)
    return found.tolist()


@given(deeds=DEEDS)
def test_what_is_booked_is_there_for_whoever_looks(deeds):
    """To the last digit, whether it was entered when it was booked, when somebody looked, or when it was much."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_module, "_MANY", 40)
        patch.setattr(busy_module, "_MANY", 10)
        assert written(deeds, at_once=False) == written(deeds, at_once=True)


def use_of_one(ledger, now_s):
    found = ledger.uses(
        np.zeros(1, dtype=np.int64),
        capacity_bps=np.array([4000.0]),
        used_bps=np.array([4000.0]),
        moving_bytes=np.zeros(1),
        now_s=now_s,
    )
    return LinkUse(*found[:, 0])


def test_a_link_is_busy_when_a_booked_message_moves():
    ledger = Ledger()
    ledger.add_links(1)
    way = Way((0,), (0.5,))
    ledger.book(way, 1000.0, 1.0, 3.0)
    ledger.book(way, 1000.0, 2.0, 5.0)
    use = use_of_one(ledger, 9.0)
    assert (use.offered_bytes, use.carried_bytes, use.busy_s, use.full_s) == (1000.0, 1000.0, 4.0, 2.0)
    assert ledger.delivered_bytes == 2000.0
    assert ledger.foreseen_s == math.inf


def test_booked_messages_pass_while_a_flow_keeps_the_link_busy():
    """Ten thousand of them, so many that they are summed up: the hundred seconds of the flow count once."""
    ledger, way = Ledger(), Way((0,), (1.0,))
    ledger.add_links(1)
    ledger.begin(way, 1e3, 0.0)
    ledger.foreseen_s = 1e3
    for number in range(10_000):
        ledger.book(way, 1.0, 0.1 + number / 200, 0.102 + number / 200)
    assert use_of_one(ledger, 80.0).busy_s == 80.0
    ledger.end(way, 1e3, complete=True)
    ledger.rest([0], 100.0)
    assert use_of_one(ledger, 120.0).busy_s == 100.0


def test_what_was_booked_is_written_before_busy_times_are_summed_up():
    """Short flows, so many that they are summed up, pass while a message moves that was booked, but not yet entered."""
    ledger, way = Ledger(), Way((0,), (1.0,))
    ledger.add_links(1)
    ledger.book(way, 1e3, 0.0, 100.0)
    for number in range(10_000):
        ledger.begin(way, 1.0, 0.1 + number / 200)
        ledger.end(way, 1.0, complete=True)
        ledger.rest([0], 0.102 + number / 200)
    assert use_of_one(ledger, 120.0).busy_s == 100.0
