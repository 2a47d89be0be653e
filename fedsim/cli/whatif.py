"""``fedsim whatif``."""

import os
from dataclasses import dataclass

import typer
from rich.console import Console

from fedsim.report.grid import show
from fedsim.report.progress import progress
from fedsim.report.remaining import counted
from fedsim.report.whatif_tables import change_list, whatif_report
from fedsim.scenario import load
from fedsim.study.changes.all import changes_named
from fedsim.study.folder import as_json
from fedsim.study.gains import checked_by
from fedsim.study.staging import check_place
from fedsim.study.whatif import whatif
from fedsim.study.whatif_folder import summary, write_whatif


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """The options of the command."""

    seeds: int
    only: tuple[str, ...]
    by: str
    workers: int | None
    overrides: tuple[str, ...]
    out: str | None
    quiet: bool
    json: bool


def list_changes() -> None:
    """Print the changes that there are."""
    show(Console(), change_list(changes_named(None)))


def try_changes(file: str, wishes: Wishes) -> None:
    """Try single changes of a scenario, write a folder, and print what they gain.

    Raises:
        FedsimError: before anything runs, if the scenario, a change or the folder cannot be used; later if a run fails.
    """
    scenario = load(file, wishes.overrides)
    changes, by = changes_named(wishes.only or None), checked_by(wishes.by)
    check_place(wishes.out)
    runs = (len(changes) + 1) * wishes.seeds
    with progress(Console(stderr=True), f"up to {runs} runs", quiet=wishes.quiet or wishes.json) as line:
        found = whatif(
            scenario,
            seeds=range(scenario.seed, scenario.seed + wishes.seeds),
            changes=changes,
            by=by,
            workers=wishes.workers or os.cpu_count() or 1,
            tell=counted(runs, line.say),
        )
    folder = write_whatif(found, wishes.out)
    if wishes.json:
        typer.echo(as_json({**summary(found), "folder": str(folder)}), nl=False)
    elif wishes.quiet:
        typer.echo(folder)
    else:
        show(Console(), whatif_report(found))
        typer.echo(f"written to {folder}")
