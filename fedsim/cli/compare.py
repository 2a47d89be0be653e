"""``fedsim compare``."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

import typer
from rich.console import Console

from fedsim import units
from fedsim.errors import ScenarioError
from fedsim.problems import Mistakes
from fedsim.report.grid import show
from fedsim.report.progress import progress, result_line
from fedsim.report.side_by_side import comparison_report
from fedsim.scenario import Scenario, load
from fedsim.study.compare import compare
from fedsim.study.folder import write_comparison
from fedsim.study.result import Result
from fedsim.study.staging import check_place


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """The options of the command."""

    seeds: int
    metric: str
    target: str | None
    workers: int | None
    overrides: tuple[str, ...]
    out: str | None
    quiet: bool


def compare_scenarios(files: Sequence[str], wishes: Wishes) -> None:
    """Compare scenarios, write a folder, and print them side by side.

    Raises:
        FedsimError: before anything runs, if the scenarios or the folder cannot be used; later if a run fails.
    """
    scenarios = _load_all(files, wishes.overrides)
    target = None if wishes.target is None else units.parse(wishes.target, "1")
    check_place(wishes.out)
    runs, first = len(scenarios) * wishes.seeds, scenarios[0].seed
    with progress(Console(stderr=True), f"0 of {runs} runs", quiet=wishes.quiet) as line:
        comparison = compare(
            scenarios,
            range(first, first + wishes.seeds),
            metric=wishes.metric,
            target=target,
            workers=wishes.workers or os.cpu_count() or 1,
            tell=_counting(runs, line.say),
        )
    folder = write_comparison(comparison, wishes.out)
    if wishes.quiet:
        typer.echo(folder)
        return
    show(Console(), comparison_report(comparison))
    typer.echo(f"written to {folder}")


def _load_all(files: Sequence[str], overrides: Sequence[str]) -> list[Scenario]:
    """All scenarios, or all mistakes of all files."""
    mistakes, scenarios = Mistakes(), []
    for file in files:
        try:
            scenarios.append(load(file, overrides))
        except ScenarioError as error:
            mistakes.extend(error)
    mistakes.raise_any()
    return scenarios


def _counting(runs: int, say: Callable[[str], None]) -> Callable[[Result], None]:
    numbers = count(1)
    return lambda result: say(result_line(next(numbers), runs, result))
