"""Readers of trace files: what they make of a file, and how they refuse one."""

import gzip
import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fedsim.system.trace_file
from fedsim.errors import ScenarioError
from fedsim.system.mahimahi import read_mahimahi
from fedsim.system.trace_file import read_recording


def write(folder, name, text):
    path = folder / name
    content = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def pieces(trace):
    return list(zip(trace.ends_s.tolist(), trace.rates_bps.tolist(), strict=True))


def refusal(path):
    with pytest.raises(ScenarioError) as caught:
        read_recording(path)
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("name", ["walk.csv", "walk.csv.gz"])
def test_a_table_names_its_columns_and_their_units(tmp_path, name):
    text = "mode,t_s, down_kbps,up_bps\nLTE,10,800,5\nLTE,11,800,6\n5G,12.5,1600,6\n"
    recording = read_recording(write(tmp_path, name, text))
    assert list(recording.traces) == [""]
    trace = recording.traces[""]
    assert pieces(trace["down_kbps"]) == [(2.5, 8e5), (4.0, 1.6e6)]
    assert pieces(trace["up_bps"]) == [(1.0, 5.0), (4.0, 6.0)]
    assert (recording.column("down"), recording.column("up")) == ("down_kbps", "up_bps")


@pytest.mark.parametrize(("unit", "factor"), [("bps", 1), ("kbps", 1e3), ("mbps", 1e6), ("gbps", 1e9)])
def test_units_of_rates(tmp_path, unit, factor):
    recording = read_recording(write(tmp_path, "x.csv", f"t_ms,{unit}\n0,2\n500,3\n"))
    assert pieces(recording.traces[""][unit]) == [(0.5, 2 * factor), (1.0, 3 * factor)]
    assert recording.column("up") == recording.column("down") == unit


def test_traces_of_one_table_are_told_by_their_ids(tmp_path):
    text = "trace_id,t_s,dur_s,mbps\na,0,1,1\na,1,4,2\nb,5,2,3\n"
    recording = read_recording(write(tmp_path, "x.csv", text))
    assert {name: pieces(trace["mbps"]) for name, trace in recording.traces.items()} == {
        "a": [(1.0, 1e6), (5.0, 2e6)],
        "b": [(2.0, 3e6)],
    }
    a, b = (recording.traces[name]["mbps"] for name in "ab")
    assert recording.pick("b", "mbps") == {"b": b}
    assert list(recording.pick("*", "mbps").items()) == [("a", a), ("b", b)]
    assert recording.pick("[b-z]", "mbps") == {"b": b}
    for trace_id, rule in [
        (None, "holds 2 traces: name one, or give a pattern such as '*'"),
        ("c", "'c' is not a known trace (known: a, b)"),
        ("c*", "'c*' is not a known trace (known: a, b)"),
    ]:
        with pytest.raises(ValueError) as caught:
            recording.pick(trace_id, "mbps")
        assert str(caught.value) == rule


def test_columns_of_a_recording(tmp_path):
    recording = read_recording(write(tmp_path, "x.csv", "t_s,down_mbps,lte_mbps,nr_mbps,cell_kbps\n0,1,2,3,4\n"))
    assert recording.column("down") == "down_mbps"
    with pytest.raises(ValueError, match="several columns for up, name one: lte_mbps, nr_mbps, cell_kbps"):
        recording.column("up")
    with pytest.raises(ValueError, match="'up_mbps' is not a known column of rates"):
        recording.pick(None, "up_mbps")
    only_down = read_recording(write(tmp_path, "y.csv", "t_s,down_mbps\n0,1\n"))
    assert only_down.column("up") is None


