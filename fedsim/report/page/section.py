"""A section of the page."""

from dataclasses import dataclass

from fedsim.report.page.figure import Figure
from fedsim.report.page.table import Table


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A heading, what there is to say, and figures and tables, in this order."""

    name: str
    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()
