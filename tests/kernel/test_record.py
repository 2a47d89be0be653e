"""The event record: what goes in comes out, typed, in order, from memory or from disk."""

import asyncio
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.kernel import EventRecord, Simulation, read_record
from fedsim.kernel import record as record_module

FIELDS = {
    "name": st.text(max_size=5),
    "count": st.integers(-(2**63), 2**63 - 1),
    "share": st.floats(allow_nan=False),
    "good": st.booleans(),
}
ROW = st.tuples(
    st.floats(0, 1e9),
    st.sampled_from(["sent", "got", "lost"]),
    st.fixed_dictionaries({}, optional=FIELDS),
)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(record_module, "_CHUNK", 4)


def filled(rows, **how):
    record = EventRecord(**how)
    for row in rows:
        record.record(*row)
    return record


@settings(deadline=None, max_examples=60)
@given(st.lists(ROW, max_size=12))
def test_rows_come_out_as_they_went_in(rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_module, "_CHUNK", 4)
        record = filled(rows)
        assert list(record) == rows
        assert len(record) == len(rows)
        table = record.table()
    assert table["time_s"].to_pylist() == [row[0] for row in rows]
    assert table["kind"].to_pylist() == [row[1] for row in rows]
    for name in table.column_names[2:]:
        assert table[name].to_pylist() == [row[2].get(name) for row in rows]


def test_columns_come_in_order_of_first_appearance_with_types():
    record = filled([(0.0, "a", {"x": 1, "who": "p"}), (1.0, "b", {"ok": True, "x": 2}), (2.0, "a", {"y": 0.5})])
    schema = record.table().schema
    assert schema.names == ["time_s", "kind", "x", "who", "ok", "y"]
    assert [str(kind) for kind in schema.types] == ["double", "string", "int64", "string", "bool", "double"]
    assert record.frame().columns.tolist() == schema.names
    assert record.frame("a").columns.tolist() == ["time_s", "kind", "x", "who", "y"]
    assert record.frame("a")["time_s"].tolist() == [0.0, 2.0]
    assert record.frame("nothing").empty


def test_whole_numbers_of_a_kind_stay_whole():
    record = filled([(0.0, "a", {"x": 1}), (1.0, "b", {"y": 0.5})])
    assert record.frame("a")["x"].dtype == np.int64
    assert record.frame()["x"].dtype == np.float64
    assert math.isnan(record.frame()["x"][1])


def test_an_empty_record_has_its_two_columns(tmp_path):
    record = EventRecord()
    assert record.frame().columns.tolist() == ["time_s", "kind"]
    assert (len(record), list(record), record.transcript()) == (0, [], "")
    record.write_parquet(tmp_path / "events.parquet")
    assert pd.read_parquet(tmp_path / "events.parquet").empty


def test_floats_keep_every_bit():
    values = [0.1 + 0.2, 1e-320, -0.0, math.inf, math.pi]
    record = filled([(value if value >= 0 else 0.0, "a", {"x": value}) for value in values])
    assert [value.hex() for value in record.frame()["x"]] == [value.hex() for value in values]


def test_whole_numbers_become_numbers_where_others_are(small_chunks):
    rows = [(float(number), "a", {"x": number}) for number in range(6)] + [(6.0, "a", {"x": 0.5}), (7.0, "b", {"x": 7})]
    record = filled(rows)
    assert record.frame()["x"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.5, 7.0]
    assert record.frame()["x"].dtype == np.float64


def test_numpys_numbers_are_numbers():
    record = filled([(0.0, "a", {"i": np.int32(3), "f": np.float64(0.5), "b": np.bool_(True), "g": np.float32(0.25)})])
    assert record.table().slice(0, 1).to_pylist() == [
        {"time_s": 0.0, "kind": "a", "i": 3, "f": 0.5, "b": True, "g": 0.25}
    ]


