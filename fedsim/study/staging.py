"""New folders that are complete or not there at all, and never in the place of an older one."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import Final

from fedsim.errors import FedsimError

RUNS: Final = Path("runs")
"""Where results go by default."""


def check_place(out: str | Path | None) -> None:
    """See to it, before any work is done, that a folder can be made: new or empty, and where one may write.

    Raises:
        FedsimError: if it cannot.
    """
    shown = RUNS if out is None else out
    place = Path(shown).resolve()
    if out is not None and place.exists():
        _check_empty(shown, place)
    above = next(parent for parent in (place, *place.parents) if parent.exists())
    if not above.is_dir():
        raise FedsimError(f"{shown}: cannot be made: {above} is not a folder")
    if not os.access(above, os.W_OK | os.X_OK):
        raise FedsimError(f"{shown}: cannot be made: {above} may not be written to")


def save(fill: Callable[[Path], None], *, name: str, out: str | Path | None = None) -> Path:
    """Let ``fill`` write into a new folder, and say where that is now.

    The place is ``out``, or ``runs/<name>``; where somebody else's files are, it is the next of ``<place>-2``,
    ``<place>-3`` ... that is free. Until ``fill`` is done the folder is a hidden one beside its place, which a
    failure removes; a kill may leave it behind, and it does no harm.

    Raises:
        FedsimError: if the folder cannot be written.
    """
    place = RUNS / name if out is None else Path(out).resolve()
    stage = place.with_name(f".{place.name}-{token_hex(4)}.partial")
    try:
        stage.parent.mkdir(parents=True, exist_ok=True)
        stage.mkdir()
        fill(stage)
        return _settle(stage, place, may_be_empty=out is not None)
    except OSError as error:
        raise FedsimError(f"{place}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


@contextmanager
def partial_beside(path: Path) -> Iterator[Path]:
    """A hidden file to write, which becomes ``path`` when it is complete; a failure removes it."""
    stage = path.with_name(f".{path.name}-{token_hex(4)}.partial")
    try:
        yield stage
        stage.rename(path)
    finally:
        stage.unlink(missing_ok=True)


def _check_empty(shown: str | Path, place: Path) -> None:
    if not place.is_dir():
        raise FedsimError(f"{shown}: is not a folder")
    if any(place.iterdir()):
        raise FedsimError(f"{shown}: has files in it; give a new folder, or an empty one")
    if place.is_mount() or place == Path.cwd():
        raise FedsimError(f"{shown}: cannot be replaced as a whole; give a new folder inside it")


def _settle(stage: Path, place: Path, *, may_be_empty: bool) -> Path:
    """Rename to the first place that nobody has. Renaming onto a folder with files in it fails and harms nothing."""
    for number in count(1):
        goal = place if number == 1 else place.with_name(f"{place.name}-{number}")
        if os.path.lexists(goal) and not (may_be_empty and number == 1):
            continue
        try:
            return stage.rename(goal)
        except OSError as error:
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                raise
    raise AssertionError
