"""Who can influence whom."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.system.groups import Groups

LONGEST = 4


class Crowd:
    """Groups with the routes of their flows, kept as the sharing does."""

    def __init__(self):
        self.groups = Groups()
        self.routes = np.zeros((LONGEST, 1000), dtype=np.int64)
        self.present = np.zeros(1000, dtype=bool)

    def join(self, slot, route):
        self.routes[: len(route), slot] = route
        self.present[slot] = True
        return self.groups.join(slot, route, lambda slots: self.routes[:, slots].ravel())

    def leave(self, slot):
        self.present[slot] = False
        return self.groups.leave([link for link in self.routes[:, slot].tolist() if link])

    def members(self, link):
        group = self.groups.of(link)
        return set() if group is None else set(self.groups.put_in_order(group, self.present).tolist())

    def split(self, link):
        group = self.groups.of(link)
        members = self.groups.put_in_order(group, self.present)
        return self.groups.split(group, self.routes[:, members])


def connected(routes, link):
    """Slots that share a link with a flow on ``link``, or with one that does, and so on."""
    links, slots = {link}, set()
    while more := {slot for slot, route in routes.items() if slot not in slots and links & set(route)}:
        slots |= more
        links |= {link for slot in more for link in routes[slot]}
    return slots


events = st.lists(
    st.lists(st.integers(1, 12), min_size=1, max_size=LONGEST, unique=True) | st.integers(0, 30), max_size=60
)


@settings(deadline=None, max_examples=200)
@given(events)
def test_group_of_a_link_holds_all_that_is_connected_and_splits_exactly(story):
    crowd, routes = Crowd(), {}
    for slot, event in enumerate(story):
        if isinstance(event, list):
            crowd.join(slot, event)
            routes[slot] = event
        elif event in routes:
            crowd.leave(event)
            del routes[event]
        for link in range(1, 13):
            assert crowd.members(link) >= connected(routes, link)
    for link in {link for route in routes.values() for link in route}:
        parts = crowd.split(link)
        assert sorted(slot for part in parts for slot in part.members.tolist()) == sorted(
            {slot for part in parts for slot in part.members.tolist()}
        )
        assert crowd.members(link) == connected(routes, link)


def test_strangers_stay_apart_until_somebody_needs_both():
    crowd = Crowd()
    crowd.join(0, [1])
    crowd.join(1, [2])
    assert (crowd.members(1), crowd.members(2)) == ({0}, {1})
    crowd.join(2, [1, 2])
    assert crowd.members(1) == crowd.members(2) == {0, 1, 2}


def test_link_that_nobody_uses_any_more_connects_nobody():
    crowd = Crowd()
    crowd.join(0, [1, 2])
    crowd.leave(0)
    assert crowd.groups.of(1) is None
    crowd.join(1, [1])
    crowd.join(2, [2])
    assert (crowd.members(1), crowd.members(2)) == ({1}, {2})


def test_link_of_a_flow_that_left_stays_with_its_new_owner_when_groups_merge():
    crowd = Crowd()
    crowd.join(0, [1, 2])
    crowd.join(1, [2])
    crowd.leave(0)
    stranger = crowd.join(2, [1])
    for slot in (3, 4, 5):
        crowd.join(slot, [3])
    crowd.join(6, [2, 3])  # takes the group of link 2, where flow 0 is still remembered, into that of link 3
    assert crowd.groups.of(1) is stranger
    assert crowd.members(2) == {1, 3, 4, 5, 6}


def test_a_group_is_looked_at_when_enough_have_left_and_no_link_holds_it_together():
    crowd = Crowd()
    for slot in range(60):
        crowd.join(slot, [1 if slot < 30 else 2, 10 + slot])  # one of two lines, and one's own
    crowd.join(60, [1, 2])
    group = crowd.groups.of(1)

    def is_due():
        crowd.groups.put_in_order(group, crowd.present)
        return crowd.groups.is_due(group, [2, 59])

    for slot in range(15):
        crowd.leave(slot)
    assert not is_due()
    crowd.leave(15)
    assert is_due()
    assert crowd.split(1) == [group]
    assert not is_due()
    for slot in range(16, 30):
        crowd.leave(slot)
    crowd.leave(60)
    crowd.leave(31)
    assert not is_due()  # all that are left share line 2


def test_a_line_that_all_share_is_never_looked_at():
    crowd = Crowd()
    for slot in range(60):
        crowd.join(slot, [1, 10 + slot])
    group = crowd.groups.of(1)
    for slot in range(20):
        crowd.leave(slot)
    crowd.groups.put_in_order(group, crowd.present)
    assert not crowd.groups.is_due(group, [1, 50])
