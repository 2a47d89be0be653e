"""Tables as Markdown, as GitHub and most others read it."""

import re
from collections.abc import Iterable

from fedsim.report.grid import Row
from fedsim.report.sheet import Sheet


def markdown(sheets: Iterable[Sheet]) -> str:
    """Tables below each other, each with its title and its notes; a heading inside a table is bold."""
    return "\n".join(_one(sheet) for sheet in sheets)


def _one(sheet: Sheet) -> str:
    width = len(sheet.header)
    rule = "| :-- |" + " --: |" * (width - 1)
    rows = [_row(row if len(row) > 1 else (f"**{escaped(row[0])}**",), width, bold=len(row) == 1) for row in sheet.rows]
    lines = [f"### {escaped(sheet.title)}", "", _row(sheet.header, width), rule, *rows, ""]
    return "\n".join([*lines, *(f"- {escaped(note)}" for note in sheet.notes), *([""] if sheet.notes else [])])


def _row(cells: Row, width: int, *, bold: bool = False) -> str:
    texts = [cell.strip() if bold else escaped(cell.strip()) for cell in cells]
    return "| " + " | ".join(texts + [""] * (width - len(texts))) + " |"


def escaped(text: str) -> str:
    r"""A text that Markdown takes as it is: no bar ends a cell, no sign starts an emphasis, a link or a tag."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", " ".join(text.split()))
