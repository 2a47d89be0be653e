"""The ranking of single changes, for people."""

import pandas as pd
import pytest
from rich.console import Console

from fedsim.report.grid import show
from fedsim.report.path_tables import path_report
from fedsim.report.whatif_tables import change_list, whatif_report
from fedsim.study.changes.all import changes_named
from fedsim.study.critical_path import critical_path
from fedsim.study.gains import WhatIf
from fedsim.study.goal import Goal

CURVE = [(0.0, 0.1), (60.0, 0.95)]
QUICK = [(0.0, 0.1), (20.0, 0.95)]
NEVER = [(0.0, 0.1), (100.0, 0.5)]


@pytest.fixture
def found(make_result):
    curves = {"as-it-is": [CURVE, CURVE], "wifi": [QUICK, QUICK], "no-deadline": [NEVER, CURVE]}
    return WhatIf(
        name="tiny",
        seeds=(1, 2),
        goal=Goal(metric="mean_accuracy", target=0.9),
        rounds=None,
        horizon_s=100.0,
        by="time",
        changes=changes_named(["wifi", "no-deadline", "mains"]),
        results={name: tuple(make_result(rows) for rows in own) for name, own in curves.items()},
        refused={"mains": "everybody is on the mains [already]"},
    )


def test_the_ranking(found, capsys):
    show(Console(width=90), whatif_report(found))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "tiny: what if? 2 seeds, the same luck for all",
        "time to 90 % mean accuracy; most gain first",
        "",
        "               reached      time   gain        low      high   times      differs",
        "  as-it-is      2 of 2     1 min",
        "  wifi          2 of 2      20 s  +40 s      +40 s     +40 s  3.00 x          yes",
        "  no-deadline   1 of 2  1.33 min  -20 s  -4.57 min  +3.9 min  0.75 x  cannot tell",
        "",
        "Does not apply",
        "  mains  everybody is on the mains [already]",
        "a run that did not get there counts with the horizon, 1.67 min, or what it took by then",
        "gain: without less with the change; low, high: its 95 % interval, each by itself",
        "differs: at 5 % over all changes together (Holm)",
    ]


def test_the_list_says_what_each_does(capsys):
    show(Console(width=80), change_list(changes_named(None)))
    out = capsys.readouterr().out
    assert "server-line-x10  the server's line carries ten times as much" in out
    assert len(out.splitlines()) >= 15


def test_the_path_in_tables(make_result, capsys):
    result = make_result(CURVE)
    result.events.loc[1] = [60.0, "evaluated", None, None]
    show(Console(width=80), path_report(critical_path(result.events), result.summary, pd.Series({"a to b": 6.0})))
    out = capsys.readouterr().out
    assert out.startswith("tiny, seed 1: the critical path of 1 min, until the target was reached\n")
    assert "unfinished round  1 min  100.0 %" in out
    assert "Queueing, by the busiest link of the way\n  a to b  6 s  10.0 %\n" in out
