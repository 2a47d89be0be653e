"""The folder in which data files lie, and nothing outside it."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fedsim.errors import FedsimError

VARIABLE: Final = "FEDSIM_DATA"
"""The environment variable that names the folder of data, or several as ``PATH`` does."""


def find(name: str, folder: str | None = None, hint: str = "") -> Path:
    """The data file of this name, or the same with ``.gz`` behind it.

    Args:
        name: a path below the folder.
        folder: where to look; if not given, the folders that ``FEDSIM_DATA`` names, in order.
        hint: where the file can be had.

    Raises:
        FedsimError: if no folder is named or there, the name leads out of it, or the file is not in it.
    """
    folders = _folders(folder)
    for place in folders:
        for path in (place / name, place / f"{name}.gz"):
            inside = path.resolve()
            if not inside.is_relative_to(place.resolve()):
                raise FedsimError(f"{name}: leads out of the data folder {place}: name a file below it")
            if inside.is_file():
                return path
    looked = ", ".join(map(str, folders))
    rule = f"there is no such file in {looked}" if folders else f"no data folder is named: set {VARIABLE}, or 'folder'"
    raise FedsimError(f"{name}: {rule}" + (f"; {hint}" if hint else ""))


def _folders(folder: str | None) -> Sequence[Path]:
    if folder is not None:
        named = [folder]
    else:
        named = [part for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]
    folders = [Path(part).expanduser() for part in named]
    for place in folders:
        if not place.is_dir():
            what = "folder" if folder is not None else VARIABLE
            raise FedsimError(f"{what}: {str(place)!r} is no folder of data")
    return folders
