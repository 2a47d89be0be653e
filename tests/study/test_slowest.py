"""Which part of the rounds took longest."""

import pandas as pd
import pytest

from fedsim.study.slowest import slowest


def a_round(seconds, **more):
    parts = {
        "wake_s": 0.0,
        "download_s": 0.0,
        "compute_s": 0.0,
        "upload_s": 0.0,
        "link": "",
        "closed_by": "deadline",
        "server_s": 0.0,
    }
    return {"time_s": 0.0, "kind": "round", "seconds": seconds, **parts, **more}


def test_the_slowest_part_is_followed_along_what_closed_each_round():
    found = slowest(
        pd.DataFrame(
            [
                a_round(6.0, closed_by="a", link="3g", upload_s=4.0, compute_s=2.0),
                a_round(5.0, closed_by="b", link="wifi", upload_s=2.0, download_s=3.0),
                {"time_s": 0.0, "kind": "evaluated"},
            ]
        )
    )
    assert (found.rounds, found.phase, found.share) == (2, "upload", pytest.approx(6 / 11))
    assert found.seconds_by_link == {"3g": 4.0, "wifi": 2.0}
    assert found.closers == {"a": 1, "b": 1}
    assert found.sentence() == "upload: 55 % of the time of rounds, 67 % of it on 3g"


def test_rounds_that_nobody_closed_waited_for_their_deadline():
    found = slowest(pd.DataFrame([a_round(10.0), a_round(6.0, closed_by="a", link="4g", compute_s=6.0)]))
    assert (found.phase, found.share) == ("waiting for the deadline", pytest.approx(10 / 16))
    assert found.sentence() == "waiting for the deadline: 62 % of the time of rounds"


def test_among_peers_every_round_of_every_peer_counts():
    mixed = {"kind": "mixed", "compute_s": 1.0, "exchange_s": 3.0, "link": "4g", "waited_link": "3g"}
    found = slowest(pd.DataFrame([{**mixed, "time_s": 4.0}, {**mixed, "time_s": 8.0}]))
    assert (found.rounds, found.phase, found.share) == (2, "waiting for neighbours", 0.75)
    assert found.seconds_by_link == {"3g": 6.0}  # the link that was waited for, not the waiter's own


def test_a_run_without_rounds_has_no_slowest_part():
    assert slowest(pd.DataFrame([{"time_s": 0.0, "kind": "evaluated"}])).sentence() == "no round ended"


def test_a_run_that_ends_inside_its_first_round_has_no_slowest_part():
    """Messages and computations of the round are in the record, and share names with its parts."""
    received = {"time_s": 0.1, "kind": "received", "wake_s": 0.1, "delay_s": 0.0}
    trained = {"time_s": 0.2, "kind": "trained", "compute_s": 0.1}
    found = slowest(pd.DataFrame([received, trained]))
    assert (found.rounds, found.phase, found.seconds) == (0, "", {})
    assert found.sentence() == "no round ended"


def test_without_a_deadline_a_round_waits_for_the_devices_that_failed():
    found = slowest(pd.DataFrame([a_round(10.0, closed_by="failures", server_s=1.0)]))
    assert (found.phase, found.seconds["server"]) == ("waiting for devices that failed", 1.0)
    assert found.seconds["waiting for the deadline"] == 0.0


def test_the_time_of_messages_is_told_by_cause():
    parts = {"message_delay_s": 1.0, "message_sharing_s": 3.0}
    found = slowest(pd.DataFrame([a_round(9.0, closed_by="a", **parts), a_round(9.0, closed_by="b", **parts)]))
    assert found.messages == {"delay of the way": 2.0, "sharing links with others": 6.0}
