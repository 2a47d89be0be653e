"""What a small file may ask for: too much is refused with the amount, the limit, and how to raise it."""

import gzip
import re
from pathlib import Path

import pytest

from fedsim import limits
from fedsim.errors import FedsimError, ScenarioError
from fedsim.scenario import check
from fedsim.study.run import run
from fedsim.system import attendance_file
from fedsim.system.cargo import Cargo

PAGE = Path(__file__).parents[1] / "docs" / "safety.md"


def group(tiny, **changes):
    return {"fleet": [{**tiny["fleet"][0], **changes}]}


def test_the_page_names_every_limit():
    rows = re.findall(r"^\| ([a-z ]+) \| ([\d,]+) \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert rows == [(limit.what, f"{limit.most:,.0f}") for limit in limits.LIMITS]


def test_a_limit_is_raised_in_the_environment_and_not_in_a_file(monkeypatch):
    few = limits.Limit("apples", 10)
    few.check(10, "a basket")
    with pytest.raises(FedsimError, match=r"a basket would make 11 apples, and at most 10 .* FEDSIM_LIMITS=10"):
        few.check(11, "a basket")
    with pytest.raises(FedsimError, match="would make nan apples"):
        few.check(float("nan"), "a basket")
    monkeypatch.setenv("FEDSIM_LIMITS", "1.5")
    few.check(15, "a basket")
    monkeypatch.setenv("FEDSIM_LIMITS", "many")
    with pytest.raises(FedsimError, match="FEDSIM_LIMITS must be a number > 0, got 'many'"):
        few.check(1, "a basket")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"evaluate": {"every": "1 ns"}}, r"evaluate\.every: it would make 60,000,000,000 evaluations"),
        ({"data": {"name": "synthetic", "features": 10**12}}, r"data: features.* 1e\+13|10,000,000,000,000 numbers"),
        ({"data": {"name": "fedem-mixture", "components": 10**10}, "model": "logistic"}, "numbers in one table"),
        ({"data": {"name": "linear-tasks", "features": 10**12}, "model": "logistic"}, "numbers in one table"),
        (
            {"server": {"at": "server", "crashes": {"every": 1e-12, "repair": 1e-12}}},
            r"server\.crashes: .*at least 1 ms",
        ),
        ({"outages": [{"node": "cell", "every": 1e-12, "repair": 1e-12}]}, r"outages\[0\]: every and repair .* 1 ms"),
        (
            {"outages": [{"node": "cell", "schedule": [{"from": 0, "for": 1e-9}], "repeat": 1e-8}]},
            r"outages\[0\]\.repeat: must be at least 1 ms, got 10 ns",
        ),
    ],
    ids=str,
)
def test_what_a_scenario_may_ask_for(tiny, change, said):
    with pytest.raises(ScenarioError, match=said):
        check({**tiny, **change})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"availability": {"stay": "1 ns", "away": "1 ns"}}, r"availability: .*at least 1 ms"),
        ({"crashes": {"every": 1e-12, "repair": 1e-12}}, r"fleet\[0\]\.crashes: .*at least 1 ms"),
        ({"handover": {"to": [{"link": "3g", "at": "cell"}], "stay": 1e-9, "away": 0.0}}, "handover"),
        ({"handover": {"to": [{"link": "3g", "at": "cell"}], "stay": 1e-9, "away": 1e-9}}, "stay and away must take"),
        (
            {"processor": {"other_apps": {"share": 0.5, "busy": 1e-9, "quiet": 1e-9}}},
            "busy and quiet must take at least",
        ),
        ({"charging": {"plug": {"name": "opportunistic", "plugged": 1e-9, "unplugged": 1e-9}}}, "at least 1 ms"),
        ({"count": 10**12}, r"fleet\[0\]\.count: must be <= 10000000"),
    ],
    ids=str,
)
def test_what_a_group_may_ask_for(tiny, change, said):
    with pytest.raises(ScenarioError, match=said):
        check({**tiny, **group(tiny, **change)})


def test_many_groups_are_many_devices(tiny):
    fleet = [{**tiny["fleet"][0], "name": f"g{number}", "count": 10_000_000} for number in range(2)]
    with pytest.raises(ScenarioError, match="fleet: it would make 20,000,000 devices in all"):
        check({**tiny, "fleet": fleet})


def test_a_message_has_only_so_many_chunks():
    assert Cargo(100_000, 1).chunks == 100_000
    with pytest.raises(FedsimError, match=r"network\.chunk: a message of 1 MB would make 1,000,000 chunks"):
        Cargo(1_000_000, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"learner": {"name": "fedavg", "epochs": 10**9}}, "tiny: learner: a round's local work would make .* steps"),
        ({"learner": {"name": "fedem", "components": 10**10}}, "tiny: learner and model would make .* bytes"),
        ({"learner": {"name": "fedavg+", "tuning_epochs": 10**14}}, "tiny: needs more memory than there is"),
    ],
    ids=str,
)
def test_what_is_seen_in_the_run_only_is_refused_there(tiny, change, said):
    with pytest.raises(FedsimError, match=said):
        run({**tiny, **change})


def test_rounds_that_take_no_time_do_not_go_on_for_ever(tiny, monkeypatch):
    """Infinitely fast devices on infinitely fast links; ten rounds in place of a hundred thousand."""
    monkeypatch.setenv("FEDSIM_LIMITS", "1e-4")
    fast = group(tiny, count=2, speed="inf", step_overhead=0, up="inf", down="inf", rtt="0 s", radio="wifi_2012")
    wire = {"from": "server", "to": "cell", "capacity": "inf", "delay": 0}
    words = {**tiny, **fast, "topology": {**tiny["topology"], "links": [wire]}, "network": {"transport": "ideal"}}
    words |= {
        "server": {"at": "server", "service": {"choice": {"values": [1, 1e-300], "weights": [1, 30]}}},
        "evaluate": {"every_rounds": None},
    }
    words["stop"] = {"time": "60 s"}
    with pytest.raises(FedsimError, match=r"tiny: stop: this run, at .* would make 11 rounds in no time"):
        run(words)


def test_files_that_unpack_into_very_much_are_refused(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(attendance_file, "_MOST_BYTES", 1_000_000)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"0" * 2_000_000))
    (tmp_path / "speeds.csv").write_bytes(b"s\n" + b"1\n" * 6_000_000)
    with pytest.raises(ScenarioError, match=r"bomb\.csv\.gz: must be at most 1 MB of text"):
        check({**tiny, **group(tiny, availability={"trace": "bomb.csv.gz"})})
    speed = {"csv": {"file": "speeds.csv", "column": "s", "unit": "GFLOP/s"}}
    with pytest.raises(ScenarioError, match=r"speed\.csv\.file: cannot be read: it is larger than 10,000,000 bytes"):
        check({**tiny, **group(tiny, speed=speed)})
