import io
import re
import textwrap
from dataclasses import replace

import pytest
from rich.console import Console

from fedsim.report.grid import show
from fedsim.report.side_by_side import comparison_report
from fedsim.study.goal import Goal


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

                                    star     ring
          reached the target      3 of 3   2 of 3
            95 % interval       44-100 %  21-94 %
          time to target            20 s     36 s
          rounds to target             1        1
          energy to target          10 J     10 J
          bytes up to target        1 kB     1 kB
          bytes down to target      2 kB     2 kB
          bytes to target           3 kB     3 kB
          at 1 min
            mean accuracy         93.0 %   79.0 %
            worst tenth           46.5 %   39.5 %
            rounds                     2        2
            time of a round         30 s     30 s
            energy                  20 J     20 J
            bytes up                2 kB     2 kB
            bytes down              4 kB     4 kB
            bytes                   6 kB     6 kB
        to the target: median over seeds; at the end: mean over seeds

        ring against star, seed by seed
                                    mean         95 % interval  factor      verdict
          time to target         +16.7 s  -33.6 s to +1.12 min  > 1.71  cannot tell
          rounds to target        +0.333         -1.1 to +1.77  > 1.26  cannot tell
          energy to target       +3.33 J      -11 J to +17.7 J  > 1.26  cannot tell
          bytes up to target      +333 B   -1.1 kB to +1.77 kB  > 1.26  cannot tell
          bytes down to target    +667 B   -2.2 kB to +3.54 kB  > 1.26  cannot tell
          bytes to target          +1 kB    -3.3 kB to +5.3 kB  > 1.26  cannot tell
          mean accuracy         -14.0 pt  -80.7 pt to +52.7 pt       -  cannot tell
          worst tenth            -7.0 pt  -40.4 pt to +26.4 pt       -  cannot tell
          rounds                       0                0 to 0       1     the same
          time of a round            0 s            0 s to 0 s       1     the same
          energy                     0 J            0 J to 0 J       1     the same
          bytes up                   0 B            0 B to 0 B       1     the same
          bytes down                 0 B            0 B to 0 B       1     the same
          bytes                      0 B            0 B to 0 B       1     the same
        ring is at least 1.71 x slower to the target (0.507 to 5.8): cannot tell; about
        14 seeds might tell
        ring reaches the target with 2 of 3 seeds, star with 3 of 3: cannot tell
        with the 2 of 3 seeds that both reached it with: +5 s (-7.71 s to +17.7 s)
        ring ends 14 pt lower in mean accuracy (-52.7 to 80.7): cannot tell; about 31
        seeds might tell
        pairing explains 35 % of the variance in time to target (correlation 0.48)
        a run that missed the target counts with what it took until the end
        real: no mean of 0 and no factor of 1 fits (5 % level)
    """)


def test_one_seed_has_no_interval(make_comparison):
    text = transcript(comparison_report(make_comparison({"star": [until(10.0, 0.9)], "ring": [until(40.0, 0.9)]})))
    assert text.startswith("2 scenarios, 1 seed; every run goes on for 1 min, the smallest stop.time\n")
    assert re.search(r"time to target +\+30 s +one seed +4 +too few seeds\n", text)
    assert "ring is 4 x slower to the target: too few seeds for a verdict, 3 are the fewest" in text
    assert "one seed: no interval; give more seeds to tell a difference from luck" in text
    assert "pairing" not in text


def test_a_target_that_is_mostly_missed_is_beyond_the_horizon(make_comparison):
    text = transcript(
        comparison_report(make_comparison({"star": [until(10.0, 0.5), until(10.0, 0.9), until(9.0, 0.1)]}))
    )
    assert "reached the target     1 of 3" in text
    assert "time to target        > 1 min" in text
    assert "rounds to target            -" in text


def test_missing_the_target_is_a_difference(make_comparison):
    comparison = make_comparison({"star": [until(10.0, 0.9)] * 4, "ring": [until(10.0, 0.5)] * 4})
    text = transcript(comparison_report(comparison))
    assert re.search(r"time to target +\+50 s +\+50 s to \+50 s +> 6 +real\n", text)
    assert "ring reaches the target with 0 of 4 seeds, star with 4 of 4: cannot tell" in text


def test_where_nobody_reaches_the_target_there_is_no_difference(make_comparison):
    comparison = make_comparison({"star": [until(10.0, 0.5)] * 3, "ring": [until(10.0, 0.5)] * 3})
    text = transcript(comparison_report(comparison))
    assert re.search(r"energy to target +- +- +- +never reached\n", text)
    assert "time to target: neither ring nor star reached the target" in text


def test_runs_that_stopped_at_the_target_are_told(make_comparison, make_result):
    found = make_comparison({"star": [until(10.0, 0.9)] * 3, "ring": [until(10.0, 0.9)] * 3})
    cut = tuple(make_result([(0.0, 0.1), (20.0, 0.9)], seed=i, stopped_because="target reached") for i in (1, 2, 3))
    found = replace(found, results={**found.results, "ring": cut}, notes=("made elsewhere",))
    text = transcript(comparison_report(found))
    assert text.startswith("2 scenarios, 3 seeds; up to 1 min\ntarget: 90 % mean accuracy\nmade elsewhere\n")
    assert "\n  at the end of each run\n" in text
    assert re.search(r"time to target +\+10 s +\+10 s to \+10 s +2 +real\n", text)
    assert re.search(r"mean accuracy +- +- +- +nothing to compare\n", text)


def test_the_correction_is_named(make_comparison):
    names = {name: [until(10.0, 0.9)] * 3 for name in ("star", "ring", "tree")}
    text = transcript(comparison_report(make_comparison(names)))
    assert "(5 % level, Holm for 2 scenarios)" in text


def test_timing_runs_have_a_verdict_on_what_they_took(make_comparison, make_result):
    found = make_comparison({"star": [until(10.0, 0.9)] * 3, "ring": [until(10.0, 0.9)] * 3}, target=None)
    timing = {
        name: [make_result(until(10.0, 0.9), name=name, seed=i, learned=False) for i in (1, 2, 3)]
        for name in found.names
    }
    text = transcript(comparison_report(replace(found, results=timing)))
    assert "timing runs: nothing was learned" in text
    assert "target" not in text.replace("timing runs: nothing was learned, and there is no quality to compare", "")
    assert "ring has the same rounds as star with every seed" in text


def test_the_metric_is_among_the_figures(make_comparison):
    found = make_comparison({"star": [until(10.0, 0.9)] * 3, "ring": [until(10.0, 0.8)] * 3})
    for results in found.results.values():
        for result in results:
            result.curve["duality_gap"] = 1 - result.curve["mean_accuracy"]
    found = replace(found, goal=Goal(metric="duality_gap", target=0.15, falls=True))
    text = transcript(comparison_report(found))
    assert "target: duality gap at most 0.15" in text
    assert re.search(r"  duality gap +0\.1 +0\.2\n", text)
    assert "ring ends with 2 x the duality gap (2 to 2): real" in text


def test_a_single_scenario_has_nothing_to_differ_from(make_comparison):
    text = transcript(comparison_report(make_comparison({"star": [until(10.0, 0.9)]})))
    assert "against" not in text
    assert "verdict" not in text
    assert "real" not in text


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
    assert time.split()[-1] == "real"
    assert next(row for row in rows if row.startswith("  rounds ") and "to 0" in row).endswith("the same")


@pytest.mark.parametrize(("scenarios", "name", "blocks"), [(3, "quickstart_moch", 1), (9, "ring", 2), (3, "x" * 70, 3)])
def test_many_scenarios_fit_the_screen(make_comparison, scenarios, name, blocks):
    names = [f"{name}{i}" for i in range(scenarios)]
    text = transcript(comparison_report(make_comparison({name: [until(10.0, 0.9)] for name in names})))
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("reached the target") == blocks
    assert "time to target" in text
