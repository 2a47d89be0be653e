"""What links carried, whenever it is written down."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsim.system import ledger as ledger_module
from fedsim.system.ledger import Ledger
from fedsim.system.passage import Way

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
    for _ in range(3):
        ledger.add_link()
    ledger.foreseen_s = 0.0
    for what, way, moved_bytes, from_s, lasts_s in deeds:
        if what == "book":
            ledger.book(ledger.booking(way, moved_bytes), float(from_s), float(from_s + lasts_s))
        else:
            ledger.begin(way, moved_bytes, float(from_s))
            ledger.end(way, moved_bytes, complete=True)
            ledger.rest(way.links, float(from_s + lasts_s))
        if at_once:
            uses(ledger)
    return uses(ledger), ledger.offered_bytes, ledger.delivered_bytes


def uses(ledger):
    return [ledger.use(link, capacity_bps=1e6, used_bps=1e6, moving_bytes=0.0, now_s=1e3) for link in range(3)]


@given(deeds=DEEDS)
def test_what_is_booked_is_there_for_whoever_looks(deeds):
    """To the last digit, whether it was entered when it was booked, when somebody looked, or when it was much."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_module, "_MANY", 40)
        patch.setattr(ledger_module, "MANY", 10)
        assert written(deeds, at_once=False) == written(deeds, at_once=True)


def test_a_link_is_busy_when_a_booked_message_moves():
    ledger = Ledger()
    ledger.add_link()
    booking = ledger.booking(Way((0,), (0.5,)), 1000.0)
    ledger.book(booking, 1.0, 3.0)
    ledger.book(booking, 2.0, 5.0)
    use = ledger.use(0, capacity_bps=4000.0, used_bps=4000.0, moving_bytes=0.0, now_s=9.0)
    assert (use.offered_bytes, use.carried_bytes, use.busy_s, use.full_s) == (1000.0, 1000.0, 4.0, 2.0)
    assert ledger.delivered_bytes == 2000.0
    assert ledger.foreseen_s == math.inf
