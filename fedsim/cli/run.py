"""``fedsim run``."""

from dataclasses import dataclass

import typer
from rich.console import Console

from fedsim.report.grid import show
from fedsim.report.progress import point_line, progress
from fedsim.report.tables import run_report
from fedsim.scenario import load
from fedsim.study.folder import write
from fedsim.study.run import run
from fedsim.study.staging import check_place


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """The options of the command."""

    seed: int | None
    overrides: tuple[str, ...]
    out: str | None
    quiet: bool
    dry: bool = False


def run_scenario(file: str, wishes: Wishes) -> None:
    """Run a scenario, write its folder, and print its report.

    Raises:
        FedsimError: before anything runs, if the scenario or the folder cannot be used; later if the run fails.
    """
    scenario = load(file, wishes.overrides, seed=wishes.seed)
    check_place(wishes.out)
    with progress(Console(stderr=True), scenario.name, quiet=wishes.quiet) as line:
        result = run(scenario, dry=wishes.dry, tell=lambda point: line.say(point_line(scenario.name, point)))
    folder = write(result, wishes.out)
    if wishes.quiet:
        typer.echo(folder)
        return
    show(Console(), run_report(result.summary))
    typer.echo(f"written to {folder}")
