"""Files and folders that survive a kill and a power cut: complete under their name, or not there."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex


def write_folder(place: Path, files: Mapping[str, bytes], staging: Path) -> None:
    """Write a new folder: below ``staging``, on the same disk, and then under its name.

    Every file, the folder and the entry of its name are on the disk when this returns.

    Raises:
        OSError: it cannot be written; nothing is left then.
    """
    stage = staging / f"{place.name}-{token_hex(4)}"
    try:
        stage.mkdir()
        for name, content in files.items():
            _write(stage / name, content)
        _sync_folder(stage)
        stage.rename(place)
        _sync_folder(place.parent)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def write_file(place: Path, content: bytes, staging: Path) -> None:
    """Write a file in place of an older one of its name: that, or this, is there at any moment.

    Raises:
        OSError: it cannot be written; the older one is still there then.
    """
    stage = staging / f"{place.name}-{token_hex(4)}"
    try:
        _write(stage, content)
        stage.replace(place)
        _sync_folder(place.parent)
    finally:
        stage.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """See to it that the names in a folder are on the disk; where folders cannot be opened there is no need to."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
