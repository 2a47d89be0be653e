"""A table of texts, as people read it; what it is printed as is for others to say."""

from dataclasses import dataclass

from fedsim.report.grid import Row


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A title, a header (the first cell stands above the words of the first column), rows, and notes below.

    A row with a single cell is a heading inside the table. All texts are as they are: nothing is escaped.
    """

    title: str
    header: Row
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
