import io
import re
import textwrap

import pytest
from rich.console import Console

from fedsim.report.grid import show
from fedsim.report.side_by_side import comparison_report


def until(time_s, end):
    """A curve that reaches its end at a time, and stays there until the horizon."""
    return [(0.0, 0.1), (time_s, end), (60.0, end)]


def transcript(report, width=80):
    out = io.StringIO()
    show(Console(file=out, width=width), report)
    return out.getvalue()


def golden(text):
    return textwrap.dedent(text).lstrip("\n")


def test_three_seeds_side_by_side(make_comparison):
    comparison = make_comparison({
        "star": [until(10.0, 0.90), until(20.0, 0.95), until(30.0, 0.94)],
        "ring": [until(14.0, 0.92), until(40.0, 0.50), until(36.0, 0.95)],
    })  # fmt: skip
    assert transcript(comparison_report(comparison)) == golden("""
        2 scenarios, 3 seeds; every run goes on for 1 min, the smallest stop.time
        target: 90 % mean accuracy

                                  star    ring
          reached the target    3 of 3  2 of 3
          time to target          20 s    36 s
          rounds to target           1       1
          energy to target        10 J    10 J
          bytes up to target      1 kB    1 kB
          bytes down to target    2 kB    2 kB
          at 1 min
            mean accuracy       93.0 %  79.0 %
            worst tenth         46.5 %  39.5 %
            rounds                   2       2
            energy                20 J    20 J
            bytes up              2 kB    2 kB
            bytes down            4 kB    4 kB
        to the target: median over seeds; at the end: mean over seeds

        ring less star, seed by seed
                                    mean         95 % interval   seeds      differs
          time to target            +5 s    -7.71 s to +17.7 s  2 of 3  cannot tell
          rounds to target             0                0 to 0  2 of 3           no
          energy to target           0 J            0 J to 0 J  2 of 3           no
          bytes up to target         0 B            0 B to 0 B  2 of 3           no
          bytes down to target       0 B            0 B to 0 B  2 of 3           no
          mean accuracy         -14.0 pt  -80.7 pt to +52.7 pt  3 of 3  cannot tell
          worst tenth            -7.0 pt  -40.4 pt to +26.4 pt  3 of 3  cannot tell
          rounds                       0                0 to 0  3 of 3           no
          energy                     0 J            0 J to 0 J  3 of 3           no
          bytes up                   0 B            0 B to 0 B  3 of 3           no
          bytes down                 0 B            0 B to 0 B  3 of 3           no
        to the target: over the seeds with which both reached it
        differs: whether the interval excludes 0
    """)


def test_one_seed_has_no_interval(make_comparison):
    text = transcript(comparison_report(make_comparison({"star": [until(10.0, 0.9)], "ring": [until(40.0, 0.9)]})))
    assert text.startswith("2 scenarios, 1 seed; every run goes on for 1 min, the smallest stop.time\n")
    assert re.search(r"time to target +\+30 s +one seed +1 of 1 +-\n", text)
    assert "one seed: no interval; give more seeds to tell a difference from luck" in text


def test_a_target_that_is_mostly_missed_is_beyond_the_horizon(make_comparison):
    text = transcript(
        comparison_report(make_comparison({"star": [until(10.0, 0.5), until(10.0, 0.9), until(9.0, 0.1)]}))
    )
    assert "reached the target     1 of 3" in text
    assert "time to target        > 1 min" in text
    assert "rounds to target            -" in text


def test_without_a_common_seed_at_the_target_there_is_no_difference(make_comparison):
    comparison = make_comparison({"star": [until(10.0, 0.5)], "ring": [until(10.0, 0.9)]})
    text = transcript(comparison_report(comparison))
    assert re.search(r"time to target +- +no seed with both +0 of 1 +-\n", text)


def test_a_single_scenario_has_nothing_to_differ_from(make_comparison):
    text = transcript(comparison_report(make_comparison({"star": [until(10.0, 0.9)]})))
    assert "less star" not in text
    assert "interval" not in text


@pytest.mark.parametrize(("metric", "shown"), [("accuracy", True), ("mean_accuracy", False)])
def test_accuracy_over_all_examples_is_shown_where_it_is_the_metric(make_comparison, metric, shown):
    text = transcript(comparison_report(make_comparison({"star": [until(10.0, 0.9)]}, metric=metric)))
    assert any(line.startswith("    accuracy ") for line in text.splitlines()) is shown


@pytest.mark.parametrize(("metric", "shown"), [("bottom_decile", True), ("worst_tenth", False)])
def test_the_bottom_decile_is_shown_where_it_is_the_metric(make_comparison, metric, shown):
    text = transcript(comparison_report(make_comparison({"star": [until(10.0, 0.9)]}, metric=metric)))
    assert any(line.startswith("    bottom decile ") for line in text.splitlines()) is shown


def test_clear_differences_are_called_so(make_comparison):
    star, ring = ([until(base + i, 0.9) for i in range(4)] for base in (10.0, 40.0))
    rows = transcript(comparison_report(make_comparison({"star": star, "ring": ring}))).splitlines()
    time = next(row for row in rows if row.startswith("  time to target") and "+" in row)
    assert time.split()[-1] == "yes"
    assert next(row for row in rows if row.startswith("  rounds ") and "of" in row).split()[-1] == "no"


@pytest.mark.parametrize(("scenarios", "name", "blocks"), [(3, "quickstart_moch", 1), (9, "ring", 2), (3, "x" * 70, 3)])
def test_many_scenarios_fit_the_screen(make_comparison, scenarios, name, blocks):
    names = [f"{name}{i}" for i in range(scenarios)]
    text = transcript(comparison_report(make_comparison({name: [until(10.0, 0.9)] for name in names})))
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("reached the target") == blocks
    assert "time to target" in text
