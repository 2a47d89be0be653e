"""``fedsim report``."""

from collections.abc import Mapping
from typing import Final

import typer

from fedsim import problems
from fedsim.errors import FedsimError
from fedsim.report.page.writing import Format, write_report

_FORMATS: Final[Mapping[str, Format]] = {"png": "png", "svg": "svg"}


def make_report(folder: str, out: str | None, pictures: str | None) -> None:
    """Make a page of a folder of results, and say where it is.

    Raises:
        FedsimError: the folder cannot be read, or the page cannot be written.
    """
    if pictures is not None and pictures not in _FORMATS:
        raise FedsimError(f"--pictures: {problems.unknown(pictures, 'format of pictures', _FORMATS)}")
    page, *drawn = write_report(folder, out, _FORMATS[pictures] if pictures else None)
    typer.echo(page)
    if drawn:
        typer.echo(f"{len(drawn)} pictures in {drawn[0].parent}", err=True)
