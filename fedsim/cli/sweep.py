"""``fedsim sweep``."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console

from fedsim.errors import FedsimError
from fedsim.report.grid import show
from fedsim.report.progress import progress
from fedsim.report.remaining import runs_left
from fedsim.report.study_report import (
    failure_lines,
    plan_report,
    points_report,
    standing_lines,
    step_line,
    study_report,
)
from fedsim.study.plan import Plan, read_plan
from fedsim.study.staging import RUNS
from fedsim.study.stream import Lanes
from fedsim.study.study import Study
from fedsim.study.sweep import Step, sweep


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """The options of the command."""

    out: str | None
    workers: int | None
    cluster: str | None
    plan: bool
    quiet: bool
    json: bool


def sweep_study(file: str, wishes: Wishes) -> None:
    """Show what a study runs, run what is missing of it, and print what its runs came to.

    Raises:
        FedsimError: before anything runs, if the study or its folder cannot be used; at the end, if a run failed.
        KeyboardInterrupt: with a word on what is kept.
    """
    if wishes.plan and wishes.json:
        raise FedsimError("--json is the summary of runs, and --plan runs nothing: leave out one of them")
    plan, is_silent = read_plan(file), wishes.quiet or wishes.json
    if not is_silent:
        show(Console(), plan_report(plan))
    if wishes.plan:
        show(Console(), points_report(plan))
        return
    place = RUNS / plan.study.name if wishes.out is None else Path(wishes.out)
    with _interruptions(place), _lanes(wishes.cluster) as lanes:
        study = _swept(plan, place, lanes, wishes)
    _tell_end(study, wishes)
    if study.failed:
        raise FedsimError(failure_lines(study))


def _swept(plan: Plan, place: Path, lanes: Lanes | None, wishes: Wishes) -> Study:
    workers = None if lanes else wishes.workers or os.cpu_count() or 1
    notes: list[str] = []
    with progress(Console(stderr=True), "looking for finished runs", quiet=wishes.quiet or wishes.json) as line:
        study = sweep(plan, out=place, workers=workers, executor=lanes, tell=_telling(line.say, notes))
    for note in notes:
        typer.echo(note, err=True)
    return study


def _telling(say: Callable[[str], None], notes: list[str]) -> Callable[[Step], None]:
    """Say how far things are, and keep what is to be said of the folder."""
    left, tried, missing = runs_left(), 0, 0

    def tell(step: Step) -> None:
        nonlocal tried, missing
        if step.run is None:
            missing = step.total - step.done
            notes.extend(standing_lines(step.standing))
        else:
            tried += 1
        say(step_line(step, left(tried, missing)))

    return tell


def _tell_end(study: Study, wishes: Wishes) -> None:
    if wishes.json:
        typer.echo((study.folder / "summary.json").read_text(encoding="utf-8"), nl=False)
    elif wishes.quiet:
        typer.echo(study.folder)
    else:
        show(Console(), study_report(study))
        typer.echo(f"written to {study.folder}")


@contextmanager
def _interruptions(place: Path) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        text = f"interrupted: what is finished is kept in {place}; the same command does the rest"
        raise KeyboardInterrupt(text) from None


@contextmanager
def _lanes(address: str | None) -> Iterator[Lanes | None]:
    if address is None:
        yield None
        return
    from fedsim.study.cluster import cluster  # noqa: PLC0415  # Dask is an extra, and slow to import

    with cluster(address) as lanes:
        yield lanes
