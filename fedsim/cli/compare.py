"""``fedsim compare``."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typer
from rich.console import Console

from fedsim import units
from fedsim.errors import FedsimError, ScenarioError
from fedsim.problems import Mistakes, unknown
from fedsim.report.grid import show
from fedsim.report.progress import progress
from fedsim.report.remaining import counted
from fedsim.report.sheet_files import WRITERS, write_sheets
from fedsim.report.side_by_side import comparison_report, comparison_sheets
from fedsim.scenario import Scenario, load
from fedsim.study.compare import compare
from fedsim.study.comparison import Comparison
from fedsim.study.finished import compare_folders
from fedsim.study.folder import as_json, comparison_summary, write_comparison
from fedsim.study.staging import check_place

FORMATS: Final = ("text", "markdown", "latex", "csv")
_SEEDS: Final = 5
_METRIC: Final = "mean_accuracy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wishes:
    """The options of the command; None where it was not said."""

    seeds: int | None
    metric: str | None
    target: str | None
    workers: int | None
    overrides: tuple[str, ...]
    out: str | None
    format: str
    quiet: bool
    json: bool

    @property
    def is_silent(self) -> bool:
        """Whether nobody looks on."""
        return self.quiet or self.json


def compare_all(places: Sequence[str], wishes: Wishes) -> None:
    """Compare scenario files, which are run, or folders of runs that are finished, and print them side by side.

    Raises:
        FedsimError: before anything runs, if the files or folders cannot be used; later if a run fails.
    """
    if wishes.format not in FORMATS:
        raise FedsimError(unknown(wishes.format, "format", FORMATS))
    folders = [place for place in places if Path(place).is_dir()]
    if folders and len(folders) < len(places):
        raise FedsimError(f"folders of finished runs and scenario files cannot be mixed: {folders[0]} is a folder")
    check_place(wishes.out)
    comparison = _finished(folders, wishes) if folders else _simulated(places, wishes)
    _tell(comparison, wishes, is_new=not folders)


def _simulated(files: Sequence[str], wishes: Wishes) -> Comparison:
    scenarios, seeds = _load_all(files, wishes.overrides), wishes.seeds or _SEEDS
    runs, first = len(scenarios) * seeds, scenarios[0].seed
    with progress(Console(stderr=True), f"0 of {runs} runs", quiet=wishes.is_silent) as line:
        return compare(
            scenarios,
            range(first, first + seeds),
            metric=wishes.metric or _METRIC,
            target=_target(wishes),
            workers=wishes.workers or os.cpu_count() or 1,
            tell=counted(runs, line.say),
        )


def _finished(folders: Sequence[str], wishes: Wishes) -> Comparison:
    given = {"--seeds": wishes.seeds, "--workers": wishes.workers, "--set": wishes.overrides or None}
    idle = [option for option, value in given.items() if value is not None]
    if idle:
        raise FedsimError(f"{idle[0]} says nothing of runs that are finished: it is for scenario files")
    return compare_folders(folders, metric=wishes.metric, target=_target(wishes))


def _target(wishes: Wishes) -> float | None:
    return None if wishes.target is None else units.parse(wishes.target, "1")


def _tell(comparison: Comparison, wishes: Wishes, *, is_new: bool) -> None:
    """Write the folder, of finished runs only where one is asked for; and print what is wanted."""
    sheets, folder = comparison_sheets(comparison), None
    if is_new or wishes.out is not None:
        folder = write_comparison(comparison, wishes.out, besides=lambda place: write_sheets(sheets, place))
    if wishes.json:
        typer.echo(as_json(comparison_summary(comparison)), nl=False)
    elif wishes.format == "csv":
        typer.echo(comparison.figures().to_csv(index=False), nl=False)
    elif wishes.format in WRITERS:
        typer.echo(WRITERS[wishes.format](sheets), nl=False)
    elif not wishes.quiet:
        show(Console(), comparison_report(comparison))
        if folder is not None:
            typer.echo(f"written to {folder}")
    elif folder is not None:
        typer.echo(folder)


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
