"""Runs that ask how long, and not how well."""

import json
import math

import numpy as np
import pytest

from fedsim.errors import FedsimError, ScenarioError
from fedsim.scenario import check
from fedsim.study.result import Attended
from fedsim.study.run import run, simulate


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "model": "svm",
            "learner": {"name": "mocha", "epochs": 2},
            "protocol": {"name": "synchronous-rounds", "cohort": 2, "work_time": "5 ms"},
        },
        {"learner": "d-psgd", "protocol": {"name": "synchronous-gossip", "overlay": "ring"}, "server": None},
    ],
    ids=["fedavg", "mocha", "d-psgd"],
)
def test_it_takes_the_time_and_the_energy_of_the_real_one(tiny, changes):
    scenario = check({**tiny, "stop": {"rounds": 4}, **changes})
    real, dry = simulate(scenario), simulate(scenario, dry=True)
    assert dry.summary.simulated_s == pytest.approx(real.summary.simulated_s, rel=1e-12)
    assert dry.summary.spent == real.summary.spent
    assert dry.summary.waste == real.summary.waste
    assert (dry.summary.learned, real.summary.learned) == (False, True)
    assert dry.summary.final == {}
    assert np.isnan(dry.curve["accuracy"]).all()
    quiet = [frame.events[frame.events["kind"] != "evaluated"]["time_s"].tolist() for frame in (real, dry)]
    assert quiet[0] == quiet[1]


COUNTS = {"name": "counts", "examples": {"uniform": [5, 200]}, "features": 100, "classes": 10}


def test_counts_of_examples_stand_for_data(tiny, tmp_path):
    words = {**tiny, "data": COUNTS, "stop": {"rounds": 3}, "protocol": {"name": "synchronous-rounds", "cohort": 4}}
    result = run(words, out=tmp_path / "run")
    steps = result.events.query("kind == 'trained'").groupby("subject")["steps"].first()
    assert len(set(steps)) > 1
    assert steps.between(1, 20).all()
    assert not (tmp_path / "run" / "quality.png").exists()
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["learned"] is False


def test_one_more_device_changes_nobodys_count(tiny):
    def steps_with(count):
        fleet = [{**tiny["fleet"][0], "count": count}, {**tiny["fleet"][0], "name": "others"}]
        protocol = {"name": "synchronous-rounds", "cohort": count + 4}
        words = {**tiny, "data": COUNTS, "stop": {"rounds": 1}, "fleet": fleet, "protocol": protocol}
        return simulate(check(words)).events.query("kind == 'trained'").set_index("subject")["steps"].to_dict()

    few, more = steps_with(4), steps_with(5)
    assert {name: more[name] for name in few} == few


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"examples": "-3", "features": 3}, "examples must be >= 0"),
        ({"examples": 3, "features": 0}, "needs at least 1 feature"),
        ({"examples": 3, "features": 3, "classes": 1}, "needs at least 1 feature and 2 classes"),
    ],
)
def test_counts_that_cannot_be(tiny, data, message):
    with pytest.raises(Exception, match=message):
        check({**tiny, "data": {"name": "counts", **data}})


def test_a_million_devices_cost_what_a_round_uses(tiny):
    """Ten rounds of five out of a million: a handful of devices is ever made."""
    fleet = [{**tiny["fleet"][0], "count": 200_000, "availability": "phones"}]
    words = {**tiny, "data": COUNTS, "fleet": fleet, "stop": {"rounds": 10}}
    result = simulate(check(words))
    assert (result.summary.devices, result.summary.rounds) == (200_000, 10.0)
    assert len(result.devices) == result.summary.devices_at_work <= 20
    assert result.summary.groups == {"phones": Attended(devices=200_000, at_work=len(result.devices))}
    asleep_w = 0.03 + 0.02
    expected_j = 200_000 * asleep_w * result.summary.simulated_s
    assert result.summary.spent.energy_j["sleep"] == pytest.approx(expected_j, rel=0.05)
    assert math.isnan(result.curve["accuracy"].iloc[-1])


@pytest.mark.parametrize(
    ("examples", "got"),
    [
        (-3, "got at least -3, and a mean of -3"),
        ({"lognormal": {"median": 1e300, "sigma": 1}}, "a mean of 1.64872e+300"),
    ],
)
def test_counts_that_cannot_be_are_refused(tiny, examples, got):
    with pytest.raises(ScenarioError, match="data: examples must be >= 0, with a mean of at most 1e") as refused:
        check({**tiny, "data": {**COUNTS, "examples": examples}})
    assert got in str(refused.value)


def test_who_was_never_chosen_is_counted(tiny):
    """Phones that hardly ever charge take no part: their group says so, and the tables have no rows of them."""
    fleet = [
        {**tiny["fleet"][0], "count": 6},
        {**tiny["fleet"][0], "name": "shy", "count": 5, "takes_part": {"only_charging": True}},
    ]
    result = simulate(check({**tiny, "data": COUNTS, "fleet": fleet, "stop": {"rounds": 30}}))
    assert result.summary.groups == {"phones": Attended(devices=6, at_work=6), "shy": Attended(devices=5, at_work=0)}
    assert (result.summary.devices, result.summary.devices_at_work) == (11, 6)
    assert result.summary.as_dict()["groups"]["shy"] == {"devices": 5, "at_work": 0}
    assert set(result.devices.loc[result.devices["compute_s"] > 0, "group"]) == {"phones"}


def test_a_timing_run_refuses_the_overlays_that_the_learner_refuses(tiny):
    """Related tasks need neighbours that hear each other, and a dry run must not say how long it would take."""
    ring = {"name": "synchronous-gossip", "overlay": {"name": "ring", "directed": True}, "mixing": "equal-shares"}
    words = {**tiny, "learner": "graph-dual", "model": "svm", "protocol": ring}
    for dry in (False, True):
        with pytest.raises(FedsimError, match="needs neighbours that hear each other"):
            run(words, dry=dry)
