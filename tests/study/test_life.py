"""A device's life: what the record holds of it is what was spent, and it can be drawn."""

import copy
import math

import numpy as np
import pytest

import fedsim
from fedsim.errors import FedsimError, ScenarioError
from fedsim.study.life import energy_j, life, read_events
from fedsim.study.life_plot import plot_life

NAME = "phones-01"


@pytest.fixture(scope="module")
def words(tiny):
    """Four phones that are soon empty, and charge now and then."""
    changed = copy.deepcopy(tiny)
    changed["fleet"][0] |= {
        "battery": "10 J",
        "charge": "30 %",
        "charging": {"power": "8 W", "plug": {"name": "opportunistic", "plugged": "2 s", "unplugged": "16 s"}},
    }
    return changed | {"stop": {"time": "60 s"}, "lives": [NAME, "phones-02"]}


@pytest.fixture(scope="module")
def result(words):
    return fedsim.run(words)


def test_energy_is_the_integral_of_the_recorded_power(result):
    """Of the event record alone, against what the run says; and the charge is what went in less what came out."""
    row = result.devices[result.devices["device"] == NAME].iloc[0]
    there = life(result.events, NAME)
    for cause, joules in energy_j(there).items():
        assert joules == pytest.approx(row[f"{cause}_j"], rel=1e-9, abs=1e-9)
    assert there.power["from_s"].iloc[0] == 0.0
    assert there.end_s == result.summary.simulated_s
    assert np.array_equal(there.power["from_s"][1:], there.power["to_s"][:-1])
    charge_j = there.power["charge_share"].to_numpy() * 10
    drawn_j = there.power.filter(regex="_w$").sum(axis=1) * (there.power["to_s"] - there.power["from_s"])
    unplugged = ~there.power["plugged"].astype(bool).to_numpy()
    assert np.diff(charge_j)[unplugged[1:]] == pytest.approx(-drawn_j.to_numpy()[1:][unplugged[1:]], abs=1e-9)
    assert there.power["charge_share"].between(0, 1).all()


def test_recording_a_life_changes_no_life(words, result):
    plain = fedsim.run({**words, "lives": []})
    events = result.events[result.events["kind"] != "life"].dropna(axis="columns", how="all").reset_index(drop=True)
    assert plain.events.equals(events[plain.events.columns])
    said, told = plain.summary.as_dict(), result.summary.as_dict()
    for spent in (said.pop("spent"), told.pop("spent")):  # sums in another order
        assert spent["energy_j"] == pytest.approx(result.summary.spent.energy_j, rel=1e-12)
    assert said == told


def test_a_life_is_drawn(result):
    figure = plot_life(life(result.events, NAME))
    charge, lanes, power = figure.axes
    assert charge.get_title(loc="left") == "The life of phones-01"
    line = charge.lines[0].get_ydata()
    assert 0 <= line.min() <= line.max() <= 100
    assert [label.get_text() for label in lanes.get_yticklabels()] == ["processor", "radio", "work"]
    assert power.get_ylim()[1] > 5.4
    assert power.get_xlabel() == "simulated time (s)"


def test_a_life_on_the_mains_has_no_charge(tiny):
    changed = copy.deepcopy(tiny)
    changed["fleet"][0] |= {"device": "jetson"}
    there = life(fedsim.run({**changed, "lives": [NAME]}).events, NAME)
    assert not there.has_battery
    assert len(plot_life(there).axes) == 2


def test_a_life_that_was_not_recorded_is_said(result, tmp_path):
    with pytest.raises(FedsimError, match=r"'phones-00' is not a known recorded life.*lives: \[phones-00\]"):
        life(result.events, "phones-00")
    with pytest.raises(FedsimError, match="is not the folder of a run"):
        read_events(tmp_path)


def test_a_life_of_nobody_is_refused(words):
    with pytest.raises(ScenarioError, match=r"lives\[1\]: 'phnes-01' is not a known device; did you mean"):
        fedsim.run({**words, "lives": [NAME, "phnes-01"]})


def test_a_phone_that_is_empty_comes_back_and_takes_part_again(result):
    """3 of 10 J are gone in seconds; what it charges brings it back at 5 %."""
    there = life(result.events, NAME)
    on = there.power["on"].astype(bool).to_numpy()
    died = np.flatnonzero(~on)[0]
    assert on[died:].any()
    assert math.isclose(there.power.loc[~on, "charge_share"].max(), 0.05)
    answered_s = there.events.loc[there.events["kind"] == "answered", "time_s"]
    assert answered_s.min() < there.power["from_s"].iloc[died] < answered_s.max()
