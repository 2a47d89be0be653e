"""Which files a scenario file may name: strangers may have written it.

Everything below the scenario's own folder, and in the folders of ``SIBLINGS`` beside that one, and beside those above
it that are called as in ``SHELVES``; everything below the working folder; and everything in folders that the person at
the machine names, in ``FEDSIM_DATA`` or ``FEDSIM_PATH``. Links count as what they lead to. What stands in ``--set``, or
in a mapping that a program hands over, is that person's own word, and may lead anywhere.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SIBLINGS: Final = ("data", "fleets", "scenarios", "studies", "topologies", "traces")
"""Folders beside a scenario's own in which it may name files."""

SHELVES: Final = ("scenarios", "studies")
"""Folders that hold a scenario's folder, and have the same beside them."""

VARIABLE: Final = "FEDSIM_PATH"
"""The environment variable that names further folders of files that scenarios may name, as ``PATH`` does."""

_FOLDERS: Final = (VARIABLE, "FEDSIM_DATA")


def beside(folder: Path, name: str) -> Path:
    """The path of a file that is named in a file of this folder, without steps down and up again."""
    return Path(os.path.normpath(folder / name))


def refusal(folder: Path, name: str) -> str:
    """Why a scenario in ``folder`` may not name this file or folder; empty if it may."""
    if "\0" in name:
        return "a path has no NUL in it"
    try:
        path = (folder / name).resolve()
        if not any(path.is_relative_to(place) for place in _places(folder)):
            return (
                f"{name!r} leads out of the scenario's folder, and of those beside it ({', '.join(SIBLINGS)}): if you "
                f"trust the scenario, name the file's folder in {VARIABLE}"
            )
        is_odd = path.exists() and not (path.is_file() or path.is_dir())
    except (OSError, RuntimeError, ValueError) as error:  # too long, or links in a circle
        return f"is no path: {getattr(error, 'strerror', None) or 'it cannot be followed'}"
    return f"{name!r} is neither a file nor a folder" if is_odd else ""


def _places(folder: Path) -> Iterator[Path]:
    here = folder.resolve()
    yield here
    for folder_above in (here, *(parent for parent in here.parents if parent.name in SHELVES)):
        yield from (folder_above.parent / name for name in SIBLINGS)
    working = Path.cwd()
    if working != Path(working.anchor):
        yield working.resolve()
    for variable in _FOLDERS:
        for part in os.environ.get(variable, "").split(os.pathsep):
            if part:
                yield Path(part).expanduser().resolve()
