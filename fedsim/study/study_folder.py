"""The folder of a study while it is swept: what is in it already, and how a run gets into it.

    study.yaml, points.json                        what is asked
    summary.json, tables, pictures                 what the runs came to
    runs/LABEL-seed-N/                             one finished run each
    stale/                                         runs that are not of the study any more
    .lock, .staging/                               of a sweep at work; leftovers of one that was killed do no harm

A run is known by the fingerprint of its scenario and its seed, not by its folder's name.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import yaml
from filelock import FileLock, Timeout

from fedsim.errors import FedsimError
from fedsim.study.durable import write_file, write_folder
from fedsim.study.folder import FORMAT, as_json, origin
from fedsim.study.plan import Plan, PlannedRun

STUDY: Final = "study.yaml"
POINTS: Final = "points.json"
SUMMARY: Final = "summary.json"
PIECES: Final = (
    "scenario.yaml",
    "summary.json",
    "metrics.parquet",
    "events.parquet",
    "devices.parquet",
    "links.parquet",
)
"""What every run's folder has."""


DERIVED: Final = (
    "runs.csv",
    "runs.parquet",
    "table.csv",
    "differences.csv",
    "verdicts.csv",
    "quality.png",
    "points.png",
    "report.html",
)
"""What is made of all runs together, beside the summary."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How far a study is: the runs that are there, and folders that were set aside, as stale or damaged."""

    done: frozenset[str]
    stale: tuple[str, ...]
    damaged: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyFolder:
    """A study's folder, held by this sweep alone."""

    place: Path

    @property
    def runs(self) -> Path:
        """Where finished runs are."""
        return self.place / "runs"

    @property
    def stale(self) -> Path:
        """Where runs are that belong to an earlier version of the study."""
        return self.place / "stale"

    @property
    def staging(self) -> Path:
        """Where files are until they are complete."""
        return self.place / ".staging"

    def arrange(self, plan: Plan) -> Standing:
        """Put every run that is there already in its place, and all others aside; say what the study is."""
        wanted = {run.identity: run.name for run in plan.runs}
        damaged = self._set_aside(wanted)
        for folder in _folders(self.stale):
            name = wanted.get(identity_of(folder) or ("", -1))
            if name is not None and not (self.runs / name).exists():
                folder.rename(self.runs / name)
        done = frozenset(folder.name for folder in _folders(self.runs))
        self._say_what_it_is(plan, is_complete=len(done) == len(wanted))
        left = [folder.name for folder in _folders(self.stale)]
        if not left and self.stale.is_dir():
            self.stale.rmdir()
        stale = tuple(name for name in left if name not in damaged)
        return Standing(done=done, stale=stale, damaged=tuple(damaged))

    def put(self, run: PlannedRun, files: Mapping[str, bytes]) -> None:
        """Add a finished run."""
        write_folder(self.runs / run.name, files, self.staging)

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file beside the runs, in place of an older one."""
        write_file(self.place / name, content.encode() if isinstance(content, str) else content, self.staging)

    def _say_what_it_is(self, plan: Plan, *, is_complete: bool) -> None:
        """Write what is asked; if it is not what was asked before, or not answered, take away what was made of that."""
        study = yaml.safe_dump(plan.study_words(), sort_keys=False, allow_unicode=True, width=120)
        points = as_json({"points": plan.point_words()})
        if not (self.place / STUDY).exists():
            # First what tells a study's folder from others: a kill in between must not leave one that nobody knows.
            self.write(STUDY, study)
        if not (is_complete and self._has(STUDY, study) and self._has(POINTS, points)):
            words = {**origin("sweep"), "name": plan.study.name, "question": plan.study.question, "complete": False}
            self.write(SUMMARY, as_json(words))
            for name in DERIVED:
                (self.place / name).unlink(missing_ok=True)
        self.write(STUDY, study)
        self.write(POINTS, points)

    def _has(self, name: str, content: str) -> bool:
        path = self.place / name
        return path.is_file() and path.read_bytes() == content.encode()

    def _set_aside(self, wanted: Mapping[tuple[str, int], str]) -> list[str]:
        """Move what is not in its place to ``stale``; returns the names there of what cannot be read."""
        damaged = []
        for folder in _folders(self.runs):
            identity = identity_of(folder)
            if identity is None or wanted.get(identity) != folder.name:
                self.stale.mkdir(exist_ok=True)
                goal = _free(self.stale / folder.name)
                folder.rename(goal)
                damaged += [goal.name] if identity is None else []
        return damaged


@contextmanager
def study_folder(place: Path) -> Iterator[StudyFolder]:
    """A study's folder for this sweep alone: a new one, an empty one, or that of an earlier sweep.

    Raises:
        FedsimError: something else is there, another sweep works on it, or it cannot be written.
    """
    try:
        _check_place(place)
        (place / "runs").mkdir(parents=True, exist_ok=True)
        lock = FileLock(place / ".lock", timeout=0)
        with lock:
            folder = StudyFolder(place=place)
            shutil.rmtree(folder.staging, ignore_errors=True)
            folder.staging.mkdir(exist_ok=True)
            try:
                yield folder
            finally:
                shutil.rmtree(folder.staging, ignore_errors=True)
    except Timeout:
        raise FedsimError(f"{place}: another sweep is at work there: let it finish, or give a new folder") from None
    except OSError as error:
        raise FedsimError(f"{place}: cannot be written: {error.strerror or error}; what is finished is kept") from error


def identity_of(folder: Path) -> tuple[str, int] | None:
    """The fingerprint of the scenario and the seed of a complete run; None where a piece of it is missing."""
    try:
        words = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        complete = all((folder / piece).stat().st_size for piece in PIECES)
        if complete and words["kind"] == "run" and words["format"] == FORMAT:
            return str(words["fingerprint"]), int(words["seed"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return ("", -1)


def _check_place(place: Path) -> None:
    if not place.exists():
        return
    if not place.is_dir():
        raise FedsimError(f"{place}: is not a folder")
    ours = {"runs", ".lock", ".staging"}
    if not (place / STUDY).exists() and any(path.name not in ours for path in place.iterdir()):
        raise FedsimError(f"{place}: has files in it, and is no study's folder; give a new folder, or an empty one")


def _folders(place: Path) -> Sequence[Path]:
    return sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []


def _free(place: Path) -> Path:
    tries = (place if number == 1 else place.with_name(f"{place.name}-{number}") for number in count(1))
    return next(path for path in tries if not path.exists())
