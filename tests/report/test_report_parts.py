"""What a report is made of: sentences, tables, lines, boxes."""

import math

import numpy as np
import pandas as pd
import pytest

from fedsim.report.human import scale_for
from fedsim.report.page.answer import answer
from fedsim.report.page.axis import Axis
from fedsim.report.page.bars import bars, bars_table, folded
from fedsim.report.page.boxes import boxes, boxes_table
from fedsim.report.page.changes_section import answer_of_changes
from fedsim.report.page.curves import MOST_POINTS, band, line
from fedsim.report.page.figure import Lines
from fedsim.report.page.html import _json
from fedsim.report.page.origin_section import differences_table
from fedsim.report.page.outcome_section import outcome_section
from fedsim.report.page.plotly_figure import plotly_figure
from fedsim.report.page.quality_section import lines_table, quality_section
from fedsim.report.page.table import COUNT, Column, Table, shortened, words
from fedsim.report.page.waste_section import waste_section
from fedsim.report.topology_loads import Loads
from fedsim.study.axis import AXES

SLOW = [(0.0, 0.1), (30.0, 0.5), (50.0, 0.95)]
FAST = [(0.0, 0.1), (10.0, 0.92), (50.0, 0.95)]
NEVER = [(0.0, 0.1), (30.0, 0.5), (60.0, 0.6)]


def test_one_run_is_answered_in_a_sentence(make_comparison):
    [said] = answer(make_comparison({"star": [SLOW]}))
    assert (
        said == "90 % mean accuracy was reached after 50 s of simulated time: 2 rounds, 20 J, 6 kB sent and received."
    )


def test_a_run_that_never_gets_there_says_how_far_it_came(make_comparison):
    assert answer(make_comparison({"star": [NEVER]})) == (
        "90 % mean accuracy was not reached within 1 min of simulated time.",
        "The best mean accuracy was 60.0 %.",
    )


def test_seeds_are_counted_and_their_spread_is_said(make_comparison):
    reached, spread = answer(make_comparison({"star": [SLOW, FAST, FAST]}))
    took = "It took 10 s of simulated time: 1 round, 10 J, 3 kB sent and received (medians)."
    assert reached == f"90 % mean accuracy was reached with 3 of 3 seeds. {took}"
    assert spread == "From seed to seed the time went from 10 s to 50 s."
    assert answer(make_comparison({"star": [SLOW, NEVER, NEVER]})) == (
        "90 % mean accuracy was reached with only 1 of 3 seeds within 1 min of simulated time.",
    )


def test_of_several_the_first_to_the_target_is_named_with_how_sure_that_is(make_comparison):
    comparison = make_comparison({"star": [SLOW] * 3, "ring": [FAST] * 3, "tree": [NEVER] * 3})
    first, sure, reached = answer(comparison)
    assert first == (
        "ring reached 90 % mean accuracy first, after 10 s (median of 3 seeds); star took 50 s; tree did not within "
        "1 min with most seeds."
    )
    assert sure == f"Against star, {comparison.verdict('ring', comparison.measures[0]).words}."
    assert reached == f"{comparison.reaching('ring').words('ring', 'star')}."


def test_who_is_first_need_not_be_the_thriftiest(make_comparison):
    twice = [(0.0, 0.1), (4.0, 0.2), (8.0, 0.92)]
    *_, said = answer(make_comparison({"star": [[(0.0, 0.1), (10.0, 0.92)]], "ring": [twice]}))
    assert said == "The least energy to the target took star: 10 J, against 20 J of ring."


def test_nobody_may_get_there(make_comparison):
    assert answer(make_comparison({"star": [NEVER], "ring": [NEVER]})) == (
        "None of 2 scenarios reached 90 % mean accuracy within 1 min with most seeds.",
    )


def told(**best):
    """What ``fedsim whatif`` writes of a scenario as it is, and of one change."""
    base = {"change": "as-it-is", "what": "as it is", "time_s": 100.0}
    wifi = {"change": "wifi", "what": "everybody on WiFi", "time_s": 50.0, "gain_time_s": 50.0, "times_time_s": 2.0}
    table = [base, {**wifi, "p_time_s": 0.01, **best}]
    return {"name": "tiny", "by": "time", "target": 0.9, "rounds": None, "table": table}


