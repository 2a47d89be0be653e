"""On which links messages of the critical path queued, and the path of a run with real links."""

import pytest

from fedsim.scenario import check
from fedsim.study.critical_path import critical_path
from fedsim.study.queues import queues
from fedsim.study.run import simulate

GROUP = {
    "name": "phones",
    "count": 8,
    "device": "phone-mid",
    "link": "ethernet",
    "at": "hub",
    "up": "8 kbit/s",
    "down": "16 kbit/s",
    "rtt": "2 s",
    "speed": "1e18 FLOP/s",
    "step_overhead": "2 s",
}
WORDS = {
    "name": "closed",
    "seed": 1,
    "topology": {
        "name": "wire",
        "nodes": {"server": {"kind": "server"}, "metro": {"kind": "router"}, "hub": {"kind": "router"}},
        "links": [
            {
                "from": "server",
                "to": "metro",
                "capacity": {"forward": "32 kbit/s", "back": "64 kbit/s"},
                "delay": "0 s",
            },
            {"from": "metro", "to": "hub", "capacity": "1 Mbit/s", "delay": "0 s"},
        ],
    },
    "network": {"transport": "ideal"},
    "server": {"at": "server", "service": "500 ms"},
    "fleet": [GROUP],
    "data": {"name": "counts", "examples": 10, "features": 49, "classes": 10},
    "model": "softmax",
    "learner": {"name": "fedavg", "batch_size": 10},
    "protocol": {"name": "synchronous-rounds", "cohort": 8},
    "stop": {"rounds": 2, "time": "200 s"},
}


@pytest.fixture(scope="module")
def result():
    return simulate(check(WORDS))


def test_a_path_over_real_links(result):
    """2 kB: 1 s alone and 4 s over the server's line down, where eight share it; 2 s up; 1 s of delay each way."""
    path = critical_path(result.events, result.devices)
    seconds = {"upload": 6.0, "queueing": 6.0, "download": 4.0, "computing": 4.0, "server": 1.0}
    assert path.seconds().to_dict() == pytest.approx(seconds)
    assert path.seconds_s == result.summary.simulated_s == pytest.approx(21.0)
    assert path.by_part().to_dict() == pytest.approx(
        {"moving bytes, as if alone": 6.0, "sharing links with others": 6.0, "delay of the way": 4.0}
    )


def test_messages_queue_at_the_busiest_link_of_their_way(result):
    path = critical_path(result.events, result.devices)
    assert queues(result, path).to_dict() == pytest.approx({"server to metro": 6.0})


def test_nobody_queues_where_nobody_shares():
    alone = simulate(
        check({**WORDS, "fleet": [{**GROUP, "count": 1}], "protocol": {"name": "synchronous-rounds", "cohort": 1}})
    )
    assert queues(alone, critical_path(alone.events)).empty


def test_the_record_of_a_run_says_what_one_without_some_devices_takes():
    """The slow one is left out; nobody shares a link: the estimate is what the run without it takes."""
    slow = {**GROUP, "name": "slow", "count": 2, "up": "1 kbit/s"}
    free = {**WORDS["topology"], "links": [{"from": "server", "to": "hub", "capacity": "inf", "delay": "0 s"}]}
    words = {**WORDS, "topology": {**free, "nodes": {"server": {"kind": "server"}, "hub": {"kind": "router"}}}}
    both = simulate(check({**words, "fleet": [GROUP, slow], "protocol": {"name": "synchronous-rounds", "cohort": 10}}))
    path = critical_path(both.events, both.devices)
    slow_ones = frozenset({"slow-00", "slow-01"})
    assert set(path.largest()["device"]) <= slow_ones
    assert path.without(slow_ones) == pytest.approx(simulate(check(words)).summary.simulated_s)
    assert "% of the time is upload over ethernet of 2 devices; without them about 2.9 x faster" in path.sentence()
