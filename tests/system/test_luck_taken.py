"""Draws that are given back come again."""

from hypothesis import given
from hypothesis import strategies as st

from fedsim.kernel import Streams
from fedsim.system.luck_taken import Taken


def stream():
    return Streams(7).generator("taken")


def draws_of_stream():
    return Streams(7).draws("taken")


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=8))
def test_what_is_given_back_was_never_taken(tries):
    """Some draws at once, kept or given back: those that are kept are the stream's own, in its own order."""
    draws, kept = draws_of_stream(), []
    for many, are_kept in tries:
        taken = Taken()
        found = [taken.uniform(draws) for _ in range(many)]
        if are_kept:
            kept += found
        else:
            taken.give_back()
    assert kept == stream().random(len(kept)).tolist()


def test_draws_of_any_kind_are_given_back_with_the_place_of_their_stream():
    luck, taken = stream(), Taken()
    taken.keep(luck).gamma(3.0)
    taken.keep(luck).normal()
    taken.give_back()
    assert luck.gamma(3.0) == stream().gamma(3.0)


def test_nothing_is_given_back_twice():
    draws, taken = draws_of_stream(), Taken()
    first = taken.uniform(draws)
    taken.give_back()
    taken.give_back()
    assert draws.take() == first
    assert draws.take() != first
