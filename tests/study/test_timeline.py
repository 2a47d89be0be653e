"""What everybody did when, by hand and against what the devices themselves counted."""

from pathlib import Path

import pandas as pd
import pytest

from fedsim.scenario import check, load
from fedsim.study.run import run
from fedsim.study.timeline import timeline

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
FIRST = [("a", "waiting", 0.0, 1.0), ("a", "receiving", 1.0, 3.0)]


def record(*rows):
    """Events as a record has them, in order."""
    return pd.DataFrame(
        [{"time_s": time_s, "kind": kind, "subject": who, **fields} for time_s, kind, who, fields in rows]
    )


def received(time_s, who="a", **fields):
    return time_s, "received", who, {"round": 1.0, "move_s": 2.0, "wake_s": 1.0, **fields}


def trained(time_s, compute_s):
    return time_s, "trained", "a", {"round": 1.0, "compute_s": compute_s}


def wasted(time_s, compute_s, cause="crash", who="a"):
    return time_s, "wasted", who, {"cause": cause, "compute_s": compute_s}


def rows_of(found, who="a"):
    own = found.slices[found.slices["subject"] == who]
    return list(own[["subject", "row", "start_s", "end_s"]].itertuples(index=False, name=None))


def test_a_part_of_a_round():
    events = record(
        received(3.0),
        (7.0, "trained", "a", {"round": 1.0, "compute_s": 4.0}),
        (9.0, "answered", "a", {"round": 1.0, "move_s": 1.5, "wake_s": 0.5}),
        (10.0, "round", "server", {"round": 1.0, "seconds": 10.0, "server_s": 1.0}),
    )
    found = timeline(events, 10.0)
    assert rows_of(found) == [
        *FIRST,
        ("a", "computing", 3.0, 7.0),
        ("a", "waiting", 7.0, 7.5),
        ("a", "sending", 7.5, 9.0),
    ]
    assert rows_of(found, "server") == [
        ("server", "rounds", 0.0, 10.0),
        ("server", "sending", 1.0, 3.0),
        ("server", "receiving", 7.5, 9.0),
        ("server", "computing", 9.0, 10.0),
    ]
    assert found.servers == ("server",)


def test_a_server_sends_to_several_at_a_time():
    events = record(
        received(3.0),
        received(4.0, "b"),
        received(9.0, "c"),
        (10.0, "round", "server", {"round": 1.0, "seconds": 10.0, "server_s": 0.0}),
    )
    found = timeline(events, 10.0).slices
    sending = found[(found["subject"] == "server") & (found["row"] == "sending")]
    assert sending[["start_s", "end_s", "name"]].to_numpy().tolist() == [
        [1.0, 4.0, "2 messages"],
        [7.0, 9.0, "1 message"],
    ]


def test_a_peer_waits_for_its_neighbour():
    mixed = {"round": 1.0, "compute_s": 4.0, "exchange_s": 3.0, "waited_for": "b"}
    passed = {"peer": "a", "round": 1.0, "move_s": 2.0, "wake_s": 0.5}
    found = timeline(record((6.0, "passed", "b", passed), (7.0, "mixed", "a", mixed)), 7.0)
    assert rows_of(found) == [("a", "computing", 0.0, 4.0), ("a", "receiving", 4.0, 6.0), ("a", "waiting", 4.0, 7.0)]
    assert rows_of(found, "b") == [("b", "waiting", 3.5, 4.0), ("b", "sending", 4.0, 6.0)]
    assert "for b" in found.slices["name"].tolist()


