"""Rows that are known before their time stand in the record in their place."""

from dataclasses import dataclass
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsim.kernel import Form
from fedsim.kernel.record import EventRecord


@dataclass
class Teller:
    void_from_s: float = inf


def foreseen(*rows):
    """Rows of time and kind, as they are foreseen."""
    return [(time_s, Form(kind, ()), ()) for time_s, kind in rows]


def rows(record):
    record.come_to(inf)
    return [(time_s, kind) for time_s, kind, _ in record.rows()]


def test_they_come_before_what_is_later():
    record = EventRecord()
    record.foresee(foreseen((3.0, "c"), (1.0, "a")), Teller())
    record.record(2.0, "b", {})
    record.foresee(foreseen((2.5, "b+")), Teller())
    record.record(4.0, "d", {})
    assert rows(record) == [(1.0, "a"), (2.0, "b"), (2.5, "b+"), (3.0, "c"), (4.0, "d")]


def test_at_one_instant_what_happens_is_first_unless_time_has_come_to_them():
    record = EventRecord()
    record.foresee(foreseen((1.0, "foreseen"), (1.0, "and this")), Teller())
    record.record(1.0, "happened", {})
    assert len(record) == 1
    record.come_to(1.0)
    assert len(record) == 1
    record.come_until(1.0)
    record.record(1.0, "happened after it", {})
    assert rows(record) == [(1.0, "happened"), (1.0, "foreseen"), (1.0, "and this"), (1.0, "happened after it")]


def test_what_is_foreseen_when_time_has_come_to_others_waits_for_its_own_turn():
    record = EventRecord()
    record.foresee(foreseen((1.0, "early")), Teller())
    record.come_until(1.0)
    record.foresee(foreseen((1.0, "late")), Teller())
    record.record(1.0, "between", {})
    assert rows(record) == [(1.0, "early"), (1.0, "between"), (1.0, "late")]


def test_who_listens_hears_them_when_time_has_come_to_them():
    record, heard = EventRecord(), []
    record.subscribe(lambda *row: heard.append(row))
    record.foresee([(1.0, Form("a", ("subject", "x")), ("phone", 2.5))], Teller())
    record.come_until(0.5)
    assert heard == []
    record.come_until(1.0)
    assert heard == [(1.0, "a", {"subject": "phone", "x": 2.5})]


def test_what_is_taken_back_does_not_come():
    record, teller, other = EventRecord(), Teller(), Teller()
    record.foresee(foreseen((1.0, "a"), (2.0, "b"), (3.0, "c")), teller)
    record.foresee(foreseen((2.5, "other")), other)
    teller.void_from_s = 2.0
    assert rows(record) == [(1.0, "a"), (2.5, "other")]


FIELDS = st.dictionaries(st.sampled_from(["who", "x", "ok"]), st.integers(0, 9) | st.floats(0, 1), max_size=3)


@given(told=st.lists(st.tuples(st.floats(0, 9), st.sampled_from("ab"), FIELDS), max_size=12))
def test_a_row_that_was_foreseen_is_like_any_other(told):
    """The same columns, types and orders as if each had been recorded in its time."""
    ahead, plain, forms = EventRecord(), EventRecord(), {}
    for time_s, kind, fields in told:
        form = forms.setdefault((kind, *fields), Form(kind, tuple(fields)))
        ahead.foresee([(time_s, form, tuple(fields.values()))], Teller())
    for time_s, kind, fields in sorted(told, key=lambda row: row[0]):
        plain.record(time_s, kind, fields)
    ahead.come_to(inf)
    assert list(ahead) == list(plain)
    assert ahead.table().equals(plain.table())


def test_a_foreseen_row_of_another_type_is_refused():
    record = EventRecord()
    record.record(0.0, "a", {"x": 1.0})
    record.foresee([(1.0, Form("a", ("x",)), ("text",))], Teller())
    with pytest.raises(TypeError, match="field 'x' of 'a' must be float"):
        record.come_to(inf)


def test_only_wanted_kinds_are_kept():
    record = EventRecord(kinds=["a"])
    record.foresee(foreseen((1.0, "a"), (2.0, "b")), Teller())
    assert rows(record) == [(1.0, "a")]


def test_a_muted_record_takes_nothing():
    record = EventRecord()
    record.is_muted = True
    record.record(1.0, "a", {})
    record.is_muted = False
    record.record(2.0, "b", {})
    assert rows(record) == [(2.0, "b")]