@pytest.mark.parametrize("second", ["text", True, None])
def test_a_field_has_one_type(second):
    record = filled([(0.0, "a", {"x": 1})])
    with pytest.raises(TypeError, match=r"field 'x' of 'b' must be (int as in earlier records|a text, a number)"):
        record.record(1.0, "b", {"x": second})
    assert len(record) == 1


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, np.zeros(2), 1j])
def test_only_flat_values_are_kept(value):
    with pytest.raises(TypeError, match="field 'x' of 'a' must be a text, a number or a truth value, got"):
        EventRecord().record(0.0, "a", {"x": value})


@pytest.mark.parametrize("value", [2**63, -(2**70), np.uint64(2**64 - 1), "\ud800"])
def test_a_value_that_no_column_can_hold_is_named_and_all_else_is_kept(value, tmp_path):
    other = "text" if isinstance(value, str) else 5
    record = EventRecord(folder=tmp_path)
    for number, x in enumerate([other, value, other]):
        record.record(float(number), "a", {"x": x, "number": number})
    with pytest.raises(ValueError, match="field 'x' of 'a' cannot hold") as complaint:
        record.flush()
    assert repr(value) in str(complaint.value)
    record.record(3.0, "a", {"x": other, "number": 3})
    assert [fields.get("x") for _, _, fields in record] == [other, None, other, other]
    assert read_record(tmp_path)["number"].to_pylist() == [0, 1, 2, 3]


def test_such_a_value_does_not_keep_a_run_from_its_end():
    sim = Simulation()

    async def helper():
        try:
            await asyncio.sleep(10)
        finally:
            sim.record("helper left")

    async def main():
        sim.spawn(helper())
        await asyncio.sleep(1)
        sim.record("key", number=2**100)

    with pytest.raises(ValueError, match="field 'number' of 'key' cannot hold"):
        sim.run(main())
    assert [kind for _, kind, _ in sim.events] == ["key", "helper left"]


def test_great_whole_numbers_are_rounded_where_others_have_fractions(tmp_path, small_chunks):
    great = 2**60 + 1
    record = EventRecord(folder=tmp_path / "record")
    for x in [great, *range(10), 0.5, great]:
        record.record(0.0, "a", {"x": x})
    expected = [2.0**60, *map(float, range(10)), 0.5, 2.0**60]
    record.write_parquet(tmp_path / "events.parquet")
    assert record.frame()["x"].tolist() == expected
    assert read_record(tmp_path / "record")["x"].to_pylist() == expected
    assert pd.read_parquet(tmp_path / "events.parquet")["x"].tolist() == expected


def test_a_kind_is_a_text():
    with pytest.raises(TypeError, match="the kind of a record must be a text, got 5"):
        EventRecord().record(0.0, 5, {})


@pytest.mark.parametrize("name", ["time_s", "kind"])
def test_the_names_of_the_two_columns_are_taken(name):
    with pytest.raises(TypeError, match=f"field '{name}' of 'a' has the name of a column that every record has"):
        EventRecord().record(0.0, "a", {name: "x"})


# From a simulation


def test_a_simulation_records_time_kind_subject_and_fields():
    sim = Simulation()

    async def main():
        sim.record("started")
        await asyncio.sleep(2)
        sim.record("trained", "d3", steps=4, loss=0.123456789)

    sim.run(main())
    assert list(sim.events) == [
        (0.0, "started", {}),
        (2.0, "trained", {"subject": "d3", "steps": 4, "loss": 0.123456789}),
    ]
    assert sim.events.transcript() == (
        "    0.000           started\n    2.000  d3       trained steps=4 loss=0.123457\n"
    )


def test_a_transcript_of_some_kinds_and_with_another_subject():
    record = filled(
        [(0.5, "sent", {"device": "d1", "size": 3}), (1.0, "noise", {}), (2.0, "got", {"device": "server"})]
    )
    assert record.transcript("sent", "got", subject="device").splitlines() == [
        "    0.500  d1       sent size=3",
        "    2.000  server   got",
    ]


def test_each_row_keeps_the_order_of_its_fields():
    record = filled([(0.0, "a", {"x": 1, "y": 2}), (1.0, "b", {"y": 3, "x": 4})])
    assert record.transcript().splitlines()[1].endswith("b y=3 x=4")


# Observers, filters, caps


