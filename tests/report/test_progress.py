import io
from dataclasses import replace

import pytest
from rich.console import Console

from fedsim.report.progress import Lines, Moving, Silent, point_line, progress, result_line
from fedsim.study.monitor import Point


def point(**changes):
    given = {
        "time_s": 186.0,
        "round": 42.0,
        "accuracy": 0.873,
        "mean_accuracy": 0.8,
        "worst_tenth": 0.5,
        "bottom_decile": 0.6,
        "energy_j": 310.0,
        "up_bytes": 1e6,
        "down_bytes": 2e6,
        "measures": {},
    }
    return Point(**{**given, **changes})


def console(*, terminal):
    return Console(file=io.StringIO(), force_terminal=terminal, width=60)


def test_a_point_in_one_line():
    assert point_line("quickstart", point()) == "quickstart  3.1 min  round 42  accuracy 87.3 %  310 J"


def test_what_the_run_is_judged_by_is_what_is_told():
    measured = point(measures={"gap": 0.01234, "unseen_accuracy": 0.5})
    assert point_line("mocha", measured, "gap") == "mocha  3.1 min  round 42  gap 0.0123  310 J"
    assert "accuracy, unseen devices 50.0 %  310 J" in point_line("x", measured, "unseen_accuracy")
    text = point_line("x", measured, regression=True, left="about 40 s left")
    assert text == "x  3.1 min  round 42  R^2 87.3 %  310 J  about 40 s left"


def test_a_result_in_one_line(make_result):
    result = make_result([(0.0, 0.1), (1800.0, 0.912)], name="star", seed=2)
    watched = replace(result, summary=replace(result.summary, metric="mean_accuracy"))
    assert result_line(3, 15, watched) == "3 of 15 runs  star, seed 2: mean accuracy 91.2 % after 30 min"


def test_a_result_is_told_by_its_own_metric(make_result):
    result = make_result([(0.0, 0.1), (60.0, 0.912)], name="star", seed=2)
    curve = result.curve.assign(accuracy=[0.1, 0.5], gap=[1.0, 0.01234])
    for metric, text in (("accuracy", "accuracy 50.0 %"), ("gap", "gap 0.0123")):
        watched = replace(result, curve=curve, summary=replace(result.summary, metric=metric))
        assert result_line(1, 2, watched) == f"1 of 2 runs  star, seed 2: {text} after 1 min"


@pytest.mark.parametrize(
    ("terminal", "quiet", "kind"),
    [(True, False, Moving), (False, False, Lines), (True, True, Silent), (False, True, Silent)],
)
def test_what_suits_the_console(terminal, quiet, kind):
    assert isinstance(progress(console(terminal=terminal), "first", quiet=quiet), kind)


def said(terminal, *, quiet=False, times=20):
    there = console(terminal=terminal)
    with progress(there, "first", quiet=quiet) as line:
        for number in range(1, times + 1):
            line.say(f"line {number} [bold]")
    return there.file.getvalue()


def test_a_log_stays_short_and_has_the_last_line():
    numbers = [1, 2, 4, 8, 16, 20]
    assert said(terminal=False).splitlines() == [f"line {number} [bold]" for number in numbers]
    assert said(terminal=False, times=4).splitlines() == [f"line {number} [bold]" for number in (1, 2, 4)]


def test_long_lines_of_a_log_are_not_broken():
    there = console(terminal=False)
    with progress(there, "first", quiet=False) as line:
        line.say("x" * 100)
    assert there.file.getvalue() == "x" * 100 + "\n"


def test_a_terminal_has_one_line_that_is_gone_at_the_end():
    text = said(terminal=True)
    assert "first" in text or "line 20 [bold]" in text
    assert text.rstrip().endswith("\x1b[2K")  # the line is wiped


def test_quiet_says_nothing():
    assert said(terminal=True, quiet=True) == said(terminal=False, quiet=True) == ""


def test_a_failure_ends_the_line_too():
    there = console(terminal=True)
    with pytest.raises(ValueError, match="oh"), progress(there, "first", quiet=False):
        raise ValueError("oh")
    there.print("after")
    assert there.file.getvalue().endswith("after\n")