def test_of_rows_at_one_instant_the_last_counts(tmp_path):
    recording = read_recording(write(tmp_path, "x.csv", "t_s,bps\n0,1\n1,2\n1,3\n\n2,4\n\n"))
    assert pieces(recording.traces[""]["bps"]) == [(1.0, 1.0), (2.0, 3.0), (3.0, 4.0)]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("t_s,mbps\n", "has a header and no rows"),
        ("time,mbps\n0,1\n", "line 1: needs a column t_s or t_ms, has 'time', 'mbps'"),
        ("t_s,rate\n0,1\n", "line 1: needs a column of rates such as down_kbps or mbps, has 't_s', 'rate'"),
        ("t_s,mbps,mbps \n0,1,2\n", "line 1: names 'mbps' twice"),
        ("t_s,mbps\n0,1\n1,-2\n", "line 3, mbps: must be a rate >= 0 and finite, got '-2'"),
        ("t_s,mbps\n0,nan\n", "line 2, mbps: must be a rate >= 0 and finite, got 'nan'"),
        ("t_s,mbps\n0,inf\n", "line 2, mbps: must be a rate >= 0 and finite, got 'inf'"),
        ("t_s,gbps\n0,1\n1,1e300\n", "line 3, gbps: must be a rate >= 0 and finite, got '1e300'"),
        ("t_s,mbps\n-1e308,1\n1e308,1\n", "line 2, t_s: must be a time, at most 1e15 s, got '-1e308'"),
        ("t_s,mbps,caf\xe9\n0,1,2\n".encode("latin-1"), "is not UTF-8 text: byte 12 cannot be decoded"),
        ("t_s,mbps\n0,1\n1,\n", "line 3, mbps: must be a rate >= 0 and finite, got ''"),
        ("t_s,mbps\n0,1\n1\n", "line 3: has 1 cells, and the header 2"),
        ("t_s,mbps\n0,1\n\n2,-1\n", "line 4, mbps: must be a rate >= 0 and finite, got '-1'"),
        ("t_s,mbps\n0,1\n1,2,3\n", "line 3: has 3 cells, and the header 2"),
        ("t_s,mbps\n0,'" + 200_000 * "x", "line 2: field larger than field limit (131072)"),
        ("t_s,mbps\n0,1\n3,1\n2,1\n", "line 4, t_s: goes back in time, from 3.0 s to 2.0 s"),
        ("t_s,dur_s,mbps\n0,0,1\n", "line 2, dur_s: must be a time > 0, got '0'"),
        ("trace_id,t_s,mbps\na,5,1\nb,0,1\na,6,1\n", "line 4, trace_id: 'a' appears again, after other traces"),
    ],
)
def test_a_table_that_is_wrong_is_one_clear_error(tmp_path, text, rule):
    assert refusal(write(tmp_path, "x.csv", text)) == rule


def test_files_that_are_not_what_they_say(tmp_path):
    assert refusal(tmp_path / "none.csv") == "cannot be read: No such file or directory"
    assert refusal(tmp_path) == "is not a file"
    assert "null" in refusal("a\0.csv")
    assert "is not a known kind of trace file; did you mean '.csv'?" in refusal(write(tmp_path, "x.cvs", "t_s,bps"))
    (tmp_path / "y.csv.gz").write_bytes(b"t_s,mbps\n0,1\n")
    assert refusal(tmp_path / "y.csv.gz").startswith("cannot be read: Not a gzipped file")
    assert refusal(write(tmp_path, "z.npz", b"PK nothing")).startswith("cannot be read: ")


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
def test_a_file_that_would_fill_the_memory_is_refused(tmp_path, name, monkeypatch):
    monkeypatch.setattr(fedsim.system.trace_file, "MOST_BYTES", 1_000_000)
    text = "t_s,bps\n" + "".join(f"{second},1\n" for second in range(200_000))
    assert refusal(write(tmp_path, name, text)) == "must be at most 1 MB of text"


