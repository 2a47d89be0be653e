"""Plain tables: no frames, no markup, and not wider than they must be."""

from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

Row = Sequence[str]


def grid(rows: Iterable[Row], *, header: Row = (), title: str = "") -> RenderableType:
    """A table whose first column is words and whose others are numbers, below a title.

    All texts are taken as they are: a bracket in a name is a bracket. A row without any text is a gap.
    """
    listed = [tuple(row) for row in rows]
    width = max((len(row) for row in (*listed, header)), default=0)
    table = Table(box=None, show_header=bool(header), pad_edge=False, header_style="", padding=(0, 2, 0, 0))
    for i in range(width):
        heading = Text(header[i] if i < len(header) else "", style="dim")
        table.add_column(heading, justify="left" if i == 0 else "right", overflow="fold", no_wrap=i == 0)
    for row in listed:
        table.add_row(*(Text(cell) for cell in row))
    return Group(heading_line(title), _indented(table)) if title else _indented(table)


def facts(rows: Iterable[tuple[str, str]]) -> RenderableType:
    """A list of what is what: words, and words."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name), Text(text))
    return _indented(table)


def heading_line(text: str) -> Text:
    """A line that stands above others."""
    return Text(text, style="bold")


def show(console: Console, report: RenderableType) -> None:
    """Print a report; where it is no terminal, without the blanks that fill lines up."""
    if console.is_terminal:
        console.print(report)
        return
    with console.capture() as captured:
        console.print(report)
    console.file.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _indented(table: Table) -> RenderableType:
    return Padding(table, (0, 0, 0, 2), expand=False)
