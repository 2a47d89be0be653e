"""``fedsim run``."""

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer
from rich.console import Console, Group, RenderableType
from rich.text import Text

from fedsim.errors import FedsimError
from fedsim.report.grid import show
from fedsim.report.human import about
from fedsim.report.over_seeds import seeds_report, seeds_sheet
from fedsim.report.profile_table import profile_table
from fedsim.report.progress import point_line, progress
from fedsim.report.remaining import Remaining, counted
from fedsim.report.sheet_files import write_sheets
from fedsim.report.tables import run_report
from fedsim.scenario import Scenario, load
from fedsim.scenario.metric import is_regression
from fedsim.study.folder import write, write_json
from fedsim.study.host_profile import HostProfile, profiled
from fedsim.study.monitor import Point
from fedsim.study.run import bounds_of, run
from fedsim.study.seeds import run_seeds
from fedsim.study.seeds_folder import write_seeds
from fedsim.study.staging import check_place
from fedsim.study.trace import Window, write_trace

_TRACED: Final = 100_000
"""Slices and moments in the trace of a run, some 15 MB, written in a second; ``fedsim trace`` writes more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """The options of the command."""

    seed: int | None
    overrides: tuple[str, ...]
    out: str | None
    quiet: bool
    dry: bool = False
    seeds: int | None = None
    workers: int | None = None
    json: bool = False
    profile: bool = False


def run_scenario(file: str, wishes: Wishes) -> None:
    """Run a scenario once or with many seeds, write a folder, and print its report.

    Raises:
        FedsimError: before anything runs, if the scenario, the options or the folder cannot be used; later if the
            run fails.
    """
    if wishes.seeds is not None and wishes.profile:
        raise FedsimError("--profile is of one run: leave out --seeds")
    if wishes.seeds is None and wishes.workers is not None:
        raise FedsimError("--workers share out many runs: say how many with --seeds")
    scenario = load(file, wishes.overrides, seed=wishes.seed)
    check_place(wishes.out)
    (_run_once if wishes.seeds is None else _run_seeds)(scenario, wishes)


def _run_once(scenario: Scenario, wishes: Wishes) -> None:
    profiling: AbstractContextManager[HostProfile | None] = profiled() if wishes.profile else nullcontext()
    with (
        progress(Console(stderr=True), scenario.name, quiet=wishes.quiet) as line,
        profiling as profile,
    ):
        result = run(scenario, dry=wishes.dry, tell=_telling(scenario, line.say))

    def besides(folder: Path) -> None:
        if profile is not None:
            write_json(profile.as_dict(), folder / "profile.json")
        traced = write_trace(result, folder / "trace.json", Window(most=_TRACED))
        if traced.until_s is not None and not wishes.quiet:
            typer.echo(f"trace.json ends at {about(traced.until_s, 's')}: fedsim trace writes all of it", err=True)

    folder = write(result, wishes.out, besides=besides)
    reports = [run_report(result.summary), *([Text(), profile_table(profile)] if profile is not None else [])]
    _tell(folder, Group(*reports), wishes)


def _run_seeds(scenario: Scenario, wishes: Wishes) -> None:
    first, runs = scenario.seed, wishes.seeds or 1
    with progress(Console(stderr=True), f"0 of {runs} runs", quiet=wishes.quiet) as line:
        found = run_seeds(
            scenario,
            range(first, first + runs),
            workers=wishes.workers or os.cpu_count() or 1,
            tell=counted(runs, line.say),
            dry=wishes.dry,
        )
    folder = write_seeds(found, wishes.out, besides=lambda place: write_sheets([seeds_sheet(found)], place))
    _tell(folder, seeds_report(found), wishes)


def _telling(scenario: Scenario, say: Callable[[str], None]) -> Callable[[Point], None]:
    bounds, regression = bounds_of(scenario), is_regression(scenario.model)
    remaining = Remaining(bounds)

    def tell(point: Point) -> None:
        left = remaining.text(point)
        say(point_line(scenario.name, point, bounds.goal.metric, regression=regression, left=left))

    return tell


def _tell(folder: Path, report: RenderableType, wishes: Wishes) -> None:
    """Say what was found: to a person, to a script as one JSON object, or only where it is."""
    if wishes.json:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        typer.echo(json.dumps({"folder": str(folder), **summary}, ensure_ascii=False))
    elif wishes.quiet:
        typer.echo(folder)
    else:
        show(Console(), report)
        typer.echo(f"written to {folder}")
