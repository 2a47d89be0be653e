"""When a run is given up because it no longer gets better."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError, ScenarioError
from fedsim.scenario import check, resolved
from fedsim.study.goal import Goal
from fedsim.study.plateau import Plateau, PlateauWatch
from fedsim.study.run import run

RISING, FALLING = Goal(metric="accuracy"), Goal(metric="gap", falls=True)


def first_flat(plateau, values, goal=RISING, every_s=10.0):
    """The number of the evaluation at which the plateau is reached, from 0; None if none is."""
    watch = PlateauWatch(plateau, goal)
    return next((i for i, value in enumerate(values) if watch.is_reached(i * every_s, value)), None)


@pytest.mark.parametrize(
    ("plateau", "values", "wanted"),
    [
        (Plateau(evaluations=2), [0.1, 0.2, 0.2, 0.2], 3),
        (Plateau(evaluations=2), [0.1, 0.2, 0.2, 0.3, 0.3, 0.1], 5),
        (Plateau(evaluations=2), [0.1, 0.2, 0.3, 0.4], None),
        (Plateau(evaluations=2, gain=0.25), [0.25, 0.375, 0.5, 0.625, 0.625], 4),  # two small steps make one
        (Plateau(evaluations=2, gain=0.25), [0.25, 0.375, 0.375, 0.5], 2),
        (Plateau(within_s=20.0), [0.1, 0.2, 0.2, 0.2], 3),
        (Plateau(within_s=25.0), [0.1, 0.2, 0.2, 0.2, 0.2], 4),
        (Plateau(evaluations=2), [math.nan, math.nan], 1),  # diverged from the start
        (Plateau(evaluations=2), [math.nan, 0.1, math.nan, 0.2], None),
    ],
)
def test_by_hand(plateau, values, wanted):
    assert first_flat(plateau, values) == wanted


@given(st.lists(st.floats(-1, 1), max_size=12), st.integers(1, 4), st.floats(0, 0.5))
@settings(deadline=None, max_examples=60)
def test_a_falling_metric_turned_around_is_a_rising_one(values, evaluations, gain):
    plateau = Plateau(evaluations=evaluations, gain=gain)
    assert first_flat(plateau, values) == first_flat(plateau, [-value for value in values], FALLING)


def test_a_run_ends_at_its_plateau(tiny):
    stop = {"metric": "accuracy", "target": "100 %", "plateau": {"evaluations": 4, "gain": "5 %"}}
    result = run(check({**tiny, "stop": stop}))
    accuracy = result.curve["accuracy"]
    assert result.summary.stopped_because == "no more progress"
    assert first_flat(Plateau(evaluations=4, gain=0.05), accuracy) == len(accuracy) - 1


def test_a_run_ends_at_its_plateau_in_simulated_time(tiny):
    stop = {"metric": "objective", "plateau": {"within": "3 s", "gain": 0.5}}
    result = run(check({**tiny, "stop": stop}))
    watch = PlateauWatch(Plateau(within_s=3.0, gain=0.5), Goal(metric="objective", falls=True))
    curve = result.curve[["time_s", "objective"]].itertuples(index=False)
    assert [watch.is_reached(*row) for row in curve] == [False] * (len(result.curve) - 1) + [True]
    assert result.summary.simulated_s >= 3.0


def test_the_energy_of_the_devices_is_a_bound(tiny):
    free = run(check({**tiny, "stop": {"rounds": 6}}))
    spent_j = free.curve["energy_j"]
    bound = run(check({**tiny, "stop": {"energy": f"{spent_j.iloc[3]} J"}}))
    assert bound.summary.stopped_because == "energy is spent"
    assert bound.summary.rounds == 3
    rarely = run(check({**tiny, "evaluate": {"every_rounds": None}, "stop": {"energy": f"{spent_j.iloc[3]} J"}}))
    assert rarely.summary.rounds == 3  # a round's end is enough


def test_a_timing_run_needs_another_bound(tiny):
    stop = {"plateau": {"evaluations": 2}}
    with pytest.raises(FedsimError, match="ends at no plateau: give time, rounds or energy"):
        run(check({**tiny, "stop": stop}), dry=True)
    result = run(check({**tiny, "stop": {**stop, "rounds": 5}}), dry=True)
    assert (result.summary.rounds, result.summary.stopped_because) == (5, "rounds are over")
    assert run(check({**tiny, "stop": {"energy": "1 J"}}), dry=True).summary.stopped_because == "energy is spent"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stop": {"plateau": {}}}, "stop.plateau: needs either evaluations or within"),
        ({"stop": {"plateau": {"evaluations": 2, "within": "1 s"}}}, "stop.plateau: needs either"),
        ({"stop": {"plateau": {"evaluations": 2, "gain": -1}}}, "stop.plateau.gain: must be >= 0 and finite, got -1"),
        ({"stop": {"energy": "0 J"}}, "stop.energy: must be > 0 and finite, got '0 J'"),
        (
            {"stop": {"plateau": {"evaluations": 2}}, "evaluate": {"every_rounds": None}},
            "stop.plateau: is seen by evaluations: say how often",
        ),
    ],
)
def test_impossible_bounds_are_refused(tiny, changes, message):
    with pytest.raises(ScenarioError, match=message):
        check({**tiny, **changes})


def test_bounds_are_written_as_they_are_read(tiny):
    scenario = check({**tiny, "stop": {"energy": "5 kJ", "plateau": {"within": "10 min", "gain": "0.1 %"}}})
    assert (scenario.stop.energy_j, scenario.stop.plateau.within_s, scenario.stop.plateau.gain) == (5000, 600, 0.001)
    assert "plateau: {evaluations: null, within: 600 s, gain: 0.001}" in resolved(scenario)
    assert "energy: 5 kJ" in resolved(scenario)
