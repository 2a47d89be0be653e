"""The trace keeps the rules of Chrome's trace-event format, and says what the record says."""

import json
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from fedsim.scenario import check, load
from fedsim.study.run import run
from fedsim.study.timeline import timeline
from fedsim.study.trace import Window, write_trace

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
METADATA = {"process_name": str, "process_sort_index": int, "thread_name": str, "thread_sort_index": int}


def check_format(trace):
    """ "Trace Event Format": what a reader relies on."""
    assert set(trace) == {"displayTimeUnit", "otherData", "traceEvents"}
    events = trace["traceEvents"]
    for event in events:
        assert event["ph"] in {"M", "X", "i", "C"}
        assert type(event["pid"]) is int
        assert type(event["tid"]) is int
        assert isinstance(event["name"], str)
        assert isinstance(event["args"], dict)
        if event["ph"] == "M":
            [value] = event["args"].values()
            assert type(value) is METADATA[event["name"]]
            continue
        assert type(event["ts"]) is float
        assert event["ts"] >= 0
        if event["ph"] == "X":
            assert event["dur"] > 0
        if event["ph"] == "i":
            assert event["s"] in {"g", "p", "t"}
        if event["ph"] == "C":
            assert all(type(value) in {int, float} for value in event["args"].values())
    timed = [event["ts"] for event in events if event["ph"] != "M"]
    assert timed == sorted(timed)
    assert [event["ph"] for event in events].index("X") >= sum(event["ph"] == "M" for event in events)
    check_rows(events)


def check_rows(events):
    """Every row has a name and a process with one; on a row one slice follows the other."""
    named = {(event["name"], event["pid"], event["tid"]) for event in events if event["ph"] == "M"}
    rows = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            rows[event["pid"], event["tid"]].append((round(event["ts"] * 1000), round(event["dur"] * 1000)))
    for (pid, tid), slices in rows.items():
        assert ("process_name", pid, 0) in named
        assert ("thread_name", pid, tid) in named
        for (start, length), (following, _) in pairwise(slices):
            assert start + length <= following


def traced(result, folder, window=None):
    told = write_trace(result, folder / "trace.json", window)
    return json.loads((folder / "trace.json").read_text()), told


@pytest.mark.parametrize(
    ("file", "overrides"),
    [
        ("quickstart", ["stop.time=15 s", "lives=[low-3g-00]"]),
        ("quickstart_ring", ["stop.time=8 s"]),
        ("hierarchical", ["stop.rounds=4"]),
        ("power_cut", ["stop.rounds=8"]),
    ],
)
def test_it_keeps_the_format_and_holds_every_slice(file, overrides, tmp_path):
    result = run(load(SCENARIOS / f"{file}.yaml", overrides))
    trace, told = traced(result, tmp_path)
    check_format(trace)
    assert told.until_s is None
    assert trace["otherData"]["complete"] is True
    found = timeline(result.events, result.summary.simulated_s)
    events = trace["traceEvents"]
    kinds = pd.Series([event["ph"] for event in events]).value_counts()
    assert told.events == len(events)
    assert kinds["i"] == len(found.moments)
    names = {event["pid"]: event["args"]["name"] for event in events if event["name"] == "process_name"}
    seconds = defaultdict(float)
    for event in events:
        if event["ph"] == "X":
            seconds[names[event["pid"]], event["cat"]] += event["dur"] / 1e6
    lengths = (found.slices["end_s"] - found.slices["start_s"]).groupby([found.slices["subject"], found.slices["row"]])
    assert {key: seconds[key] for key in lengths.groups} == pytest.approx(lengths.sum().to_dict(), abs=1e-5)
    alive = set(result.scenario.lives)
    assert set(names.values()) - {names[1]} == {*found.slices["subject"], *found.servers} | alive


def test_counters_are_those_of_the_run(tmp_path):
    result = run(load(SCENARIOS / "quickstart.yaml", ["stop.time=15 s", "lives=[low-3g-00]"]))
    trace, _ = traced(result, tmp_path)
    counted = defaultdict(list)
    for event in trace["traceEvents"]:
        if event["ph"] == "C":
            counted[event["name"]].append((event["ts"] / 1e6, event["args"]["value"]))
    accuracy = result.curve[["time_s", "accuracy"]].to_numpy().tolist()
    assert counted["accuracy"] == [pytest.approx(row, abs=1e-9) for row in accuracy]
    at_work = [value for _, value in counted["devices at work"]]
    assert 0 < max(at_work) <= 50
    assert at_work[-1] == 0
    shares = [share for _, share in counted["charge"]]
    assert shares[0] > shares[-1] >= 0
    assert {"messages up, 3g", "messages down, wifi"} <= set(counted)
    for name, levels in counted.items():
        if name.startswith("messages"):
            assert min(value for _, value in levels) == 0


def test_equal_runs_give_equal_bytes(tiny, tmp_path):
    scenario = check({**tiny, "stop": {"rounds": 4}})
    for name in "ab":
        write_trace(run(scenario), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_too_much_is_cut_at_an_instant_and_it_says_so(tiny, tmp_path):
    result = run(check({**tiny, "stop": {"rounds": 9}}))
    whole, _ = traced(result, tmp_path)
    trace, told = traced(result, tmp_path, Window(most=40))
    check_format(trace)
    shown = [event for event in trace["traceEvents"] if event["ph"] in "Xi"]
    assert 30 <= len(shown) <= 40
    assert max(event["ts"] for event in shown) / 1e6 < told.until_s
    assert trace["otherData"]["complete"] is False
    assert shown == [event for event in whole["traceEvents"] if event["ph"] in "Xi"][: len(shown)]


def test_a_window_shows_what_begins_in_it(tiny, tmp_path):
    result = run(check({**tiny, "stop": {"rounds": 9}}))
    trace, _ = traced(result, tmp_path, Window(from_s=1.0, until_s=2.0))
    check_format(trace)
    starts = [event["ts"] for event in trace["traceEvents"] if event["ph"] == "X"]
    assert starts
    assert 1e6 <= min(starts) <= max(starts) < 2e6


def test_a_name_is_escaped(tiny, tmp_path):
    result = run(check({**tiny, "stop": {"rounds": 1}}))
    [device] = result.devices["device"].iloc[:1]
    odd = result.events.assign(subject=result.events["subject"].replace({device: 'a"b\n<é>'}))
    trace, _ = traced(replace(result, events=odd), tmp_path)
    names = [event["args"]["name"] for event in trace["traceEvents"] if event["name"] == "process_name"]
    assert 'a"b\n<é>' in names
