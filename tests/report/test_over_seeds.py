import io
import textwrap

from rich.console import Console

from fedsim.report.grid import show
from fedsim.report.markdown import markdown
from fedsim.report.over_seeds import seeds_report, seeds_sheet
from fedsim.study.seeds import Seeds

NEVER = [(0.0, 0.1), (60.0, 0.5)]


def transcript(report):
    out = io.StringIO()
    show(Console(file=out, width=80), report)
    return out.getvalue()


def test_what_luck_makes_of_it(make_result):
    curves = [*([(0.0, 0.1), (10.0 * number, 0.95)] for number in range(1, 6)), NEVER]
    seeds = Seeds(results=tuple(make_result(rows, seed=seed) for seed, rows in enumerate(curves, start=1)))
    assert transcript(seeds_report(seeds)) == textwrap.dedent("""\
        tiny, 6 seeds from 1 to 6
        90 % mean accuracy: reached by 5 of 6

                                median     95 % interval             range
          time to target          35 s     10 s to never     10 s to never
          rounds to target           1        1 to never        1 to never
          energy to target        10 J     10 J to never     10 J to never
          bytes up to target      1 kB     1 kB to never     1 kB to never
          bytes down to target    2 kB     2 kB to never     2 kB to never
          bytes to target         3 kB     3 kB to never     3 kB to never
          mean accuracy         95.0 %  50.0 % to 95.0 %  50.0 % to 95.0 %
          worst tenth           47.5 %  25.0 % to 47.5 %  25.0 % to 47.5 %
          rounds                     1                 1                 1
          time of a round         35 s     10 s to 1 min     10 s to 1 min
          energy                  10 J              10 J              10 J
          bytes up                1 kB              1 kB              1 kB
          bytes down              2 kB              2 kB              2 kB
          bytes                   3 kB              3 kB              3 kB
        a run that did not reach the target counts as never
        """)


def test_few_seeds_give_no_interval(make_result):
    report = transcript(seeds_report(Seeds(results=(make_result(NEVER, target=None, time_to_target_s=None),))))
    assert "no target" in report
    assert "six seeds or more give an interval of the median" in report
    assert "to target" not in report


def test_timing_runs_say_so(make_result):
    report = transcript(seeds_report(Seeds(results=(make_result(NEVER, learned=False),))))
    assert "timing runs: nothing was learned" in report
    assert "accuracy" not in report


def test_it_is_a_table_for_a_paper_too(make_result):
    sheet = seeds_sheet(Seeds(results=tuple(make_result([(0.0, 0.1), (10.0, 0.95)], seed=seed) for seed in (1, 2))))
    assert sheet.title == "tiny, 2 seeds from 1 to 2; 90 % mean accuracy: reached by 2 of 2"
    assert sheet.rows[0] == ("time to target", "10 s", "-", "10 s")
    assert "six seeds or more give an interval of the median" in markdown([sheet])
