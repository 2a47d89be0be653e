"""What took longest, in a few numbers."""

import pandas as pd
import pytest

from fedsim.study.slowest import Slowest, slowest


def a_round(time_s, seconds, **more):
    parts = {"invited": 2, "link": "", "closed_by": "deadline", "server_s": 0.0, "subject": "server"}
    return {"time_s": time_s, "kind": "round", "round": 1, "seconds": seconds, **parts, **more}


def an_answer(time_s, device, **parts):
    return {"time_s": time_s, "kind": "answered", "round": 1, "subject": device, "move_s": sum(parts.values()), **parts}


def computed(time_s, device, compute_s):
    return {"time_s": time_s, "kind": "trained", "round": 1, "subject": device, "compute_s": compute_s}


RECORD = pd.DataFrame(
    [
        computed(2.0, "a", 2.0),
        an_answer(6.0, "a", bytes_s=3.0, delay_s=1.0),
        a_round(6.0, 6.0, closed_by="a", link="3g"),
        computed(8.0, "b", 2.0),
        an_answer(10.0, "b", sharing_s=1.0, bytes_s=1.0),
        a_round(10.0, 4.0, closed_by="b", link="wifi"),
        {"time_s": 10.0, "kind": "evaluated"},
    ]
)


def test_it_is_the_critical_path_in_numbers():
    found = slowest(RECORD)
    assert (found.rounds, found.phase, found.share) == (2, "upload", 0.5)
    assert found.seconds == {"upload": 5.0, "computing": 4.0, "queueing": 1.0}
    assert found.seconds_by_link == {"3g": 4.0, "wifi": 1.0}
    assert found.closers == {"a": 1, "b": 1}
    parts = {"moving bytes, as if alone": 4.0, "delay of the way": 1.0, "sharing links with others": 1.0}
    assert found.messages == parts
    # The first round without a takes as long as the second, 4 s.
    gain = "without it about 1.2 x faster (estimated from the other answers)"
    assert found.sentence() == f"40 % of the time is upload over 3g of a; {gain}"


def test_until_the_target_nothing_later_counts():
    found = slowest(RECORD, until_s=6.0)
    assert (found.rounds, found.seconds) == (1, {"upload": 4.0, "computing": 2.0})
    assert found.sentence().startswith("67 % of the time to target is upload over 3g of a;")


def test_rounds_that_nobody_closed_waited_for_their_deadline():
    found = slowest(pd.DataFrame([a_round(10.0, 10.0), a_round(16.0, 6.0, closed_by="failures", server_s=1.0)]))
    waits = {"waiting for the deadline": 10.0, "waiting for devices that failed": 5.0, "server": 1.0}
    assert (found.phase, found.seconds) == ("waiting for the deadline", waits)


def test_a_run_without_rounds_has_no_slowest_part():
    assert slowest(pd.DataFrame([{"time_s": 0.0, "kind": "evaluated"}])).sentence() == "no round ended"


def test_a_run_that_ends_inside_its_first_round_has_no_slowest_part():
    """Messages and computations of the round are in the record."""
    received = {"time_s": 0.1, "kind": "received", "subject": "a", "round": 1, "wake_s": 0.1, "delay_s": 0.0}
    found = slowest(pd.DataFrame([received, computed(0.2, "a", 0.1)]))
    assert (found.rounds, found.phase, found.seconds) == (0, "unfinished round", {"unfinished round": 0.2})
    assert found.sentence() == "no round ended"


def test_a_result_from_before_there_were_paths_has_its_sentence():
    seconds = {"upload": 4.0, "computing": 2.0}
    links = {"3g": 3.0, "wifi": 1.0}
    old = Slowest(rounds=2, seconds=seconds, phase="upload", share=2 / 3, seconds_by_link=links, closers={})
    assert old.sentence() == "upload: 67 % of the time of rounds, 75 % of it on 3g"


def test_shares_add_up():
    found = slowest(RECORD)
    assert sum(found.seconds.values()) == pytest.approx(10.0)
