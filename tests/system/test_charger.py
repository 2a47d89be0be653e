"""Charging in closed form: constant power, taper, and a load meanwhile."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from fedsim.system.battery import Battery
from fedsim.system.charger import Charger, Filling

CHARGER = Charger(power_w=10.0, efficiency=0.5, taper_from_share=0.8)
"""5 W arrive; with a battery of 1000 J the taper has a time constant of 200 J / 5 W = 40 s."""


def filling(load_w=0.0, **changes):
    charger = Charger(**{"power_w": 10.0, "efficiency": 0.5, "taper_from_share": 0.8, **changes})
    return Filling(charger, 1000.0, load_w)


def test_constant_power_and_then_a_taper():
    """From 300 J 100 s to the knee; then the gap to full shrinks by e every 40 s."""
    assert filling().charge_j(300.0, 50.0) == 550.0
    assert filling().seconds_to(300.0, 800.0) == 100.0
    assert filling().charge_j(300.0, 140.0) == pytest.approx(1000 - 200 / math.e)
    assert filling().seconds_to(300.0, 900.0) == pytest.approx(100 + 40 * math.log(2))
    assert filling().seconds_to(300.0, 1000.0) == math.inf


def test_a_load_holds_the_charge_where_the_taper_meets_it():
    """2.5 W against a taper that is down to it at half its way: 900 J, from above and from below."""
    assert filling(2.5).balance_j == 900.0
    assert filling(2.5).charge_j(850.0, 1e6) == filling(2.5).charge_j(1000.0, 1e6) == pytest.approx(900.0)
    assert filling(2.5).seconds_to(850.0, 901.0) == math.inf


def test_a_load_stronger_than_the_charger_drains_through_the_knee():
    gone = filling(7.0).seconds_to(900.0, 0.0)
    assert filling(7.0).seconds_to(800.0, 0.0) == pytest.approx(800 / 2)
    assert 400 < gone < 400 + 100 / 2
    assert filling(7.0).charge_j(900.0, gone) == pytest.approx(0.0, abs=1e-9)


def test_without_a_taper_it_fills_to_the_brim_and_stays():
    assert filling(taper_from_share=1.0).charge_j(900.0, 100.0) == 1000.0
    assert filling(taper_from_share=1.0).seconds_to(900.0, 1000.0) == 20.0


@settings(deadline=None, max_examples=60)
@given(start_j=st.floats(0, 1000), load_w=st.floats(0, 8), after_s=st.floats(0, 300), knee=st.floats(0, 1))
def test_the_closed_form_solves_the_differential_equation(start_j, load_w, after_s, knee):
    """Against a numerical integration of dE/dt = c min(1, (Q - E) / (Q - K)) - p."""
    fill = filling(load_w, taper_from_share=round(knee, 3))
    assume(fill.knee_j < 999)

    def slope(_, level):
        return [5.0 * min(1.0, (1000 - level[0]) / (1000 - fill.knee_j)) - load_w]

    solved = solve_ivp(slope, (0, after_s), [start_j], rtol=1e-10, atol=1e-10, max_step=5.0) if after_s else None
    expected_j = start_j if solved is None else float(solved.y[0, -1])
    assert fill.charge_j(start_j, after_s) == pytest.approx(max(expected_j, 0.0), abs=2e-4)


@settings(deadline=None, max_examples=200)
@given(start_j=st.floats(0, 1000), target_j=st.floats(0, 1000), load_w=st.floats(0, 8), knee=st.floats(0, 1))
def test_the_time_to_a_charge_is_when_it_is_there(start_j, target_j, load_w, knee):
    fill = filling(load_w, taper_from_share=knee)
    seconds = fill.seconds_to(start_j, target_j)
    assert seconds >= 0
    if seconds < 1e6:
        assert fill.charge_j(start_j, seconds) == pytest.approx(target_j, abs=1e-6)


def test_the_oracle_of_charging(closed_form):
    """Constant power all the way, a load meanwhile."""
    case, expected = closed_form("battery_charge")
    charger = Charger(power_w=case["P_charge"], efficiency=1.0, taper_from_share=1.0)
    fill = Filling(charger, case["cap_J"], case["P_load"])
    full_j = case["cap_J"]
    assert fill.seconds_to(0.2 * full_j, 0.8 * full_j) == pytest.approx(expected["t_20_to_80"], rel=1e-9)
    assert fill.seconds_to(0.2 * full_j, full_j) == pytest.approx(expected["t_20_to_100"], rel=1e-9)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"power_w": -3.0}, "power must be > 0 and finite, got -3"),
        ({"power_w": math.nan}, "power must be > 0"),
        ({"efficiency": 1.5}, "efficiency must be above 0 %"),
        ({"taper_from_share": -0.1}, "taper_from_share must be from 0 %"),
    ],
)
def test_a_charger_that_cannot_be_is_refused(change, rule):
    with pytest.raises(ValueError, match=rule):
        filling(**change)


class Plugged:
    """Plugged in from one time to another."""

    def __init__(self, *spans):
        self.cuts = [cut for span in spans for cut in span]

    def at(self, time_s):
        later = [cut for cut in self.cuts if cut > time_s]
        return len(later) % 2 == 1, min(later, default=math.inf)


@pytest.fixture
def battery():
    def make(charge_j, *spans, capacity_j=1000.0):
        times = Plugged(*spans) if spans else None
        return Battery(capacity_j=capacity_j, charge_j=charge_j, charger=CHARGER if spans else None, times=times)

    return make


def test_an_empty_battery_shuts_down_and_comes_back_at_five_per_cent(battery):
    """100 J at 10 W; on its charger from 30 s, it has its 50 J at 40 s, and drains again at 5 W."""
    there = battery(100.0, (30.0, 1000.0))
    pieces = there.spend(0.0, 45.0, 10.0)
    assert [(piece.to_s, piece.is_on, piece.is_plugged, piece.charge_j) for piece in pieces] == [
        (10.0, True, False, 0.0),
        (30.0, False, False, 0.0),
        (40.0, False, True, 50.0),
        (45.0, True, True, 25.0),
    ]
    assert there.charged_j == pytest.approx(50.0 + 25.0)
    assert there.changes_s(45.0, 10.0) == 50.0


def test_without_a_charger_empty_is_for_ever(battery):
    there = battery(10.0)
    there.spend(0.0, 100.0, 1.0)
    assert not there.is_on
    assert there.changes_s(100.0, 1.0) == math.inf


@settings(deadline=None, max_examples=200)
@given(
    charge_j=st.floats(0, 1000),
    loads=st.lists(st.tuples(st.floats(0, 200), st.floats(0, 20)), max_size=8),
    spans=st.lists(st.floats(0.1, 300), min_size=2, max_size=6),
)
def test_charge_stays_between_nothing_and_capacity_and_adds_up(charge_j, loads, spans):
    """What is left is what there was, and what arrived, without what was drawn while it was on."""
    cuts = [sum(spans[: i + 1]) for i in range(len(spans) // 2 * 2)]
    there = Battery(capacity_j=1000.0, charge_j=charge_j, charger=CHARGER, times=Plugged(cuts))
    now_s, drawn_j = 0.0, 0.0
    for lasts_s, load_w in loads:
        pieces = there.spend(now_s, now_s + lasts_s, load_w)
        assert all(0 <= piece.charge_j <= 1000.0 for piece in pieces)
        drawn_j += sum(load_w * (piece.to_s - piece.from_s) for piece in pieces if piece.is_on)
        now_s += lasts_s
    assert there.charge_j == pytest.approx(charge_j + there.charged_j - drawn_j, abs=1e-6)


@pytest.mark.parametrize(("capacity_j", "charge_j"), [(10.0, 11.0), (10.0, -1.0), (math.inf, 1.0), (math.nan, 0.0)])
def test_a_charge_over_capacity_is_refused(capacity_j, charge_j):
    with pytest.raises(ValueError, match="must be >= 0 and"):
        Battery(capacity_j=capacity_j, charge_j=charge_j)
