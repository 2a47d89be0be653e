from dataclasses import replace

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from fedsim.errors import FedsimError
from fedsim.study.comparison import Comparison
from fedsim.study.goal import Goal
from fedsim.study.plot import plot_quality
from fedsim.study.seeds import Seeds

CURVE = [(0.0, 0.1), (30.0, 0.5), (60.0, 0.92)]
NEVER = [(0.0, 0.1), (60.0, 0.5)]


def texts(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def lines(axes):
    """What is drawn as steps: (style, times, values)."""
    drawn = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    return [(line.get_linestyle(), list(line.get_xdata()), list(line.get_ydata())) for line in drawn]


def test_a_run_has_a_line_a_worst_tenth_and_its_time_to_target(make_result):
    axes = plot_quality(make_result(CURVE))
    assert lines(axes) == [
        ("-", [0.0, 30.0, 60.0], [10.0, 50.0, 92.0]),
        ("--", [0.0, 30.0, 60.0], [5.0, 25.0, 46.0]),
    ]
    assert texts(axes) == ["tiny: 90 % in 60 s"]
    assert axes.get_xlabel() == "simulated time (s)"
    assert axes.get_ylabel() == "test accuracy (%)"
    marks = [line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "o"]
    assert marks == [[[60.0, 90.0]]]


def test_seeds_become_a_median_and_a_band(make_comparison):
    axes = plot_quality(make_comparison({"star": [[(0.0, 0.2)], [(0.0, 0.4)], [(0.0, 0.9)]]}))
    assert lines(axes)[0] == ("-", [0.0, 60.0], [40.0, 40.0])
    [band] = axes.collections
    heights = band.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == pytest.approx((20.0, 90.0))
    assert "median and range of 3 seeds" in axes.get_title(loc="left")


def test_one_seed_has_no_band(make_comparison):
    assert not plot_quality(make_comparison({"star": [NEVER]})).collections


def test_the_legend_says_who_reached_the_target_and_when(make_comparison):
    curves = {"all": [CURVE] * 3, "most": [CURVE, NEVER, CURVE], "few": [NEVER, NEVER, CURVE], "none": [NEVER] * 3}
    axes = plot_quality(make_comparison(curves, horizon_s=600.0))
    assert texts(axes) == [
        "all: 90 % in 1 min",
        "most: 90 % in 1 min (2 of 3 seeds)",
        "few: 90 % only with 1 of 3 seeds",
        "none: 90 % not reached",
    ]
    assert axes.get_xlabel() == "simulated time (min)"
    assert len([line for line in axes.lines if line.get_marker() == "o"]) == 2  # where half of the seeds got there


def test_scenarios_have_colours_of_their_own(make_comparison):
    axes = plot_quality(make_comparison({name: [CURVE] for name in "abcdefg"}))
    colours = [handle.get_color() for handle in axes.get_legend().legend_handles]
    assert len(set(colours)) == 7


def test_without_a_target_there_is_neither_line_nor_mark(make_result):
    axes = plot_quality(make_result(CURVE, target=None, time_to_target_s=None))
    assert texts(axes) == ["tiny"]
    assert all(line.get_marker() == "None" for line in axes.lines)
    assert not axes.texts


def test_a_target_on_the_worst_tenth_is_marked_on_it(make_result):
    axes = plot_quality(make_result(CURVE, metric="worst_tenth", target=0.46))
    assert texts(axes) == ["tiny: 46 % in 60 s"]
    assert "line: mean over devices" in axes.get_title(loc="left")


def test_it_draws_where_it_is_told_and_changes_no_setting(make_result):
    before = dict(mpl.rcParams)
    axes = Figure().add_subplot()
    assert plot_quality(make_result(CURVE), axes) is axes
    assert dict(mpl.rcParams) == before


def test_a_falling_measure_is_drawn_as_it_is_on_a_logarithmic_axis(make_result):
    result = make_result(CURVE, metric="energy_j", target=15.0, falls=True)
    falling = replace(result, curve=result.curve.assign(energy_j=[40.0, 20.0, 10.0]))
    axes = plot_quality(falling)
    assert lines(axes) == [("-", [0.0, 30.0, 60.0], [40.0, 20.0, 10.0])]
    assert texts(axes) == ["tiny: energy_j 15 in 60 s"]
    assert (axes.get_yscale(), axes.get_ylabel()) == ("log", "energy j")
    assert axes.get_title(loc="left") == "line: energy_j"


def test_a_regression_has_its_own_axis(make_result):
    assert plot_quality(make_result(CURVE, regression=True)).get_ylabel() == "test $R^2$ (%)"


def test_it_is_drawn_against_energy_bytes_and_rounds(make_result):
    result = make_result(CURVE)
    axes = plot_quality(result, over="energy")
    assert lines(axes)[0] == ("-", [0.0, 10.0, 20.0], [10.0, 50.0, 92.0])
    assert (texts(axes), axes.get_xlabel()) == (["tiny: 90 % for 20 J"], "energy of all devices (J)")
    axes = plot_quality(result, over="bytes")
    assert lines(axes)[0] == ("-", [0.0, 3.0, 6.0], [10.0, 50.0, 92.0])
    assert (texts(axes), axes.get_xlabel()) == (["tiny: 90 % for 6 kB"], "bytes up and down (kB)")
    axes = plot_quality(result, over="rounds")
    assert lines(axes)[0] == ("-", [0.0, 1.0, 2.0], [10.0, 50.0, 92.0])
    assert (texts(axes), axes.get_xlabel()) == (["tiny: 90 % in 2 rounds"], "rounds")
    with pytest.raises(FedsimError, match="'energie' is not a known axis; did you mean 'energy'"):
        plot_quality(result, over="energie")


def test_against_energy_a_line_ends_where_the_first_seed_does(make_comparison):
    long = [*CURVE, (70.0, 0.95)]
    axes = plot_quality(make_comparison({"star": [CURVE, long], "ring": [long, long]}), over="energy")
    assert [line[1][-1] for line in lines(axes) if line[0] == "-"] == [20.0, 30.0]
    assert axes.get_xlim() == (0, pytest.approx(1.02 * 30))


def test_runs_that_were_stopped_at_the_target_end_there(make_result):
    runs = tuple(make_result(CURVE[:2], seed=seed, stopped_because="target reached") for seed in (1, 2))
    found = Comparison(
        seeds=(1, 2), goal=Goal(metric="mean_accuracy", target=0.5), horizon_s=60.0, results={"star": runs}
    )
    assert lines(plot_quality(found))[0] == ("-", [0.0, 30.0], [10.0, 50.0])


def test_seeds_that_end_at_their_own_bounds_are_drawn_to_the_longest(make_result):
    runs = (make_result(CURVE[:2], seed=1), make_result(CURVE, seed=2))
    assert lines(plot_quality(Seeds(results=runs)))[0][1] == [0.0, 30.0, 60.0]
    assert lines(plot_quality(Seeds(results=runs), over="rounds"))[0][1] == [0.0, 1.0]


def test_numbers_that_diverged_are_left_out(make_result):
    result = make_result([(0.0, 0.1), (30.0, 0.5), (60.0, float("nan"))])
    assert lines(plot_quality(result))[0] == ("-", [0.0, 30.0], [10.0, 50.0])
