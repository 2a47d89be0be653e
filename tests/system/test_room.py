"""Room on links is kept for flows that are foreseen."""

import math

import pytest

from fedsim.system.passage import Way
from fedsim.system.room import Room
from fedsim.system.tightness import Tightness


@pytest.fixture
def links():
    """Link 1 carries 100 bit/s, link 2 as much as anybody wants."""
    links = Tightness(4)
    links.add([math.inf, 100.0, math.inf])
    return links


@pytest.fixture
def room(links):
    return Room(links)


def test_one_flow_alone_may_take_all_of_a_link(room):
    assert room.is_there(((1, 1.0),), 100.0)


def test_two_must_leave_some_of_it_free(room):
    room.keep(((1, 1.0),), 40.0)
    assert room.is_there(((1, 1.0),), 58.0)
    assert not room.is_there(((1, 1.0),), 59.0)


def test_flows_that_are_there_count_too(room, links):
    links.come(Way((1,), (1.0,)), 70.0)
    assert room.is_there(((1, 1.0),), 20.0)
    assert not room.is_there(((1, 1.0),), 30.0)


def test_a_tight_link_has_no_room(room, links):
    links.set_tight(1, is_tight=True)
    assert not room.is_there(((1, 1.0),), 1.0)


def test_who_would_be_in_the_way_is_announced(room):
    told = []
    room.crowded = lambda: told.append("crowded")
    room.come(Way((1,), (1.0,)), 100.0)  # nothing is kept
    room.keep(((1, 1.0),), 40.0)
    room.come(Way((1,), (1.0,)), 50.0)
    room.come(Way((2,), (1.0,)), 1e9)
    assert told == []
    room.come(Way((2, 1), (1.0, 1.0)), 60.0)
    assert told == ["crowded"]


def test_nothing_is_kept_any_more(room):
    room.keep(((1, 1.0),), 90.0)
    room.clear()
    assert room.is_there(((1, 1.0),), 100.0)


def test_nothing_is_foreseen_where_links_are_followed(room):
    room.is_closed = True
    assert not room.is_there(((2, 1.0),), 1.0)
