"""A device's life: what the record holds of it is what was spent, and it can be drawn."""

import copy
import math

import numpy as np
import pandas as pd
import pytest

import fedsim
from fedsim.errors import FedsimError, ScenarioError
from fedsim.study.charge_curve import charge_curve
from fedsim.study.life import Life, LifeBattery, energy_j, life, read_events
from fedsim.study.life_plot import plot_life
from fedsim.system.meter import CAUSES

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
    events = (
        result.events[~result.events["kind"].isin(["life", "battery"])]
        .dropna(axis="columns", how="all")
        .reset_index(drop=True)
    )
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
    assert charge.get_ylim() == (0, 100)
    assert [label.get_text() for label in lanes.get_yticklabels()] == ["processor", "radio", "work"]
    assert power.get_ylim()[1] > 5.4
    assert power.get_xlabel() == "simulated time (s)"


@pytest.fixture(scope="module")
def overnight(words):
    """A larger battery that goes from 10 % to full on its charger, past the knee at 80 %, while the phone works."""
    group = words["fleet"][0] | {
        "battery": "300 J",
        "charge": "10 %",
        "charging": {"power": "10 W", "efficiency": "90 %", "plug": "always"},
    }
    there = life(fedsim.run({**words, "fleet": [group]}).events, NAME)
    assert there.power["charge_share"].max() > 0.95
    return there


def test_the_charge_is_drawn_as_the_battery_moves(overnight):
    """Every point of the curve against the differential equation, integrated step by step."""
    times_s, shares = charge_curve(overnight)
    assert shares[0] == 0.1
    assert np.all(np.diff(times_s) > 0)
    power = overnight.power
    loads_w = power.filter(regex="_w$").sum(axis=1).to_numpy()
    step_s, now_s, charge_j, found = 2e-3, 0.0, 30.0, []
    for end_s in times_s:
        while now_s < end_s - 1e-9:
            step = min(step_s, end_s - now_s)
            load_w = loads_w[np.searchsorted(power["to_s"], now_s + step / 2)]

            def slope(level_j, load_w=load_w):
                return 9.0 * min(1.0, (300.0 - level_j) / 60.0) - load_w

            charge_j += step * slope(charge_j + step / 2 * slope(charge_j))
            now_s += step
        found.append(charge_j / 300.0)
    assert shares == pytest.approx(np.array(found), abs=1e-5)


def test_a_night_on_the_charger_is_drawn_bent():
    """One stretch of eight hours from 20 % on: 10 W up to 80 %, then a taper towards the balance with a load of 1 W."""
    battery = LifeBattery(capacity_j=36_000.0, charge_share=0.2, arriving_w=10.0, taper_from_share=0.8)
    model = battery.filling(1.0)
    end = model.charge_j(7200.0, 28_800.0) / 36_000
    row = {"from_s": 0.0, "to_s": 28_800.0, "on": True, "plugged": True, "charge_share": end}
    power = pd.DataFrame([row | dict.fromkeys((f"{cause}_w" for cause in CAUSES), 0.0) | {"idle_w": 1.0}])
    times_s, shares = charge_curve(Life(name="phone", power=power, events=pd.DataFrame(), battery=battery))
    assert shares == pytest.approx([model.charge_j(7200.0, time_s) / 36_000 for time_s in times_s], abs=1e-9)
    fine_s = np.linspace(0.0, 28_800.0, 10_000)
    exact = [model.charge_j(7200.0, time_s) / 36_000 for time_s in fine_s]
    assert np.interp(fine_s, times_s, shares) == pytest.approx(exact, abs=1e-3)
    assert len(times_s) < 100


def test_a_life_on_the_mains_has_no_charge(tiny):
    changed = copy.deepcopy(tiny)
    changed["fleet"][0] |= {"device": "jetson"}
    there = life(fedsim.run({**changed, "lives": [NAME]}).events, NAME)
    assert there.battery is None
    assert len(plot_life(there).axes) == 2
    with pytest.raises(ValueError, match="phones-01 is on the mains"):
        charge_curve(there)


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
