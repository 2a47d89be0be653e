"""What work costs, added up and taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsim.system.meter import CAUSES
from fedsim.system.tally import of_tally, summed
from fedsim.system.usage import Usage, WasteBook, total

amounts = st.floats(0, 1e6)
usages = st.builds(
    Usage,
    energy_j=st.fixed_dictionaries(dict.fromkeys(CAUSES, amounts)),
    sent_bytes=amounts,
    received_bytes=amounts,
    compute_s=amounts,
)


def numbers(usage):
    return [*(usage.energy_j[cause] for cause in CAUSES), usage.sent_bytes, usage.received_bytes, usage.compute_s]


def test_nothing_costs_nothing():
    assert numbers(Usage()) == [0.0] * (len(CAUSES) + 3)
    assert Usage().work_j == 0.0


@given(first=usages, second=usages)
def test_what_is_added_can_be_taken_away(first, second):
    assert numbers(first + second) == [a + b for a, b in zip(numbers(first), numbers(second), strict=True)]
    assert numbers(first + second - second) == pytest.approx(numbers(first), rel=1e-9, abs=1e-9)
    assert list((first + second).energy_j) == list(CAUSES)


@given(usage=usages)
def test_sleep_is_not_work(usage):
    """What the device draws anyway is nobody's cost."""
    asleep = Usage(energy_j=dict.fromkeys(CAUSES, 0.0) | {"sleep": 5.0})
    assert asleep.work_j == 0.0
    assert usage.work_j == pytest.approx(sum(usage.energy_j.values()) - usage.energy_j["sleep"], rel=1e-9, abs=1e-9)
    assert (usage + asleep).work_j == usage.work_j


def test_a_book_counts_pieces_and_adds_up_by_cause():
    book = WasteBook()
    for cause, seconds in [("crash", 1.0), ("late", 2.0), ("crash", 4.0)]:
        book.add(cause, Usage(compute_s=seconds, sent_bytes=10 * seconds))
    assert book.pieces == {"crash": 2, "late": 1}
    assert {cause: usage.compute_s for cause, usage in book.usage.items()} == {"crash": 5.0, "late": 2.0}
    assert (book.total.compute_s, book.total.sent_bytes) == (7.0, 70.0)


def test_an_empty_book():
    assert WasteBook().total == Usage()


def test_usages_together_are_their_sum():
    one = Usage(energy_j=dict.fromkeys(CAUSES, 0.5), sent_bytes=3.0, compute_s=1.0)
    other = Usage(energy_j={**dict.fromkeys(CAUSES, 0.0), "send": 0.25}, received_bytes=7.0)
    assert total([one, other, one]) == one + other + one
    assert total([]) == Usage()


@given(together=usages, less=st.lists(usages, max_size=4), more=st.lists(usages, max_size=12))
def test_tallies_are_added_up_to_the_same_digits(together, less, more):
    """One after the other: first those that are taken away."""
    expected = together
    for usage in less:
        expected -= usage
    for usage in more:
        expected += usage
    rows = [tuple(numbers(usage)) for usage in (together, *more)]
    assert of_tally(summed(rows, less=[tuple(numbers(usage)) for usage in less])) == expected


def test_no_tallies():
    assert of_tally(summed([])) == Usage()
