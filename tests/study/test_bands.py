import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsim.errors import FedsimError
from fedsim.study.bands import bands, steps


def steps_slow(curves, metric, end_s):
    """The definition: at every time at which something changes, what each curve said last."""
    times = sorted({time for curve in curves for time in curve["time_s"] if time <= end_s} | {end_s})
    rows = []
    for curve in curves:
        said = [
            [value for at, value in zip(curve["time_s"], curve[metric], strict=True) if at <= time] for time in times
        ]
        rows.append([values[-1] if values else np.nan for values in said])
    return times, rows


def curve_of(times):
    ordered = sorted(times)
    return pd.DataFrame({"time_s": ordered, "accuracy": np.arange(len(ordered)) / 10})


@given(st.lists(st.lists(st.integers(0, 20).map(float), min_size=1, max_size=6), min_size=1, max_size=4))
@settings(deadline=None, max_examples=100)
def test_an_evaluation_holds_until_the_next(curves):
    frames = [curve_of(times) for times in curves]
    times, values = steps(frames, "accuracy", 15.0)
    slow_times, slow_values = steps_slow(frames, "accuracy", 15.0)
    assert times.tolist() == slow_times
    np.testing.assert_array_equal(values, slow_values)


@given(st.lists(st.lists(st.integers(0, 9).map(float), min_size=1, max_size=5), min_size=1, max_size=4))
@settings(deadline=None, max_examples=50)
def test_a_band_holds_every_curve(curves):
    frames = [
        pd.DataFrame({"time_s": [0.0, *sorted(times)]}).assign(accuracy=lambda f: f["time_s"] % 3) for times in curves
    ]
    places, values = steps(frames, "accuracy", 9.0)
    assert (values.min(axis=0) <= np.median(values, axis=0)).all()
    assert places[0] == 0
    assert not np.isnan(values).any()


def test_a_row_for_every_change_and_the_median_between_the_lowest_and_the_highest(make_result):
    curves = [(0.0, 0.1), (10.0, 0.5)], [(0.0, 0.3), (5.0, 0.4), (10.0, 0.9)], [(0.0, 0.2), (10.0, 0.6)]
    found = bands([make_result(rows) for rows in curves], "mean_accuracy")
    expected = {"time": [0.0, 5.0, 10.0], "median": [0.2, 0.2, 0.6], "low": [0.1, 0.1, 0.5], "high": [0.3, 0.4, 0.9]}
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected))


@pytest.mark.parametrize(
    ("over", "places"), [("energy", [0, 10, 20]), ("bytes", [0, 3000, 6000]), ("rounds", [0, 1, 2])]
)
def test_every_axis_has_its_si_unit(make_result, over, places):
    found = bands([make_result([(0.0, 0.1), (30.0, 0.5), (60.0, 0.9)])], "worst_tenth", over)
    assert found[over].tolist() == places
    assert found["median"].tolist() == found["low"].tolist() == found["high"].tolist() == [0.05, 0.25, 0.45]


def test_rows_go_as_far_as_all_seeds_do(make_result):
    short, long = [(0.0, 0.1), (10.0, 0.5)], [(0.0, 0.1), (10.0, 0.5), (20.0, 0.9)]
    assert bands([make_result(short), make_result(long)], "accuracy", "rounds")["rounds"].tolist() == [0, 1]
    assert bands([make_result(short), make_result(long)], "accuracy")["time"].tolist() == [0, 10]


def test_of_two_evaluations_at_one_place_the_last_counts():
    frame = pd.DataFrame({"time_s": [0.0, 5.0, 5.0], "gap": [3.0, 2.0, 1.0]})
    places, values = steps([frame], "gap", 5.0)
    assert (places.tolist(), values.tolist()) == ([0.0, 5.0], [[3.0, 1.0]])


def test_what_diverged_is_no_number(make_result):
    found = bands([make_result([(0.0, 0.1), (9.0, float("nan"))]), make_result([(0.0, 0.1), (9.0, 0.2)])], "accuracy")
    assert found.iloc[1][["median", "low", "high"]].isna().all()


def test_what_cannot_be_drawn_is_refused(make_result):
    result = make_result([(0.0, 0.1)])
    with pytest.raises(FedsimError, match="'tiem' is not a known axis; did you mean 'time'"):
        bands([result], "accuracy", "tiem")
    with pytest.raises(ValueError, match="one run or more, got none"):
        bands([], "accuracy")
    with pytest.raises(KeyError, match="acuracy"):
        bands([result], "acuracy")
