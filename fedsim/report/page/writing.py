"""A report on disk: the page, and its figures as pictures."""

import io
import warnings
from itertools import product
from pathlib import Path
from secrets import token_hex
from typing import Final, Literal

import matplotlib as mpl

from fedsim.errors import FedsimError
from fedsim.report.page.compose import compose
from fedsim.report.page.figure import Figure
from fedsim.report.page.html import MARK, html
from fedsim.report.page.page import Page
from fedsim.report.page.picture import picture
from fedsim.report.page.subject import read_subject

Format = Literal["png", "svg"]
PAGE: Final = "report.html"
_HEAD: Final = 4096


def write_report(folder: str | Path, out: str | Path | None = None, pictures: Format | None = None) -> list[Path]:
    """Make a page of a folder of results, ``report.html`` in it or ``out``, and say what was written.

    An older report is replaced, whole and at once; another file is not. With ``pictures`` every view of every figure is
    drawn as well, into ``pictures/`` in the folder. The same folder gives the same bytes.

    Raises:
        FedsimError: the folder cannot be read, a piece of software is missing, or the page cannot be written.
    """
    place = Path(folder) / PAGE if out is None else Path(out)
    check_replaceable(place)
    page = compose(read_subject(folder))
    text, below = html(page), Path(folder) / "pictures"
    _replace(place, text.encode())
    try:
        return [place, *(_write_pictures(page, below, pictures) if pictures else [])]
    except OSError as error:
        raise FedsimError(f"{error.filename or below}: cannot be written: {error.strerror or error}") from None


def _replace(place: Path, content: bytes) -> None:
    """Put the page there, or name the place and not the file beside it that was on its way."""
    try:
        replace(place, content)
    except OSError as error:
        raise FedsimError(f"{place}: cannot be written: {error.strerror or error}") from None


def check_replaceable(place: Path) -> None:
    """See to it, before any work is done, that no file of another kind is written over.

    Raises:
        FedsimError: there is one.
    """
    if not place.exists():
        return
    if place.is_file():
        with place.open("rb") as file:
            if MARK.encode() in file.read(_HEAD):
                return
    raise FedsimError(f"{place}: is there already, and is no report of fedsim's: name another with --out")


def replace(place: Path, content: bytes) -> None:
    """Write a file that is whole or not there: first under another name, beside its place."""
    stage = place.with_name(f".{place.name}-{token_hex(4)}.partial")
    try:
        stage.write_bytes(content)
        stage.replace(place)
    finally:
        stage.unlink(missing_ok=True)


def _write_pictures(page: Page, folder: Path, suffix: Format) -> list[Path]:
    folder.mkdir(exist_ok=True)
    written = []
    for section in page.sections:
        for figure in section.figures:
            for name, content in drawn(figure, suffix):
                replace(folder / f"{name}.{suffix}", content)
                written.append(folder / f"{name}.{suffix}")
    return written


def drawn(figure: Figure, suffix: Format) -> list[tuple[str, bytes]]:
    """Every view, by the figure's name and the numbers of its options."""
    options = list(product(*(enumerate(control.options) for control in figure.controls)))
    found = []
    for view, chosen in zip(figure.views, options, strict=True):
        name = "-".join([figure.name, *(_slug(text) for _, text in chosen)])
        title = f"{figure.title} ({', '.join(text for _, text in chosen)})" if chosen else figure.title
        content = io.BytesIO()
        with warnings.catch_warnings(), mpl.rc_context({"svg.hashsalt": "fedsim", "svg.fonttype": "none"}):
            warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a box stands for it
            metadata = {"Date": None} if suffix == "svg" else None
            picture(view.body, title).savefig(content, dpi=150, format=suffix, metadata=metadata)
        found.append((name, content.getvalue()))
    return found


def _slug(text: str) -> str:
    """A text as a part of a file's name."""
    return "-".join("".join(sign if sign.isalnum() else " " for sign in text).split())[:40] or "x"