@pytest.mark.parametrize(
    ("story", "computing"),
    [
        ([received(3.0), wasted(5.0, 2.0)], [(3.0, 5.0)]),
        (
            [received(3.0), trained(7.0, 4.0), wasted(8.0, 4.0, "late")],
            [(3.0, 7.0)],
        ),
        ([received(3.0), wasted(4.0, 0.0, "lost")], []),  # bytes alone
        (  # two faults, each after its attempt, and no third attempt
            [
                received(3.0),
                wasted(5.0, 2.0, "fault"),
                (5.0, "fault", "a", {"again_s": 1.0}),
                wasted(7.0, 1.0, "fault"),
                (7.0, "fault", "a", {"again_s": 0.0}),
            ],
            [(3.0, 5.0), (6.0, 7.0)],
        ),
        (  # a fault, and then the work came to its end: the pause between is none of it
            [
                received(3.0),
                wasted(5.0, 2.0, "fault"),
                (5.0, "fault", "a", {"again_s": 1.0}),
                (10.0, "trained", "a", {"round": 1.0, "compute_s": 7.0}),
            ],
            [(3.0, 5.0), (6.0, 10.0)],
        ),
        (  # away in the middle of it, and seen again
            [
                received(3.0),
                (5.0, "down", "a", {"cause": "left", "until_s": 6.0}),
                (8.0, "back", "a", {}),
                (10.0, "trained", "a", {"round": 1.0, "compute_s": 7.0}),
            ],
            [(3.0, 5.0), (8.0, 10.0)],
        ),
        (  # a peer is cut off, comes back, and is cut off again
            [
                (5.0, "mixed", "a", {"round": 1.0, "compute_s": 4.0, "exchange_s": 1.0, "waited_for": ""}),
                (8.0, "down", "a", {"cause": "crash", "until_s": 10.0}),
                wasted(8.0, 2.0),
                (15.0, "down", "a", {"cause": "crash", "until_s": 20.0}),
                wasted(15.0, 4.0),
            ],
            [(0.0, 4.0), (5.0, 7.0), (10.0, 14.0)],
        ),
    ],
)
def test_work_that_was_cut_off(story, computing):
    found = timeline(record(*story), 30.0).slices
    own = found[(found["row"] == "computing")]
    assert list(own[["start_s", "end_s"]].itertuples(index=False, name=None)) == computing


def test_an_absence_lasts_until_somebody_sees_the_device_or_else_until_its_reason_may_end():
    events = record(
        (1.0, "down", "a", {"cause": "left", "until_s": 2.0}),
        (3.0, "back", "a", {}),
        (5.0, "down", "a", {"cause": "crash", "until_s": 6.0}),
        (8.0, "down", "a", {"cause": "battery", "until_s": float("inf")}),
    )
    assert [row[2:] for row in rows_of(timeline(events, 9.0))] == [(1.0, 3.0), (5.0, 6.0), (8.0, 9.0)]


def test_an_empty_record_has_an_empty_timeline():
    found = timeline(record((0.0, "evaluated", None, {"accuracy": 0.1})), 1.0)
    assert (len(found.slices), len(found.moments), found.servers) == (0, 0, ())


def test_what_failed_is_a_moment():
    events = record((1.0, "lost", "a", {"peer": "b"}), (2.0, "outage", "region-1", {}))
    assert timeline(events, 3.0).moments[["time_s", "name", "subject"]].to_numpy().tolist() == [
        [1.0, "lost", "a"],
        [2.0, "outage", "region-1"],
    ]


@pytest.mark.parametrize(
    ("file", "overrides"),
    [
        ("quickstart", ["stop.time=20 s"]),
        ("quickstart_ring", ["stop.time=12 s"]),
        ("quickstart", ["stop.time=20 s", "interrupted=pause"]),
        ("fedbuff", ["stop.rounds=15"]),
        ("hierarchical", ["stop.rounds=4"]),
        ("ad_psgd", ["stop.rounds=3"]),
        ("power_cut", []),
        ("commuters", ["stop.rounds=10"]),
    ],
)
def test_devices_compute_as_long_as_they_say(file, overrides):
    result = run(load(SCENARIOS / f"{file}.yaml", overrides))
    found = timeline(result.events, result.summary.simulated_s)
    assert_as_long(result, found)
    slices = found.slices
    assert (slices["end_s"] > slices["start_s"]).all()
    assert slices["start_s"].min() >= -1e-9
    assert slices["end_s"].max() <= result.summary.simulated_s + 1e-9
    for row in ("computing", "down"):  # a processor does one thing at a time
        of_row = slices[slices["row"] == row].sort_values(["subject", "start_s"])
        before = of_row.groupby("subject")["end_s"].shift(1)
        assert not (of_row["start_s"] < before - 1e-9).any()


def test_candidates_compute_before_they_are_chosen(tiny):
    selection = {"name": "power-of-choice", "candidates": 3}
    protocol = {"name": "synchronous-rounds", "cohort": 2, "selection": selection}
    result = run(check({**tiny, "protocol": protocol, "stop": {"rounds": 5}}))
    found = timeline(result.events, result.summary.simulated_s)
    assert_as_long(result, found)
    assert (found.slices["name"] == "judging the model").sum() == 15


def assert_as_long(result, found):
    own = found.slices[found.slices["row"] == "computing"]
    seconds = (own["end_s"] - own["start_s"]).groupby(own["subject"]).sum()
    counted = result.devices.set_index("device")["compute_s"]
    assert seconds.reindex(counted.index, fill_value=0.0).to_numpy() == pytest.approx(counted.to_numpy(), abs=1e-9)