def counts_file(folder, **arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return write(folder, "x.npz", stream.getvalue())


def test_counts_are_packets_in_each_tenth_of_a_second(tmp_path):
    path = counts_file(tmp_path, a_up=np.array([1, 1, 0, 3], np.uint16), a_down=np.array([2], np.uint16))
    recording = read_recording(path)
    assert pieces(recording.traces["a_up"]["rate"]) == [(0.2, 120_000.0), (0.3, 0.0), (0.4, 360_000.0)]
    assert pieces(recording.traces["a_down"]["rate"]) == [(0.1, 240_000.0)]
    assert recording.column("up") == recording.column("down") == "rate"


@pytest.mark.parametrize(
    "array", [np.array([0.5]), np.array([[1]]), np.array([], np.uint16), np.array([1, -1]), np.array(["a"])]
)
def test_arrays_that_are_no_counts_are_refused(tmp_path, array):
    assert refusal(counts_file(tmp_path, a=array)).startswith("array 'a' must hold one count >= 0 of packets")


def test_arrays_that_would_fill_the_memory_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(fedsim.system.trace_file, "MOST_BYTES", 1_000_000)
    path = counts_file(tmp_path, a=np.zeros(1_000_000, np.uint16))
    assert path.stat().st_size < 10_000
    assert refusal(path) == "must be at most 1 MB when unpacked"


def test_objects_are_not_unpickled(tmp_path):
    assert "allow_pickle=False" in refusal(counts_file(tmp_path, a=np.array([{}], dtype=object)))


def test_packets_of_mahimahi_become_rates_of_tenths_of_a_second(tmp_path):
    """Two packets by 0.1 s, none in the next, one at 0.25 s, where everything begins anew."""
    recording = read_recording(write(tmp_path, "lte.down", "40\n100\n250\n"))
    [trace] = recording.pick(None, "rate").values()
    assert pieces(trace) == [(0.1, 240_000.0), (0.2, 0.0), (0.25, pytest.approx(240_000.0))]


times_ms = st.lists(st.integers(0, 2000), min_size=1, max_size=60).map(sorted).filter(lambda found: found[-1] > 0)


@settings(deadline=None, max_examples=100)
@given(found=times_ms)
def test_at_the_end_of_every_bin_mahimahi_could_have_passed_as_much(found):
    """Bytes up to a time, by counting lines; a packet at time 0 counts with the first bin."""
    trace = read_mahimahi("".join(f"{time_ms}\n" for time_ms in found).encode()).traces[""]["rate"]
    moved_bits = np.cumsum(trace.rates_bps * np.diff(trace.ends_s, prepend=0.0))
    for end_s in [*np.arange(0.1, found[-1] / 1000, 0.1), found[-1] / 1000]:
        counted = sum(time_ms <= round(end_s * 1000) for time_ms in found)
        passed = np.interp(end_s, np.append(0.0, trace.ends_s), np.append(0.0, moved_bits))
        assert passed / 12_000 == pytest.approx(counted, abs=1e-9)
    assert trace.length_s == found[-1] / 1000


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("5\n4\n", "line 2: goes back in time, from 5 ms to 4 ms"),
        ("5\n\n6\n", "line 2: must be a time in whole milliseconds, got ''"),
        ("1.5\n", "line 1: must be a time in whole milliseconds, got '1.5'"),
        ("-1\n", "line 1: must be a time in whole milliseconds, got '-1'"),
        ("0\n0\n", "line 2: must last longer than 0 ms"),
        ("1\n99999999999\n", "line 2: must last at most 1000000000 ms, got 99999999999"),
        (" \n", "is empty"),
        (b"\xff\xfe1\n", "line 1: must be a time in whole milliseconds, got '\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_mahimahi_files_that_are_wrong_are_one_clear_error(tmp_path, text, rule):
    assert refusal(write(tmp_path, "x.up", text)).startswith(rule)


def test_a_file_is_read_again_when_it_has_changed(tmp_path):
    path = write(tmp_path, "x.csv", "t_s,bps\n0,1\n")
    first = read_recording(path)
    assert read_recording(str(path)) is first
    write(tmp_path, "x.csv", "t_s,bps\n0,77\n")
    assert read_recording(path).traces[""]["bps"].mean_bps == 77.0


@settings(deadline=None, max_examples=200)
@given(text=st.text("t_sbpm,0123456789.-\n\r\"'naife\0 ", max_size=60), header=st.sampled_from(["", "t_s,bps\n"]))
def test_any_text_is_read_or_refused(tmp_path_factory, text, header):
    folder = tmp_path_factory.getbasetemp()
    for name in ("any.csv", "any.up"):
        try:
            recording = read_recording(write(folder, name, header + text))
        except ScenarioError as error:
            assert len(str(error).splitlines()) == 1  # noqa: PT017  # either outcome is right
        else:
            assert all(math.isfinite(t.mean_bps) for columns in recording.traces.values() for t in columns.values())