def test_observers_hear_what_they_asked_for_until_they_leave():
    record, all_rows, sent = EventRecord(), [], []
    record.subscribe(lambda *row: all_rows.append(row))
    leave = record.subscribe(lambda time_s, kind, fields: sent.append((time_s, fields["size"])), "sent")
    record.record(0.0, "sent", {"size": 1})
    record.record(1.0, "got", {"size": 2})
    leave()
    record.record(2.0, "sent", {"size": 3})
    assert [row[1] for row in all_rows] == ["sent", "got", "sent"]
    assert sent == [(0.0, 1)]


def test_kinds_that_are_not_wanted_are_not_kept():
    record = filled([(0.0, "sent", {}), (1.0, "noise", {"x": [1]}), (2.0, "sent", {})], kinds=["sent"])
    assert record.frame()["time_s"].tolist() == [0.0, 2.0]
    assert len(record) == 2


@pytest.mark.parametrize("cap", [1, 3, 4, 10])
def test_a_cap_keeps_the_latest(cap, small_chunks):
    record = filled([(float(number), "a", {"x": number}) for number in range(11)], cap=cap)
    assert record.frame()["x"].tolist() == list(range(11))[-cap:]
    assert (len(record), record.dropped) == (cap, 11 - cap)
    record.record(11.0, "a", {"x": 11})
    assert record.frame()["x"].tolist() == list(range(12))[-cap:]


def test_a_cap_must_leave_something_and_goes_with_memory_only(tmp_path):
    with pytest.raises(ValueError, match="cap must be > 0, got 0"):
        EventRecord(cap=0)
    with pytest.raises(ValueError, match="a cap or a folder, not both"):
        EventRecord(cap=5, folder=tmp_path)


# Disk


def some_rows(count=11):
    return [(float(n), "ab"[n % 2], {"x": n} if n < 6 else {"x": n + 0.5, "late": f"n{n}"}) for n in range(count)]


def test_a_record_on_disk_is_the_record_in_memory(tmp_path, small_chunks):
    memory, disk = filled(some_rows()), filled(some_rows(), folder=tmp_path / "events")
    assert sorted(path.name for path in (tmp_path / "events").iterdir()) == [
        "part-000000.parquet",
        "part-000001.parquet",
    ]
    pd.testing.assert_frame_equal(disk.frame(), memory.frame())
    assert list(disk) == some_rows()
    assert disk.transcript() == memory.transcript()
    assert read_record(tmp_path / "events").equals(memory.table())


def test_both_write_one_parquet_file(tmp_path, small_chunks):
    for how in ({}, {"folder": tmp_path / "events"}):
        record = filled(some_rows(), **how)
        path = tmp_path / "one.parquet"
        record.write_parquet(path)
        written = pq.read_table(path)
        assert written.schema.names == ["time_s", "kind", "x", "late"]
        assert written.schema.field("x").type == pa.float64()
        assert written.equals(record.table())
        assert not list(tmp_path.glob("*.draft"))


def test_files_are_the_same_byte_for_byte(tmp_path, small_chunks):
    contents = []
    for name in ("a.parquet", "b.parquet"):
        filled(some_rows()).write_parquet(tmp_path / name)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0] == contents[1]


def test_a_file_that_was_there_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "events.parquet"
    filled(some_rows(3)).write_parquet(path)
    before = path.read_bytes()
    monkeypatch.setattr(pq.ParquetWriter, "write_table", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        filled(some_rows(5)).write_parquet(path)
    assert path.read_bytes() == before


def test_a_folder_takes_one_record_only(tmp_path):
    filled(some_rows(), folder=tmp_path).flush()
    with pytest.raises(FileExistsError, match="must hold no other record"):
        EventRecord(folder=tmp_path)


def test_a_run_writes_what_is_left_when_it_ends(tmp_path):
    sim = Simulation(events=EventRecord(folder=tmp_path))

    async def main():
        sim.record("tick", number=1)
        await asyncio.sleep(1)

    sim.run(main())
    assert read_record(tmp_path)["number"].to_pylist() == [1]
