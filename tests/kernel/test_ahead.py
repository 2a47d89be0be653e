"""Rows that are known before their time stand in the record in their place."""

from dataclasses import dataclass
from math import inf

from fedsim.kernel.record import EventRecord


@dataclass
class Teller:
    void_from_s: float = inf


def rows(record):
    record.come_to(inf)
    return [(time_s, kind) for time_s, kind, _ in record.rows()]


def test_they_come_before_what_is_later():
    record = EventRecord()
    record.foresee([(3.0, "c", {}), (1.0, "a", {})], Teller())
    record.record(2.0, "b", {})
    record.foresee([(2.5, "b+", {})], Teller())
    record.record(4.0, "d", {})
    assert rows(record) == [(1.0, "a"), (2.0, "b"), (2.5, "b+"), (3.0, "c"), (4.0, "d")]


def test_at_one_instant_what_happens_is_first_unless_time_has_come_to_them():
    record = EventRecord()
    record.foresee([(1.0, "foreseen", {}), (1.0, "and this", {})], Teller())
    record.record(1.0, "happened", {})
    assert len(record) == 1
    record.come_to(1.0)
    assert len(record) == 1
    record.come_to(1.0, and_at=True)
    assert rows(record) == [(1.0, "happened"), (1.0, "foreseen"), (1.0, "and this")]


def test_what_is_taken_back_does_not_come():
    record, teller, other = EventRecord(), Teller(), Teller()
    record.foresee([(1.0, "a", {}), (2.0, "b", {}), (3.0, "c", {})], teller)
    record.foresee([(2.5, "other", {})], other)
    teller.void_from_s = 2.0
    assert rows(record) == [(1.0, "a"), (2.5, "other")]


def test_a_muted_record_takes_nothing():
    record = EventRecord()
    record.is_muted = True
    record.record(1.0, "a", {})
    record.is_muted = False
    record.record(2.0, "b", {})
    assert rows(record) == [(2.0, "b")]
