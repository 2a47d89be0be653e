import io
import re
import textwrap

import pytest
from rich.console import Console

from fedsim.report.grid import show
from fedsim.report.tables import goal_text, run_report
from fedsim.study.goal import Goal
from fedsim.study.result import Waste
from fedsim.study.slowest import Slowest
from fedsim.system.usage import Usage

CURVE = [(0.0, 0.1), (93.0, 0.5), (186.0, 0.9)]


def energy(compute=0.0, send=0.0, receive=0.0, radio=0.0, idle=0.0, sleep=0.0):
    return {"compute": compute, "send": send, "receive": receive, "radio": radio, "idle": idle, "sleep": sleep}


def transcript(report, width=80):
    out = io.StringIO()
    show(Console(file=out, width=width), report)
    return out.getvalue()


def golden(text):
    return textwrap.dedent(text).lstrip("\n")


@pytest.fixture
def summary(make_result):
    spent = Usage(
        energy_j=energy(compute=60, send=20, receive=10, radio=80, idle=30, sleep=45),
        sent_bytes=12_400_000.0,
        received_bytes=13e6,
        compute_s=20.0,
    )
    late = Usage(energy_j=energy(compute=10, radio=10), sent_bytes=620_000.0, received_bytes=1.3e6, compute_s=4.0)
    crash = Usage(energy_j=energy(compute=0.5), received_bytes=650_000.0, compute_s=0.25)
    slowest = Slowest(
        rounds=42,
        seconds={"waking radios": 0.0, "download": 30.0, "computing": 36.0, "upload": 120.0},
        phase="upload",
        share=120 / 186,
        seconds_by_link={"3g": 90.0, "wifi": 30.0},
        closers={"deadline": 2, "low-0": 20, "low-1": 10, "mid-0": 5, "mid-1": 5},
        why="65 % of the time to target is upload over 3g of 7 devices; "
        "without them about 2.3 x faster (estimated from the other answers)",
    )
    return make_result(
        CURVE,
        name="quickstart",
        stopped_because="target reached",
        rounds=42.0,
        spent=spent,
        waste={"late": Waste(pieces=3, usage=late), "crash": Waste(pieces=1, usage=crash)},
        slowest=slowest,
        devices=50,
        devices_at_work=48,
        devices_spent=2,
    ).summary


def test_the_report_of_a_run(summary):
    assert transcript(run_report(summary)) == golden("""
        quickstart, seed 1: target reached after 3.1 min
          90 % mean accuracy   in 3.1 min
          rounds               42
          accuracy at the end  90.0 %
            mean over devices  90.0 %
            worst tenth        45.0 %
          devices              50, of which 48 took part, 2 out of charge
          energy               200 J
          bytes                12.4 MB up, 13 MB down

        Energy of the devices
          computing               60 J  30.0 %
          sending                 20 J  10.0 %
          receiving               10 J   5.0 %
          waiting: radio awake    80 J  40.0 %
          waiting: device idle    30 J  15.0 %
          all                    200 J
          standby, drawn anyway   45 J

        Energy of the server
          computing  20 J
          waiting    60 J
          all        80 J

        Wasted work
                             pieces  computing  energy      up     down
          crash                   1     250 ms  500 mJ     0 B   650 kB
          late                    3        4 s    20 J  620 kB   1.3 MB
          all                     4     4.25 s  20.5 J  620 kB  1.95 MB
          share of all work             21.2 %  10.2 %   5.0 %   15.0 %

        Critical path
          upload     2 min  64.5 %
          computing   36 s  19.4 %
          download    30 s  16.1 %
          why  65 % of the time to target is upload over 3g of 7 devices; without them
               about 2.3 x faster (estimated from the other answers)
          rounds closed most often by  low-0 (20), low-1 (10), mid-0 (5), 2 others (7)
    """)


def test_a_target_that_was_not_reached_is_said(make_result):
    text = transcript(run_report(make_result([(0.0, 0.1), (1800.0, 0.5)]).summary))
    assert "tiny, seed 1: time is up after 30 min" in text
    assert "90 % mean accuracy   not reached in 30 min" in text


def test_without_a_target_there_is_no_word_of_it(make_result):
    text = transcript(run_report(make_result(CURVE, target=None, time_to_target_s=None).summary))
    assert "90 %" not in text.splitlines()[1]


def test_a_run_in_which_nothing_happened_has_a_report(make_result):
    nothing = make_result([(0.0, 0.1)], waste={}, spent=Usage()).summary
    text = transcript(run_report(nothing))
    assert "none  all work counted" in text
    assert "why  no round ended" in text


def test_causes_come_in_their_order_and_new_ones_last(make_result):
    piece = Waste(pieces=1, usage=Usage())
    summary = make_result(CURVE, waste=dict.fromkeys(("stopped", "alien", "late", "crash"), piece)).summary
    lines = transcript(run_report(summary)).splitlines()
    rows = [line.split()[0] for line in lines if line.startswith("  ") and line.split()[1:2] == ["1"]]
    assert rows == ["crash", "late", "stopped", "alien"]


def test_brackets_in_names_are_no_markup(make_result):
    slowest = Slowest(
        rounds=1, seconds={"a [b]c[/b]": 1.0}, phase="[red]", share=1.0, seconds_by_link={}, closers={"[x]": 1}
    )
    text = transcript(run_report(make_result(CURVE, name="[bold]n", slowest=slowest).summary))
    for name in ("[bold]n", "a [b]c[/b]", "[red]", "[x]"):
        assert name in text


@pytest.mark.parametrize("width", [80, 60])
def test_no_line_is_wider_than_the_screen(summary, width):
    assert max(map(len, transcript(run_report(summary), width).splitlines())) <= width


def test_a_goal_in_words():
    assert goal_text(Goal(metric="accuracy", target=0.9)) == "90 % accuracy"
    assert goal_text(Goal(metric="worst_tenth", target=0.625)) == "62.5 % accuracy of the worst tenth"
    assert goal_text(Goal(metric="unseen_accuracy", target=0.5)) == "50 % accuracy, unseen devices"
    assert goal_text(Goal(metric="train_accuracy", target=0.5), regression=True) == "50 % R^2, training examples"
    assert goal_text(Goal(metric="deviation", target=0.1, falls=True)) == "deviation of devices' accuracy at most 10 %"
    assert goal_text(Goal(metric="gap", target=1e-3, falls=True)) == "gap at most 0.001"
    assert goal_text(Goal(metric="dual", target=-0.25)) == "dual at least -0.25"


def test_a_regression_is_told_in_its_own_words(make_result):
    report = transcript(run_report(make_result(CURVE, regression=True).summary))
    assert "90 % mean R^2" in report
    assert "R^2 at the end" in report
    assert "accuracy" not in report


def test_what_else_was_evaluated_is_told(make_result):
    result = make_result(CURVE)
    final = {**result.summary.final, "train_accuracy": 0.95, "fairness": 0.99, "train_loss": 0.12345}
    report = transcript(run_report(make_result(CURVE, final=final).summary))
    told = {re.sub(" {2,}", ": ", line.strip()) for line in report.splitlines()}
    assert told >= {"accuracy, training examples: 95.0 %", "fairness of devices' accuracy: 99.0 %", "train loss: 0.123"}
