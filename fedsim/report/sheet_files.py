"""Tables on disk and on standard output, in the formats that papers and pages are written in."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fedsim.report.latex import latex
from fedsim.report.markdown import markdown
from fedsim.report.sheet import Sheet

WRITERS: Final[Mapping[str, Callable[[Sequence[Sheet]], str]]] = MappingProxyType({
    "markdown": markdown,
    "latex": latex,
})  # fmt: skip
"""What makes a text of tables, by format."""


def write_sheets(sheets: Sequence[Sheet], folder: Path) -> None:
    """Write ``table.md`` and ``table.tex`` into a folder that is there."""
    (folder / "table.md").write_text(markdown(sheets), encoding="utf-8")
    (folder / "table.tex").write_text(latex(sheets), encoding="utf-8")
