"""Says how far a run is: one line that moves on a terminal, a few plain lines elsewhere."""

import math
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from fedsim.report.human import about
from fedsim.report.tables import metric_text
from fedsim.scenario.metric import is_share
from fedsim.study.monitor import Point
from fedsim.study.result import Result


class Progress(Protocol):
    """Something to enter, tell how far things are, and leave."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def say(self, text: str) -> None:
        """This is how far it is now."""


class Silent:
    """Says nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def say(self, text: str) -> None:
        """Say nothing."""


class Moving:
    """One line at the bottom of a terminal, gone when all is over."""

    def __init__(self, console: Console, first: str) -> None:
        self._spinner = Spinner("dots", _one_line(first))
        self._live = Live(self._spinner, console=console, transient=True, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """Replace the line."""
        self._spinner.update(text=_one_line(text))


class Lines:
    """Plain lines: the 1st, 2nd, 4th, 8th ... of what is said, so that a log stays short; and the last."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said = 0
        self._left_out = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._left_out:
            self._print(self._left_out)

    def say(self, text: str) -> None:
        """Print the line if its turn has come."""
        self._said += 1
        self._left_out = text
        if self._said & (self._said - 1) == 0:
            self._print(text)

    def _print(self, text: str) -> None:
        self._left_out = ""
        self._console.print(Text(text), soft_wrap=True)


def progress(console: Console, first: str, *, quiet: bool) -> Progress:
    """What suits the console: a line that moves, plain lines, or nothing."""
    if quiet:
        return Silent()
    return Moving(console, first) if console.is_terminal else Lines(console)


def point_line(name: str, point: Point, watched: str = "accuracy", *, regression: bool = False, left: str = "") -> str:
    """``quickstart  3.1 min  round 42  accuracy 87.3 %  310 J  about 40 s left``: how far, and the watched metric."""
    value = point.row().get(watched, math.nan)
    text = f"{metric_text(watched, regression=regression)} {_metric_value(watched, value)}"
    known = [] if math.isnan(point.accuracy) else [text]
    parts = (
        name,
        about(point.time_s, "s"),
        f"round {about(point.round, '')}",
        *known,
        about(point.energy_j, "J"),
        *([left] if left else []),
    )
    return "  ".join(parts)


def result_line(done: int, runs: int, result: Result) -> str:
    """``3 of 15 runs  quickstart, seed 2: accuracy 91.2 % after 30 min``, by the metric of the run's goal.

    Of a timing run it is the rounds.
    """
    summary, watched = result.summary, result.summary.metric
    done_so_far = f"{about(summary.rounds, '')} rounds"
    if summary.learned:
        quality = _metric_value(watched, float(result.curve[watched].iloc[-1]))
        done_so_far = f"{metric_text(watched, regression=summary.regression)} {quality}"
    after = about(summary.simulated_s, "s")
    return f"{done} of {runs} runs  {summary.name}, seed {result.seed}: {done_so_far} after {after}"


def _metric_value(metric: str, value: float) -> str:
    return about(value, "1") if is_share(metric) else f"{value:.3g}"


def _one_line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")
