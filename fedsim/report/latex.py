"""Tables for LaTeX, with the rules of the package booktabs."""

import re
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from fedsim.report.grid import Row
from fedsim.report.sheet import Sheet

_MINUS: Final = re.compile(r"(?<!\w)-(?=\d)")
_SPECIAL: Final = MappingProxyType({
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
})  # fmt: skip


def latex(sheets: Iterable[Sheet]) -> str:
    r"""A ``table`` for each, with its title as the caption; needs ``\usepackage{booktabs}``, and T1 for quotes."""
    return "% \\usepackage[T1]{fontenc}\n% \\usepackage{booktabs}\n" + "\n".join(_one(sheet) for sheet in sheets)


def _one(sheet: Sheet) -> str:
    width = len(sheet.header)
    lines = [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{escaped(sheet.title)}}}",
        rf"  \begin{{tabular}}{{l{'r' * (width - 1)}}}",
        r"    \toprule",
        f"    {_row(sheet.header)}",
        r"    \midrule",
        *(f"    {_heading(row, width) if len(row) == 1 else _numbers(row)}" for row in sheet.rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        *([r"  \par\smallskip\footnotesize"] if sheet.notes else []),
        *(rf"  {escaped(note)}\par" for note in sheet.notes),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _row(cells: Row) -> str:
    return " & ".join(escaped(cell.strip()) for cell in cells) + r" \\"


def _numbers(cells: Row) -> str:
    """A row of words and numbers, whose minus signs are as long as they should be."""
    return (
        _row(cells[:1])[:-3] + "".join(f" & {_MINUS.sub('$-$', escaped(cell.strip()))}" for cell in cells[1:]) + r" \\"
    )


def _heading(cells: Row, width: int) -> str:
    return rf"\addlinespace \multicolumn{{{width}}}{{l}}{{\emph{{{escaped(cells[0])}}}}} \\"


def escaped(text: str) -> str:
    """A text that LaTeX takes as it is: its special signs have words of their own."""
    return "".join(_SPECIAL.get(sign, sign) for sign in " ".join(text.split()))