def test_the_change_that_gains_most_is_named():
    took, best = answer_of_changes(told(), "90 % accuracy")
    assert took == "As it is, tiny takes 1.67 min to 90 % accuracy (mean)."
    assert best == "Most is gained by wifi (everybody on WiFi): 50 s, a factor of 2; that is more than luck."
    assert answer_of_changes(told(p_time_s=0.2), "")[1].endswith("that may be luck.")
    assert answer_of_changes(told(p_time_s=None), "")[1].endswith("one seed cannot tell that from luck.")
    assert answer_of_changes(told(gain_time_s=-1.0), "")[1] == "No change that was tried gains anything."


def test_a_line_has_no_more_points_than_can_be_seen():
    """What holds at a place is what was known there; both ends stay."""
    curve = pd.DataFrame({"time_s": np.arange(1000.0), "accuracy": np.arange(1000.0) / 1000})
    table = band([curve], "accuracy", AXES["time"], 999.0)
    assert len(table) == MOST_POINTS
    assert table["time"].iloc[[0, -1]].tolist() == [0.0, 999.0]
    assert (table["median"] * 1000).tolist() == np.floor(table["time"]).tolist()


def test_what_is_not_finite_is_not_drawn():
    curve = pd.DataFrame({"time_s": [0.0, 1.0, 2.0], "objective": [3.0, math.nan, math.inf]})
    table = band([curve], "objective", AXES["time"], 2.0)
    assert table["time"].tolist() == [0.0]
    found = line(table, name="star", colour=0, several=False)
    assert (found.x, found.y, found.low) == ((0.0,), (3.0,), ())


def test_a_table_of_lines_says_what_holds_at_each_place():
    curves = [pd.DataFrame({"time_s": [0.0, 11.0], "accuracy": [0.0, value]}) for value in (0.5, 0.7)]
    found = line(band(curves, "accuracy", AXES["time"], 11.0), name="star", colour=0, several=True)
    axes = {"x": Axis.of("time", "s", [11.0]), "y": Axis.of("accuracy", "1", [0.7])}
    table = lines_table(Lines(**axes, lines=(found,)))
    assert table.cells[0] == ["0 s", "0.0 %"]
    assert table.cells[-1] == ["11 s", "60.0 % (50.0 % to 70.0 %)"]
    assert table.csv.splitlines() == [
        "line,time (s),median (share),lowest (share),highest (share)",
        "star,0.0,0.0,0.0,0.0",
        "star,11.0,0.6,0.5,0.7",
    ]


def test_boxes_are_percentiles_and_on_a_log_scale_where_they_differ_much():
    values = {"star": {"3g": np.arange(101.0), "wifi": np.array([7.0])}}
    body = boxes("seconds", "s", values)
    [three_g, wifi] = body.series["star"]
    assert (three_g.p5, three_g.p25, three_g.p50, three_g.p75, three_g.p95, three_g.count) == (5, 25, 50, 75, 95, 101)
    assert (wifi.p5, wifi.p95, wifi.mean) == (7, 7, 7)
    assert not body.value.log
    assert boxes("seconds", "s", {"star": {"a": np.array([0.1]), "b": np.array([10.0])}}).value.log
    table = boxes_table(body, category="link", series="scenario", of="parts")
    assert table.cells[1] == ["wifi", "1", *["7 s"] * 6]


def test_parts_beyond_the_colours_are_one():
    parts = {f"phase {number}": [float(number)] for number in range(10)}
    found = folded(parts)
    assert list(found) == [f"phase {number}" for number in (9, 8, 7, 6, 5, 4)] + ["4 others"]
    assert found["4 others"] == [6.0]
    table = bars_table(bars("time", "s", ["star"], parts), "scenario")
    assert table.cells[0][-1] == "45 s"


def test_cells_say_their_units_and_csv_does_not_round():
    columns = (Column(text="name"), Column(text="n", unit=COUNT), Column(text="time", unit="s"))
    table = Table(
        caption="t", columns=columns, rows=(("a", 12345, 61.23456), ("b", None, math.inf), ("c", 1, math.nan))
    )
    assert table.cells == [["a", "12,345", "1.02 min"], ["b", "-", "never"], ["c", "1", "-"]]
    assert table.csv == "name,n,time (s)\na,12345,61.23456\nb,,inf\nc,1,nan\n"
    assert Column(text="energy", unit="J").cell(math.inf) == "-"


def test_a_long_table_is_shortened_and_its_csv_is_not():
    table = Table(caption="t", columns=words("a"), rows=tuple((str(number),) for number in range(5)))
    short = shortened(table, 2)
    assert [row[0] for row in short.rows] == ["0", "1"]
    assert short.notes == ("2 of 5 rows; the CSV has all of them.",)
    assert len(short.csv.splitlines()) == 6
    assert shortened(table, 5) == table
    long = shortened(Table(caption="t", columns=words("a"), rows=(("x",),) * 2001), 2)
    assert long.notes == ("2 of 2,001 rows; the CSV has the first 2,000.",)
    assert len(long.csv.splitlines()) == 2001


@pytest.mark.parametrize(
    ("largest", "unit", "scale"),
    [(119.0, "s", (1.0, "s")), (120.0, "s", (60.0, "min")), (0.9, "1", (0.01, "%")), (5e6, "bytes", (1e6, "MB"))],
)
def test_an_axis_has_the_largest_unit_of_which_it_holds_two(largest, unit, scale):
    assert scale_for(largest, unit) == scale


def test_what_cannot_be_drawn_is_left_out():
    log = Axis.of("time", "s", [1000.0], log=True)
    assert [log.drawn(value) for value in (0.0, math.nan, math.inf, 600.0)] == [None, None, None, 10.0]


def test_names_cannot_be_markup_or_templates_in_a_figure():
    body = bars("share", "1", ["<b>%{x}</b>"], {"<i>%{y}": [0.5]})
    [bar] = plotly_figure(body)["data"]
    assert bar["name"] == "&lt;i&gt;%{y}"
    assert bar["customdata"] == ["&lt;b&gt;%{x}&lt;/b&gt;"]
    assert "%{y}" not in bar["hovertemplate"]
    text = str(_json({"a": "</script><!--\u2028&"}))
    assert text == '{"a":"\\u003c/script\\u003e\\u003c!--\\u2028\\u0026"}'


def test_what_differs_is_what_at_least_two_have(make_comparison):
    assert differences_table(make_comparison({"star": [SLOW], "ring": [SLOW]})) is None


def test_waste_is_a_row_for_each_scenario_and_cause(make_comparison):
    comparison = make_comparison({"star": [SLOW]})
    assert waste_section(comparison).figures[0].views[0].table.cells == [
        ["star", "late", "1", "1 s", "1 J", "100 B", "200 B"]
    ]


def test_quality_is_shown_against_each_of_what_it_cost(make_comparison):
    figure = quality_section(make_comparison({"star": [SLOW]})).figures[0]
    assert [control.options for control in figure.controls] == [
        ("time", "rounds", "energy", "bytes"),
        ("mean accuracy", "accuracy", "accuracy of the worst tenth"),
    ]
    ends = [view.body.x.drawn(view.body.lines[0].x[-1]) for view in figure.views[::3]]
    assert ends == [60.0, 2.0, 20.0, 6.0]  # s, held until the horizon; rounds; J; kB
    assert [mark.x for view in figure.views[::3] for mark in view.body.marks] == [50.0, 2.0, 20.0, 6000.0]


def test_many_tables_of_differences_are_folded(make_comparison):
    few = make_comparison({"a": [SLOW] * 3, "b": [FAST] * 3})
    many = make_comparison({name: [SLOW] * 3 for name in "abcd"})
    assert [table.folded for table in outcome_section(few, ()).tables] == [False, False, True]
    assert [table.folded for table in outcome_section(many, ()).tables] == [False, True, True, True, True]


def test_a_link_is_as_busy_as_its_busier_direction():
    loads = Loads(utilisation={("a", "b"): 0.04, ("b", "a"): 0.3, ("b", "c"): 0.01}, devices={})
    assert (loads.of("a", "b"), loads.of("b", "a"), loads.of("a", "c")) == (0.3, 0.3, 0.0)
    assert [loads.step(*pair) for pair in (("a", "c"), ("b", "c"), ("a", "b"))] == [0, 1, 3]
